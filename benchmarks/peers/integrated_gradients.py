"""EAP-IG at head level: the gradient of attribution patching, averaged along the input embeddings.

With ``x(a) = x_neg + a (x_pos - x_neg)`` the input embeddings, and ``m`` steps::

    effect(h) = sum of (z_pos - z_neg) . mean over k = 1..m of dm/dz at x(k / m)

Hanna et al., arXiv:2403.17806 (5 steps), here with heads as nodes in place of edges.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from auditkit.model.cached import Outputs
from benchmarks.figures import Strengths
from benchmarks.gated import GatedModel
from benchmarks.peers.attribution_patching import effects_of
from benchmarks.peers.problem import Answer, Problem, Seen, by_effect, full_minus_corrupt, look

STEPS = 5


def find(problem: Problem) -> Answer:
    """Heads by integrated effect; the set is every head over the least effect."""
    seen = look(problem.model, problem.batches, gradient=False)
    gradients = [_mean_gradient(problem.model, each) for each in seen]
    sloped = [
        replace(each, gradient=gradient) for each, gradient in zip(seen, gradients, strict=True)
    ]
    total = torch.stack([effects_of(each).sum(1) for each in sloped]).sum(0)
    effects: Strengths = total.double().numpy() / full_minus_corrupt(seen)
    return by_effect(effects)


def _mean_gradient(model: GatedModel, seen: Seen) -> Outputs:
    batch = seen.batch
    start, end = model.embed(batch.negative), model.embed(batch.positive)
    at = [start + step / STEPS * (end - start) for step in range(1, STEPS + 1)]
    rows = torch.arange(batch.positive.shape[0]).repeat(STEPS)
    _, _, gradients = model.gradients(
        batch.positive[rows], lambda logits: batch.measure(logits, rows), torch.cat(at)
    )
    return tuple(z.reshape(STEPS, -1, *z.shape[1:]).mean(0) for z in gradients)
