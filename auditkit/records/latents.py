"""What single latents of a circuit's heads do, each measured by replacing it alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from auditkit.records.base import AtLeastOne, Count, HeadId, Interval, Measure, NotAssessed, Record

Effects = Annotated[tuple[Measure, ...], Field(min_length=1)]
"""A share of the task effect lost for each pair that was checked."""


class TriedLatent(Record):
    """One latent replaced alone: only its direction takes its value on the matched negative.

    ``code`` is its integer code, ``latent`` its number in its head, from 0. ``effects`` per pair are shares
    of the task effect lost, ``effect`` their mean with its interval. ``attributed`` is the effect to first
    order that it was chosen for, the mean over the discovery pairs.
    """

    code: Count
    latent: Count
    attributed: Measure
    effects: Effects
    effect: Interval


class HeadLatents(Record):
    """The latents of one circuit head, replaced one by one and then together.

    ``exact`` is what is lost when the whole head takes its output on the matched negative. ``tried`` are the
    latents with the largest attributed effects, those that do most of the head's work first. ``together``
    has, per number of latents from 1 to all tried, what is lost when the first so many are replaced together.
    ``all_latents`` replaces every latent of the head, ``unexplained`` only what its autoencoder leaves
    unreconstructed. ``carrying`` are the codes of the shortest beginning of ``tried`` that carries the head's
    effect in the range that sufficiency asks for; there may be none.
    """

    head: HeadId
    exact: Effects
    tried: Annotated[tuple[TriedLatent, ...], Field(min_length=1)]
    together: Annotated[tuple[Effects, ...], Field(min_length=1)]
    all_latents: Effects
    unexplained: Effects
    carrying: tuple[Count, ...] | NotAssessed


class PairCodes(Record):
    """The codes of one pair: the tried latents whose measured effect on it exceeds tau in magnitude."""

    pair: Count
    codes: tuple[Count, ...]


class VerifiedLatents(Record):
    """Circuit heads as sets of latents, measured on the first discovery pairs by resampling.

    ``signature`` are the codes that at least ``quorum_count`` of the ``pairs`` carry: an intersection of sets
    of integers, each of them measured. It has no code of a latent that was not replaced.
    """

    heads: Annotated[tuple[HeadLatents, ...], Field(min_length=1)]
    pairs: Annotated[tuple[PairCodes, ...], Field(min_length=1)]
    quorum_count: AtLeastOne
    signature: tuple[Count, ...]
