"""The section of one task. In reading order:

section               its parts in order
plain                 in plain words
checks                the causal check
numbers               tables
pictures              which charts it gets
prompts               what was asked
ladder                claims by themselves
specification         what was specified
common_specification  what all tasks have in common
details               at the back
code_details          codes in depth
negatives             effects between negatives
unique_codes          the published method
"""
