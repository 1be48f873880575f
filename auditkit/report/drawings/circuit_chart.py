"""The circuit as a drawing: its heads by layer, with what each is known as. Shapes and letters tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from markupsafe import Markup

from auditkit.messages import N_, _
from auditkit.records.base import HeadId
from auditkit.report.drawings.svg import (
    INK,
    LINE,
    QUIET,
    Chart,
    drawing,
    element,
    line,
    number,
    path,
    shade,
    two_places,
)
from auditkit.report.drawings.svg import text as words_at
from auditkit.report.wording import decimal_text, listed

Mark = Literal["found", "completing", "constant role", "backup", "declared"]
LETTERS: dict[Mark, str] = {
    "found": N_("F"),
    "completing": N_("C"),
    "constant role": N_("K"),
    "backup": N_("B"),
    "declared": N_("D"),
}
"""Every mark with its letter, in the order letters are written."""
NAMES: dict[Mark, str] = {
    "found": N_("found"),
    "completing": N_("completing"),
    "constant role": N_("constant role"),
    "backup": N_("backup"),
    "declared": N_("declared"),
}

_LEFT, _PITCH, _ROW, _TOP = 34.0, 84.0, 54.0, 6.0
_WIDTH, _HEIGHT = 48.0, 28.0
_PER_LINE = 7
_CORNER = 8.0  # how far the slanted and pointed shapes reach in


@dataclass(frozen=True)
class CircuitNode:
    """One head: its effect where it was measured, what it is known as, where it acts most.

    ``measure`` says what the effect is that of. ``role`` is the token role with the largest share,
    empty where none is known.
    """

    head: HeadId
    layer: int
    effect: Decimal | None
    measure: str
    marks: tuple[Mark, ...]
    role: str


_Places = dict[HeadId, tuple[float, float]]


def _outline(marks: Sequence[Mark], x: float, y: float) -> str:
    """A box for found or declared, cut corners for completing, points for constant, slant for backup."""
    left, right, top, bottom = x - _WIDTH / 2, x + _WIDTH / 2, y - _HEIGHT / 2, y + _HEIGHT / 2
    inner, outer, cut = left + _CORNER, right - _CORNER, _CORNER
    cut_corners = [(inner, top), (outer, top), (right, top + cut), (right, bottom - cut)]
    cut_corners += [(outer, bottom), (inner, bottom), (left, bottom - cut), (left, top + cut)]
    pointed = [(inner, top), (outer, top), (right, y), (outer, bottom), (inner, bottom), (left, y)]
    slanted = [(inner, top), (right, top), (outer, bottom), (left, bottom)]
    box = [(left, top), (right, top), (right, bottom), (left, bottom)]
    if "completing" in marks:
        corners = cut_corners
    elif "constant role" in marks:
        corners = pointed
    else:
        corners = slanted if "backup" in marks else box
    return "M" + "L".join(f"{number(a)} {number(b)}" for a, b in corners) + "z"


def _node(node: CircuitNode, x: float, y: float) -> list[Markup]:
    dashed = {"stroke_dasharray": "3 2"} if node.marks == ("declared",) else {}
    outline = element(
        "path",
        d=_outline(node.marks, x, y),
        fill="#ffffff" if node.effect is None else shade(node.effect),
        stroke=INK,
        stroke_width="1.6" if "declared" in node.marks else "0.8",
        **dashed,
    )
    letters = "".join(_(letter) for mark, letter in LETTERS.items() if mark in node.marks)
    effect = _("unknown") if node.effect is None else two_places(node.effect)
    parts = [
        outline,
        words_at(x, y - 3, f"{node.head} {letters}", text_anchor="middle", font_weight="bold"),
        words_at(x, y + 9, effect, text_anchor="middle"),
    ]
    below = y + _HEIGHT / 2 + 9
    role = words_at(x, below, node.role, text_anchor="middle", font_size="7.5", fill=QUIET)
    return [*parts, role] if node.role else parts


def _spoken(node: CircuitNode) -> str:
    effect = (
        _("effect unknown")
        if node.effect is None
        else f"{node.measure} {decimal_text(node.effect)}"
    )
    values = {
        "head": node.head,
        "marks": listed(_(NAMES[mark]) for mark in node.marks),
        "effect": effect,
    }
    if not node.role:
        return _("{head}: {marks}, {effect}", **values)
    return _(
        "{head}: {marks}, {effect}, role with the largest share: {role}", **values, role=node.role
    )


def in_lines(nodes: Sequence[CircuitNode]) -> list[list[CircuitNode]]:
    """The nodes of each layer in lines that fit the page's width, the last layer first."""
    lines: list[list[CircuitNode]] = []
    for layer in sorted({node.layer for node in nodes}, reverse=True):
        own = [node for node in nodes if node.layer == layer]
        lines += [own[i : i + _PER_LINE] for i in range(0, len(own), _PER_LINE)]
    return lines


def _layer_labels(lines: Sequence[Sequence[CircuitNode]], width: float) -> list[Markup]:
    parts = []
    for index, row in enumerate(lines):
        y = _TOP + index * _ROW
        new = index == 0 or lines[index - 1][0].layer != row[0].layer
        if new and index:
            parts.append(line(4, y - 3, width - 4, y - 3, LINE, stroke_width="0.7"))
        label = _("L{layer}", layer=str(row[0].layer)) if new else ""
        parts.append(
            words_at(_LEFT - 10, y + _HEIGHT / 2 + 3, label, text_anchor="end", fill=QUIET)
        )
    return parts


def circuit_chart(nodes: Sequence[CircuitNode], edges: Sequence[tuple[HeadId, HeadId]]) -> Chart:
    """The heads from the first layer at the bottom to the last at the top, and the edges among them."""
    lines = in_lines(nodes)
    widest = max((len(row) for row in lines), default=1)
    width = _LEFT + widest * _PITCH + 4
    places: _Places = {
        node.head: (_LEFT + (column + 0.5) * width_of, _TOP + index * _ROW + _HEIGHT / 2)
        for index, row in enumerate(lines)
        for width_of in ((width - _LEFT - 4) / len(row),)
        for column, node in enumerate(row)
    }
    joined = [
        f"M{number(places[a][0])} {number(places[a][1])}L{number(places[b][0])} {number(places[b][1])}"
        for a, b in edges
        if a in places and b in places
    ]
    parts = _layer_labels(lines, width)
    parts += [path("".join(joined), QUIET, "0.8")] if joined else []
    for node in nodes:
        parts += _node(node, *places[node.head])
    spoken = "; ".join(_spoken(node) for node in nodes)
    pairs = listed((_("{one} through {other}", one=a, other=b) for a, b in edges), _("no pair"))
    words = _(
        "Heads by layer. {heads}. One acts through the other: {pairs}.",
        heads=spoken,
        pairs=pairs,
    )
    return drawing(width, _TOP + len(lines) * _ROW, words, parts)
