"""The share test against hand-worked values, and against Student's p-value in plain floating point."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest

from auditkit.circuits.share_test import (
    Claim,
    Sums,
    critical,
    p_value,
    share_interval,
    surely,
    there_is_effect,
)

LEVEL = Fraction(1, 1000)


def near(p: Decimal, value: str) -> bool:
    """Whether a p-value is a decimal, to all the digits that are given of it."""
    return p.quantize(Decimal(value)) == Decimal(value)


def test_a_head_that_carries_everything_worked_out_by_hand() -> None:
    """X = 680 840 760 760 and X_0 = -40: S1 = 3000, S2 = 2,324,800, p = .0103814493."""
    whole, drops = [10] * 4, [9, 11, 10, 10]
    sums, share = Sums.of(drops, whole), Fraction(1, 20)
    assert near(p_value("above", share, sums), "0.0103814493")
    opposed = Sums.of([-drop for drop in drops], whole)
    assert p_value("above", share, opposed) == 1
    assert p_value("above", share, opposed, -1) == p_value("above", share, sums)


@pytest.mark.parametrize(
    ("claim", "share", "drops", "p"),
    [
        ("below", "1/10", [0] * 24, "0.0733278"),
        ("below", "1/10", [0] * 48, "0.000149328"),
        ("below", "1/10", [1] + [0] * 47, "0.0218155"),
        ("above", "1/20", [1] * 4, "0.00997354"),
        ("above", "1/20", [1] * 6, "0.00065948"),
    ],
)
def test_heads_that_do_nothing_or_everything_worked_out_by_hand(
    claim: Claim, share: str, drops: list[int], p: str
) -> None:
    """Every pair drops by 1 with all heads replaced."""
    sums = Sums.of(drops, [1] * len(drops))
    assert near(p_value(claim, Fraction(share), sums), p)


def test_silence_on_few_pairs_excludes_nothing() -> None:
    """A head that does nothing on 40 pairs is not surely below 10 %; on 42 it is."""
    found = [surely("below", Fraction(1, 10), Sums.of([0] * n, [1] * n), LEVEL) for n in (40, 42)]
    assert found == [False, True]


def test_an_odd_last_pair_is_not_used() -> None:
    """The closed form is of an even number of pairs."""
    whole, drops = [9, 10, 11, 12], [1, 2, 3, 4]
    assert Sums.of([*drops, 1000], [*whole, 1]) == Sums.of(drops, whole)
    with pytest.raises(ValueError, match="1 drops"):
        Sums.of([1], [1])


def draws(seed: int) -> tuple[list[int], list[int]]:
    """Drops of a head and of all heads on an even number of pairs, of every kind."""
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    n = 2 * draw.randint(2, 40)
    whole = [int(draw.gauss(1000, draw.choice([1, 300, 2000]))) for _ in range(n)]
    share = draw.choice([-0.3, 0.0, 0.04, 0.1, 0.6])
    drops = [int(t * share + draw.gauss(0, draw.choice([0, 5, 200]))) for t in whole]
    return drops, whole


def student(values: Sequence[float]) -> float:
    """One-sided p of a mean above 0, by integrating Student's density numerically."""
    n = len(values)
    mean = sum(values) / n
    if mean <= 0:
        return 1.0
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1) / n)
    if deviation == 0:
        return 0.0
    t, df = mean / deviation, n - 1
    # the tail as an integral over the angle: t = sqrt(df) tan(a), density proportional to cos(a)^(df - 1)
    start, steps = math.atan(t / math.sqrt(df)), 4000
    width = (math.pi / 2 - start) / steps
    area = sum(math.cos(start + (i + 0.5) * width) ** (df - 1) for i in range(steps)) * width
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(math.pi)
    return area * scale


@pytest.mark.parametrize("seed", range(60))
def test_it_is_students_test_of_the_real_pairs_and_the_imagined_one(seed: int) -> None:
    """Against floating point that was written apart from it, for both claims and both signs."""
    drops, whole = draws(seed)
    sums, share = Sums.of(drops, whole), Fraction(1, 20)
    mean = sum(whole) / len(whole)
    for sign in (1, -1):
        values = [sign * d - t / 20 for d, t in zip(drops, whole, strict=True)]
        above = student([*values, -mean / 20])
        below = student([*(-v for v in values), -mean * 19 / 20])
        if sum(whole) > 0:
            assert float(p_value("above", share, sums, sign)) == pytest.approx(above, abs=1e-6)
            assert float(p_value("below", share, sums, sign)) == pytest.approx(below, abs=1e-6)


