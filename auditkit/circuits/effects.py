"""What measurements come to: behaviour, the effect of all heads, and that of a set of them. Exact.

Also the reasons why a part of a task's causal check is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from auditkit.circuits.circuit import sure
from auditkit.circuits.intervals import mean_interval, rounded
from auditkit.circuits.null import swap_test
from auditkit.records.base import Interval, NotAssessed
from auditkit.records.causal import (
    HeadsEffect,
    LeftOut,
    Minimality,
    RandomSets,
    SetEffect,
    TaskEffect,
)
from auditkit.records.reasons import not_assessed
from auditkit.records.specification import Ablation, Specification, Thresholds
from auditkit.records.task import Behaviour

Claim = Literal["sufficiency", "necessity"]

SMALLEST_EFFECT = Decimal("0.001")
"""The least task effect, in units of the metric: shares of less would be divisions by noise."""

NO_BEHAVIOUR = not_assessed("no_behaviour")
NO_EFFECT = not_assessed("no_effect")
NO_EFFECT_BEYOND_CHANCE = not_assessed("no_effect_beyond_chance")
NO_MEAN_EFFECT = not_assessed("no_mean_effect")
NO_RESAMPLED_EFFECT = not_assessed("no_resampled_effect")
NO_RESAMPLING_FIRST = not_assessed("no_resampling_first")
CARRIED_ALONE = not_assessed("carried_alone")
NOT_COMPLETED = not_assessed("not_completed")
EMPTY_CIRCUIT = not_assessed("empty_circuit")
NO_BACKUP = not_assessed("no_backup")
NO_BACKUPS_SOUGHT = not_assessed("no_backups_sought")
NO_RANDOM_SETS = not_assessed("no_random_sets")
NO_CONSTANT_HEAD = not_assessed("no_constant_head")


def behaviour_of(
    positive: Sequence[Decimal], negative: Sequence[Decimal], specification: Specification
) -> Behaviour:
    """Whether the model does the task: right on enough positives, and less so on the negatives."""
    correct = sum(value > 0 for value in positive)
    share = Fraction(correct, len(positive))
    means = [
        mean_interval(values, specification.bootstrap, specification.seed)
        for values in (positive, negative)
    ]
    does_it = (
        share >= Fraction(specification.thresholds.min_accuracy)
        and means[0].low > 0
        and means[0].mean > means[1].mean
    )
    return Behaviour(
        state="observed" if does_it else "not_observed",
        n=len(positive),
        correct=correct,
        accuracy=rounded(share),
        positive=means[0],
        negative=means[1],
        positive_values=tuple(positive),
        negative_values=tuple(negative),
    )


def effect_of(effects: Sequence[TaskEffect], specification: Specification) -> HeadsEffect:
    """Whether replacing every head lowers the metric, and further than swapped labels would.

    A gate before any search: heads are looked for only in an effect that is there. Where labels mean
    nothing, every pattern of signs of the drops is equally likely, so the chance of passing is at most
    the null level, whatever the number of heads.
    """
    test = swap_test([effects[0].drops], specification.seed)
    (p_value,) = test.p_values
    beyond = p_value <= Fraction(specification.null_level)
    return HeadsEffect(
        measured=tuple(effects),
        swaps=test.swaps,
        exact=test.exact,
        p_value=rounded(p_value),
        state="observed" if _everywhere(effects) and beyond else "not_observed",
    )


def why_no_effect(effect: HeadsEffect) -> NotAssessed:
    """Why no mechanism is looked for where the effect of the heads is not observed."""
    return NO_EFFECT_BEYOND_CHANCE if _everywhere(effect.measured) else NO_EFFECT


def _everywhere(effects: Sequence[TaskEffect]) -> bool:
    """Whether the metric drops on every prompt set, under every ablation."""
    return all(effect.drop.mean >= SMALLEST_EFFECT for effect in effects)


def minimality_of(
    ablation: Ablation, measurements: Sequence[LeftOut], removed: Sequence[LeftOut]
) -> Minimality:
    """What leaving out heads costs, and the dispensable ones."""
    return Minimality(
        ablation=ablation,
        left_out=tuple(measurements),
        dispensable=dispensable(measurements),
        removed=tuple(removed),
    )


def dispensable(measurements: Sequence[LeftOut]) -> tuple[str, ...]:
    """The heads whose loss, left out alone, has an interval that includes 0."""
    return tuple(each.head for each in measurements if not sure(each.loss))


def can_go_together(removed: Sequence[LeftOut]) -> tuple[str, ...]:
    """The heads without all of which nothing is shown to be lost."""
    return tuple(each.head for each in removed if not sure(each.loss))


def set_effect(
    claim: Claim,
    ablation: Ablation,
    shares: Sequence[Decimal],
    specification: Specification,
) -> SetEffect:
    """A set's sufficiency or necessity from its share per test pair, judged by the mean share."""
    share = mean_interval(shares, specification.bootstrap, specification.seed)
    reached = _reaches(claim, share, specification.thresholds)
    return SetEffect(
        ablation=ablation,
        shares=tuple(shares),
        share=share,
        state="observed" if reached else "not_observed",
    )


def _reaches(claim: Claim, share: Interval, thresholds: Thresholds) -> bool:
    if claim == "necessity":
        return share.mean >= thresholds.necessity
    return _two_sided(share, thresholds.sufficiency)


def _two_sided(share: Interval, least: Decimal) -> bool:
    """Whether a share reaches ``least`` without going as far beyond the whole."""
    return least <= share.mean <= 2 - least


def against_random(shares: Sequence[Decimal], circuit: Decimal) -> RandomSets:
    """Other sets' shares against what the circuit's removal loses on the same pairs."""
    at_least = sum(share >= circuit for share in shares)
    return RandomSets(
        circuit=circuit,
        shares=tuple(shares),
        at_least=at_least,
        p_value=rounded(Fraction(1 + at_least, 1 + len(shares))),
    )
