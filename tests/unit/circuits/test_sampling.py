"""The bound on what a random sample missed, against counting every way to draw it."""

from __future__ import annotations

from itertools import combinations

import pytest

from auditkit.circuits.sampling import most_missed
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
