"""The pairs on which each head was replaced alone, look by look, and what the verdict rule makes of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import AtLeastOne, HeadId, Measure, NotAssessed, Record

Ruled = Literal["consistent", "not_consistent", "inconclusive"]
HeadClaim = Literal["declared", "not_declared"]


class HeadDrops(Record):
    """How far the metric drops on each pair when one head is replaced, in units of the metric.

    In the fixed order of the pairs, from the first pair to the last on which the head was replaced.
    """

    head: HeadId
    drops: tuple[Measure, ...]


class Drops(Record):
    """What the verdict rule is applied to: drops of the metric, pair by pair, under the first ablation.

    ``whole`` with every head replaced, on every pair that was used; ``heads`` with one head replaced alone,
    each on as many pairs as its question needed. ``joint``: what a declared head adds after the other
    declared heads were replaced, where the rule had to ask that.
    """

    whole: tuple[Measure, ...]
    heads: tuple[HeadDrops, ...]
    joint: tuple[HeadDrops, ...]


class Bounds(Record):
    """Shares of the effect of all heads. ``threshold`` divides heads that matter from those that do not.

    A declared head has to be shown above ``lower`` (half of it), and any other below ``upper`` (twice it).
    """

    threshold: Measure
    lower: Measure
    upper: Measure


class Look(Record):
    """The rule applied after this many pairs.

    ``closed`` heads are settled in favour of the declaration and were not replaced on further pairs.
    ``refused`` heads speak against it: a declared head surely below the threshold, another one surely above.
    ``spared`` declared heads are surely below it alone, and not after the other declared heads.
    """

    pairs: AtLeastOne
    closed: tuple[HeadId, ...]
    refused: tuple[HeadId, ...]
    spared: tuple[HeadId, ...]


class OpenHead(Record):
    """A head that the pairs do not settle.

    ``pairs_needed`` is the next look that is expected to settle it, or says why there is none.
    """

    head: HeadId
    claim: HeadClaim
    pairs_needed: AtLeastOne | NotAssessed


class RefusedHead(Record):
    """A head that speaks against the declaration, and its effect on the pairs that show it."""

    head: HeadId
    claim: HeadClaim
    effect: Measure
    pairs: AtLeastOne


class Ruling(Record):
    """What the rule says of a declaration (docs/verdicts.md): each look, and what is left open.

    ``excludable`` is the smallest share that a head which did nothing on any pair used could be excluded
    above, the largest verdict a reader should take from silence. ``open`` heads keep the verdict from being
    ``consistent``. ``effect_is_sure``: replacing every head surely lowers the metric. ``only_together``:
    every head alone is surely below the threshold.
    """

    bounds: Bounds
    looks: Annotated[tuple[Look, ...], Field(min_length=1)]
    refused: tuple[RefusedHead, ...]
    open: tuple[OpenHead, ...]
    effect_is_sure: bool
    only_together: bool
    excludable: Measure
    verdict: Ruled
