"""What the codes say in detail: where heads act, which latents, beside what chance, at what settings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import Count, HeadId, Measure, NotAssessed, Record

Role = Literal[
    "before any difference",
    "first difference",
    "second difference",
    "later difference",
    "after a difference",
    "repeat of a difference",
    "elsewhere",
    "last",
    "first",
    "mask",
]
"""What a token position is to its prompt pair; ``auditkit.circuits.roles`` says which position has which."""


class HeadRoles(Record):
    """At which token roles a head acts: mean share of the magnitude of its attributed effect.

    ``shares`` are in the order of the task's roles and sum to 1; ``examples`` is how many discovery
    examples they are a mean over: those in which anything was attributed to the head.
    """

    head: HeadId
    examples: Count
    shares: tuple[Measure, ...] | NotAssessed


class TokenRoles(Record):
    """The roles that occur in the discovery prompts, and how each head's effect splits over them.

    ``positions`` is the mean share of a prompt's token positions that have each role: what a head
    that acted everywhere alike would show. ``heads`` are those of the signature and of the circuit.
    """

    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    positions: tuple[Measure, ...]
    heads: tuple[HeadRoles, ...]


class TopExample(Record):
    """Where a latent is most active in one discovery prompt.

    ``prompt`` is the positive or the negative of pair ``example``; ``position`` counts from the end,
    -1 for the last token. ``size`` is the activation as a share of the latent's largest.
    """

    example: Count
    prompt: Literal["positive", "negative"]
    position: Annotated[int, Field(le=-1)]
    role: Role
    size: Measure


class Latent(Record):
    """One latent of the signature: what was attributed to it, and the prompts that excite it most.

    ``effects`` per discovery example are shares of the task effect, ``mean_effect`` their mean;
    ``support`` is the number of examples that carry the code. ``latent`` counts from 0 in its head.
    """

    code: Count
    head: HeadId
    latent: Count
    effects: tuple[Measure, ...]
    support: Count
    mean_effect: Measure
    top: Annotated[tuple[TopExample, ...], Field(min_length=1)]


class NegativeHead(Record):
    """What is attributed to one head between two negatives, neither of them a prompt of the task.

    ``effects`` are shares of the task effect; ``null_effect`` is their mean magnitude. ``p_value`` is
    the share of them at least as large as the median magnitude of the head's effects on the pairs,
    with one added to both counts.
    """

    head: HeadId
    effects: tuple[Measure, ...]
    null_effect: Measure
    p_value: Measure


class NegativeNull(Record):
    """The negative-negative null of every head, in layer order.

    ``examples`` are the discovery examples whose negative was compared with the next negative of the
    same length. Two negatives also differ in names and other words, so a head that carries these
    shows here too.
    """

    examples: Annotated[tuple[Count, ...], Field(min_length=1)]
    heads: tuple[NegativeHead, ...]


class CodeSetting(Record):
    """The heads with a signature code when autoencoders and codes are made with these settings.

    ``latent_heads`` are those among them with a latent's code; the code of a head as a whole does not
    depend on the autoencoder.
    """

    seed: Count
    tau: Measure
    quorum: Measure
    heads: tuple[HeadId, ...]
    latent_heads: tuple[HeadId, ...]


class HeadFrequency(Record):
    """A head, and the share of redrawn example sets, or of settings, in which it is selected."""

    head: HeadId
    frequency: Measure


class CodeEnvelope(Record):
    """How the heads with a signature code hold over autoencoder seeds and code thresholds.

    ``settings`` are all combinations, the declared one first. ``frequencies`` and ``mean_jaccard``
    (overlap of pairs of head sets) are over all of them; ``over_seeds`` is the overlap over the seeds
    at the declared thresholds, ``over_seeds_latents`` the same for heads with a latent's code, and
    ``over_thresholds`` the overlap over the thresholds at the declared seed.
    """

    settings: Annotated[tuple[CodeSetting, ...], Field(min_length=2)]
    frequencies: tuple[HeadFrequency, ...]
    mean_jaccard: Measure
    over_seeds: Measure
    over_seeds_latents: Measure
    over_thresholds: Measure
