"""The card of a calibration: every planted head as one mark, kinds as rows. Shapes, not colours, tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from auditkit.messages import N_, _
from auditkit.records.calibration import KindTotal, Outcome
from auditkit.report.drawings.svg import (
    INK,
    LINE,
    QUIET,
    Chart,
    drawing,
    element,
    line,
    number,
    rect,
    text,
)

_BLUE = "#94bde0"
_PALE = "#ffffff"
_ORANGE = "#ecb684"

_SIDE, _PITCH, _ROW = 11.0, 14.0, 22.0
_LEFT, _TOP = 112.0, 8.0
_LETTER = 4.6  # of the counts beside the marks, on average

MARKS: tuple[tuple[Outcome, str], ...] = (
    ("recovered", N_("recovered")),
    ("other_circuit_found", N_("the other right circuit found")),
    ("rightly_left_out", N_("rightly left out")),
    ("missed", N_("missed")),
    ("falsely_reported", N_("falsely reported")),
    ("not_looked_for", N_("not looked for")),
)
"""Every outcome in the order its marks are drawn, with its words."""


@dataclass(frozen=True)
class KindRow:
    """One kind of planted head: its name on the page and what became of its heads."""

    label: str
    total: KindTotal


def _square(x: float, y: float, fill: str, **attributes: str) -> Markup:
    given = {"stroke": INK, "stroke_width": "0.9", **attributes}
    return rect(x, y, _SIDE, _SIDE, fill=fill, **given)


def _recovered(x: float, y: float) -> Markup:
    dot = element("circle", cx=number(x + _SIDE / 2), cy=number(y + _SIDE / 2), r="2.4", fill=INK)
    return _square(x, y, _BLUE) + dot


def _other_circuit(x: float, y: float) -> Markup:
    middle = y + _SIDE / 2
    return _square(x, y, _BLUE) + line(x + 2, middle, x + _SIDE - 2, middle, INK)


def _left_out(x: float, y: float) -> Markup:
    return _square(x, y, _PALE, stroke=QUIET)


def _missed(x: float, y: float) -> Markup:
    end = _SIDE - 2
    return (
        _square(x, y, _ORANGE)
        + line(x + 2, y + 2, x + end, y + end, INK)
        + line(x + 2, y + end, x + end, y + 2, INK)
    )


def _false(x: float, y: float) -> Markup:
    mark = text(x + _SIDE / 2, y + _SIDE - 2, "!", text_anchor="middle", font_weight="bold")
    return _square(x, y, _ORANGE) + mark


def _not_looked_for(x: float, y: float) -> Markup:
    return _square(x, y, _PALE, stroke=QUIET, stroke_dasharray="2 2")


_DRAWN: dict[Outcome, Callable[[float, float], Markup]] = {
    "recovered": _recovered,
    "other_circuit_found": _other_circuit,
    "rightly_left_out": _left_out,
    "missed": _missed,
    "falsely_reported": _false,
    "not_looked_for": _not_looked_for,
}


def _marks(total: KindTotal) -> list[Outcome]:
    return [each for each, _words in MARKS for _mark in range(getattr(total, each))]


def counts_text(total: KindTotal) -> str:
    """``18 planted: 17 recovered, 1 not looked for``, without the counts that are zero."""
    parts = [
        _("{n} {outcome}", n=n, outcome=_(words))
        for outcome, words in MARKS
        if (n := getattr(total, outcome))
    ]
    if not parts:
        return _("none planted")
    return _("{n} planted: {outcomes}", n=total.planted, outcomes=", ".join(parts))


def _legend(top: float) -> Iterator[Markup]:
    x = _LEFT
    for place, (outcome, words) in enumerate(MARKS):
        if place == 3:  # two lines of three
            x, top = _LEFT, top + 18
        yield _DRAWN[outcome](x, top)
        yield text(x + _SIDE + 4, top + _SIDE - 2, _(words), fill=QUIET)
        x += 150


def calibration_card(rows: Sequence[KindRow]) -> Chart:
    """One row per kind with a mark for each planted head, the counts beside it, a legend below."""
    widest = max(row.total.planted for row in rows)
    end = _LEFT + widest * _PITCH
    right = end + 16 + _LETTER * max(len(counts_text(row.total)) for row in rows)
    parts: list[Markup] = []
    for index, row in enumerate(rows):
        y = _TOP + index * _ROW
        if index and row.total.control != rows[index - 1].total.control:
            parts.append(line(4, y - 4, right, y - 4, LINE))
        parts.append(text(_LEFT - 8, y + _SIDE - 2, row.label, text_anchor="end"))
        parts += [
            _DRAWN[outcome](_LEFT + place * _PITCH, y)
            for place, outcome in enumerate(_marks(row.total))
        ]
        parts.append(text(end + 8, y + _SIDE - 2, counts_text(row.total), fill=QUIET))
    bottom = _TOP + len(rows) * _ROW + 8
    parts += _legend(bottom)
    spoken = "; ".join(f"{row.label}: {counts_text(row.total)}" for row in rows)
    words = _("Planted heads of all control models by kind. {kinds}.", kinds=spoken)
    return drawing(max(right, _LEFT + 460), bottom + 34, words, parts)
