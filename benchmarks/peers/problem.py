"""What a method is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from auditkit.identifying.batches import PairBatch
from auditkit.model.cached import Outputs
from auditkit.model.subject import Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.specification import Metric
from benchmarks.figures import Heads, Strengths
from benchmarks.gated import GatedModel


@dataclass(frozen=True)
class Problem:
    """A model, a few matched pairs, and the seed of whatever a method draws.

    ``model`` and ``subject`` are the same weights: peers use the first, auditkit the second. ``pairs``
    and ``batches`` are the same examples, the latter grouped by length.
    """

    subject: Subject
    model: GatedModel
    pairs: tuple[ResolvedPair, ...]
    batches: tuple[PairBatch, ...]
    metric: Metric
    seed: int


@dataclass(frozen=True)
class Answer:
    """What a method says of every head, in layer order.

    The larger a head's ``strength``, the more the method takes it to be part of the circuit.
    ``decide`` gives the final set at a least effect (a share of full minus corrupt), if there is one;
    where it is ``anew``, it starts from the bare pairs and its cost is that of ranking and deciding.
    """

    strength: Strengths
    decide: Callable[[float], Heads] | None
    anew: bool = False


Method = Callable[[Problem], Answer]
"""A way of finding the heads of a circuit."""


@dataclass(frozen=True)
class Seen:
    """One batch, run on both prompts: metric ``[n]`` and head outputs on either.

    ``gradient`` is the metric's with respect to the outputs on the positive; empty where not asked for.
    """

    batch: PairBatch
    positive_metric: Tensor
    negative_metric: Tensor
    positive: Outputs
    negative: Outputs
    gradient: Outputs


def look(model: GatedModel, batches: Sequence[PairBatch], *, gradient: bool) -> tuple[Seen, ...]:
    """Both prompts of every pair, run once; and one backward pass on the positive if asked for."""
    seen = []
    for batch in batches:
        logits, negative = model.outputs(batch.negative)
        found: Outputs = ()
        if gradient:
            metric, positive, found = model.gradients(batch.positive, batch.measure)
        else:
            raw, positive = model.outputs(batch.positive)
            metric = batch.measure(raw)
        seen.append(Seen(batch, metric, batch.measure(logits), positive, negative, found))
    return tuple(seen)


def full_minus_corrupt(seen: Sequence[Seen]) -> float:
    """The summed metric on positives less that on negatives: the unit of every effect."""
    return float(sum((each.positive_metric - each.negative_metric).sum() for each in seen))


def by_effect(effects: Strengths) -> Answer:
    """The answer of a method that measures or estimates single-head effects as shares.

    Strength is the magnitude, and the final set is every head whose magnitude exceeds the least effect.
    """

    def decide(least: float) -> Heads:
        return frozenset(np.flatnonzero(np.abs(effects) > least).tolist())

    return Answer(np.abs(effects), decide)
