"""Measures auditkit's identification beside every peer, on one machine and the same examples.

Read ``identification`` first (the command), then ``tasks`` (what is measured on, and what is true
there), ``figures`` (what each figure means) and ``peers`` (one module per method).
"""
