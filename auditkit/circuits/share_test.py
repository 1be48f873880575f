"""Does a head surely carry more, or less, than a share of the effect? One test, exact and without a table.

Pair i has the drop T_i of the metric when every head is replaced, and the drop D_i when this head is. The
head's effect is mean D / mean T, of either sign. No ratio is formed: "more than c" is tested as
mean(D - c T) > 0, so that the uncertainty of the denominator is in the test. One *imagined pair* that speaks
against the claim joins the real ones: for "above" a pair in which the head does nothing, for "below" one in
which it carries the whole mean effect. It keeps silence in few pairs from being proof, and the variance from
being 0.

The p-value is Student's, one-sided, of n + 1 values with n degrees of freedom. For even n it has a closed
form (Abramowitz and Stegun 1964, 26.7.4): whole numbers and one square root. An odd last pair is not used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal

Claim = Literal["above", "below"]
Sign = Literal[1, -1]

SIGNS: tuple[Sign, Sign] = (1, -1)

_DIGITS = Context(prec=50, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Sums:
    """What the test needs of n pairs: the number of pairs, sums and sums of products of whole numbers.

    ``n`` is even. ``d`` is the sum over the pairs of a head's drops, ``t`` that of every head's;
    ``dd``, ``dt`` and ``tt`` are sums of products.
    """

    n: int
    d: int
    t: int
    dd: int
    dt: int
    tt: int

    @classmethod
    def of(cls, drops: Sequence[int], whole: Sequence[int]) -> Sums:
        """The sums over pairs, without an odd last one.

        Raises:
            ValueError: there are fewer than two pairs, or not as many drops as pairs.
        """
        if len(drops) != len(whole) or len(whole) < 2:
            raise ValueError(f"{len(drops)} drops of a head for {len(whole)} of all heads")
        n = len(whole) // 2 * 2
        d, t = drops[:n], whole[:n]
        return cls(
            n=n,
            d=sum(d),
            t=sum(t),
            dd=sum(x * x for x in d),
            dt=sum(x * y for x, y in zip(d, t, strict=True)),
            tt=sum(y * y for y in t),
        )


def p_value(claim: Claim, share: Fraction, sums: Sums, sign: Sign = 1) -> Decimal:
    """The chance of pairs as much in favour of a claim on a head's effect, were the effect the share.

    ``sign`` -1 asks it of the effect's negative.
    """
    return _student(sums.n, *_evidence(claim, share, sums, sign))


def _evidence(claim: Claim, share: Fraction, sums: Sums, sign: Sign) -> tuple[int, int]:
    """The sum, and the sum of squares, of what n real pairs and the imagined one say for a claim."""
    a, b = share.numerator, share.denominator
    n = sums.n
    # each pair says n (b s D_i - a T_i) for "above", and the negative of it for "below"
    first = n * (b * sign * sums.d - a * sums.t)
    second = n * n * (b * b * sums.dd - 2 * a * b * sign * sums.dt + a * a * sums.tt)
    imagined = -a * sums.t
    if claim == "below":
        # below more than the whole effect: a pair that carries all of it does not speak against that
        first, imagined = -first, min(0, -(b - a) * sums.t)
    return first + imagined, second + imagined * imagined


def surely(claim: Claim, share: Fraction, sums: Sums, level: Fraction) -> bool:
    """Whether the size of a head's effect is surely above, or surely below, a share of the whole.

    Above: on one side. Below: on both sides, since an effect may oppose the task.
    """
    sides = (_reaches(sums.n, *_evidence(claim, share, sums, sign), level) for sign in SIGNS)
    return any(sides) if claim == "above" else all(sides)


def there_is_effect(sums: Sums, level: Fraction) -> bool:
    """Whether replacing every head surely lowers the metric: without that nothing is to be shared out.

    The imagined pair is one in which nothing drops.
    """
    return _reaches(sums.n, sums.n * sums.t, sums.n * sums.n * sums.tt, level)


def _reaches(n: int, total: int, squares: int, level: Fraction) -> bool:
    """Whether the p-value of this sum and sum of squares is at most the level."""
    if total <= 0:
        return False
    least = critical(n, level)
    return total * total * least.denominator >= least.numerator * (n + 1) * squares


def _student(n: int, total: int, squares: int) -> Decimal:
    """One-sided p of n + 1 whole numbers with this sum and sum of squares; 1 where the sum is not above 0."""
    if total <= 0:
        return Decimal(1)
    return _of_quotient(n, _DIGITS.divide(Decimal(total * total), Decimal((n + 1) * squares)))


def _of_quotient(n: int, r: Decimal) -> Decimal:
    """The p-value of r = S1^2 / ((n + 1) S2)."""
    series, power = Decimal(0), Decimal(1)
    rest = _DIGITS.subtract(Decimal(1), r)
    for weight in _weights(n // 2):
        series = _DIGITS.add(series, _DIGITS.multiply(weight, power))
        power = _DIGITS.multiply(power, rest)
    inside = _DIGITS.multiply(_DIGITS.sqrt(r), series)
    return max(Decimal(0), _DIGITS.divide(_DIGITS.subtract(Decimal(1), inside), Decimal(2)))


@lru_cache(maxsize=512)
def _weights(terms: int) -> tuple[Decimal, ...]:
    """1, 1/2, 3/8, ...: (1 * 3 ... (2j - 1)) / (2 * 4 ... 2j)."""
    weights, weight = [], Fraction(1)
    for j in range(terms):
        weights.append(_DIGITS.divide(Decimal(weight.numerator), Decimal(weight.denominator)))
        weight *= Fraction(2 * j + 1, 2 * j + 2)
    return tuple(weights)


@lru_cache(maxsize=4096)
def critical(n: int, level: Fraction) -> Fraction:
    """The least r = S1^2 / ((n + 1) S2), a multiple of 1e-15, whose p-value is at most the level.

    p falls as r grows. So a claim is decided by comparing whole numbers, thousands of times with one
    critical value, where a p-value would be a series for each.
    """
    low, high = 0, _PARTS
    while high - low > 1:
        middle = (low + high) // 2
        p = _of_quotient(n, _DIGITS.divide(Decimal(middle), Decimal(_PARTS)))
        low, high = (low, middle) if Fraction(p) <= level else (middle, high)
    return Fraction(high, _PARTS)


_PARTS = 10**15


def share_interval(sums: Sums, level: Fraction, step: Fraction) -> tuple[Fraction, Fraction]:
    """The shares that the test speaks neither above nor below of: an interval around a head's effect.

    One-sided tests at half of what the level leaves, of the effect with its sign; the ends are whole steps.

    Raises:
        ValueError: the whole effect is not above 0, so that there are no shares of it.
    """
    if sums.t <= 0:
        raise ValueError("there is no effect to take shares of")
    tail = (1 - level) / 2
    return -_upper_end(_mirrored(sums), tail, step), _upper_end(sums, tail, step)


def _mirrored(sums: Sums) -> Sums:
    """The sums of the head's effect with the other sign."""
    return Sums(sums.n, -sums.d, sums.t, sums.dd, -sums.dt, sums.tt)


