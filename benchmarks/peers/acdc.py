"""ACDC at head level: greedy removal from the last layer to the first, for a sweep of thresholds.

A head is replaced by its output on the matched negative, for good, when that raises the divergence
``KL(intact || pruned)`` of the next-token distribution by less than the threshold. Conmy et al.,
arXiv:2304.14997, here with heads as nodes in place of edges. Every threshold of the sweep has its own
circuit; they are pruned side by side.

A head's strength is the largest threshold at which it is kept. The final set is the smallest circuit of
the sweep that carries 0.9 to 1.1 of full minus corrupt on the examples, or else the one nearest to 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.figures import Heads, Strengths
from benchmarks.gated import GatedModel
from benchmarks.peers.problem import Answer, Problem, Seen, full_minus_corrupt, look

THRESHOLDS = tuple(10.0 ** (exponent / 2) for exponent in range(-8, 3))
"""From 0.0001 to 10 nats, two to a power of ten."""

_FAITHFUL = 0.1


def find(problem: Problem) -> Answer:
    """Heads by the threshold they survive; the set is the smallest faithful circuit of the sweep."""
    model = problem.model
    seen = look(model, problem.batches, gradient=False)
    intact = [model.logits_without(s.batch.positive, _nothing(model), s.negative)[0] for s in seen]
    removed = _prune(model, seen, intact)
    survived = torch.tensor(THRESHOLDS).log()[:, None].expand(removed.shape)
    lowest = torch.full_like(survived, survived.min().item() - 1)
    strength: Strengths = torch.where(removed, lowest, survived).max(0).values.double().numpy()
    chosen = _smallest_faithful(model, seen, removed)
    return Answer(strength, lambda _least: chosen)


def _nothing(model: GatedModel) -> Tensor:
    return torch.zeros(1, len(model.heads), dtype=torch.bool)


def _prune(model: GatedModel, seen: Sequence[Seen], intact: Sequence[Tensor]) -> Tensor:
    """Which heads are removed at each threshold, ``[n_thresholds, n_heads]``."""
    n_heads = len(model.heads)
    threshold = torch.tensor(THRESHOLDS)
    removed = torch.zeros(len(THRESHOLDS), n_heads, dtype=torch.bool)
    divergence = torch.zeros(len(THRESHOLDS))
    for head in reversed(range(n_heads)):
        attempt = removed.clone()
        attempt[:, head] = True
        now = _divergence(model, seen, intact, attempt)
        accept = now - divergence < threshold
        removed[accept] = attempt[accept]
        divergence = torch.where(accept, now, divergence)
    return removed


def _divergence(
    model: GatedModel, seen: Sequence[Seen], intact: Sequence[Tensor], removed: Tensor
) -> Tensor:
    """The mean over pairs of ``KL(intact || pruned)`` for each set of removed heads, in nats.

    Sets that are equal are run once.
    """
    distinct, place = torch.unique(removed, dim=0, return_inverse=True)
    total = torch.zeros(distinct.shape[0])
    for each, logits in zip(seen, intact, strict=True):
        pruned = model.logits_without(each.batch.positive, distinct, each.negative).log_softmax(-1)
        wanted = logits.log_softmax(-1)
        total += (wanted.exp() * (wanted - pruned)).sum(-1).sum(1)
    return (total / sum(len(each.batch.places) for each in seen))[place]


def _smallest_faithful(model: GatedModel, seen: Sequence[Seen], removed: Tensor) -> Heads:
    distinct = torch.unique(removed, dim=0)
    kept = torch.zeros(distinct.shape[0])
    for each in seen:
        logits = model.logits_without(each.batch.positive, distinct, each.negative)
        metric = torch.stack([each.batch.measure(one) for one in logits])
        kept += (metric - each.negative_metric).sum(1)
    distance = (kept / full_minus_corrupt(seen) - 1).abs().tolist()
    circuits = [frozenset(torch.nonzero(~row).flatten().tolist()) for row in distinct]
    faithful = [c for c, d in zip(circuits, distance, strict=True) if d <= _FAITHFUL]
    if faithful:
        return min(faithful, key=lambda heads: (len(heads), sorted(heads)))
    return circuits[distance.index(min(distance))]
