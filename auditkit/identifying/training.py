"""Autoencoders of every head, trained to be kept: what ``auditkit dictionary`` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from auditkit.identifying.attribution import head_vectors
from auditkit.identifying.mechanism import observe
from auditkit.model.subject import Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.specification import Specification
from auditkit.sae.per_head import to_numbers, train


def train_heads(
    subject: Subject, pairs: Sequence[ResolvedPair], specification: Specification
) -> dict[str, Mapping[str, NDArray[np.float32]]]:
    """Every head's autoencoder, trained on what the head puts out on both prompts of the pairs.

    With the specification's settings and seed, as an audit trains them on its discovery pairs.
    """
    captured = observe(subject, pairs, specification, attributed=True)
    precision = torch.finfo(captured[0].positive[0].dtype).eps
    found: dict[str, Mapping[str, NDArray[np.float32]]] = {}
    for vectors in head_vectors(captured):
        outputs = torch.cat([vectors.positive, vectors.negative], 1)
        autoencoder = train(
            outputs, specification.autoencoder, specification.seed, vectors.chunk, precision
        )
        for place, (layer, head) in enumerate(vectors.heads):
            found[f"{layer}.{head}"] = to_numbers(autoencoder, place)
    return found
