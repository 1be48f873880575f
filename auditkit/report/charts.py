"""Charts as SVG with a text alternative. Colour never carries meaning alone.

Each function returns markup that is final: the template places it. Geometry is computed here from
the record's decimals; every number a reader sees is written by ``wording``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from auditkit.records.base import HeadId, Interval
from auditkit.report.svg import INK as _INK
from auditkit.report.svg import LINE as _LINE
from auditkit.report.svg import QUIET as _QUIET
from auditkit.report.svg import Chart
from auditkit.report.svg import drawing as _chart
from auditkit.report.svg import element as _element
from auditkit.report.svg import line as _line
from auditkit.report.svg import number as _n
from auditkit.report.svg import path as _path
from auditkit.report.svg import rect as _rect
from auditkit.report.svg import text as _text
from auditkit.report.wording import decimal_text

_POSITIVE = ("#e7eff8", "#c5daee", "#94bde0", "#63a0d4")
_NEGATIVE = ("#fbeee3", "#f5d5b9", "#ecb684", "#e29a55")
_STEPS = (Decimal("0.05"), Decimal("0.15"), Decimal("0.40"))
_Place = tuple[float, float, float]  # left, top, side


@dataclass(frozen=True)
class EffectRow:
    """One line of an interval chart: its label and the measured interval."""

    label: str
    interval: Interval


@dataclass(frozen=True)
class ThresholdRow:
    """One measured share with its interval and the range in which it counts as observed.

    ``most`` is ``None`` where only a least share is asked for.
    """

    label: str
    interval: Interval
    least: Decimal
    most: Decimal | None


@dataclass(frozen=True)
class CountRow:
    """One head's count, and the mean count that swapped labels give."""

    label: str
    count: int
    swapped_mean: Decimal


@dataclass(frozen=True)
class HeadMap:
    """What is known of every head: layer sizes, exact effects, and who was declared and found."""

    heads_per_layer: tuple[tuple[int, int], ...]
    effects: dict[HeadId, Decimal]
    found: frozenset[HeadId]
    declared: frozenset[HeadId] | None


def _shade(effect: Decimal) -> str:
    scale = _NEGATIVE if effect < 0 else _POSITIVE
    return scale[sum(abs(effect) >= step for step in _STEPS)]


def _mark(x: float, y: float, size: float, *, found: bool, declared: bool) -> Markup:
    """A dot for found, a ring for declared, both for a match: shapes, not colours."""
    dot = _element("circle", cx=_n(x), cy=_n(y), r=_n(size * 0.11), fill=_INK)
    ring = _element(
        "circle",
        cx=_n(x),
        cy=_n(y),
        r=_n(size * 0.21),
        fill="none",
        stroke=_INK,
        stroke_width=_n(max(size * 0.05, 0.8)),
    )
    return (ring if declared else Markup("")) + (dot if found else Markup(""))


def _cell(heads: HeadMap, head: HeadId, effect: Decimal, place: _Place) -> Markup:
    x, y, size = place
    numbered = size >= 26
    cell = _rect(x, y, size, size, fill=_shade(effect), stroke=_LINE, stroke_width="0.7")
    centre = y + size * (0.32 if numbered else 0.5)
    mark = _membership(heads, head, x + size / 2, centre, size)
    if not numbered:
        return cell + mark
    label = _text(x + size / 2, y + size - 5, _short(effect), text_anchor="middle", font_size="8.5")
    return cell + mark + label


def _membership(heads: HeadMap, head: HeadId, x: float, y: float, size: float) -> Markup:
    declared = heads.declared is not None and head in heads.declared
    return _mark(x, y, size, found=head in heads.found, declared=declared)


def _unknown_cells(places: Sequence[_Place]) -> Markup:
    """Crossed-out cells as one path: a large model has a thousand, and each element costs time."""
    drawn = "".join(
        f"M{_n(x)} {_n(y)}h{_n(size)}v{_n(size)}h{_n(-size)}z"
        f"M{_n(x + 2)} {_n(y + size - 2)}L{_n(x + size - 2)} {_n(y + 2)}"
        for x, y, size in places
    )
    return _path(drawn, _LINE, "0.7")


def _short(effect: Decimal) -> str:
    rounded = effect.quantize(Decimal("0.01"))
    return decimal_text(abs(rounded) if rounded.is_zero() else rounded)


def _head_map_words(heads: HeadMap) -> str:
    listed = ", ".join(
        f"{head} {decimal_text(effect)}"
        for head, effect in heads.effects.items()
        if head in heads.found
    )
    total = sum(count for _, count in heads.heads_per_layer)
    found = f"heads in the circuit with their effect: {listed}" if listed else "no head was found"
    declared = (
        "no circuit was declared"
        if heads.declared is None
        else f"heads declared: {', '.join(_in_order(heads.declared))}"
    )
    return (
        f"Map of {total} heads by layer and head; {len(heads.effects)} were replaced one at a "
        f"time; {found}; {declared}."
    )


