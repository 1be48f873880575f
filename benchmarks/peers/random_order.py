"""The floor: a random order of the heads."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.problem import Answer, Problem


def find(problem: Problem) -> Answer:
    """Heads in an order drawn from the seed; no set."""
    strength = np.random.default_rng(problem.seed).random(len(problem.model.heads))
    return Answer(strength, None)
