"""Subnetwork probing at head level: gates learned under a penalty on every gate that is open.

Each head has a hard-concrete gate (Louizos et al., arXiv:1712.01312) with temperature 2/3, stretched to
(-0.1, 1.1) and clipped to [0, 1]; a closed gate puts out the matched negative's value. Adam minimises::

    |m(gated) - m(intact)| / (full minus corrupt)  +  PENALTY * sum over heads of P(gate > 0)

so a head stays open when it is worth about 3 % of the effect. Cao et al., arXiv:2104.03514 (there with
weights as units, gated to zero); heads and the resampled baseline as in Conmy et al., arXiv:2304.14997.
Strength is the gate's location; the final set is every gate that is open more than half at its mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.figures import Heads, Strengths
from benchmarks.gated import GatedModel
from benchmarks.peers.problem import Answer, Problem, Seen, full_minus_corrupt, look

STEPS = 50
PENALTY = 0.03
_TEMPERATURE = 2 / 3
_LOW, _HIGH = -0.1, 1.1
_RATE = 0.1
_START = 2.0


def find(problem: Problem) -> Answer:
    """Heads by the location of their learned gate; the set is the open gates."""
    model = problem.model
    seen = look(model, problem.batches, gradient=False)
    location = _train(model, seen, problem.seed)
    strength: Strengths = location.double().numpy()
    chosen: Heads = frozenset(torch.nonzero(_clipped(location.sigmoid()) > 0.5).flatten().tolist())
    return Answer(strength, lambda _least: chosen)


def _train(model: GatedModel, seen: Sequence[Seen], seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    location = torch.full((len(model.heads),), _START, requires_grad=True)
    optimiser = torch.optim.Adam([location], lr=_RATE)
    scale = full_minus_corrupt(seen)
    for _ in range(STEPS):
        optimiser.zero_grad()
        with torch.enable_grad():
            lost = sum(_lost(model, each, location, generator) for each in seen) / scale
            torch.autograd.backward(lost + PENALTY * _open(location).sum())
        optimiser.step()
    return location.detach()


def _lost(model: GatedModel, seen: Seen, location: Tensor, generator: torch.Generator) -> Tensor:
    n = seen.batch.positive.shape[0]
    uniform = torch.rand(n, len(location), generator=generator).clamp(1e-6, 1 - 1e-6)
    gates = _clipped(((uniform.logit() + location) / _TEMPERATURE).sigmoid())
    metric = seen.batch.measure(model.gated(seen.batch.positive, gates, seen.negative))
    return (metric - seen.positive_metric).abs().sum()


def _clipped(share: Tensor) -> Tensor:
    return (share * (_HIGH - _LOW) + _LOW).clamp(0, 1)


def _open(location: Tensor) -> Tensor:
    """The chance that a gate is not closed."""
    return (location - _TEMPERATURE * math.log(-_LOW / _HIGH)).sigmoid()
