"""Screening: codes and ranks of heads, then at which positions they act, which latents, how surely.

All of it is read from activations, gradients and autoencoders that are already there. Only the envelope
trains anything: the autoencoders again, with other seeds. No model is run.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auditkit.circuits.codes import (
    CodeSpace,
    RankedCodes,
    discretise,
    exceed,
    latent_codes,
    latent_of,
    quorum_count,
    recorded_effects,
    screened_heads,
    signature,
)
from auditkit.circuits.null import NO_PARTNER, negative_head
from auditkit.circuits.roles import NOWHERE, ROLES, acting_heads, roles_of
from auditkit.circuits.stability import (
    DICTIONARY_NAMED,
    ONE_SEED,
    code_envelope,
    setting_of,
    settings_of,
)
from auditkit.identifying.activations import Captured
from auditkit.identifying.attribution import (
    Attribution,
    HeadVectors,
    attribute,
    head_effects,
    head_vectors,
    rows_of,
)
from auditkit.identifying.batches import PairBatch
from auditkit.model.subject import Subject
from auditkit.records.base import NotAssessed, measured
from auditkit.records.codes import (
    CodeEnvelope,
    HeadRoles,
    Latent,
    NegativeNull,
    Role,
    TokenRoles,
    TopExample,
)
from auditkit.records.specification import Specification
from auditkit.records.task import Circuit, Codes, ScreenedHead
from auditkit.sae.dictionary import Dictionary
from auditkit.sae.per_head import Autoencoder

TOP_EXAMPLES = 3
"""How many prompts are named for each latent."""

Roles = NDArray[np.int64]
"""Per row of ``HeadVectors``, the place of the position's role among ``ROLES``."""


@dataclass(frozen=True)
class Screened:
    """What screening leaves behind for a closer look."""

    space: CodeSpace
    attribution: Attribution
    task_effect: float


def screen(
    subject: Subject,
    discovery: tuple[Captured, ...],
    specification: Specification,
    task_effect: float,
    dictionary: Dictionary | None = None,
) -> tuple[RankedCodes, Screened]:
    """The discovery pairs as integer codes, their signature, and every head's rank.

    The autoencoders are trained here, or those of a dictionary.
    All that ranking takes and no more: ``in_detail`` looks closer once a circuit is found.
    """
    settings, thresholds = specification.autoencoder, specification.thresholds
    space = CodeSpace.of(subject.identity.layers, settings.latents)
    attribution = attribute(discovery, settings, specification.seed, task_effect, dictionary)
    effects = recorded_effects(attribution.heads)
    examples = discretise(attribution.latents, effects, thresholds.tau)
    count = quorum_count(thresholds.quorum, len(examples))
    codes = RankedCodes(
        stride=space.stride,
        quorum_count=count,
        examples=examples,
        signature=signature(examples, count, space),
        heads=screened_heads(effects, examples, space, specification.seed),
        unexplained_variance=measured(attribution.unexplained_variance),
        ties=attribution.ties,
        unvarying=tuple(itertools.compress(space.head_ids, attribution.unvarying)),
    )
    return codes, Screened(space, attribution, task_effect)


def in_detail(
    codes: RankedCodes,
    circuit: Circuit,
    screened: Screened,
    discovery: Sequence[Captured],
    specification: Specification,
) -> Codes:
    """The record of the codes, with all that ranking leaves open. Nothing here ranks or decides."""
    return Codes(
        stride=codes.stride,
        quorum_count=codes.quorum_count,
        examples=codes.examples,
        signature=codes.signature,
        heads=codes.heads,
        unexplained_variance=codes.unexplained_variance,
        ties=codes.ties,
        unvarying=codes.unvarying,
        roles=token_roles(discovery, acting_heads(codes, circuit, screened.space), screened),
        latents=signature_latents(discovery, codes, screened, specification),
        negatives=negative_null(discovery, codes.heads, screened),
        envelope=envelope_of_codes(discovery, codes.heads, screened, specification),
    )


