"""Bootstrap intervals over examples, exact and repeatable anywhere.

Values are decimals with a fixed number of digits, so a resample's sum is an integer and a percentile
is one of those sums: no floating point, and ``auditkit verify`` gets the same interval without torch.
Percentile bootstrap after Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from auditkit.records.base import UNIT as UNIT  # said here too: what is summed is in this unit
from auditkit.records.base import Interval
from auditkit.records.specification import BootstrapSettings


def mean_interval(values: Sequence[Decimal], settings: BootstrapSettings, seed: int) -> Interval:
    """The mean of recorded values with its percentile bootstrap interval.

    Raises:
        ValueError: there are no values; a mean of nothing is not zero.
    """
    if not values:
        raise ValueError("a mean needs at least one value")
    n = len(values)
    units = in_units([values])[0]
    sums = np.sort(units[resamples(n, settings.resamples, seed)].sum(axis=1))
    low, high = percentile_places(settings)
    return Interval(
        mean=rounded(Fraction(int(units.sum()), n) * Fraction(UNIT)),
        low=rounded(Fraction(int(sums[low]), n) * Fraction(UNIT)),
        high=rounded(Fraction(int(sums[high]), n) * Fraction(UNIT)),
        level=settings.level,
        n=n,
    )


def in_units(rows: Sequence[Sequence[Decimal]]) -> NDArray[np.int64]:
    """Recorded values as whole numbers of their last digit, so that sums of them are exact."""
    return np.array([[int(value / UNIT) for value in row] for row in rows], dtype=np.int64)


def percentile_places(settings: BootstrapSettings) -> tuple[int, int]:
    """Where the interval's ends stand among the sorted resamples."""
    outside = (1 - Fraction(settings.level)) / 2
    low = math.floor(outside * settings.resamples)
    return low, math.ceil((1 - outside) * settings.resamples) - 1


def rounded(value: Fraction) -> Decimal:
    """An exact fraction as a decimal with the record's digits, rounded half to even."""
    scaled = value / Fraction(UNIT)
    number = Decimal(round(scaled)) * UNIT  # round() on a Fraction is exact, half to even
    return number.quantize(UNIT, ROUND_HALF_EVEN)


@lru_cache(maxsize=8)
def resamples(n: int, draws: int, seed: int) -> NDArray[np.int32]:
    """Indices ``[draws, n]`` drawn with replacement. ``Random.random`` is stable across versions."""
    generator = random.Random(seed)  # noqa: S311 - a repeatable draw, not a secret
    places = [int(generator.random() * n) for _ in range(draws * n)]
    return np.array(places, dtype=np.int32).reshape(draws, n)
