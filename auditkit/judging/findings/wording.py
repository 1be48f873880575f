"""How findings are put into words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from auditkit.circuits.null import needed, too_few
from auditkit.records.task import Finding, NullTest


def percent(share: Decimal) -> str:
    """A share as a percentage with at most one digit: ``72.5 %``, ``90 %``."""
    return f"{(share * 100).quantize(Decimal('0.1'))} %".replace(".0 %", " %")


def counted(n: int, noun: str) -> str:
    """A number of things, with the noun in the right form."""
    return f"{n or 'no'} {noun}{'' if n == 1 else 's'}"


def finding(code: str, level: Literal["note", "warning", "failure"], text: str) -> Finding:
    """One sentence for the reader, with its code and its weight."""
    return Finding(code=code, level=level, text=text)


def few_examples(null: NullTest, n_examples: int, n_heads: int) -> Iterator[Finding]:
    """That no head could have been told from chance by itself, where that is so."""
    if too_few(null, n_examples):
        yield finding(
            "few_examples_for_null",
            "note",
            f"With {n_examples} examples the label-swap test cannot tell one head alone from chance "
            f"among {n_heads}. {needed(null)}",
        )