def token_roles(
    discovery: Sequence[Captured], heads: Sequence[str], screened: Screened
) -> TokenRoles:
    """How the attributed effects of these heads split over the roles of the token positions."""
    roles = _roles(discovery)
    present = sorted(set(roles.tolist()))
    example = _examples(discovery)
    n = len(screened.attribution.heads)
    alike = _split(np.ones((1, len(roles))), roles, example, n)[0]
    split: dict[int, NDArray[np.float64]] = {}
    for vectors in head_vectors(discovery):
        at = ((vectors.positive - vectors.negative) * vectors.gradient).sum(-1).abs()
        shares = _split(at.double().cpu().numpy(), roles, example, n)
        split |= dict(zip(vectors.places, shares, strict=True))
    places = {head: place for place, head in enumerate(screened.space.head_ids)}
    return TokenRoles(
        roles=tuple(ROLES[role] for role in present),
        positions=tuple(measured(value) for value in alike[present].mean(1).tolist()),
        heads=tuple(_head_roles(head, split[places[head]][present]) for head in heads),
    )


def _head_roles(head: str, sizes: NDArray[np.float64]) -> HeadRoles:
    """A head's mean shares from the shares ``[roles, examples]``; not a number where it has none."""
    seen = sizes[:, ~np.isnan(sizes).any(axis=0)]
    if seen.shape[1] == 0:
        return HeadRoles(head=head, examples=0, shares=NOWHERE)
    shares = tuple(measured(value) for value in seen.mean(1).tolist())
    return HeadRoles(head=head, examples=seen.shape[1], shares=shares)


def _split(
    sizes: NDArray[np.float64], roles: Roles, example: NDArray[np.int64], n: int
) -> NDArray[np.float64]:
    """Sizes ``[heads, rows]`` as shares of each example's whole, ``[heads, all roles, examples]``.

    An example of which the whole is 0 has no shares: not a number.
    """
    cells = roles * n + example
    summed = np.stack([np.bincount(cells, row, len(ROLES) * n) for row in sizes])
    by_role = summed.astype(np.float64).reshape(len(sizes), len(ROLES), n)
    whole = by_role.sum(axis=1, keepdims=True)
    shares = np.full_like(by_role, np.nan)
    np.divide(by_role, whole, out=shares, where=whole > 0)
    return shares


def _roles(discovery: Sequence[Captured]) -> Roles:
    rows = [
        ROLES.index(role)
        for item in discovery
        for positive, negative in zip(
            item.batch.positive.tolist(), item.batch.negative.tolist(), strict=True
        )
        for role in roles_of(positive, negative, _read_off(item.batch), _alignment(item.batch))
    ]
    return np.array(rows, dtype=np.int64)


def _read_off(batch: PairBatch) -> tuple[int, Role] | None:
    return None if batch.answer_position == "every" else (batch.anchor, batch.answer_position)


def _alignment(batch: PairBatch) -> list[int]:
    return [] if batch.alignment is None else batch.alignment.tolist()


def _examples(discovery: Sequence[Captured]) -> NDArray[np.int64]:
    example, _ = rows_of(discovery)
    places: NDArray[np.int64] = example.cpu().numpy()
    return places