def _in_order(heads: Iterable[HeadId]) -> list[HeadId]:
    return sorted(heads, key=lambda head: tuple(int(part) for part in head.split(".")))


def head_map(heads: HeadMap) -> Chart:
    """Layers down, heads across: shade and number for the exact effect, ring and dot for the sets.

    A crossed-out cell is a head that was not replaced alone; its effect is unknown, not zero.
    """
    widest = max((count for _, count in heads.heads_per_layer), default=1)
    size = min(40.0, max(14.0, 600 / max(widest, 1)))
    left, top = 34.0, 18.0
    parts = [
        _text(left + size * (i + 0.5), top - 6, str(i), text_anchor="middle", fill=_QUIET)
        for i in range(widest)
    ]
    unknown: list[_Place] = []
    marks: list[Markup] = []
    for row, (layer, count) in enumerate(heads.heads_per_layer):
        y = top + row * size
        parts.append(_text(left - 6, y + size / 2 + 3, f"L{layer}", text_anchor="end", fill=_QUIET))
        for column in range(count):
            head, x = f"{layer}.{column}", left + column * size
            effect = heads.effects.get(head)
            if effect is None:
                unknown.append((x, y, size))
                marks.append(_membership(heads, head, x + size / 2, y + size / 2, size))
            else:
                marks.append(_cell(heads, head, effect, (x, y, size)))
    parts += [_unknown_cells(unknown), *marks] if unknown else marks
    height = top + len(heads.heads_per_layer) * size + 2
    return _chart(left + widest * size + 2, height, _head_map_words(heads), parts)


