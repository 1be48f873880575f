"""Recompute what the details of a task's codes conclude, and whether they fit the codes themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from auditkit.circuits.codes import CodeSpace, carries_code, latent_codes, latent_of
from auditkit.circuits.intervals import UNIT
from auditkit.circuits.null import NO_PARTNER, negative_head
from auditkit.circuits.roles import NOWHERE, ROLES, acting_heads
from auditkit.circuits.stability import (
    DICTIONARY_NAMED,
    ONE_SEED,
    code_envelope,
    setting_of,
    settings_of,
)
from auditkit.records.base import NotAssessed
from auditkit.records.codes import CodeEnvelope, CodeSetting, Latent
from auditkit.records.task import Circuit, Codes, TaskRecord


def details(task: TaskRecord, codes: Codes, space: CodeSpace) -> Iterator[str]:
    """The keys below ``codes`` that do not follow from the recorded measurements."""
    if isinstance(task.circuit, Circuit):
        yield from _roles(codes, task.circuit, space)
    yield from _latents(codes, task.specification.thresholds.tau, space)
    yield from _negatives(codes)
    yield from _envelope(task, codes, space)


def _roles(codes: Codes, circuit: Circuit, space: CodeSpace) -> Iterator[str]:
    """Shares are measured, so what can be checked is which heads, which roles, and that they sum to 1."""
    if isinstance(codes.roles, NotAssessed):
        yield "codes.roles"
        return
    roles = codes.roles
    if list(roles.roles) != [role for role in ROLES if role in roles.roles]:
        yield "codes.roles.roles"
    if tuple(each.head for each in roles.heads) != acting_heads(codes, circuit, space):
        yield "codes.roles.heads"
    if not _is_whole(roles.positions, len(roles.roles)):
        yield "codes.roles.positions"
    for each in roles.heads:
        fits = (
            each.shares == NOWHERE and each.examples == 0
            if isinstance(each.shares, NotAssessed)
            else _is_whole(each.shares, len(roles.roles))
            and 1 <= each.examples <= len(codes.examples)
        )
        if not fits:
            yield f"codes.roles.heads[{each.head}]"


def _is_whole(shares: Sequence[Decimal], parts: int) -> bool:
    """Whether so many shares sum to 1, but for what rounding each of them to the last digit changed."""
    unsure = UNIT * parts / 2
    return len(shares) == parts and min(shares) >= 0 and abs(sum(shares, Decimal(-1))) <= unsure


def _latents(codes: Codes, tau: Decimal, space: CodeSpace) -> Iterator[str]:
    if isinstance(codes.latents, NotAssessed):
        yield "codes.latents"
        return
    if tuple(each.code for each in codes.latents) != latent_codes(codes.signature, space):
        yield "codes.latents"
        return
    for each in codes.latents:
        carried = [each.code in example.codes for example in codes.examples]
        if carries_code(each.effects, tau) != carried:
            yield f"codes.latents[{each.code}].effects"
        elif each != latent_of(each.code, each.effects, each.top, tau, space):
            yield f"codes.latents[{each.code}]"
        if not _in_order(each, len(codes.examples)):
            yield f"codes.latents[{each.code}].top"


def _in_order(latent: Latent, n_examples: int) -> bool:
    """Whether the prompts that excite a latent are discovery prompts, each once, the largest first."""
    sizes = [each.size for each in latent.top]
    prompts = {(each.example, each.prompt) for each in latent.top}
    return (
        sizes[0] == 1
        and sizes == sorted(sizes, reverse=True)
        and sizes[-1] >= 0
        and len(prompts) == len(sizes)
        and all(each.example < n_examples for each in latent.top)
    )


def _negatives(codes: Codes) -> Iterator[str]:
    null = codes.negatives
    if isinstance(null, NotAssessed):
        if null != NO_PARTNER:
            yield "codes.negatives"
        return
    places = null.examples
    if list(places) != sorted(set(places)) or places[-1] >= len(codes.examples):
        yield "codes.negatives.examples"
    if [each.head for each in null.heads] != [head.head for head in codes.heads] or any(
        len(each.effects) != len(places) for each in null.heads
    ):
        yield "codes.negatives.heads"
        return
    for each, head in zip(null.heads, codes.heads, strict=True):
        if each != negative_head(each.head, each.effects, head.effects):
            yield f"codes.negatives.heads[{each.head}]"


def _envelope(task: TaskRecord, codes: Codes, space: CodeSpace) -> Iterator[str]:
    envelope, specification = codes.envelope, task.specification
    if isinstance(envelope, NotAssessed) or specification.autoencoder.seeds == 1:
        settings = specification.autoencoder
        reason = ONE_SEED if settings.dictionary is None else DICTIONARY_NAMED
        if envelope != reason or settings.seeds != 1:
            yield "codes.envelope"
        return
    asked = settings_of(specification)
    if tuple((one.seed, one.tau, one.quorum) for one in envelope.settings) != asked:
        yield "codes.envelope.settings"
        return
    for place, (setting, one) in enumerate(zip(asked, envelope.settings, strict=True)):
        if one != setting_of(setting, frozenset(one.latent_heads), codes.heads) or not set(
            one.heads
        ) <= set(space.head_ids):
            yield f"codes.envelope.settings[{place}]"
    declared = {space.head_of(code) for code in latent_codes(codes.signature, space)}
    if set(envelope.settings[0].latent_heads) != declared or _grows(envelope):
        yield "codes.envelope.settings[0].latent_heads"
    if envelope != code_envelope(envelope.settings):
        yield "codes.envelope"


def _grows(envelope: CodeEnvelope) -> bool:
    """Whether any head would gain its code under stricter thresholds, which cannot be."""

    def stricter(one: CodeSetting, other: CodeSetting) -> bool:
        return one.seed == other.seed and one.tau >= other.tau and one.quorum >= other.quorum

    return any(
        stricter(one, other) and not set(one.latent_heads) <= set(other.latent_heads)
        for one in envelope.settings
        for other in envelope.settings
    )
