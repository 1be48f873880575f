"""HISP: how sensitive the metric is to a gate on each head's whole output.

    importance(h) = mean over pairs of |dm/dg_h| at g = 1 = |sum over positions of z . dm/dz|

divided by the layer's norm, as the paper does. Michel et al., arXiv:1905.10650. There is no negative in
it, so a head that is needed but the same on both prompts counts; it gives a ranking and no set.
"""

from __future__ import annotations

import torch

from benchmarks.figures import Strengths
from benchmarks.peers.problem import Answer, Problem, look


def find(problem: Problem) -> Answer:
    """Heads by importance within their layer."""
    seen = look(problem.model, problem.batches, gradient=True)
    layers = []
    for layer in range(len(problem.model.sizes)):
        gate = torch.cat([(s.positive[layer] * s.gradient[layer]).sum((1, 3)) for s in seen])
        importance = gate.abs().mean(0).double()
        layers.append(importance / importance.norm().clamp_min(torch.finfo(torch.float64).tiny))
    strength: Strengths = torch.cat(layers).numpy()
    return Answer(strength, None)
