"""The shades of effects, and how an effect is written where there is room for two places only."""

from __future__ import annotations

from decimal import Decimal

from auditkit.report.wording import decimal_text

POSITIVE = ("#e7eff8", "#c5daee", "#94bde0", "#63a0d4")
NEGATIVE = ("#fbeee3", "#f5d5b9", "#ecb684", "#e29a55")
_STEPS = (Decimal("0.05"), Decimal("0.15"), Decimal("0.40"))


def shade(effect: Decimal) -> str:
    """A colour: blue for an effect that supports the task, orange for one that opposes it."""
    scale = NEGATIVE if effect < 0 else POSITIVE
    return scale[sum(abs(effect) >= step for step in _STEPS)]


def two_places(effect: Decimal) -> str:
    """An effect to two places; one that rounds to zero has no sign."""
    rounded = effect.quantize(Decimal("0.01"))
    return decimal_text(abs(rounded) if rounded.is_zero() else rounded)