def signature_latents(
    discovery: Sequence[Captured],
    codes: RankedCodes,
    screened: Screened,
    specification: Specification,
) -> tuple[Latent, ...]:
    """Every latent of the signature, with its effects and the prompts that excite it most."""
    space, tau = screened.space, specification.thresholds.tau
    wanted: dict[int, list[int]] = {}
    for code in latent_codes(codes.signature, space):
        wanted.setdefault(code // space.stride, []).append(code)
    roles = _roles(discovery)
    found: dict[int, Latent] = {}
    groups = zip(head_vectors(discovery), screened.attribution.trained, strict=True)
    for vectors, autoencoder in groups:
        for row, place in enumerate(vectors.places):
            if place in wanted:
                active = _activations(vectors, autoencoder, row)
                for code in wanted[place]:
                    latent = code % space.stride - 1
                    effects = screened.attribution.latents[:, place, latent].tolist()
                    top = _top(active[:, latent], vectors, roles)
                    recorded = tuple(measured(effect) for effect in effects)
                    found[code] = latent_of(code, recorded, top, tau, space)
    return tuple(found[code] for code in sorted(found))


def _activations(vectors: HeadVectors, autoencoder: Autoencoder, row: int) -> Tensor:
    """One head's latents ``[rows, latents]`` on the positives' rows, then on the negatives'."""
    outputs = torch.cat([vectors.positive[row], vectors.negative[row]])
    return autoencoder.of_head(row).read(outputs[None]).latents[0]


def _top(active: Tensor, vectors: HeadVectors, roles: Roles) -> tuple[TopExample, ...]:
    """The prompts with the largest activations, one place in each; the earlier of equal ones."""
    rows = len(vectors.example)
    largest = float(active.max())
    found: dict[tuple[int, bool], TopExample] = {}
    for place in torch.argsort(active, descending=True, stable=True).tolist():
        row, negative = place % rows, place >= rows
        prompt = (int(vectors.example[row]), negative)
        if len(found) == TOP_EXAMPLES or float(active[place]) <= 0:
            break
        if prompt not in found:
            found[prompt] = TopExample(
                example=prompt[0],
                prompt="negative" if negative else "positive",
                position=int(vectors.from_end[row]),
                role=ROLES[int(roles[row])],
                size=measured(float(active[place]) / largest),
            )
    return tuple(found.values())


def negative_null(
    discovery: Sequence[Captured], heads: Sequence[ScreenedHead], screened: Screened
) -> NegativeNull | NotAssessed:
    """What is attributed to each head when a negative is replaced by the next one of its length.

    With the gradient of the example's own positive, as for the pairs themselves.
    """
    batches = [item for item in discovery if len(item.batch.places) > 1]
    if not batches:
        return NO_PARTNER
    example = np.array([place for item in batches for place in item.batch.places])
    order = np.argsort(example)
    effects = torch.cat([_between_negatives(item) for item in batches], 1).double().cpu().numpy()
    shares = effects[:, order] / screened.task_effect
    return NegativeNull(
        examples=tuple(example[order].tolist()),
        heads=tuple(
            negative_head(head.head, tuple(measured(value) for value in row), head.effects)
            for head, row in zip(heads, shares.tolist(), strict=True)
        ),
    )


def _between_negatives(item: Captured) -> Tensor:
    """Per head and pair, the effect to first order of the next pair's negative, ``[n_heads, n]``."""
    by_layer = zip(item.negative, item.gradient, strict=True)
    return torch.cat([head_effects([z], [z.roll(-1, 0)], [gradient]) for z, gradient in by_layer])


def envelope_of_codes(
    discovery: Sequence[Captured],
    heads: Sequence[ScreenedHead],
    screened: Screened,
    specification: Specification,
) -> CodeEnvelope | NotAssessed:
    """The heads of the signature under every seed and threshold of the envelope.

    Not part of ``screen``: it trains the autoencoders once more for each further seed.
    """
    settings = specification.autoencoder
    if settings.dictionary is not None:
        return DICTIONARY_NAMED
    if settings.seeds == 1:
        return ONE_SEED
    latents = {specification.seed: screened.attribution.latents}
    for seed in range(specification.seed + 1, specification.seed + settings.seeds):
        latents[seed] = attribute(discovery, settings, seed, screened.task_effect).latents
    found = []
    for setting in settings_of(specification):
        seed, tau, quorum = setting
        count = quorum_count(quorum, len(latents[seed]))
        selected = (exceed(latents[seed], tau).sum(axis=0) >= count).any(axis=1)
        ids = frozenset(screened.space.head_ids[i] for i in np.flatnonzero(selected).tolist())
        found.append(setting_of(setting, ids, heads))
    return code_envelope(found)
