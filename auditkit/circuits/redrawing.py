"""Would fresh pairs give another circuit, and another verdict? The whole rule on pairs drawn again.

Nothing is run again. A redraw is nested: as many pairs as there are, drawn with replacement; then as many
again from those, in a new order, on which the rule runs whole: gate, looks, stops and closing. Drawing once
would repeat the luck of the sample. A head that was closed early has no value at late pairs: its own pairs
stand in for them, in turn, with the drop of all heads that belongs to each. Beside the redraws, the rule is
applied once without each prompt template.

The share of redraws that give the verdict is printed, and changes no verdict (docs/verdicts.md says how far
it can be off).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from auditkit.circuits.looks import Course, Declaration, course_of, looks_for
from auditkit.circuits.share_test import Sums, surely
from auditkit.circuits.single import in_units
from auditkit.circuits.stability import (
    templates_known,
)
from auditkit.records.base import HeadId
from auditkit.records.looks import Drops
from auditkit.records.specification import Specification

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """The recorded drops of a task, to draw from: whole numbers, one array for each head.

    Where numbers are too large for sums of products in 64 bits they are Python's own, which have no bound.
    """

    whole: NDArray[np.int64]
    heads: Mapping[HeadId, NDArray[np.int64]]
    joint: Mapping[HeadId, NDArray[np.int64]]

    @classmethod
    def of(cls, drops: Drops) -> Pool:
        """The pool of recorded drops."""
        return cls(
            _array(drops.whole),
            {each.head: _array(each.drops) for each in drops.heads},
            {each.head: _array(each.drops) for each in drops.joint},
        )


def _array(values: Sequence[Decimal]) -> NDArray[np.int64]:
    units = in_units(values)
    fits = all(abs(unit) < _LARGEST for unit in units)
    return np.array(units, dtype=np.int64 if fits else object)


_LARGEST = 2**27
"""2^54 times 400 pairs is below 2^63."""


@dataclass(frozen=True)
class Drawn:
    """Answers to the rule from pairs of a pool, by their places in a drawn order."""

    pool: Pool
    places: Places

    def prepare(self, heads: Sequence[HeadId], n: int) -> None:
        """Nothing: all is there."""

    def whole(self, n: int) -> Sums:
        """All heads together on the first n drawn pairs."""
        whole = self.pool.whole[self.places[:n]]
        return sums_of(whole, whole)

    def alone(self, head: HeadId, n: int) -> Sums | None:
        """A head on them, or on those of its own pairs that stand in for them."""
        drops = self.pool.heads.get(head)
        return None if drops is None else self._on(drops, n)

    def after_others(self, head: HeadId, n: int) -> Sums:
        """What a head adds after the others; where that was never asked, as much as all heads do.

        A redraw that suspects a head which the pairs themselves did not suspect then leaves it open.
        """
        drops = self.pool.joint.get(head)
        return self.whole(n) if drops is None else self._on(drops, n)

    def _on(self, drops: NDArray[np.int64], n: int) -> Sums:
        places = self.places[:n] % len(drops)
        return sums_of(drops[places], self.pool.whole[places])


def sums_of(drops: NDArray[np.int64], whole: NDArray[np.int64]) -> Sums:
    """The sums of the test over pairs, without an odd last one."""
    n = len(whole) // 2 * 2
    d, t = drops[:n], whole[:n]
    return Sums(n, int(d.sum()), int(t.sum()), int(d @ d), int(d @ t), int(t @ t))


@dataclass(frozen=True)
class Redrawn:
    """What one redraw gives: the heads of the circuit, and the verdict of the rule with its course."""

    circuit: frozenset[HeadId]
    course: Course


def redraws(pool: Pool, question: Declaration, specification: Specification) -> list[Redrawn]:
    """The rule on pairs drawn again, as often as the specification says."""
    n = len(pool.whole)
    # Another seed than that of intervals elsewhere, so that the draws are not their resamples.
    generator = random.Random(specification.seed + 1)  # noqa: S311 - a repeatable draw, not a secret
    most = question.looks[-1]

    def drawn() -> Places:
        first = [int(generator.random() * n) for _ in range(n)]
        return np.array([first[int(generator.random() * n)] for _ in range(most)], dtype=np.int64)

    return [
        on_pairs(Drawn(pool, drawn()), question, specification)
        for _ in range(specification.stability_draws)
    ]


def on_pairs(drawn: Drawn, question: Declaration, specification: Specification) -> Redrawn:
    """The rule on these pairs, and the heads that belong to the circuit on them."""
    course = course_of(question, drawn)
    threshold = Fraction(specification.thresholds.head_effect)
    tail = (1 - Fraction(specification.bootstrap.level)) / 2
    circuit = set()
    for head, n in course.asked.items():
        sums = drawn.alone(head, n)
        reaches = sums is not None and abs(sums.d) >= threshold * sums.t and sums.t > 0
        if sums is not None and reaches and surely("above", Fraction(0), sums, tail):
            circuit.add(head)
    return Redrawn(frozenset(circuit), course)


def without_templates(
    pool: Pool, templates: Sequence[str], question: Declaration, specification: Specification
) -> list[Redrawn]:
    """The rule without the pairs of one template at a time; empty where templates are not known or few."""
    used = templates[: len(pool.whole)]
    found = []
    for template in templates_known(used):
        left = np.array([i for i, name in enumerate(used) if name != template], dtype=np.int64)
        first = min(question.looks[0], len(left))
        asked = Declaration(
            question.heads,
            question.declared,
            question.bounds,
            looks_for(first, len(left)),
            question.budget,
        )
        found.append(on_pairs(Drawn(pool, left), asked, specification))
    return found
