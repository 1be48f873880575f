"""The horizontal axis of a chart: where a value stands, and ticks that fall on round numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from auditkit.report.drawings.svg import LINE, QUIET, line, text
from auditkit.report.wording import decimal_text

_TICK = 46.0  # the least room for one tick, so that their numbers stay apart


@dataclass(frozen=True)
class Axis:
    """Maps a value between ``low`` and ``high`` to a place across the plot."""

    low: float
    high: float
    left: float
    width: float

    def at(self, value: Decimal | float) -> float:
        """The place of a value, from the left edge of the drawing."""
        return self.left + (float(value) - self.low) / (self.high - self.low) * self.width

    def ticks(self) -> list[float]:
        """Round values along the axis, as many as there is room for."""
        span, most = self.high - self.low, min(8.0, self.width // _TICK)
        step = next(
            (s for s in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0) if span / s <= most), span / 4
        )
        first = int(self.low // step)
        marks = [step * i for i in range(first, first + 12)]
        return [mark for mark in marks if self.low - 1e-9 <= mark <= self.high + 1e-9]


def axis_over(values: Sequence[Decimal], left: float, width: float) -> Axis:
    """An axis that has 0, 1 and all of these values on it."""
    low = min(0.0, *(float(value) for value in values))
    high = max(1.0, *(float(value) for value in values))
    pad = (high - low) * 0.03
    return Axis(low - (pad if low < 0 else 0), high + pad, left, width)


def frame(axis: Axis, top: float, bottom: float) -> list[Markup]:
    """The upright lines of the ticks, zero stronger than the others, with their numbers below."""
    parts = []
    for tick in axis.ticks():
        x = axis.at(tick)
        strong = abs(tick) < 1e-9
        parts.append(line(x, top, x, bottom, QUIET if strong else LINE, stroke_width="0.7"))
        label = decimal_text(Decimal(f"{tick:.2f}").normalize())
        parts.append(text(x, bottom + 12, label, text_anchor="middle", fill=QUIET))
    return parts
