"""unique-codes: the published integer-code score, by auditkit's own implementation of it.

O'Neill and Bui, arXiv:2405.12522; ``auditkit.identifying.unique_codes`` describes it and names its faults.
Here the strength is the published one, the softmax over heads of the number of unique codes, without the null
that auditkit prints beside it. Its set: any unique code at all.
"""

from __future__ import annotations

import numpy as np
import torch

from auditkit.circuits.unique_codes import unique_count
from auditkit.identifying.unique_codes import discretise, pooled
from benchmarks.figures import Strengths
from benchmarks.peers.problem import Answer, Problem, look


def find(problem: Problem) -> Answer:
    """Heads by how many codes only positives show; the set is every head with one."""
    seen = look(problem.model, problem.batches, gradient=False)
    written = problem.model.w_o()
    positive = torch.cat([pooled(each.positive, written) for each in seen])
    negative = torch.cat([pooled(each.negative, written) for each in seen])
    codes = discretise(torch.cat([positive, negative]), problem.seed).codes
    n = positive.shape[0]
    by_head = zip(codes[:n].T.tolist(), codes[n:].T.tolist(), strict=True)
    counts = [unique_count(on_positive, on_negative) for on_positive, on_negative in by_head]
    softmax: Strengths = torch.tensor(counts, dtype=torch.float64).softmax(0).numpy()
    found = frozenset(np.flatnonzero(np.asarray(counts) > 0).tolist())
    return Answer(softmax, lambda _least: found)
