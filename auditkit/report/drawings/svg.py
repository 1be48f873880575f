"""Pieces of SVG, and the drawing they make up with its text alternative."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup, escape

from auditkit.characters.spelling import visible
from auditkit.report.wording import decimal_text

INK = "#1b2733"
QUIET = "#5b6b7a"
LINE = "#c3ccd5"
FONTS = "'Auditkit Sans', 'Liberation Sans', Arial, sans-serif"


@dataclass(frozen=True)
class Chart:
    """One drawing: its SVG, the sentence that stands for it where it cannot be seen, its width."""

    svg: Markup
    alternative: str
    width: float


def element(name: str, content: str | Markup = "", **attributes: str) -> Markup:
    """An element with its attributes; ``_`` in their names stands for ``-``."""
    joined = Markup("").join(
        Markup(' {}="{}"').format(key.replace("_", "-"), value) for key, value in attributes.items()
    )
    return Markup("<{}{}>{}</{}>").format(name, joined, content, name)


def number(value: float) -> str:
    """A length with at most one digit after the point."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, **attributes: str) -> Markup:
    """Words at a place, in the size and colour of a label unless others are given."""
    given = {"font_size": "9", "fill": INK, **attributes}
    return element("text", escape(visible(words)), x=number(x), y=number(y), **given)


def line(x1: float, y1: float, x2: float, y2: float, stroke: str, **attributes: str) -> Markup:
    """A straight line."""
    return element(
        "line",
        x1=number(x1),
        y1=number(y1),
        x2=number(x2),
        y2=number(y2),
        stroke=stroke,
        **attributes,
    )


def rect(x: float, y: float, width: float, height: float, **attributes: str) -> Markup:
    """A rectangle by its upper left corner."""
    return element(
        "rect", x=number(x), y=number(y), width=number(width), height=number(height), **attributes
    )


def path(drawn: str, stroke: str, width: str) -> Markup:
    """A path that is drawn and not filled."""
    return element("path", d=drawn, fill="none", stroke=stroke, stroke_width=width)


def drawing(width: float, height: float, alternative: str, parts: Iterable[Markup]) -> Chart:
    """The parts as one picture, which says ``alternative`` where it cannot be seen."""
    title = element("title", escape(visible(alternative)))
    svg = element(
        "svg",
        title + Markup("").join(parts),
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=number(width),
        height=number(height),
        font_family=FONTS,
    )
    return Chart(svg=svg, alternative=alternative, width=width)


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
