"""What follows from measurements by stated rules: exact, no torch. In reading order:

verdict      the rules, in order
conclusions  all of them on one task
findings     what a reader should take from a task, one sentence each
limitations  the limits on page 1
"""
