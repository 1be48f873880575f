"""Direct paths between circuit heads: which are asked, and which of them are edges. Exact, without torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from auditkit.circuits.circuit import pairs_in_order, reaches
from auditkit.circuits.effects import EMPTY_CIRCUIT
from auditkit.circuits.intervals import mean_interval
from auditkit.records.base import NotAssessed
from auditkit.records.causal import PatchedHead, PathEffect, Paths
from auditkit.records.reasons import not_assessed
from auditkit.records.specification import Specification, Thresholds

NO_PATHS_SOUGHT = not_assessed("no_paths_sought")
NO_PATHS = not_assessed("no_paths")
NOT_KNOWN = not_assessed("paths_not_known")

Pair = tuple[str, str]


def asked_pairs(
    circuit: Sequence[str], measurements: Iterable[PatchedHead], most: int
) -> list[Pair]:
    """The pairs whose smaller head has the largest effects, at most so many, in layer order."""
    sizes: Mapping[str, Decimal] = {each.head: abs(each.effect.mean) for each in measurements}
    pairs = pairs_in_order(circuit)
    kept = sorted(pairs, key=lambda pair: -min(sizes[head] for head in pair))[:most]
    return [pair for pair in pairs if pair in kept]


def why_none(circuit: Sequence[str], specification: Specification) -> NotAssessed | None:
    """Why no path is patched, where that follows from the settings or the circuit."""
    if not specification.patching.paths:
        return NO_PATHS_SOUGHT
    if not circuit:
        return EMPTY_CIRCUIT
    return None if pairs_in_order(circuit) else NO_PATHS


def path_effect(
    pair: Pair, effects: tuple[Decimal, ...], specification: Specification
) -> PathEffect:
    """A direct path with the interval of what it carries."""
    return PathEffect(
        source=pair[0],
        target=pair[1],
        effects=effects,
        effect=mean_interval(effects, specification.bootstrap, specification.seed),
    )


def edges_of(paths: Paths, thresholds: Thresholds) -> tuple[PathEffect, ...]:
    """The paths that carry as much as a circuit head must, with an interval without 0; largest first."""
    found = [each for each in paths.tried if reaches(each.effect, thresholds)]
    return tuple(sorted(found, key=lambda each: -abs(each.effect.mean)))
