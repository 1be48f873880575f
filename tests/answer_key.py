"""The exact answer key: what a model's metric is for every subset of its heads, and what follows.

Every one of the ``2 ** n_heads`` sets is kept while all other heads are replaced by their outputs on the
matched negative. Nothing is ranked, sampled or assumed, and none of it uses
``auditkit.identifying.interventions``: an engine can be held against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auditkit.identifying.batches import PairBatch, batches_of
from auditkit.model.cached import Outputs
from auditkit.model.subject import Patch, Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.specification import Metric

MOST_HEADS = 16
"""More heads than this are not enumerated: every further one doubles the work."""

_ROWS = 512  # prompts per forward pass: bounds memory
_SMALLEST_EFFECT = 1e-6

Baseline = Literal["resample", "mean", "zero"]
"""What a replaced head puts out: its output on the matched negative; its mean, position by position, over
all prompts given; nothing."""


@dataclass(frozen=True, eq=False)
class AnswerKey:
    """The metric of every subset of heads, and what it says.

    ``heads`` are in layer order. ``kept[s]`` is the share of the task effect that the heads of subset
    ``s`` carry by themselves: bit ``i`` of ``s`` stands for ``heads[i]``, ``kept[0]`` is 0 and the last
    is 1. Over 1 means more than the intact model. A set is sufficient when it keeps at least
    ``share`` and at most ``2 - share``: without the upper bound every set that leaves out a head which
    opposes the task would count.
    """

    heads: tuple[str, ...]
    metric: NDArray[np.float64]
    kept: NDArray[np.float64]
    share: float

    @property
    def task_effect(self) -> float:
        """What all heads together add to the metric."""
        return float(self.metric[-1] - self.metric[0])

    def kept_by(self, heads: Iterable[str]) -> float:
        """The share of the task effect that these heads carry when all others are replaced."""
        return float(self.kept[self._subset(heads)])

    def lost_without(self, heads: Iterable[str]) -> float:
        """The share of the task effect that is lost when these heads are replaced, jointly."""
        return float(1.0 - self.kept[self._everything ^ self._subset(heads)])

    def single_effects(self) -> dict[str, float]:
        """The share lost without each head alone. Negative: the head opposes the task."""
        return {head: self.lost_without([head]) for head in self.heads}

    @property
    def sufficient(self) -> NDArray[np.bool_]:
        """Whether each subset is sufficient, in the order of ``kept``."""
        return np.asarray((self.kept >= self.share) & (self.kept <= 2 - self.share))

    def minimal_sufficient_sets(self) -> tuple[frozenset[str], ...]:
        """The sufficient sets of which no proper subset is sufficient, smallest first."""
        sufficient = self.sufficient
        subsets = np.arange(len(sufficient))
        within = sufficient.copy()  # whether the set or any subset of it is sufficient
        for bit in range(len(self.heads)):
            has = subsets[subsets & (1 << bit) != 0]
            within[has] |= within[has ^ (1 << bit)]
        below = np.zeros_like(sufficient)  # whether any proper subset is
        for bit in range(len(self.heads)):
            has = subsets[subsets & (1 << bit) != 0]
            below[has] |= within[has ^ (1 << bit)]
        minimal = np.flatnonzero(sufficient & ~below).tolist()
        return tuple(sorted((self._named(s) for s in minimal), key=lambda s: (len(s), sorted(s))))

    @property
    def is_unique(self) -> bool:
        """Whether there is exactly one minimal sufficient set: one right answer."""
        return len(self.minimal_sufficient_sets()) == 1

    def necessary_heads(self) -> frozenset[str]:
        """The heads that are in every sufficient set."""
        in_all = reduce(np.bitwise_and, np.flatnonzero(self.sufficient), self._everything)
        return self._named(int(in_all))

    @property
    def _everything(self) -> int:
        return (1 << len(self.heads)) - 1

    def _subset(self, heads: Iterable[str]) -> int:
        return sum(1 << self.heads.index(head) for head in set(heads))

    def _named(self, subset: int) -> frozenset[str]:
        return frozenset(head for i, head in enumerate(self.heads) if subset >> i & 1)


def answer_key(
    subject: Subject,
    pairs: Sequence[ResolvedPair],
    *,
    metric: Metric = "logit_difference",
    share: float = 0.9,
) -> AnswerKey:
    """The answer key of a model on these pairs, by running it with every subset of its heads.

    Raises:
        ValueError: the model has more than 16 heads, or replacing all of them changes nothing.
    """
    n_heads = len(subject.heads)
    if n_heads > MOST_HEADS:
        raise ValueError(f"{n_heads} heads are too many to enumerate; {MOST_HEADS} at most")
    subsets = torch.arange(1 << n_heads)
    kept_heads = (subsets[:, None] >> torch.arange(n_heads)) & 1 == 1
    values = _metrics(subject, pairs, metric, "resample", ~kept_heads)
    return AnswerKey(subject.head_ids, values, _shares(values, values[0], values[-1]), share)


def single_effects(
    subject: Subject,
    pairs: Sequence[ResolvedPair],
    baseline: Baseline,
    *,
    metric: Metric = "logit_difference",
) -> dict[str, float]:
    """The share of the task effect lost when each head alone is replaced by a baseline.

    The task effect is what replacing every head by its output on the matched negative takes away,
    whichever the baseline: effects of different baselines are in one unit.

    Raises:
        ValueError: replacing all heads by their outputs on the negatives changes nothing.
    """
    n_heads = len(subject.heads)
    none_and_all = torch.tensor([[False], [True]]).expand(2, n_heads)
    intact, without = _metrics(subject, pairs, metric, "resample", none_and_all)
    values = _metrics(subject, pairs, metric, baseline, torch.eye(n_heads, dtype=torch.bool))
    lost = 1.0 - _shares(values, without, intact)
    return dict(zip(subject.head_ids, lost.tolist(), strict=True))


def _shares(values: NDArray[np.float64], none: float, full: float) -> NDArray[np.float64]:
    if abs(full - none) < _SMALLEST_EFFECT:
        raise ValueError("replacing every head changes nothing: there is no effect to share")
    return (values - none) / (full - none)


def _metrics(
    subject: Subject,
    pairs: Sequence[ResolvedPair],
    metric: Metric,
    baseline: Baseline,
    replaced: Tensor,
) -> NDArray[np.float64]:
    """The mean metric over pairs for each row of ``replaced`` ``[n_sets, n_heads]``."""
    total = np.zeros(replaced.shape[0])
    for batch in batches_of(pairs, metric, subject.vocabulary_size):
        source = _outputs(subject, batch, baseline)
        total += _batch_metrics(subject, batch, source, replaced)
    return total / len(pairs)


def _outputs(subject: Subject, batch: PairBatch, baseline: Baseline) -> Outputs:
    """What replaced heads put out, per layer ``[n_pairs, position, n_heads, d_head]``."""
    _, negative = subject.capture(batch.negative)
    if baseline == "resample":
        return negative
    if baseline == "zero":
        return tuple(torch.zeros_like(z) for z in negative)
    _, positive = subject.capture(batch.positive)
    return tuple(
        torch.cat([p, n]).mean(0, keepdim=True).expand_as(n)
        for p, n in zip(positive, negative, strict=True)
    )


def _batch_metrics(
    subject: Subject, batch: PairBatch, source: Outputs, replaced: Tensor
) -> NDArray[np.float64]:
    """The metric summed over the batch's pairs, for each set of replaced heads."""
    n = batch.positive.shape[0]
    sizes = [z.shape[2] for z in source]
    sums = []
    for sets in torch.split(replaced, max(1, _ROWS // n)):
        pair = torch.arange(n).repeat(sets.shape[0])
        masks = torch.split(sets.repeat_interleave(n, 0), sizes, dim=1)
        patch = Patch(tuple(masks), tuple(z[pair] for z in source))
        values = batch.measure(subject.logits(batch.positive[pair], patch), pair)
        sums.append(values.double().reshape(sets.shape[0], n).sum(1))
    return np.asarray(torch.cat(sums).numpy(), dtype=np.float64)
