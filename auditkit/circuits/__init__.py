"""Circuits as exact arithmetic over recorded integers and decimals: no torch, repeated by ``verify``.

In reading order:

intervals     bootstrap intervals over examples
null          what swapped labels, and two negatives, show by chance
codes         examples as sets of integers, their signature and its latents
circuit       which heads belong to a circuit, and their edges
effects       what measurements come to: behaviour, effects, sets of heads
roles         what a token position is to its prompt pair
stability     circuits, verdicts and codes under other draws, seeds and thresholds
unique_codes  the published method's counts
"""
