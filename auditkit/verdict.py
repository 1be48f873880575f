"""From measurements to a verdict, by stated rules over recorded decimals. Nothing here runs a model.

``auditkit verify`` calls the same functions on a record and compares. A task is judged in this order:

1. the model does not do the task                        -> ``not_assessed``
2. the policy declares no expectation                    -> ``not_assessed``
3. the expectation was declared for other weights        -> ``inconclusive``
4. the method only observes, or replacing every head takes
   nothing away beyond chance, or no head reaches the
   threshold, or removing the circuit does not remove
   enough of the task effect under every ablation        -> ``inconclusive``
5. precision and recall, and sufficiency where it is
   declared, reach the declared thresholds               -> ``consistent``, else ``not_consistent``
6. more than the declared tolerance of redrawn example
   sets would give another verdict                       -> ``inconclusive``
7. the known-answer controls, run with the task's
   settings, were not recovered                          -> ``inconclusive``

Sufficiency is always measured and printed. It decides only where the expectation claims it: a task's
effect is often spread over many small heads, and then no short list of heads carries it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from auditkit.circuit import layer_order, sure
from auditkit.intervals import mean_interval, rounded
from auditkit.null import swap_test, too_few
from auditkit.records.base import Interval, NotAssessed
from auditkit.records.calibration import CalibratedSetting
from auditkit.records.causal import (
    Causal,
    HeadsEffect,
    LeftOut,
    Minimality,
    RandomSets,
    SetEffect,
    TaskEffect,
)
from auditkit.records.declared import Expectation
from auditkit.records.specification import Ablation, Specification, Thresholds
from auditkit.records.task import (
    Behaviour,
    Circuit,
    Codes,
    Comparison,
    Ladder,
    NullTest,
    Observation,
    Stability,
    Verdict,
)
from auditkit.records.unique_codes import UniqueCodes

Claim = Literal["sufficiency", "necessity"]

SMALLEST_EFFECT = Decimal("0.001")
"""The least task effect, in units of the metric: shares of less would be divisions by noise."""

NO_BEHAVIOUR = NotAssessed(
    reason="The model does not do this task on the test prompts, so there is no mechanism to look for."
)
NO_EFFECT = NotAssessed(
    reason="Replacing every attention head does not lower the task metric, so no effect of heads is "
    "there to look for."
)
NO_EFFECT_BEYOND_CHANCE = NotAssessed(
    reason="Replacing every attention head lowers the task metric no further than swapping labels at "
    "random could, so whatever a search found might be chance."
)
NO_MEAN_EFFECT = NotAssessed(
    reason="Replacing every attention head by its mean output does not lower the task metric."
)
NO_RESAMPLED_EFFECT = NotAssessed(
    reason="Replacing every attention head by its output on the matched prompt does not lower the task "
    "metric."
)
CARRIED_ALONE = NotAssessed(
    reason="The heads found one by one carry the effect by themselves: nothing had to be completed."
)
NOT_COMPLETED = NotAssessed(
    reason="No few heads more make those found one by one carry the effect: it is spread over many, or "
    "the policy asks for no completion."
)
EMPTY_CIRCUIT = NotAssessed(reason="The circuit is empty.")
NO_BACKUP = NotAssessed(reason="No head was found that takes over when a circuit head is replaced.")
NO_BACKUPS_SOUGHT = NotAssessed(reason="The policy asks for no search for backup heads.")
NO_RANDOM_SETS = NotAssessed(
    reason="The policy asks for none, or the circuit is empty, or there is no other set of its size."
)
NO_CONSTANT_HEAD = NotAssessed(
    reason="None of the heads tried outside the circuit is missed when its mean output takes its place."
)
NO_EXPECTATION = NotAssessed(reason="The policy declares no expected circuit for this task.")

_WORST_FIRST: tuple[Verdict, ...] = (
    "not_consistent",
    "inconclusive",
    "not_assessed",
    "consistent",
)


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


def minimality_of(ablation: Ablation, measurements: Sequence[LeftOut]) -> Minimality:
    """Which heads the circuit does not surely miss: their loss has an interval that includes 0."""
    return Minimality(
        ablation=ablation,
        left_out=tuple(measurements),
        dispensable=tuple(each.head for each in measurements if not sure(each.loss)),
    )


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


def against_random(shares: Sequence[Decimal], necessity: SetEffect) -> RandomSets:
    """Random sets' shares against what the circuit's removal loses under the same ablation."""
    at_least = sum(share >= necessity.share.mean for share in shares)
    return RandomSets(
        shares=tuple(shares),
        at_least=at_least,
        p_value=rounded(Fraction(1 + at_least, 1 + len(shares))),
    )


def comparison_of(
    circuit: Circuit | NotAssessed, expected: Expectation | NotAssessed
) -> Comparison | NotAssessed:
    """The circuit found against the circuit declared, heads in layer order, where there are both."""
    if isinstance(expected, NotAssessed):
        return expected
    if isinstance(circuit, NotAssessed):
        return circuit
    found, declared = set(circuit.heads), set(expected.heads)
    matched = found & declared
    return Comparison(
        matched=tuple(sorted(matched, key=layer_order)),
        missing=tuple(sorted(declared - found, key=layer_order)),
        extra=tuple(sorted(found - declared, key=layer_order)),
        precision=rounded(Fraction(len(matched), len(found)))
        if found
        else NotAssessed(reason="No head was found, so there is no share of them to state."),
        recall=rounded(Fraction(len(matched), len(declared))),
    )


def ladder_of(
    behaviour: Behaviour,
    codes: Codes | UniqueCodes | NotAssessed,
    null: NullTest | NotAssessed,
    causal: Causal | NotAssessed,
    stability: Stability | NotAssessed,
) -> Ladder:
    """Each rung of the ladder of claims by itself."""
    return Ladder(
        behaviour=behaviour.state,
        association=_association(codes, null),
        causal="not_assessed" if isinstance(causal, NotAssessed) else _observed(confirmed(causal)),
        stable="not_assessed" if isinstance(stability, NotAssessed) else stability.state,
    )


def _association(
    codes: Codes | UniqueCodes | NotAssessed, null: NullTest | NotAssessed
) -> Observation:
    """Whether codes recur across the examples, and some head's effect is beyond label-swap chance.

    Of unique codes: whether there are any, and some head's count of them is beyond that chance.

    With too few examples for a single head to be told from chance, finding none says nothing.
    """
    if isinstance(codes, NotAssessed) or isinstance(null, NotAssessed):
        return "not_assessed"
    seen = codes.reported if isinstance(codes, UniqueCodes) else codes.signature
    if seen and null.separated:
        return "observed"
    unseen = too_few(null, len(codes.examples))
    return "not_assessed" if seen and unseen else "not_observed"


def _observed(seen: bool) -> Observation:
    return "observed" if seen else "not_observed"


def confirmed(causal: Causal) -> bool:
    """Whether removing the circuit removes enough of the task effect under every ablation."""
    return all(effect.state == "observed" for effect in causal.necessity)


def judge(
    behaviour: Behaviour,
    causal: Causal | NotAssessed,
    heads: Sequence[str] | frozenset[str] | NotAssessed,
    expected: Expectation | NotAssessed,
    weights_digest: str,
) -> Verdict:
    """The verdict on a circuit's heads: rules 1 to 5 of this module's first lines."""
    if behaviour.state == "not_observed" or isinstance(expected, NotAssessed):
        return "not_assessed"
    if isinstance(causal, NotAssessed) or isinstance(heads, NotAssessed):
        return "inconclusive"
    if expected.declared_for not in (None, weights_digest):
        return "inconclusive"
    if not heads or not confirmed(causal):
        return "inconclusive"
    met = meets(heads, expected) and carries(causal, expected)
    return "consistent" if met else "not_consistent"


def tolerated(verdict: Verdict, stability: Stability | NotAssessed) -> Verdict:
    """The verdict, or ``inconclusive`` where it does not hold at the declared tolerance: rule 6."""
    holds = isinstance(stability, NotAssessed) or stability.state == "observed"
    return verdict if holds else _open(verdict)


def calibrated(verdict: Verdict, controls: CalibratedSetting | None) -> Verdict:
    """The verdict, or ``inconclusive`` where the controls were not recovered, or not run: rule 7."""
    return verdict if controls is not None and controls.state == "observed" else _open(verdict)


def _open(verdict: Verdict) -> Verdict:
    return "inconclusive" if verdict in ("consistent", "not_consistent") else verdict


def carries(causal: Causal, expected: Expectation) -> bool:
    """Whether the circuit alone carries the declared share of the effect, if one is declared.

    Two-sided, under every ablation: a circuit that goes beyond the model is no better than one that
    falls short. Under mean ablation heads with a constant role are kept with the circuit: they are
    needed whatever is asked.
    """
    least = expected.min_sufficiency
    return least is None or all(
        _two_sided(_with_constant_heads(effect, causal).share, least)
        for effect in causal.sufficiency
    )


def _with_constant_heads(effect: SetEffect, causal: Causal) -> SetEffect:
    role = causal.constant_role
    if effect.ablation != "mean" or isinstance(role, NotAssessed):
        return effect
    return effect if isinstance(role.with_circuit, NotAssessed) else role.with_circuit


def meets(heads: Sequence[str] | frozenset[str], expected: Expectation) -> bool:
    """Whether precision and recall, as exact fractions, reach the declared thresholds."""
    matched = len(set(heads) & set(expected.heads))
    return Fraction(matched, len(heads)) >= Fraction(expected.min_precision) and Fraction(
        matched, len(set(expected.heads))
    ) >= Fraction(expected.min_recall)


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """The least favourable verdict of a run's tasks; a run without tasks has none to give.

    Raises:
        ValueError: there are no verdicts.
    """
    if not verdicts:
        raise ValueError("a run without tasks has no verdict")
    return min(verdicts, key=_WORST_FIRST.index)
