"""How a finding is stated: a code, how much it weighs, the values it is about, and its sentence."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from auditkit.circuits.null import DRAWS, EXACT_UP_TO, too_few
from auditkit.judging.findings.words import WORDS
from auditkit.records.base import Interval, NotAssessed, Parameter, Row
from auditkit.records.task import Finding, NullTest

Level = Literal["note", "warning", "failure"]


def finding(code: str, level: Level, **parameters: Parameter) -> Finding:
    """The finding of this code, in the words of this edition.

    Raises:
        KeyError: no sentence has this code, or its sentence lacks a parameter.
    """
    return Finding(code=code, level=level, parameters=parameters, text=WORDS[code](parameters))


def exact(number: Decimal) -> str:
    """A decimal as a parameter: every digit it has."""
    return format(number, "f")


def bounds(interval: Interval) -> Row:
    """A mean with its interval as a parameter."""
    return {
        "mean": exact(interval.mean),
        "low": exact(interval.low),
        "high": exact(interval.high),
    }


def few_examples(null: NullTest, n_examples: int, n_heads: int) -> Iterator[Finding]:
    """That no head could have been told from chance by itself, where that is so."""
    if not too_few(null, n_examples):
        return
    least = null.least_examples
    needed: dict[str, Parameter] = (
        {"exact_up_to": EXACT_UP_TO, "draws": DRAWS}
        if isinstance(least, NotAssessed)
        else {"least_examples": least}
    )
    yield finding("few_examples_for_null", "note", examples=n_examples, heads=n_heads, **needed)
