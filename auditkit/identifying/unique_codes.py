"""unique-codes: the published integer-code method, as described, faults and all.

O'Neill and Bui, arXiv:2405.12522. A head's output in residual space, averaged over all positions, goes
through one sparse autoencoder shared by all heads (``auditkit.circuits.unique_codes.PUBLISHED`` has its
settings). A head's code on a prompt is the feature with the largest activation. What is counted of the
codes is in ``auditkit.circuits.unique_codes``.

Faults kept on purpose: a silent head has code 0, which is also feature 0; the autoencoder is trained on
prompts that are then scored. Not kept: no seed (here it has one), labels by position in a list, and
hundreds of prompts to count on (here the discovery pairs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from auditkit.circuits.unique_codes import PUBLISHED, count_heads, reported
from auditkit.identifying.activations import Captured
from auditkit.identifying.batches import PairBatch, in_order
from auditkit.model.cached import Outputs
from auditkit.model.subject import Subject
from auditkit.records.specification import Specification
from auditkit.records.unique_codes import PairCodes, PromptCodes, UniqueCodes


@dataclass(frozen=True)
class CodeTable:
    """The code of every head on every prompt, and where no feature answered, ``[n_prompts, n_heads]``."""

    codes: Tensor
    silent: Tensor

    @classmethod
    def of(cls, features: Tensor) -> CodeTable:
        """The largest of the features ``[n_prompts, n_heads, features]``, none of them below 0."""
        return cls(codes=features.argmax(-1), silent=~features.any(-1))


def observe_codes(
    subject: Subject, discovery: Sequence[Captured], specification: Specification
) -> UniqueCodes:
    """What the published method sees on the discovery pairs. Nothing is replaced or differentiated."""
    batches, written = [item.batch for item in discovery], subject.w_o()
    positive = _in_pair_order([pooled(item.positive, written) for item in discovery], batches)
    negative = _in_pair_order([pooled(item.negative, written) for item in discovery], batches)
    table = discretise(torch.cat([positive, negative]), specification.seed)
    n = positive.shape[0]
    examples = tuple(
        PairCodes(example=i, positive=_row(table, i), negative=_row(table, n + i)) for i in range(n)
    )
    heads = count_heads(examples, subject.head_ids, specification.seed)
    return UniqueCodes(
        autoencoder=PUBLISHED, examples=examples, heads=heads, reported=reported(heads)
    )


def _in_pair_order(vectors: Sequence[Tensor], batches: Sequence[PairBatch]) -> Tensor:
    """Per-batch vectors ``[n, n_heads, d_model]`` joined in the order of the pairs."""
    return in_order([each.movedim(0, -1) for each in vectors], batches).movedim(-1, 0)


def _row(table: CodeTable, row: int) -> PromptCodes:
    return PromptCodes(
        codes=tuple(table.codes[row].tolist()),
        silent=tuple(torch.nonzero(table.silent[row]).flatten().tolist()),
    )


def pooled(outputs: Outputs, written: Sequence[Tensor]) -> Tensor:
    """Head outputs in residual space, mean over positions, ``[n, n_heads, d_model]``.

    ``outputs``: per layer ``[n, position, heads, d_head]``; ``written``: per layer the part of the output
    projection that each head owns, ``[heads, d_head, d_model]``.
    """
    return torch.cat(
        [
            torch.einsum("nhd,hdm->nhm", z.to(w.device).float().mean(1), w.float())
            for z, w in zip(outputs, written, strict=True)
        ],
        1,
    )


def discretise(vectors: Tensor, seed: int) -> CodeTable:
    """The codes of prompts ``[n_prompts, n_heads, d_model]``, by an autoencoder trained on some of them."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randperm(vectors.shape[0], generator=generator, device="cpu")
    chosen = drawn[: PUBLISHED.prompts].to(vectors.device)
    encoder, bias = _train(vectors[chosen].flatten(0, 1), generator)
    return CodeTable.of(torch.relu((vectors - bias) @ encoder))


def _train(vectors: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Encoder ``[d_model, features]`` and tied bias ``[d_model]`` of vectors ``[n, d_model]``."""
    width = vectors.shape[1]
    drawn = torch.randn(width, PUBLISHED.features, generator=generator, device="cpu")
    encoder = drawn.to(vectors.device) / width**0.5
    decoder = encoder.T.clone()
    bias = torch.zeros(width, device=vectors.device)
    parameters = [encoder, decoder, bias]
    for parameter in parameters:
        parameter.requires_grad = True
    optimiser = torch.optim.Adam(parameters, lr=float(PUBLISHED.learning_rate))
    sparsity = float(PUBLISHED.sparsity)
    for _ in range(PUBLISHED.epochs):
        optimiser.zero_grad()
        with torch.enable_grad():
            features = torch.relu((vectors - bias) @ encoder)
            rebuilt = features @ decoder + bias
            loss = (rebuilt - vectors).square().mean() + sparsity * features.abs().mean()
            torch.autograd.backward(loss)
        optimiser.step()
    return encoder.detach(), bias.detach()
