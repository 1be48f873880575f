"""Charts as SVG with a text alternative. Colour never carries meaning alone.

Each function returns markup that is final: the template places it. Geometry is computed here from
the record's decimals; every number a reader sees is written by ``wording``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from auditkit.messages import _, counted
from auditkit.records.base import HeadId, Interval
from auditkit.report.drawings.axis import Axis, axis_over, frame
from auditkit.report.drawings.svg import INK as _INK
from auditkit.report.drawings.svg import LINE as _LINE
from auditkit.report.drawings.svg import NEGATIVE, POSITIVE, Chart, shade, two_places
from auditkit.report.drawings.svg import QUIET as _QUIET
from auditkit.report.drawings.svg import drawing as _chart
from auditkit.report.drawings.svg import element as _element
from auditkit.report.drawings.svg import line as _line
from auditkit.report.drawings.svg import number as _n
from auditkit.report.drawings.svg import path as _path
from auditkit.report.drawings.svg import rect as _rect
from auditkit.report.drawings.svg import text as _text
from auditkit.report.wording import decimal_text, range_text

_Place = tuple[float, float, float]  # left, top, side


@dataclass(frozen=True)
class EffectRow:
    """One line of an interval chart: its label and the measured interval."""

    label: str
    interval: Interval


@dataclass(frozen=True)
class ThresholdRow:
    """One measured share with its interval and the range in which it counts as observed.

    ``most`` is ``None`` where only a least share is asked for. ``yardstick`` is the same share for
    other sets of heads, empty where there are none.
    """

    label: str
    interval: Interval
    least: Decimal
    most: Decimal | None
    yardstick: tuple[Decimal, ...] = ()


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
    cell = _rect(x, y, size, size, fill=shade(effect), stroke=_LINE, stroke_width="0.7")
    centre = y + size * (0.32 if numbered else 0.5)
    mark = _membership(heads, head, x + size / 2, centre, size)
    if not numbered:
        return cell + mark
    label = _text(
        x + size / 2, y + size - 5, two_places(effect), text_anchor="middle", font_size="8.5"
    )
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


def _head_map_words(heads: HeadMap) -> str:
    found_heads = ", ".join(
        f"{head} {decimal_text(heads.effects[head]) if head in heads.effects else _('unknown')}"
        for head in _in_order(heads.found)
    )
    total = sum(count for __, count in heads.heads_per_layer)
    found = (
        _(
            "heads in the circuit, each with its effect when replaced alone: {heads}",
            heads=found_heads,
        )
        if found_heads
        else _("no head was found")
    )
    declared = (
        _("no circuit was declared")
        if heads.declared is None
        else _("heads declared: {heads}", heads=", ".join(_in_order(heads.declared)))
    )
    return counted(
        len(heads.effects),
        "Map of {total} heads by layer and head; {n} was replaced alone; {found}; {declared}.",
        "Map of {total} heads by layer and head; {n} were replaced one at a time; {found}; {declared}.",
        total=str(total),
        found=found,
        declared=declared,
    )


def _in_order(heads: Iterable[HeadId]) -> list[HeadId]:
    return sorted(heads, key=lambda head: tuple(int(part) for part in head.split(".")))


def head_map(heads: HeadMap) -> Chart:
    """Layers down, heads across: shade and number for the exact effect, ring and dot for the sets.

    A crossed-out cell is a head that was not replaced alone; its effect is unknown, not zero.
    """
    widest = max((count for __, count in heads.heads_per_layer), default=1)
    size = min(36.0, max(14.0, 600 / max(widest, 1)))
    left, top = 34.0, 18.0
    parts = [
        _text(left + size * (i + 0.5), top - 6, str(i), text_anchor="middle", fill=_QUIET)
        for i in range(widest)
    ]
    unknown: list[_Place] = []
    marks: list[Markup] = []
    for row, (layer, count) in enumerate(heads.heads_per_layer):
        y = top + row * size
        parts.append(
            _text(
                left - 6,
                y + size / 2 + 3,
                _("L{layer}", layer=str(layer)),
                text_anchor="end",
                fill=_QUIET,
            )
        )
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


def _whisker(axis: Axis, interval: Interval, y: float) -> Markup:
    low, high, mean = axis.at(interval.low), axis.at(interval.high), axis.at(interval.mean)
    drawn = f"M{_n(low)} {_n(y)}H{_n(high)}M{_n(low)} {_n(y - 3)}v6M{_n(high)} {_n(y - 3)}v6"
    return _path(drawn, _INK, "1.2") + _element("circle", cx=_n(mean), cy=_n(y), r="3", fill=_INK)


def _spoken(label: str, interval: Interval) -> str:
    return _(
        "{label}: {mean}, interval {range}",
        label=label,
        mean=decimal_text(interval.mean),
        range=range_text(interval),
    )


def effect_chart(rows: Sequence[EffectRow], threshold: Decimal) -> Chart:
    """One line per head: bar from zero to the mean, whisker for the interval, dashed thresholds."""
    left, top, pitch, width = 40.0, 8.0, 13.0, 272.0
    values = [threshold]
    for row in rows:
        values += [row.interval.low, row.interval.high, row.interval.mean]
    axis = axis_over(values, left, width)
    bottom = top + pitch * len(rows)
    parts = frame(axis, top, bottom)
    for index, row in enumerate(rows):
        y = top + pitch * (index + 0.5)
        start, end = sorted((axis.at(0), axis.at(row.interval.mean)))
        colour = NEGATIVE[2] if row.interval.mean < 0 else POSITIVE[2]
        parts.append(_rect(start, y - 4, end - start, 8, fill=colour))
        parts.append(_whisker(axis, row.interval, y))
        parts.append(_text(left - 8, y + 3, row.label, text_anchor="end"))
    for limit in (threshold, -threshold):  # a head that opposes the task belongs by its size
        if axis.low <= limit:
            place = axis.at(limit)
            parts.append(_line(place, top, place, bottom, _INK, stroke_dasharray="4 3"))
    spoken = "; ".join(_spoken(_("head {head}", head=row.label), row.interval) for row in rows)
    words = _(
        "Effect of replacing one head, as a share of the task effect. Threshold {threshold}. {heads}.",
        threshold=decimal_text(threshold),
        heads=spoken,
    )
    return _chart(left + width + 16, bottom + 20, words, parts)


def frequency_chart(rows: Sequence[tuple[HeadId, Decimal]]) -> Chart:
    """One bar per head, from 0 to the share of settings in which it was selected."""
    left, top, pitch, width = 64.0, 6.0, 11.0, 420.0
    axis = axis_over([Decimal(0)], left, width)
    bottom = top + pitch * len(rows)
    parts = frame(axis, top, bottom)
    for index, (head, share) in enumerate(rows):
        y = top + pitch * (index + 0.5)
        parts.append(_rect(axis.at(0), y - 4, axis.at(share) - axis.at(0), 8, fill=POSITIVE[2]))
        parts.append(_text(left - 8, y + 3, head, text_anchor="end"))
        parts.append(_text(left + width + 8, y + 3, decimal_text(share)))
    spoken = "; ".join(
        _("head {head}: {share}", head=head, share=decimal_text(share)) for head, share in rows
    )
    words = _("How often heads were selected. {heads}.", heads=spoken)
    return _chart(left + width + 60, bottom + 20, words, parts)


def _range_words(row: ThresholdRow) -> str:
    least = decimal_text(row.least)
    if row.most is None:
        return _("at least {least}", least=least)
    return _("at least {least} and at most {most}", least=least, most=decimal_text(row.most))


def _ticks(axis: Axis, shares: Sequence[Decimal], top: float) -> Markup:
    """A short upright mark for each share, as one path."""
    return _path("".join(f"M{_n(axis.at(share))} {_n(top)}v5" for share in shares), _INK, "0.8")


def _yardstick_words(shares: Sequence[Decimal]) -> str:
    if not shares:
        return ""
    return counted(
        len(shares),
        "beside {n} other set with {low} to {high}",
        "beside {n} other sets with {low} to {high}",
        low=decimal_text(min(shares)),
        high=decimal_text(max(shares)),
    )


def _share_words(row: ThresholdRow) -> str:
    said = _(
        "{share}, observed when {range}",
        share=_spoken(row.label, row.interval),
        range=_range_words(row),
    )
    return ", ".join(filter(None, (said, _yardstick_words(row.yardstick))))


def share_chart(rows: Sequence[ThresholdRow]) -> Chart:
    """Measured shares with intervals, each over the range in which it counts as observed."""
    left, top, pitch, width = 104.0, 8.0, 34.0, 206.0
    values = [Decimal(1)]
    for row in rows:
        values += [row.interval.low, row.interval.high, row.interval.mean, row.least]
        values += [*row.yardstick] if row.most is None else [row.most, *row.yardstick]
    axis = axis_over(values, left, width)
    bottom = top + pitch * len(rows)
    parts = frame(axis, top, bottom)
    for index, row in enumerate(rows):
        y = top + pitch * (index + 0.5)
        start = axis.at(row.least)
        end = left + width if row.most is None else axis.at(row.most)
        parts.append(_rect(start, y - 9, end - start, 18, fill="#dfe8e2", stroke="#8aa294"))
        zero, mean = axis.at(0), axis.at(row.interval.mean)
        parts.append(_rect(min(zero, mean), y - 5, abs(mean - zero), 10, fill=POSITIVE[2]))
        parts.append(_whisker(axis, row.interval, y))
        parts += [_ticks(axis, row.yardstick, y + 11)] if row.yardstick else []
        parts.append(_text(left - 8, y + 3, row.label, text_anchor="end"))
    spoken = "; ".join(_share_words(row) for row in rows)
    words = _("Shares of the task effect. {shares}.", shares=spoken)
    return _chart(left + width + 16, bottom + 20, words, parts)


def count_chart(rows: Sequence[CountRow]) -> Chart:
    """One line per head: a bar for its count, an upright mark for the mean count under swaps."""
    left, top, pitch, width = 64.0, 8.0, 15.0, 520.0
    axis = axis_over([max(Decimal(row.count), row.swapped_mean) for row in rows], left, width)
    bottom = top + pitch * len(rows)
    parts = frame(axis, top, bottom)
    for index, row in enumerate(rows):
        y = top + pitch * (index + 0.5)
        start, chance = axis.at(0), axis.at(row.swapped_mean)
        parts.append(_rect(start, y - 4.5, axis.at(row.count) - start, 9, fill=POSITIVE[2]))
        parts.append(_line(chance, y - 6, chance, y + 6, _INK, stroke_width="1.6"))
        parts.append(_text(left - 8, y + 3, row.label, text_anchor="end"))
    spoken = "; ".join(
        _(
            "head {head}: {count}, under swaps {mean}",
            head=row.label,
            count=str(row.count),
            mean=decimal_text(row.swapped_mean),
        )
        for row in rows
    )
    words = _(
        "Unique codes of each head, and their mean count when labels are swapped. {heads}.",
        heads=spoken,
    )
    return _chart(left + width + 16, bottom + 20, words, parts)
