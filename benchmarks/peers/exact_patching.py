"""Exact activation patching: every head replaced, alone, by its output on the matched negative.

The effect is the mean drop of the metric as a share of full minus corrupt. Vig et al. 2020; Heimersheim
and Nanda, arXiv:2404.15255. On many pairs it is the truth the others are held against; on the same few
examples it is the ceiling of what they can reach.
"""

from __future__ import annotations

import torch

from benchmarks.figures import Strengths
from benchmarks.gated import GatedModel
from benchmarks.peers.problem import Answer, Problem, Seen, by_effect, full_minus_corrupt, look


def find(problem: Problem) -> Answer:
    """Heads by exact effect; the set is every head over the least effect."""
    seen = look(problem.model, problem.batches, gradient=False)
    return by_effect(exact_effects(problem.model, seen))


def exact_effects(model: GatedModel, seen: tuple[Seen, ...]) -> Strengths:
    """Each head's effect by itself, as a share of full minus corrupt, ``[n_heads]``."""
    n_heads = len(model.heads)
    single = torch.eye(n_heads, dtype=torch.bool)
    total = torch.zeros(n_heads, dtype=torch.float64)
    for each in seen:
        logits = model.logits_without(each.batch.positive, single, each.negative)
        metric = torch.stack([each.batch.measure(one) for one in logits])
        total += (each.positive_metric - metric).double().sum(1)
    effects: Strengths = total.numpy() / full_minus_corrupt(seen)
    return effects
