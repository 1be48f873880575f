"""Heads replaced alone, pair by pair, as the verdict rule asks for them: its answers from a running model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from auditkit.circuits.looks import Course, Declaration, course_of
from auditkit.circuits.share_test import Sums
from auditkit.circuits.single import in_units
from auditkit.identifying.interventions import Intervention, heads_of
from auditkit.progress import Advance
from auditkit.records.base import HeadId, Measure, measured
from auditkit.records.looks import Drops, HeadDrops

Further = Callable[[int, int], Intervention]
"""The intervention on the pairs from one place to before another, counted from 0."""


class Looking:
    """Answers to the rule, measured when they are asked for. Nothing is measured twice.

    ``discovery`` is the intervention on the pairs of the first look, ``further`` that on any pairs after
    them. ``heads`` may be replaced alone; of any other there is no answer.
    """

    def __init__(
        self,
        discovery: Intervention,
        further: Further,
        heads: Sequence[HeadId],
        declared: Sequence[HeadId],
        advance: Advance,
    ) -> None:
        self._blocks = [discovery]
        self._further, self._declared, self._advance = further, tuple(declared), advance
        self._whole = _recorded(discovery.drops)
        self._heads: dict[HeadId, list[Measure]] = {head: [] for head in heads}
        self._joint: dict[HeadId, list[Measure]] = {}

    def course(self, question: Declaration) -> Course:
        """The rule as far as it goes, with everything measured that it asks for."""
        return course_of(question, self)

    def drops(self) -> Drops:
        """Everything that was asked for, as a record holds it."""
        return Drops(
            whole=tuple(self._whole),
            heads=tuple(HeadDrops(head=h, drops=tuple(d)) for h, d in self._heads.items()),
            joint=tuple(HeadDrops(head=h, drops=tuple(d)) for h, d in self._joint.items()),
        )

    def prepare(self, heads: Sequence[HeadId], n: int) -> None:
        """Replaces these heads alone, all together, on those of the first n pairs still missing."""
        self._reach(n)
        at = 0
        for block in self._blocks:
            end = at + len(block.full)
            missing = [h for h in heads if h in self._heads and len(self._heads[h]) == at]
            if missing and end <= n:
                lost = block.full - block.metrics([heads_of([head]) for head in missing])
                for head, row in zip(missing, lost, strict=True):
                    self._heads[head] += _recorded(row)
                self._advance(len(missing))
            at = end

    def whole(self, n: int) -> Sums:
        """The drops with every head replaced."""
        self._reach(n)
        return _sums(self._whole[:n], self._whole[:n])

    def alone(self, head: HeadId, n: int) -> Sums | None:
        """The drops with one head replaced."""
        if head not in self._heads:
            return None
        self.prepare([head], n)
        return _sums(self._heads[head][:n], self._whole[:n])

    def after_others(self, head: HeadId, n: int) -> Sums:
        """What a declared head takes away once the other declared heads are replaced."""
        self._reach(n)
        known = self._joint.setdefault(head, [])
        at = 0
        for block in self._blocks:
            end = at + len(block.full)
            if len(known) == at and end <= n:
                together = heads_of(self._declared)
                without, all_of_them = block.metrics([together - heads_of([head]), together])
                known += _recorded(without - all_of_them)
            at = end
        return _sums(known[:n], self._whole[:n])

    def _reach(self, n: int) -> None:
        """Has the model run on the first n pairs, if it has not."""
        if len(self._whole) < n:
            block = self._further(len(self._whole), n)
            self._blocks.append(block)
            self._whole += _recorded(block.drops)


def _recorded(values: Tensor) -> list[Measure]:
    return [measured(value) for value in values.tolist()]


def _sums(drops: Sequence[Measure], whole: Sequence[Measure]) -> Sums:
    return Sums.of(in_units(drops), in_units(whole))
