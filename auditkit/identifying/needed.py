"""Needed heads that no single resampling shows, each kind by a pass of its own.

*Constant role*: a head that does the same on positives and negatives alike. Its output on the matched
negative does for it, its mean output does not.

*Backup*: a head that takes over when another is replaced (Wang et al., arXiv:2211.00593; McGrath et
al., arXiv:2307.15771). It shows when effects are attributed again with one circuit head replaced at a
time: with the whole circuit gone there is nothing left to take over.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from auditkit.circuits.circuit import backups_of, belonging, layer_order
from auditkit.circuits.codes import by_size
from auditkit.circuits.effects import (
    EMPTY_CIRCUIT,
    NO_BACKUP,
    NO_BACKUPS_SOUGHT,
    NO_CONSTANT_HEAD,
    NO_MEAN_EFFECT,
    NO_RESAMPLED_EFFECT,
    NO_RESAMPLING_FIRST,
)
from auditkit.identifying.activations import Captured
from auditkit.identifying.attribution import head_effects
from auditkit.identifying.batches import in_order
from auditkit.identifying.interventions import (
    Intervention,
    carried,
    heads_of,
    over_pairs,
    patch,
    set_effects,
)
from auditkit.identifying.search import until_patience
from auditkit.model.subject import HeadIndex, Patch, Subject
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Backup, ConstantRole, JointAblation, SetEffect
from auditkit.records.specification import Specification


def constant_role(
    intervention: Intervention,
    on_test: Intervention,
    ranked: Sequence[str],
    circuit: Sequence[str],
    specification: Specification,
) -> ConstantRole | NotAssessed:
    """Heads outside the circuit that are needed all the same, on positives and negatives alike.

    Both interventions are mean ablations, the first on the discovery pairs, the second on the test
    pairs; ``ranked`` are heads by their attributed effect against their own mean. When the heads found
    in rank order do not complete the circuit, all the others are tried. ``ranked`` are heads that were
    replaced by their output on the matched prompt, too: only then can it be said that this does for them.
    """
    if specification.ablations[0] != "resample":
        return NO_RESAMPLING_FIRST
    if not (intervention.has_effect and on_test.has_effect):
        return NO_MEAN_EFFECT
    thresholds = specification.thresholds
    others = [head for head in ranked if head not in circuit]
    patched = until_patience(intervention, others, specification)
    heads = belonging(patched, thresholds)
    rest = others[len(patched) :]
    if rest and carried(intervention, (*circuit, *heads), specification).state != "observed":
        patched += patch(intervention, rest, "rest", specification)
        heads = belonging(patched, thresholds)
    if not heads:
        return ConstantRole(patched=tuple(patched), heads=(), with_circuit=NO_CONSTANT_HEAD)
    return ConstantRole(
        patched=tuple(patched),
        heads=heads,
        with_circuit=carried(on_test, (*circuit, *heads), specification),
    )


def joint_ablation(
    subject: Subject,
    discovery: Sequence[Captured],
    intervention: Intervention,
    on_test: Sequence[Intervention],
    circuit: Sequence[str],
    specification: Specification,
) -> JointAblation | NotAssessed:
    """Heads outside the circuit that take over when a circuit head is replaced.

    ``intervention`` is the resampling of the discovery pairs, whatever the ablations are: with its mean
    output in place a head is not gone, and nothing takes over. ``on_test`` are the test pairs under each
    ablation. Attribution proposes, for each circuit head, the few heads that matter more without
    it; replacing both together decides.
    """
    if not specification.patching.backups:
        return NO_BACKUPS_SOUGHT
    if not circuit:
        return EMPTY_CIRCUIT
    if not intervention.has_effect:
        return NO_RESAMPLED_EFFECT
    tried = [
        _tried(intervention, head, primary, specification)
        for primary in circuit
        for head in _candidates(subject, discovery, intervention, primary, circuit, specification)
    ]
    backups = backups_of(tried, specification.thresholds)
    with_backups: tuple[SetEffect, ...] | NotAssessed = NO_BACKUP
    if backups:
        _, with_backups = set_effects(on_test, (*circuit, *backups), specification)
    return JointAblation(tried=tuple(tried), backups=backups, with_backups=with_backups)


def _candidates(
    subject: Subject,
    discovery: Sequence[Captured],
    intervention: Intervention,
    primary: str,
    circuit: Sequence[str],
    specification: Specification,
) -> list[str]:
    """The heads outside the circuit to which most more is attributed once the primary is replaced."""
    more = [_more_attributed(subject, item, layer_order(primary)) for item in discovery]
    gained = in_order(more, [item.batch for item in discovery]).mean(1) / intervention.task_effect
    gains = dict(zip(subject.head_ids, gained.abs().tolist(), strict=True))
    least = float(specification.thresholds.tau)
    others = [head for head in by_size(list(gains), list(gains.values())) if head not in circuit]
    return [head for head in others if gains[head] > least][: specification.patching.backups]


def _more_attributed(subject: Subject, item: Captured, primary: HeadIndex) -> Tensor:
    """How much more each head's output is worth with the primary replaced, ``[n_heads, n_pairs]``.

    To first order, against its output on the matched negative.
    """
    _, positions = item.batch.positive.shape
    mask = subject.masks([frozenset([primary])], item.batch.positive.device)
    gained, at = [], 0
    for part in item.batch.parts(subject.memory.prompts(positions, gradient=True)):
        rows = slice(at, at + len(part.places))
        at = rows.stop
        negative = [z[rows].to(part.positive.device) for z in item.negative]
        masks = tuple(each.expand(len(part.places), -1) for each in mask)
        _, outputs, gradients = subject.capture_with_gradient(
            part.positive, part.measure, Patch(masks, negative), part.positive_types
        )
        gained.append(head_effects(outputs, negative, gradients))
    more = torch.cat(gained, 1)
    return more - head_effects(item.positive, item.negative, item.gradient).to(more.device)


def _tried(
    intervention: Intervention, head: str, primary: str, specification: Specification
) -> Backup:
    both, one, other = intervention.lost(
        [heads_of([head, primary]), heads_of([head]), heads_of([primary])]
    )
    gains, gain = over_pairs(both - one - other, specification)
    return Backup(head=head, primary=primary, gains=gains, gain=gain)
