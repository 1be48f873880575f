"""The label-swap null: would a head's attributed effect be as large if labels meant nothing?

Swapping positive and negative within a matched pair turns the sign of a head's effect on that pair.
Under the null every pattern of signs is equally likely, so the share of patterns whose mean is at
least as large in magnitude is an exact p-value (Fisher's randomisation test for pairs; The Design of
Experiments, 1935, section 21). Integers and fractions only: ``auditkit verify`` gets the same ones.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from statistics import median

import numpy as np
from numpy.typing import NDArray

from auditkit.circuits.intervals import in_units, rounded
from auditkit.records.base import NotAssessed
from auditkit.records.codes import NegativeHead
from auditkit.records.reasons import not_assessed
from auditkit.records.task import NullTest

EXACT_UP_TO = 14
"""With at most this many examples all patterns of signs are counted, else ``DRAWS`` of them."""

DRAWS = 10_000


@dataclass(frozen=True)
class SwapTest:
    """Each head's p-value, how many sign patterns it rests on, and whether those are all."""

    p_values: tuple[Fraction, ...]
    swaps: int
    exact: bool


def swap_test(effects: Sequence[Sequence[Decimal]], seed: int) -> SwapTest:
    """The label-swap test of every head from its effects per example, heads along the first axis.

    Raises:
        ValueError: there are no heads or no examples.
    """
    if not effects or not effects[0]:
        raise ValueError("a test needs at least one head and one example")
    units = in_units(effects)
    signs = sign_patterns(units.shape[1], seed)
    observed = np.abs(units.sum(axis=1))
    # One head at a time: patterns x heads would not fit for a large model.
    counts = [
        int((np.abs(signs @ head) >= size).sum())
        for head, size in zip(units, observed, strict=True)
    ]
    swaps, exact = swaps_of(units.shape[1])
    return SwapTest(tuple(Fraction(count, swaps) for count in counts), swaps, exact)


def swaps_of(n_examples: int) -> tuple[int, bool]:
    """How many sign patterns a test of so many examples rests on, and whether those are all."""
    exact = n_examples <= EXACT_UP_TO
    return (2**n_examples if exact else DRAWS), exact


@lru_cache(maxsize=8)
def sign_patterns(n: int, seed: int) -> NDArray[np.int64]:
    """Sign patterns ``[swaps, n]``, the observed one (all plus) first."""
    if n <= EXACT_UP_TO:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return np.asarray(1 - 2 * bits, dtype=np.int64)
    draw = random.Random(seed)  # noqa: S311 - a repeatable draw, not a secret
    rows = [[1] * n]
    rows += [[1 if draw.random() < 0.5 else -1 for _ in range(n)] for _ in range(DRAWS - 1)]
    return np.array(rows, dtype=np.int64)


def false_discovery_rates(p_values: Sequence[Fraction]) -> list[Fraction]:
    """Benjamini-Hochberg q-values, in the order of the p-values (J. R. Stat. Soc. B 57, 1995)."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i], reverse=True)
    q_values = [Fraction(1)] * len(p_values)
    smallest = Fraction(1)
    for place, i in enumerate(order):
        rank = len(p_values) - place
        smallest = min(smallest, p_values[i] * len(p_values) / rank)
        q_values[i] = smallest
    return q_values


NEVER_ENOUGH = not_assessed("never_enough_examples", exact_up_to=EXACT_UP_TO, draws=DRAWS)


def smallest_p_value(n_examples: int, patterns: int = 2) -> Fraction:
    """The smallest p-value that the label-swap test of so many examples can give.

    ``patterns`` of all 2^n always count as many: for a two-sided test the observed one and its mirror
    image. Where patterns are drawn, only the observed one is sure to be among them.
    """
    swaps, exact = swaps_of(n_examples)
    return Fraction(patterns if exact else 1, swaps)


def least_examples(n_heads: int, level: Decimal, patterns: int = 2) -> int | NotAssessed:
    """The fewest examples with which one head alone could be separated among ``n_heads``.

    The smallest p-value has to reach ``level / n_heads``, as the first of the corrected ones. Beyond
    ``EXACT_UP_TO`` examples it gets no smaller, so one more than that stands for all of them.
    """
    for n in range(1, EXACT_UP_TO + 2):
        if smallest_p_value(n, patterns) * n_heads <= Fraction(level):
            return n
    return NEVER_ENOUGH


def too_few(null: NullTest, n_examples: int) -> bool:
    """Whether no head could have been told from chance by itself with so many examples."""
    least = null.least_examples
    return isinstance(least, NotAssessed) or n_examples < least


def needed(null: NullTest) -> str:
    """In words, how many examples it takes to tell one head from chance by itself."""
    least = null.least_examples
    return least.reason if isinstance(least, NotAssessed) else f"{least:,} would be needed."


NO_PARTNER = not_assessed("no_negative_partner")


def negative_head(
    head: str, effects: tuple[Decimal, ...], on_pairs: Sequence[Decimal]
) -> NegativeHead:
    """A head's effects between negatives, beside those on the pairs, with what they come to."""
    sizes = [Fraction(abs(effect)) for effect in effects]
    middle = median(Fraction(abs(effect)) for effect in on_pairs)
    as_large = sum(size >= middle for size in sizes)
    return NegativeHead(
        head=head,
        effects=effects,
        null_effect=rounded(sum(sizes, Fraction(0)) / len(sizes)),
        p_value=rounded(Fraction(1 + as_large, 1 + len(sizes))),
    )