_WIDEST = 64
"""An interval that would reach this many whole effects beyond the estimate ends there: it says nothing."""


def _upper_end(sums: Sums, tail: Fraction, step: Fraction) -> Fraction:
    """The smallest whole number of steps, from the estimate up, that the signed effect is surely below."""

    def excluded(steps: int) -> bool:
        return _reaches(sums.n, *_below_signed(steps * step, sums), tail)

    low = math.floor(Fraction(sums.d, sums.t) / step)
    most, high = low + math.ceil(_WIDEST / step), 0
    # The imagined pair is another one on either side of 0, so each side is searched by itself.
    if low >= 0 or not excluded(0):
        low, width = max(low, 0), 1
        while low + width < most and not excluded(low + width):
            low, width = low + width, 2 * width
        high = min(low + width, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if excluded(middle) else (middle, high)
    return high * step


def _below_signed(share: Fraction, sums: Sums) -> tuple[int, int]:
    """What the pairs say for "the effect, with its sign, is below a share": sum and sum of squares.

    Below a share above 0, the imagined pair carries the whole mean effect, or the share where that is more.
    Below a negative share, which is above its size with the other sign, the head does nothing in it.
    """
    if share > 0:
        return _evidence("below", share, sums, 1)
    return _evidence("above", -share, sums, -1)
