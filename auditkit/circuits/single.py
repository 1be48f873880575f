"""Heads replaced alone: what their recorded drops come to, pair by pair and as a mean with an interval.
Exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.intervals import rounded
from auditkit.circuits.looks import Declaration, Recorded, bounds_of, looks_for
from auditkit.circuits.share_test import Sums, share_interval
from auditkit.records.base import UNIT, HeadId, Interval
from auditkit.records.causal import Chosen, PatchedHead
from auditkit.records.looks import Drops
from auditkit.records.specification import Specification

Units = tuple[int, ...]
"""Drops as whole numbers of the record's last digit."""


def in_units(values: Sequence[Decimal]) -> Units:
    """Recorded values as whole numbers of their last digit."""
    return tuple(int(value / UNIT) for value in values)


def answers_from(drops: Drops) -> Recorded:
    """The answers to the verdict rule that a record holds."""
    return Recorded(
        in_units(drops.whole),
        {each.head: in_units(each.drops) for each in drops.heads},
        {each.head: in_units(each.drops) for each in drops.joint},
    )


def declaration_of(
    heads: Sequence[HeadId],
    declared: Sequence[HeadId],
    specification: Specification,
    n_first: int,
    n_pairs: int,
) -> Declaration:
    """What the verdict rule is asked of a task with so many pairs, the first of which are its first look."""
    return Declaration(
        heads=tuple(sorted({*heads, *declared}, key=layer_order)),
        declared=frozenset(declared),
        bounds=bounds_of(specification.thresholds.head_effect),
        looks=looks_for(n_first, n_pairs),
        budget=specification.patching.budget,
    )


def patched_heads(
    drops: Drops, chosen: Mapping[HeadId, Chosen], level: Decimal, n_first: int
) -> tuple[PatchedHead, ...]:
    """Every head that was replaced alone, in layer order, with its effects on the pairs it was replaced on.

    ``level`` is the nominal coverage of their intervals; ``n_first`` pairs were the first look's.
    """
    whole = in_units(drops.whole)
    return tuple(
        _patched(each.head, chosen[each.head], in_units(each.drops), whole, level, n_first)
        for each in sorted(drops.heads, key=lambda each: layer_order(each.head))
    )


def _patched(
    head: HeadId, chosen: Chosen, drops: Units, whole: Units, level: Decimal, n_first: int
) -> PatchedHead:
    # Where all heads together lower the metric on the first pairs and not on all, the first are what counts.
    n = len(drops) if sum(whole[: len(drops)]) > 0 else min(len(drops), n_first)
    mean = Fraction(sum(whole[:n]), n)
    return PatchedHead(
        head=head,
        chosen=chosen,
        effects=tuple(rounded(Fraction(drop) / mean) for drop in drops[:n]),
        effect=effect_interval(drops[:n], whole[:n], level),
    )


def effect_interval(drops: Sequence[int], whole: Sequence[int], level: Decimal) -> Interval:
    """A head's effect with the interval of the test that the verdict rests on (``share_test``).

    Raises:
        ValueError: all heads together do not lower the metric on these pairs.
    """
    low, high = share_interval(Sums.of(drops, whole), Fraction(level), Fraction(UNIT))
    return Interval(
        mean=rounded(Fraction(sum(drops), sum(whole))),
        low=rounded(low),
        high=rounded(high),
        level=level,
        n=len(whole),
    )
