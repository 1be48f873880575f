"""What a random sample says of those that were not drawn. Exact."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction


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
