"""Two runs beside each other.

``agreement``: whether a second run agrees with the recorded one within the noise it states.
"""
