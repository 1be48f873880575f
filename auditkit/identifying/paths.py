"""Path patching: what one head of the circuit does through another alone.

First the model runs with the source replaced by its output on the matched negative and every other head held
at its output on the positive. Nothing can then reach the target but the source's own contribution, straight
or through feed-forward layers: what the target would put out is noted. Then the target puts out that, alone,
and everything after it runs free.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from auditkit.circuits.circuit import layer_order, pairs_in_order
from auditkit.circuits.effects import NO_RESAMPLED_EFFECT
from auditkit.circuits.paths import asked_pairs, path_effect, why_none
from auditkit.identifying.activations import Captured
from auditkit.identifying.interventions import Intervention
from auditkit.model.cached import Outputs
from auditkit.model.subject import HeadIndex, Patch, Subject
from auditkit.records.base import NotAssessed, measured
from auditkit.records.causal import PatchedHead, PathEffect, Paths
from auditkit.records.specification import Specification


def patch_paths(
    subject: Subject,
    intervention: Intervention,
    captured: Sequence[Captured],
    circuit: Sequence[str],
    measurements: Sequence[PatchedHead],
    specification: Specification,
) -> Paths | NotAssessed:
    """The direct paths between the circuit's heads.

    ``intervention`` is the resampling of the ``captured`` pairs.
    """
    absent = why_none(circuit, specification)
    if absent is not None:
        return absent
    if not intervention.has_effect:
        return NO_RESAMPLED_EFFECT
    pairs = asked_pairs(circuit, measurements, specification.patching.paths)
    tried: list[PathEffect] = []
    for source in dict.fromkeys(source for source, _ in pairs):
        targets = [target for each, target in pairs if each == source]
        reached = [_reached(subject, item, layer_order(source)) for item in captured]
        for target in targets:
            layer, place = layer_order(target)
            outputs = [z[layer][None, :, :, place] for z in reached]
            (lost,) = intervention.instead((layer, place), outputs).tolist()
            effects = tuple(measured(value) for value in lost)
            tried.append(path_effect((source, target), effects, specification))
    return Paths(tried=tuple(tried), untried=len(pairs_in_order(circuit)) - len(tried))


def _reached(subject: Subject, item: Captured, source: HeadIndex) -> Outputs:
    """What every head would put out if the source alone were another, per layer as captured."""
    n, positions = item.batch.positive.shape
    layer, place = source
    held = list(item.positive)
    held[layer] = held[layer].clone()
    held[layer][:, :, place] = item.negative[layer][:, :, place].to(held[layer])
    device = item.batch.positive.device
    masks = subject.masks([frozenset(subject.heads)], device)
    parts: list[Outputs] = []
    for rows in torch.split(
        torch.arange(n, device=device), subject.memory.prompts(positions, gradient=False)
    ):
        patch = Patch(tuple(mask.expand(len(rows), -1) for mask in masks), tuple(held), rows)
        types = item.batch.types_of(rows)
        _, seen = subject.capture(item.batch.positive[rows], types, patch)
        parts.append(seen)
    return tuple(torch.cat(each) for each in zip(*parts, strict=True))
