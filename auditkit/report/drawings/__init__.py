"""Pictures as SVG: bytes that repeat, and a text for every mark. In reading order:

svg                elements and shades
axis               scales and their ticks
charts             bars and intervals
circuit_chart      the circuit by layer
stability_chart    how often heads return
calibration_chart  planted heads and what became of them
"""
