"""How circuit and verdict held when the examples were drawn again, as a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

from markupsafe import Markup

from auditkit.messages import _
from auditkit.records.base import HeadId
from auditkit.report.drawings.axis import Axis, frame
from auditkit.report.drawings.svg import (
    INK,
    LINE,
    POSITIVE,
    QUIET,
    Chart,
    drawing,
    line,
    rect,
    text,
)
from auditkit.report.wording import decimal_text, percent_text

_LEFT, _WIDTH, _TOP = 78.0, 190.0, 8.0
_PITCH, _BAR = 12.0, 30.0
_FILLS = (POSITIVE[2], "#ffffff", QUIET, LINE)
"""One for each verdict there is."""


@dataclass(frozen=True)
class SplitBar:
    """All redrawn sets, in parts: what a part is, and its share, from left to right."""

    label: str
    parts: tuple[tuple[str, Decimal], ...]

    @property
    def said(self) -> str:
        """The parts in words."""
        return ", ".join(
            _("{words} {share}", words=words, share=percent_text(share))
            for words, share in self.parts
        )


def _split(axis: Axis, bar: SplitBar, top: float) -> list[Markup]:
    """One box a part, the first the darkest, and all of them in words below."""
    before = accumulate((share for _words, share in bar.parts), initial=Decimal(0))
    boxes = [
        rect(
            axis.at(start),
            top,
            axis.at(start + share) - axis.at(start),
            11,
            fill=fill,
            stroke=INK,
            stroke_width="0.7",
        )
        for (_words, share), start, fill in zip(bar.parts, before, _FILLS, strict=False)
    ]
    return [
        *boxes,
        text(_LEFT - 8, top + 9, bar.label, text_anchor="end"),
        text(4, top + 21, bar.said, font_size="8", fill=QUIET),
    ]


def stability_chart(
    heads: Sequence[tuple[HeadId, Decimal]], splits: Sequence[SplitBar], least: Decimal
) -> Chart:
    """One bar per head for how often it was in the circuit; below, how the redrawn sets split.

    The dashed line at ``least`` crosses the first split only: it is not asked of heads.
    """
    axis = Axis(0.0, 1.0, _LEFT, _WIDTH)
    bottom = _TOP + _PITCH * len(heads)
    parts = frame(axis, _TOP, bottom)
    for index, (head, share) in enumerate(heads):
        y = _TOP + _PITCH * (index + 0.5)
        parts.append(rect(axis.at(0), y - 4, axis.at(share) - axis.at(0), 8, fill=POSITIVE[2]))
        parts.append(text(_LEFT - 8, y + 3, head, text_anchor="end"))
        parts.append(text(_LEFT + _WIDTH + 8, y + 3, decimal_text(share)))
    top = bottom + 24
    for index, bar in enumerate(splits):
        parts += _split(axis, bar, top + index * _BAR)
    end, place = top + _BAR * len(splits), axis.at(least)
    parts.append(line(place, top - 4, place, top + 14, INK, stroke_dasharray="3 2"))
    spoken = "; ".join(
        _("head {head}: {share}", head=head, share=decimal_text(share)) for head, share in heads
    )
    split = "; ".join(_("{label}: {parts}", label=bar.label, parts=bar.said) for bar in splits)
    words = _(
        "How often each head was in the circuit. {heads}. Of all redrawn sets. {splits}. Agreement "
        "asked: at least {least}.",
        heads=spoken,
        splits=split,
        least=percent_text(least),
    )
    return drawing(_LEFT + _WIDTH + 56, end, words, parts)
