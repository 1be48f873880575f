"""The bound on what a random sample missed, against counting every way to draw it."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from auditkit.circuits.sampling import most_missed, share_range
from tests.builders import D


def slow(sampled: int, hits: int, rest: int, confidence: str) -> int:
    """The most there may be in the rest: tried from the most down, by listing every sample."""
    everyone = range(sampled + rest)
    draws = list(combinations(everyone, sampled))
    for there in range(len(everyone), hits - 1, -1):
        few = sum(sum(place < there for place in draw) <= hits for draw in draws)
        if there - hits <= rest and few / len(draws) > 1 - float(confidence) + 1e-12:
            return there - hits
    return 0


@pytest.mark.parametrize("rest", [0, 1, 3, 6])
@pytest.mark.parametrize(("sampled", "hits"), [(1, 0), (3, 0), (3, 1), (4, 0), (4, 4), (6, 2)])
@pytest.mark.parametrize("confidence", ["0.95", "0.5"])
def test_the_bound_is_that_of_every_way_to_draw(
    sampled: int, hits: int, rest: int, confidence: str
) -> None:
    """Exact on every small case; never more than there are."""
    assert most_missed(sampled, hits, rest, D(confidence)) == slow(sampled, hits, rest, confidence)


def test_a_larger_sample_leaves_less_possible() -> None:
    """Three of a hundred heads say little; thirty say more."""
    assert most_missed(3, 0, 97, D("0.95")) == 62
    assert most_missed(30, 0, 70, D("0.95")) == 8


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 30), (3, 30), (30, 30), (70, 140)])
def test_a_range_is_that_of_the_binomial(hits: int, n: int) -> None:
    """At either end so many hits, or more extreme ones, have half of what the confidence leaves."""
    low, high = share_range(hits, n, D("0.95"))
    steps = [step / 10000 for step in range(10001)]

    def chance(counts: range, share: float) -> float:
        return math.fsum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in counts)

    at_most = [s for s in steps if chance(range(hits + 1), s) > 0.025]
    at_least = [s for s in steps if chance(range(hits, n + 1), s) > 0.025]
    assert abs(float(low) - min(at_least)) < 2e-4
    assert abs(float(high) - max(at_most)) < 2e-4
    assert low <= D(hits) / n <= high


def test_no_trial_says_nothing() -> None:
    """There is no range of a share of nothing."""
    with pytest.raises(ValueError, match="0 hits of 0"):
        share_range(0, 0, D("0.95"))
