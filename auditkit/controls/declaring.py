"""The verdict rule asked of control models: right declarations, and wrong ones.

What a head of a control model does is known, so a declaration of it is right or wrong. On each model the
rule is asked, with the audit's settings, of the right declaration and of every wrong one that differs from it
by one head: a head of a large effect left out, or a planted head without a role added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.looks import Declaration, bounds_of, course_of, looks_for
from auditkit.circuits.methods import method_of
from auditkit.circuits.redrawing import sums_of
from auditkit.circuits.share_test import Sums
from auditkit.circuits.single import in_units
from auditkit.controls.construction import ControlModel
from auditkit.controls.planting import NULL_KINDS
from auditkit.controls.vocabulary import distinct_pairs
from auditkit.identifying.activations import MeanOutputs, capture
from auditkit.identifying.batches import batches_for
from auditkit.identifying.interventions import Intervention, heads_of
from auditkit.records.base import HeadId, NotAssessed, measured
from auditkit.records.calibration import DeclaredControls, VerdictCounts
from auditkit.records.looks import Ruled
from auditkit.records.reasons import not_assessed
from auditkit.records.specification import Ablation, Specification

NOTHING_REPLACED = not_assessed("nothing_causal")

POOL = 384
"""Pairs of each control model, from which pairs are drawn for one declaration after the other."""

MOST_DRAWS = 4
"""Each declaration is asked on so many draws at most; no pair is in two of them."""

Units = NDArray[np.int64]
Places = NDArray[np.int64]


def declared_controls(
    pools: Callable[[Ablation], Sequence[ControlPool]], specification: Specification
) -> DeclaredControls | NotAssessed:
    """What the rule says of right and of wrong declarations of the control models.

    ``pools`` gives the models as measured under an ablation. A method that replaces nothing has no rule to
    ask.
    """
    if not method_of(specification).intervenes:
        return NOTHING_REPLACED
    right: Counter[Ruled] = Counter()
    wrong: Counter[Ruled] = Counter()
    for pool in pools(specification.ablations[0]):
        for heads in pool.right(specification):
            right.update(pool.verdicts(heads, specification))
        for heads in pool.wrong(specification):
            wrong.update(pool.verdicts(heads, specification))
    return DeclaredControls(
        pairs=specification.max_examples, right=_counts(right), wrong=_counts(wrong)
    )


def _counts(verdicts: Counter[Ruled]) -> VerdictCounts:
    return VerdictCounts(
        consistent=verdicts["consistent"],
        not_consistent=verdicts["not_consistent"],
        inconclusive=verdicts["inconclusive"],
    )


@dataclass
class ControlPool:
    """One control model with what its heads take away on every pair of a pool, under one ablation."""

    control: ControlModel
    intervention: Intervention
    whole: Units
    heads: dict[HeadId, Units]
    _joint: dict[tuple[frozenset[HeadId], HeadId], Units] = field(default_factory=dict)

    @classmethod
    def of(cls, control: ControlModel, ablation: Ablation) -> ControlPool:
        """Every head of the model replaced alone on every pair."""
        subject = control.subject()
        pairs = distinct_pairs(control.specification.asked, POOL)
        captured = capture(subject, batches_for(subject, pairs, "logit_difference"))
        intervention = Intervention(subject, captured, ablation, MeanOutputs.over(captured))
        lost = intervention.full - intervention.metrics([heads_of([h]) for h in subject.head_ids])
        return cls(
            control=control,
            intervention=intervention,
            whole=_units(intervention.drops.tolist()),
            heads={
                head: _units(row) for head, row in zip(subject.head_ids, lost.tolist(), strict=True)
            },
        )

    def _sizes(self) -> dict[HeadId, Fraction]:
        total = int(self.whole.sum())
        return {h: abs(Fraction(int(drops.sum()), total)) for h, drops in self.heads.items()}

    def right(self, specification: Specification) -> Iterator[frozenset[HeadId]]:
        """The right declaration: every head that reaches the threshold, if there is one."""
        least = Fraction(specification.thresholds.head_effect)
        heads = frozenset(head for head, size in self._sizes().items() if size >= least)
        if heads:
            yield heads

    def wrong(self, specification: Specification) -> Iterator[frozenset[HeadId]]:
        """One head of an effect beyond the upper bound left out, or one without a role added."""
        bounds, sizes = bounds_of(specification.thresholds.head_effect), self._sizes()
        null = {each.head for each in self.control.heads(*NULL_KINDS)}
        for heads in self.right(specification):
            for head in sorted(heads, key=layer_order):
                if sizes[head] >= Fraction(bounds.upper) and len(heads) > 1:
                    yield heads - {head}
            for head in sorted(null - heads, key=layer_order):
                if sizes[head] <= Fraction(bounds.lower):
                    yield heads | {head}

    def verdicts(self, declared: frozenset[HeadId], settings: Specification) -> Iterator[Ruled]:
        """What the rule says of a declaration, on one draw of pairs after the other."""
        most = min(settings.max_examples, len(self.whole))
        question = Declaration(
            heads=tuple(self.heads),
            declared=declared,
            bounds=bounds_of(settings.thresholds.head_effect),
            looks=looks_for(min(settings.examples, most), most),
            budget=settings.patching.budget,
        )
        for draw in range(min(MOST_DRAWS, len(self.whole) // most)):
            places = np.arange(draw * most, (draw + 1) * most, dtype=np.int64)
            yield course_of(question, _OnDraw(self, declared, places)).verdict

    def adds(self, declared: frozenset[HeadId], head: HeadId) -> Units:
        """What a head takes away after the other declared heads, pair by pair."""
        key = (declared, head)
        if key not in self._joint:
            together = heads_of(sorted(declared))
            without, all_of_them = self.intervention.metrics(
                [together - heads_of([head]), together]
            )
            self._joint[key] = _units((without - all_of_them).tolist())
        return self._joint[key]


@dataclass(frozen=True)
class _OnDraw:
    """The rule's answers on the pairs at these places of a pool."""

    measured: ControlPool
    declared: frozenset[HeadId]
    places: Places

    def prepare(self, heads: Sequence[HeadId], n: int) -> None:
        """Nothing: heads alone are measured."""

    def whole(self, n: int) -> Sums:
        """All heads together on the first n pairs of the draw."""
        return self._sums(self.measured.whole, n)

    def alone(self, head: HeadId, n: int) -> Sums | None:
        """One head on them."""
        return self._sums(self.measured.heads[head], n)

    def after_others(self, head: HeadId, n: int) -> Sums:
        """What a declared head adds on them."""
        return self._sums(self.measured.adds(self.declared, head), n)

    def _sums(self, drops: Units, n: int) -> Sums:
        places = self.places[:n]
        return sums_of(drops[places], self.measured.whole[places])


def _units(values: Sequence[float]) -> Units:
    return np.array(in_units([measured(value) for value in values]), dtype=np.int64)
