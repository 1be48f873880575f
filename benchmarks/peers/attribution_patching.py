"""Attribution patching at head level: every head's patching effect to first order, from one gradient.

    effect(h) = sum over pairs and positions of (z_pos - z_neg) . dm/dz_pos

as a share of full minus corrupt. Nanda 2023; Syed et al., arXiv:2310.10348 (EAP), here with heads as nodes
in place of edges.
"""

from __future__ import annotations

import torch

from benchmarks.figures import Strengths
from benchmarks.peers.problem import Answer, Problem, Seen, by_effect, full_minus_corrupt, look


def find(problem: Problem) -> Answer:
    """Heads by first-order effect; the set is every head over the least effect."""
    seen = look(problem.model, problem.batches, gradient=True)
    total = torch.stack([effects_of(each).sum(1) for each in seen]).sum(0)
    effects: Strengths = total.double().numpy() / full_minus_corrupt(seen)
    return by_effect(effects)


def effects_of(seen: Seen) -> torch.Tensor:
    """Each head's first-order effect on each pair, in units of the metric, ``[n_heads, n]``."""
    return torch.cat(
        [
            ((positive - negative) * gradient).sum((1, 3)).T
            for positive, negative, gradient in zip(
                seen.positive, seen.negative, seen.gradient, strict=True
            )
        ]
    )
