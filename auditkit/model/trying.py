"""Whether runs from a layer give what whole runs give: tried on two short prompts, once for a loaded
model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from auditkit.model.layering import Layering

if TYPE_CHECKING:
    from auditkit.model.subject import Patch, Subject

_PROMPTS, _POSITIONS, _SHARED = 2, 6, 2
_NEAR = 1e-4
"""Largest difference of a score, as a share of the largest score: sums in another order give less."""


@dataclass(frozen=True)
class Resumable:
    """From which layers a model may be run, ``layers`` by their numbers, and whether positions may be
    shared.
    """

    layering: Layering
    layers: frozenset[int]
    shares: bool


def tried(subject: Subject, layering: Layering) -> Resumable:
    """The layers whose runs are equal to whole runs, and whether runs on shared positions are."""
    draw = torch.Generator(device="cpu").manual_seed(0)
    shape, most = (_PROMPTS, _POSITIONS), subject.vocabulary_size
    ids = torch.randint(1, most, shape, generator=draw, device="cpu")
    other = torch.randint(1, most, shape, generator=draw, device="cpu")
    other[:, :_SHARED] = ids[:, :_SHARED]
    ids, other = ids.to(subject.device), other.to(subject.device)
    _, source = subject.capture(other)
    patches = [_patch(subject, layer, source) for layer in range(len(layering.layers))]
    whole = [subject.logits(ids, patch) for patch in patches]
    found = frozenset(
        layer
        for layer, patch in enumerate(patches)
        if _same(subject, layering, ids, 0, layer, patch, whole)
    )
    shares = len(found) == len(patches) and all(
        _same(subject, layering, ids, _SHARED, layer, patch, whole)
        for layer, patch in enumerate(patches)
    )
    return Resumable(layering, found, shares)


def _patch(subject: Subject, layer: int, source: Sequence[Tensor]) -> Patch:
    """The first head of a layer replaced, and the last of the layer above."""
    from auditkit.model.subject import Patch

    last = len(source) - 1
    heads = {(layer, 0), (min(layer + 1, last), source[min(layer + 1, last)].shape[2] - 1)}
    masks = subject.masks([frozenset(heads)], subject.device)
    return Patch(tuple(mask.expand(_PROMPTS, -1) for mask in masks), source)


def _same(
    subject: Subject,
    layering: Layering,
    ids: Tensor,
    shared: int,
    layer: int,
    patch: Patch,
    whole: Sequence[Tensor],
) -> bool:
    """Whether a run from a layer gives what the whole run gave; not where the model cannot be run so."""
    try:
        recording = subject.recording(ids, None, shared, layering)
        rows = torch.arange(_PROMPTS, device=ids.device)
        again = subject.logits_from(recording, layer, patch, rows)
    except Exception:  # noqa: BLE001 - each model breaks in its own way, and is then run whole
        return False
    near = _NEAR * float(whole[layer].abs().max())
    return again.shape == whole[layer].shape and bool((again - whole[layer]).abs().max() <= near)
