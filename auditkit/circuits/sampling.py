"""What a sample says of what was not seen: a bound on what it missed, and a range for a share. Exact."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from auditkit.records.base import UNIT


def most_missed(sampled: int, hits: int, rest: int, confidence: Decimal) -> int:
    """The most that ``rest`` may hold of what a sample found ``hits`` of, with this confidence.

    The sample was drawn without replacement from itself and the rest. The largest number at which so few
    hits, or fewer, are not rarer than the confidence leaves: a one-sided hypergeometric bound.
    """
    tail = 1 - Fraction(confidence)
    everyone = sampled + rest
    ways = math.comb(everyone, sampled)

    def chance(there: int) -> Fraction:
        """That a sample has no more hits, where there are so many among all."""
        fewer = sum(
            math.comb(there, k) * math.comb(everyone - there, sampled - k)
            for k in range(min(hits, there) + 1)
            if sampled - k <= everyone - there
        )
        return Fraction(fewer, ways)

    low, high = hits, everyone + 1  # the chance falls as there are more
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if chance(middle) > tail else (low, middle)
    return min(low - hits, rest)


def share_range(hits: int, n: int, confidence: Decimal) -> tuple[Decimal, Decimal]:
    """The shares that so many hits of n leave possible, to the record's digits (Clopper and Pearson 1934).

    Raises:
        ValueError: there are no trials, or more hits than trials.
    """
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"{hits} hits of {n}")
    tail = (1 - Fraction(confidence)) / 2
    low = 0 if hits == 0 else _first(lambda step: 1 - _binomial(hits - 1, n, step) > tail)
    high = _STEPS if hits == n else _first(lambda step: _binomial(hits, n, step) <= tail)
    return low * UNIT, high * UNIT


_STEPS = int(1 / UNIT)


def _first(holds: Callable[[int], bool]) -> int:
    """The first of all steps at which something holds that holds from there on."""
    low, high = -1, _STEPS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _binomial(hits: int, n: int, step: int) -> Fraction:
    """The chance of so many hits, or fewer, of n, where the share is so many steps."""
    ways = sum(math.comb(n, k) * step**k * (_STEPS - step) ** (n - k) for k in range(hits + 1))
    return Fraction(ways, _STEPS**n)
