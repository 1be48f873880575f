"""unique-codes: the published integer-code score, as described, faults and all.

O'Neill and Bui, arXiv:2405.12522. A head's output in residual space, averaged over all positions, goes
through one sparse autoencoder shared by all heads (tied bias, 200 ReLU features, MSE + 0.02 L1, Adam at
0.001, 500 full-batch epochs on ten prompts drawn from both labels). A head's code on a prompt is the
feature with the largest activation. The score is the number of distinct codes seen on positives and never
on negatives, then a softmax over heads, which changes no ranking.

Faults kept on purpose: a silent head has code 0, which is also feature 0; labels are positions in a list;
the score has no null; scored on the prompts it was trained on. Not kept: no seed (here it has one), and
hundreds of prompts to count on (here the same ten pairs as every method). Its set: any unique code at all.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmarks.figures import Strengths
from benchmarks.peers.problem import Answer, Problem, Seen, look

FEATURES = 200
SPARSITY = 0.02
EPOCHS = 500
PROMPTS = 10
_RATE = 1e-3


def find(problem: Problem) -> Answer:
    """Heads by how many codes only positives show; the set is every head with one."""
    seen = look(problem.model, problem.batches, gradient=False)
    written = problem.model.written()
    sides = [torch.cat([_pooled(s, written, positive=p) for s in seen]) for p in (True, False)]
    codes = _codes(torch.cat(sides), problem.seed)
    counts = unique_counts(codes, len(problem.pairs))
    softmax: Strengths = torch.tensor(counts, dtype=torch.float64).softmax(0).numpy()
    found = frozenset(np.flatnonzero(np.asarray(counts) > 0).tolist())
    return Answer(softmax, lambda _least: found)


def unique_counts(codes: Tensor, n_positive: int) -> list[int]:
    """Per head, the distinct codes of the first prompts that no later prompt shows.

    ``codes`` is ``[n_prompts, n_heads]``, the first ``n_positive`` rows those of the positives.
    """
    positive, negative = codes[:n_positive].T.tolist(), codes[n_positive:].T.tolist()
    return [len(set(p) - set(n)) for p, n in zip(positive, negative, strict=True)]


def _pooled(seen: Seen, written: list[Tensor], *, positive: bool) -> Tensor:
    """Head outputs in residual space, mean over positions, ``[n, n_heads, d_model]``."""
    outputs = seen.positive if positive else seen.negative
    return torch.cat(
        [
            torch.einsum("nhd,hdm->nhm", z.float().mean(1), w.float())
            for z, w in zip(outputs, written, strict=True)
        ],
        1,
    )


def _codes(pooled: Tensor, seed: int) -> Tensor:
    """Each head's code on each prompt, ``[n_prompts, n_heads]``."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(pooled.shape[0], generator=generator)[:PROMPTS]
    encoder, bias = _train(pooled[chosen].flatten(0, 1), generator)
    return torch.relu((pooled - bias) @ encoder).argmax(-1)


def _train(vectors: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    width = vectors.shape[1]
    encoder = torch.randn(width, FEATURES, generator=generator) / width**0.5
    decoder = encoder.T.clone()
    bias = torch.zeros(width)
    parameters = [encoder, decoder, bias]
    for parameter in parameters:
        parameter.requires_grad = True
    optimiser = torch.optim.Adam(parameters, lr=_RATE)
    for _ in range(EPOCHS):
        optimiser.zero_grad()
        with torch.enable_grad():
            features = torch.relu((vectors - bias) @ encoder)
            rebuilt = features @ decoder + bias
            loss = (rebuilt - vectors).square().mean() + SPARSITY * features.abs().mean()
            torch.autograd.backward(loss)
        optimiser.step()
    return encoder.detach(), bias.detach()
