"""The circuit: heads whose single effect is large and sure, and pairs that occur together beyond chance.

Exact functions of recorded integers and decimals; nothing here runs a model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations

from pyroaring import BitMap

from auditkit.circuits.codes import CodeSpace, RankedCodes
from auditkit.circuits.intervals import rounded
from auditkit.circuits.null import false_discovery_rates
from auditkit.records.base import Interval
from auditkit.records.causal import Backup, Causal, PatchedHead
from auditkit.records.specification import Thresholds
from auditkit.records.task import Circuit, Codes, Edge

EDGE_LEVEL = Fraction(1, 20)
"""Largest Benjamini-Hochberg q-value at which a pair of heads counts as an edge."""


def layer_order(head: str) -> tuple[int, int]:
    """Sorts head ids by layer, then by head."""
    layer, _, index = head.partition(".")
    return int(layer), int(index)


def grounds(causal: Causal) -> tuple[PatchedHead, ...]:
    """Every measurement that can make a head part of the circuit."""
    return (*causal.patched, *causal.completion.heads)


def sure(effect: Interval) -> bool:
    """Whether an effect's interval excludes 0, on either side: a head that opposes the task counts too."""
    return effect.low > 0 or effect.high < 0


def belongs(head: PatchedHead, thresholds: Thresholds) -> bool:
    """Whether a patched head's mean effect reaches the threshold, with an interval that excludes 0."""
    return reaches(head.effect, thresholds)


def reaches(effect: Interval, thresholds: Thresholds) -> bool:
    """Whether a mean effect is as large as a circuit head's must be, with an interval that excludes 0."""
    return sure(effect) and abs(effect.mean) >= thresholds.head_effect


def pairs_in_order(circuit: Iterable[str]) -> list[tuple[str, str]]:
    """Every two heads in different layers, the earlier first, in layer order."""
    heads = sorted(circuit, key=layer_order)
    return [(a, b) for a, b in combinations(heads, 2) if layer_order(a)[0] < layer_order(b)[0]]


def takes_over(tried: Backup, thresholds: Thresholds) -> bool:
    """Whether replacing both heads loses more than the sum of what each loses alone.

    By at least the circuit's threshold for a head, with an interval above 0.
    """
    return tried.gain.low > 0 and tried.gain.mean >= thresholds.head_effect


def backups_of(tried: Iterable[Backup], thresholds: Thresholds) -> tuple[str, ...]:
    """The heads that take over from a primary, in layer order."""
    return tuple(
        sorted(
            {each.head for each in tried if takes_over(each, thresholds)},
            key=layer_order,
        )
    )


def belonging(patched: Iterable[PatchedHead], thresholds: Thresholds) -> tuple[str, ...]:
    """The heads that belong by any of these measurements, in layer order."""
    return tuple(sorted({p.head for p in patched if belongs(p, thresholds)}, key=layer_order))


def circuit_of(measurements: Sequence[PatchedHead], thresholds: Thresholds) -> Circuit:
    """The heads that belong by any of these measurements."""
    return Circuit(heads=belonging(measurements, thresholds), edges=(), pairs_tested=0)


def circuit_by_codes(
    codes: Codes | RankedCodes,
    measurements: Sequence[PatchedHead],
    thresholds: Thresholds,
    space: CodeSpace,
) -> Circuit:
    """As the first editions had it: with an edge where the codes of two heads appear together."""
    heads = belonging(measurements, thresholds)
    present = {head: _examples_with(head, codes, space) for head in heads}
    pairs = pairs_in_order(heads)
    chances = [_joint_chance(present[a], present[b], len(codes.examples)) for a, b in pairs]
    edges = (
        Edge(
            source=a,
            target=b,
            together=len(present[a] & present[b]),
            p_value=rounded(p),
            q_value=rounded(q),
        )
        for (a, b), p, q in zip(pairs, chances, false_discovery_rates(chances), strict=True)
        if q <= EDGE_LEVEL
    )
    return Circuit(heads=heads, edges=tuple(edges), pairs_tested=len(pairs))


def _examples_with(head: str, codes: Codes | RankedCodes, space: CodeSpace) -> BitMap:
    """The discovery examples that carry a signature code of the head."""
    own = BitMap(code for code in codes.signature if space.head_of(code) == head)
    return BitMap(e.example for e in codes.examples if own & BitMap(e.codes))


def _joint_chance(a: BitMap, b: BitMap, n: int) -> Fraction:
    """The hypergeometric chance that two heads share at least as many of n examples as they do."""
    together, total = len(a & b), math.comb(n, len(b))
    ways = sum(
        math.comb(len(a), k) * math.comb(n - len(a), len(b) - k)
        for k in range(together, min(len(a), len(b)) + 1)
    )
    return Fraction(ways, total)
