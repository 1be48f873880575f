"""Recompute what latents replaced alone come to: their order, intervals, codes and signature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.codes import CodeSpace
from auditkit.circuits.effects import NO_RESAMPLED_EFFECT
from auditkit.circuits.latents import (
    NOT_KNOWN,
    Candidate,
    carrying,
    first_by_work,
    tried_latent,
    verified,
    why_none,
)
from auditkit.circuits.signature import NO_SIGNATURE, checked, declared_latents
from auditkit.circuits.signature import NOT_KNOWN as SIGNATURE_NOT_KNOWN
from auditkit.judging.ruling import signature_for
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.latents import HeadLatents
from auditkit.records.task import TaskRecord
from auditkit.verifying.recompute_drops import why_absent


def latents_differences(
    task: TaskRecord, causal: Causal, space: CodeSpace, circuit: Sequence[str], n_pairs: int
) -> Iterator[str]:
    """The keys of the latents that do not follow from the effects recorded beside them.

    ``circuit`` are the heads that belong to it, ``n_pairs`` is how many pairs they are asked on.
    """
    key, latents, specification = "causal.latents", causal.latents, task.specification
    if isinstance(latents, NotAssessed):
        if latents != why_absent(task, causal, why_none(circuit, specification), NOT_KNOWN):
            yield key
        return
    if tuple(each.head for each in latents.heads) != tuple(sorted(circuit, key=layer_order)):
        yield f"{key}.heads"
        return
    for each in latents.heads:
        if not _follows(each, task, space, n_pairs):
            yield f"{key}[{each.head}]"
            return
    if latents != verified(latents.heads, specification):
        yield f"{key}.signature"


def _follows(head: HeadLatents, task: TaskRecord, space: CodeSpace, n_pairs: int) -> bool:
    """Whether everything stated of a head's latents is what its recorded effects give."""
    specification = task.specification
    tried = {each.latent: each for each in head.tried}
    singles = {latent: each.effects for latent, each in tried.items()}
    measured = [
        head.exact,
        head.all_latents,
        head.unexplained,
        *singles.values(),
        *head.together,
    ]
    asked = min(specification.patching.latents, specification.autoencoder.latents)
    if (
        any(len(each) != n_pairs for each in measured)
        or len(head.tried) != asked
        or len(tried) != asked
        or not all(0 <= latent < specification.autoencoder.latents for latent in tried)
    ):
        return False
    again = tuple(
        tried_latent(
            head.head,
            Candidate(latent, tried[latent].attributed),
            singles[latent],
            space,
            specification,
        )
        for latent in first_by_work(singles, head.exact)
    )
    sufficiency = specification.thresholds.sufficiency
    return (
        head.tried == again
        and len(head.together) == len(again)
        and head.together[0] == again[0].effects
        and head.carrying == carrying(again, head.together, head.exact, sufficiency)
    )


def signature_differences(
    task: TaskRecord, causal: Causal, space: CodeSpace, weights_digest: str
) -> Iterator[str]:
    """The keys of a declared signature that do not follow from the effects recorded beside it."""
    key, signature, specification = "causal.signature", causal.signature, task.specification
    declared = signature_for(task.expected, weights_digest)
    if isinstance(signature, NotAssessed):
        reason = NO_RESAMPLED_EFFECT if declared else NO_SIGNATURE
        if isinstance(causal.drops, NotAssessed):
            reason = SIGNATURE_NOT_KNOWN
        # Where resampling comes first, it was seen to have an effect on these pairs.
        first = specification.ablations[0] == "resample"
        if signature != reason or (first and reason == NO_RESAMPLED_EFFECT):
            yield key
        return
    asked = [(head, tuple(declared[head])) for head in sorted(declared, key=layer_order)]
    if [(each.head, each.latents) for each in signature.heads] != asked:
        yield f"{key}.heads"
        return
    again = []
    for each in signature.heads:
        known = each.head in space.head_ids and max(each.latents) < space.latents
        sizes = {len(effects) for effects in (each.exact, each.together, *each.alone)}
        if (
            not known
            or sizes != {task.examples.discovery.n}
            or len(each.alone) != len(each.latents)
            or (len(each.latents) == 1 and each.alone[0] != each.together)
        ):
            yield f"{key}[{each.head}]"
            return
        measured = (each.exact, each.together, each.alone)
        again.append(declared_latents(each.head, each.latents, measured, specification))
    if signature != checked(again):
        yield f"{key}.verdict"
