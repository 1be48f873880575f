"""Bootstrap intervals: exact, repeatable, and equal to the definition computed the slow way."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.circuits.intervals import mean_interval, rounded
from auditkit.records.specification import BootstrapSettings

SETTINGS = BootstrapSettings(resamples=200, level=Decimal("0.95"))
VALUES = st.lists(
    st.integers(-50_000, 50_000).map(lambda units: Decimal(units) / 10_000), min_size=1, max_size=12
)


def slow_interval(values: list[Decimal], seed: int) -> tuple[Fraction, Fraction, Fraction]:
    """Mean and percentiles by fractions, one resample after another."""
    draw = random.Random(seed)  # noqa: S311 - the same repeatable draw
    n = len(values)
    exact = [Fraction(value) for value in values]
    means = sorted(
        sum((exact[int(draw.random() * n)] for _ in range(n)), Fraction(0)) / n
        for _ in range(SETTINGS.resamples)
    )
    low = math.floor(Fraction(1, 40) * SETTINGS.resamples)
    high = math.ceil(Fraction(39, 40) * SETTINGS.resamples) - 1
    return sum(exact, Fraction(0)) / n, means[low], means[high]


@given(VALUES, st.integers(0, 5))
def test_the_interval_is_that_of_its_definition(values: list[Decimal], seed: int) -> None:
    """Mean, low and high equal the slow computation, rounded once."""
    interval = mean_interval(values, SETTINGS, seed)
    assert (interval.mean, interval.low, interval.high) == tuple(
        rounded(value) for value in slow_interval(values, seed)
    )


@given(VALUES)
def test_equal_values_have_an_interval_of_no_width(values: list[Decimal]) -> None:
    """Resampling one value again and again cannot spread."""
    interval = mean_interval([values[0]] * len(values), SETTINGS, 0)
    assert interval.low == interval.mean == interval.high


def test_a_mean_of_nothing_is_refused() -> None:
    """An empty list has no mean, and none is invented."""
    with pytest.raises(ValueError, match="at least one"):
        mean_interval([], SETTINGS, 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 3), "0.3333"),
        (Fraction(1, 20_000), "0.0000"),
        (Fraction(3, 20_000), "0.0002"),
        (Fraction(-1, 3), "-0.3333"),
    ],
)
def test_fractions_are_rounded_half_to_even_once(value: Fraction, text: str) -> None:
    """Half a unit goes to the even neighbour, and the digits are those of the record."""
    assert format(rounded(value), "f") == text
