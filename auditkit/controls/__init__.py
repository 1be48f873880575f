"""Known-answer controls: models whose circuit is written into the weights, and the exact answer key.

What calibration weights are to a balance: before a method's findings on a real model are believed, it
is run where the truth is known by construction. Read ``family.FAMILY`` first (which models there are),
then ``construction.build`` (how one is made) and ``answer_key.answer_key`` (what is true of it).
"""