@dataclass(frozen=True)
class _Axis:
    """Maps a value to a place across the plot, with ticks that fall on round numbers."""

    low: float
    high: float
    left: float
    width: float

    def at(self, value: Decimal | float) -> float:
        return self.left + (float(value) - self.low) / (self.high - self.low) * self.width

    def ticks(self) -> list[float]:
        span = self.high - self.low
        step = next(
            (s for s in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0) if span / s <= 8), span / 4
        )
        first = int(self.low // step)
        marks = [step * i for i in range(first, first + 12)]
        return [mark for mark in marks if self.low - 1e-9 <= mark <= self.high + 1e-9]


def _axis(values: Sequence[Decimal], left: float, width: float) -> _Axis:
    low = min(0.0, *(float(value) for value in values))
    high = max(1.0, *(float(value) for value in values))
    pad = (high - low) * 0.03
    return _Axis(low - (pad if low < 0 else 0), high + pad, left, width)


def _frame(axis: _Axis, top: float, bottom: float) -> list[Markup]:
    parts = []
    for tick in axis.ticks():
        x = axis.at(tick)
        strong = abs(tick) < 1e-9
        parts.append(_line(x, top, x, bottom, _QUIET if strong else _LINE, stroke_width="0.7"))
        label = decimal_text(Decimal(f"{tick:.2f}").normalize())
        parts.append(_text(x, bottom + 12, label, text_anchor="middle", fill=_QUIET))
    return parts


def _whisker(axis: _Axis, interval: Interval, y: float) -> Markup:
    low, high, mean = axis.at(interval.low), axis.at(interval.high), axis.at(interval.mean)
    drawn = f"M{_n(low)} {_n(y)}H{_n(high)}M{_n(low)} {_n(y - 3)}v6M{_n(high)} {_n(y - 3)}v6"
    return _path(drawn, _INK, "1.2") + _element("circle", cx=_n(mean), cy=_n(y), r="3", fill=_INK)


def _spoken(label: str, interval: Interval) -> str:
    return (
        f"{label}: {decimal_text(interval.mean)}, interval {decimal_text(interval.low)} "
        f"to {decimal_text(interval.high)}"
    )


def effect_chart(rows: Sequence[EffectRow], threshold: Decimal) -> Chart:
    """One line per head: bar from zero to the mean, whisker for the interval, dashed thresholds."""
    left, top, pitch, width = 64.0, 8.0, 17.0, 520.0
    values = [threshold]
    for row in rows:
        values += [row.interval.low, row.interval.high, row.interval.mean]
    axis = _axis(values, left, width)
    bottom = top + pitch * len(rows)
    parts = _frame(axis, top, bottom)
    for index, row in enumerate(rows):
        y = top + pitch * (index + 0.5)
        start, end = sorted((axis.at(0), axis.at(row.interval.mean)))
        colour = _NEGATIVE[2] if row.interval.mean < 0 else _POSITIVE[2]
        parts.append(_rect(start, y - 5, end - start, 10, fill=colour))
        parts.append(_whisker(axis, row.interval, y))
        parts.append(_text(left - 8, y + 3, row.label, text_anchor="end"))
    for limit in (threshold, -threshold):  # a head that opposes the task belongs by its size
        if axis.low <= limit:
            place = axis.at(limit)
            parts.append(_line(place, top, place, bottom, _INK, stroke_dasharray="4 3"))
    spoken = "; ".join(_spoken(f"head {row.label}", row.interval) for row in rows)
    words = (
        f"Effect of replacing one head, as a share of the task effect. Threshold "
        f"{decimal_text(threshold)}. {spoken}."
    )
    return _chart(left + width + 16, bottom + 20, words, parts)


def frequency_chart(rows: Sequence[tuple[HeadId, Decimal]]) -> Chart:
    """One bar per head, from 0 to the share of settings in which it was selected."""
    left, top, pitch, width = 64.0, 8.0, 13.0, 420.0
    axis = _axis([Decimal(0)], left, width)
    bottom = top + pitch * len(rows)
    parts = _frame(axis, top, bottom)
    for index, (head, share) in enumerate(rows):
        y = top + pitch * (index + 0.5)
        parts.append(_rect(axis.at(0), y - 4, axis.at(share) - axis.at(0), 8, fill=_POSITIVE[2]))
        parts.append(_text(left - 8, y + 3, head, text_anchor="end"))
        parts.append(_text(left + width + 8, y + 3, decimal_text(share)))
    spoken = "; ".join(f"head {head}: {decimal_text(share)}" for head, share in rows)
    return _chart(
        left + width + 60, bottom + 20, f"How often heads were selected. {spoken}.", parts
    )


def _range_words(row: ThresholdRow) -> str:
    least = f"at least {decimal_text(row.least)}"
    return least if row.most is None else f"{least} and at most {decimal_text(row.most)}"


def share_chart(rows: Sequence[ThresholdRow]) -> Chart:
    """Measured shares with intervals, each over the range in which it counts as observed."""
    left, top, pitch, width = 176.0, 8.0, 30.0, 420.0
    values = [Decimal(1)]
    for row in rows:
        values += [row.interval.low, row.interval.high, row.interval.mean, row.least]
        values += [] if row.most is None else [row.most]
    axis = _axis(values, left, width)
    bottom = top + pitch * len(rows)
    parts = _frame(axis, top, bottom)
    for index, row in enumerate(rows):
        y = top + pitch * (index + 0.5)
        start = axis.at(row.least)
        end = left + width if row.most is None else axis.at(row.most)
        parts.append(_rect(start, y - 10, end - start, 20, fill="#dfe8e2", stroke="#8aa294"))
        zero, mean = axis.at(0), axis.at(row.interval.mean)
        parts.append(_rect(min(zero, mean), y - 5, abs(mean - zero), 10, fill=_POSITIVE[2]))
        parts.append(_whisker(axis, row.interval, y))
        parts.append(_text(left - 8, y + 3, row.label, text_anchor="end"))
    spoken = "; ".join(
        f"{_spoken(row.label, row.interval)}, observed when {_range_words(row)}" for row in rows
    )
    words = f"Shares of the task effect. {spoken}."
    return _chart(left + width + 16, bottom + 20, words, parts)


def count_chart(rows: Sequence[CountRow]) -> Chart:
    """One line per head: a bar for its count, an upright mark for the mean count under swaps."""
    left, top, pitch, width = 64.0, 8.0, 15.0, 520.0
    axis = _axis([max(Decimal(row.count), row.swapped_mean) for row in rows], left, width)
    bottom = top + pitch * len(rows)
    parts = _frame(axis, top, bottom)
    for index, row in enumerate(rows):
        y = top + pitch * (index + 0.5)
        start, chance = axis.at(0), axis.at(row.swapped_mean)
        parts.append(_rect(start, y - 4.5, axis.at(row.count) - start, 9, fill=_POSITIVE[2]))
        parts.append(_line(chance, y - 6, chance, y + 6, _INK, stroke_width="1.6"))
        parts.append(_text(left - 8, y + 3, row.label, text_anchor="end"))
    spoken = "; ".join(
        f"head {row.label}: {row.count}, under swaps {decimal_text(row.swapped_mean)}"
        for row in rows
    )
    words = f"Unique codes of each head, and their mean count when labels are swapped. {spoken}."
    return _chart(left + width + 16, bottom + 20, words, parts)