@pytest.mark.parametrize("seed", range(60))
def test_a_claim_is_decided_as_its_p_values_say(seed: int) -> None:
    """Whole numbers against a critical value give what two p-values against the level give."""
    drops, whole = draws(seed)
    sums = Sums.of(drops, whole)
    for share in (Fraction(1, 40), Fraction(1, 20), Fraction(1, 10)):
        for level in (Fraction(1, 1000), Fraction(2, 31000), Fraction(1, 40)):
            above = [p_value("above", share, sums, sign) for sign in (1, -1)]
            below = [p_value("below", share, sums, sign) for sign in (1, -1)]
            assert surely("above", share, sums, level) == (min(above) <= level)
            assert surely("below", share, sums, level) == (max(below) <= level)


@pytest.mark.parametrize("seed", range(20))
def test_neither_the_unit_nor_the_order_of_pairs_matters(seed: int) -> None:
    """Seven times every metric, or the pairs in another order, give the same p-value."""
    drops, whole = draws(seed)
    order = random.Random(seed).sample(range(len(whole)), len(whole))  # noqa: S311 - repeatable
    p = p_value("below", Fraction(1, 10), Sums.of(drops, whole))
    assert p == p_value(
        "below", Fraction(1, 10), Sums.of([drops[i] for i in order], [whole[i] for i in order])
    )
    scaled = Sums.of([7 * d for d in drops], [7 * t for t in whole])
    assert p == p_value("below", Fraction(1, 10), scaled)


def test_nothing_at_all_is_no_effect() -> None:
    """Where no pair drops, nothing is shown of any head, and there is no effect to share out."""
    sums = Sums.of([0] * 24, [0] * 24)
    assert not there_is_effect(sums, LEVEL)
    assert not surely("below", Fraction(1, 10), sums, LEVEL)
    assert there_is_effect(Sums.of([1] * 24, [1] * 24), LEVEL)


def test_a_critical_value_is_the_least_that_reaches_its_level() -> None:
    """One part in 10^15 less does not."""
    for n in (4, 24, 192):
        least = critical(n, LEVEL)
        assert 0 < least < 1
        # n pairs of 1 and an imagined one of x: r = (n + x)^2 / ((n + 1)(n + x^2))
        assert critical(n, LEVEL / 2) > least


@pytest.mark.parametrize("seed", range(30))
def test_an_interval_holds_the_shares_that_the_test_does_not_exclude(seed: int) -> None:
    """Each end is the first step that is surely beyond the effect, and the estimate lies inside."""
    drops, whole = draws(seed)
    sums = Sums.of(drops, whole)
    if sums.t <= 0:
        with pytest.raises(ValueError, match="no effect"):
            share_interval(sums, Fraction(19, 20), Fraction(1, 10_000))
        return
    low, high = share_interval(sums, Fraction(19, 20), Fraction(1, 10_000))
    assert low <= Fraction(sums.d, sums.t) <= high
    tail = Fraction(1, 40)
    if high > 0:
        assert p_value("below", high, sums) <= tail
    if low > 0:
        assert p_value("above", low, sums) <= tail


def test_an_interval_covers_the_effect_as_often_as_it_says() -> None:
    """Of 400 draws of 24 pairs with an effect of 20 %, at least 94 % are covered by 95 % intervals."""
    draw = random.Random(1)  # noqa: S311 - repeatable, not secret
    covered = 0
    for _ in range(400):
        whole = [int(draw.gauss(1000, 200)) for _ in range(24)]
        drops = [int(0.2 * t + draw.gauss(0, 150)) for t in whole]
        low, high = share_interval(Sums.of(drops, whole), Fraction(19, 20), Fraction(1, 1000))
        covered += low <= Fraction(1, 5) <= high
    assert covered >= 376
