"""How easily a declaration is met: what a circuit drawn at random, of the size found, would have come to.

A declaration that every circuit of that size meets says nothing of the model. The chance is exact: of all
sets of so many of the model's heads, the share that would have met what is asked.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb

from auditkit.records.causal import Causal
from auditkit.records.declared import Expectation


def n_heads_of(causal: Causal) -> int:
    """How many heads the model has, each replaced alone or named as not replaced."""
    return len(causal.patched) + len(causal.unpatched)


def met_by_chance(expected: Expectation, found: int, n_heads: int) -> Fraction:
    """The share of all sets of ``found`` of ``n_heads`` heads that meet the declaration.

    Where precision and recall are declared, a set meets them that has a declared head and reaches both; else
    the set of exactly the declared heads does.

    Raises:
        ValueError: the model has fewer heads than were found or declared.
    """
    declared = len(set(expected.heads))
    if not 0 <= found <= n_heads or declared > n_heads:
        raise ValueError(f"{n_heads} heads hold no {found} found and {declared} declared")
    met = sum(
        comb(declared, shared) * comb(n_heads - declared, found - shared)
        for shared in range(1, min(found, declared) + 1)
        if enough(expected, shared, found)
    )
    return Fraction(met, comb(n_heads, found))


def enough(expected: Expectation, shared: int, found: int) -> bool:
    """Whether so many shared heads, of those found, are as many as the declaration asks for.

    At least one is: a circuit that shares no head with the declaration does not meet it.
    """
    declared = len(set(expected.heads))
    if expected.min_precision is None or expected.min_recall is None:
        return shared == found == declared
    return (
        shared > 0
        and Fraction(shared, found) >= Fraction(expected.min_precision)
        and Fraction(shared, declared) >= Fraction(expected.min_recall)
    )


def cannot_fail(expected: Expectation, found: int, n_heads: int) -> bool:
    """Whether every circuit of the size found would have met the declaration."""
    return met_by_chance(expected, found, n_heads) == 1
