"""How findings put numbers and heads into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

Parameters = Mapping[str, Any]
"""The values of a statement, by name."""


def percent(share: str) -> str:
    """A share as a percentage with at most one digit: ``72.5 %``, ``90 %``."""
    number = (Decimal(share) * 100).quantize(Decimal("0.1"))
    return f"{abs(number) if number.is_zero() else number} %".replace(".0 %", " %")


def counted(n: int, noun: str) -> str:
    """A number of things, with the noun in the right form."""
    return f"{n or 'no'} {noun}{'' if n == 1 else 's'}"


def share(share: Mapping[str, str]) -> str:
    """A mean share with its interval: ``72.5 % (60 % to 80 %)``."""
    return f"{percent(share['mean'])} ({percent(share['low'])} to {percent(share['high'])})"


def listed(heads: Iterable[str]) -> str:
    """Heads, or other names, separated by commas."""
    return ", ".join(heads)


def rated(heads: Iterable[Mapping[str, str]]) -> str:
    """Heads, each with how often it was there."""
    return ", ".join(f"{each['head']} ({percent(each['frequency'])})" for each in heads)


def plural(n: int, one: str, many: str) -> str:
    """``one`` for one thing, else ``many``."""
    return one if n == 1 else many
