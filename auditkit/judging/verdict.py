"""From measurements to a verdict, by stated rules over recorded decimals. Nothing here runs a model.

``auditkit verify`` calls the same functions on a record and compares. A task is judged in this order:

1. the model does not do the task                        -> ``not_assessed``
2. the policy declares no expectation                    -> ``not_assessed``
3. the expectation was declared for other weights, or
   the method only observes, or replacing every head
   takes nothing away beyond chance                      -> ``inconclusive``
4. the verdict rule (``auditkit.circuits.looks``) on the
   declared heads, and the rule for a declared signature
   (``auditkit.circuits.signature``): the less favourable -> ``consistent``, ``not_consistent`` or
                                                            ``inconclusive``
5. the circuit does not carry the share that the
   expectation claims for it, where it claims one        -> ``not_consistent``
6. every circuit of as many heads as were found would
   have met the declaration                              -> ``inconclusive``
7. the known-answer controls, run with the task's
   settings, were not recovered                          -> ``inconclusive``

An expectation that declares least precision and recall is judged by them in place of 4. A declaration that
the rule refuses is ``not_consistent`` then, too. Otherwise ``inconclusive`` stands where no head reaches the
threshold, where removing the circuit does not remove enough of the task effect under every ablation, where
heads were not replaced while those found do not carry the effect, or where more redraws than the declared
tolerance give another verdict. In all other cases precision and recall decide.

Sufficiency is always measured and printed. It decides only where the expectation claims it: a task's
effect is often spread over many small heads, and then no short list of heads carries it alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.effects import _two_sided
from auditkit.circuits.intervals import rounded
from auditkit.circuits.methods import AnyCodes, method_of
from auditkit.circuits.null import too_few
from auditkit.circuits.signature import with_signature
from auditkit.judging.behaviour import worst
from auditkit.judging.by_chance import cannot_fail, enough, met_by_chance, n_heads_of
from auditkit.judging.measured import Measured
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import CalibratedSetting
from auditkit.records.causal import (
    Causal,
    SetEffect,
)
from auditkit.records.declared import Expectation
from auditkit.records.looks import Ruled
from auditkit.records.reasons import not_assessed
from auditkit.records.specification import Specification
from auditkit.records.task import (
    Behaviour,
    Comparison,
    Ladder,
    NullTest,
    Observation,
    Stability,
    Verdict,
)

NO_EXPECTATION = not_assessed("no_expectation")


def comparison_of(
    heads: Sequence[str] | NotAssessed,
    expected: Expectation | NotAssessed,
    n_heads: int | NotAssessed,
) -> Comparison | NotAssessed:
    """The heads found against the heads declared, in layer order, where there are both.

    ``n_heads`` is how many heads the model has, or why chance is not asked.
    """
    if isinstance(expected, NotAssessed):
        return expected
    if isinstance(heads, NotAssessed):
        return heads
    found, declared = set(heads), set(expected.heads)
    matched = found & declared
    return Comparison(
        matched=tuple(sorted(matched, key=layer_order)),
        missing=tuple(sorted(declared - found, key=layer_order)),
        extra=tuple(sorted(found - declared, key=layer_order)),
        precision=rounded(Fraction(len(matched), len(found)))
        if found
        else not_assessed("no_head_found"),
        recall=rounded(Fraction(len(matched), len(declared))),
        met_by_chance=n_heads
        if isinstance(n_heads, NotAssessed)
        else rounded(met_by_chance(expected, len(found), n_heads)),
    )


def null_of(task: Measured) -> NullTest | NotAssessed:
    """What the label-swap tests of the heads come to, or why there are no codes to test."""
    if isinstance(task.codes, NotAssessed):
        return task.codes
    return method_of(task.specification).null(task.codes, task.specification.null_level)


def ladder_of(
    specification: Specification,
    behaviour: Behaviour,
    codes: AnyCodes | NotAssessed,
    null: NullTest | NotAssessed,
    causal: Causal | NotAssessed,
    stability: Stability | NotAssessed,
) -> Ladder:
    """Each rung of the ladder of claims by itself."""
    return Ladder(
        behaviour=behaviour.state,
        association=_association(specification, codes, null),
        causal="not_assessed" if isinstance(causal, NotAssessed) else _observed(confirmed(causal)),
        stable="not_assessed" if isinstance(stability, NotAssessed) else stability.state,
    )


def _association(
    specification: Specification,
    codes: AnyCodes | NotAssessed,
    null: NullTest | NotAssessed,
) -> Observation:
    """Whether the method's codes recur, and some head's effect or count is beyond label-swap chance.

    With too few examples for a single head to be told from chance, finding none says nothing.
    """
    if isinstance(codes, NotAssessed) or isinstance(null, NotAssessed):
        return "not_assessed"
    seen = method_of(specification).recurring(codes)
    if seen and null.separated:
        return "observed"
    unseen = too_few(null, len(codes.examples))
    return "not_assessed" if seen and unseen else "not_observed"


def _observed(seen: bool) -> Observation:
    return "observed" if seen else "not_observed"


def confirmed(causal: Causal) -> bool:
    """Whether removing the circuit removes enough of the task effect under every ablation."""
    return all(effect.state == "observed" for effect in causal.necessity)


def judge(task: Measured, heads: frozenset[str], ruled: Ruled | None) -> Verdict:
    """The verdict on a task whose heads these were found to be: rules 1 to 5 of this module's first lines.

    ``ruled`` is what the verdict rule says, ``None`` where it was not applied: nothing was found to apply it
    to, or the expectation was declared for other weights.
    """
    if task.behaviour.state == "not_observed" or isinstance(task.expected, NotAssessed):
        return "not_assessed"
    if isinstance(task.causal, NotAssessed) or ruled is None:
        return "inconclusive"
    if task.expected.min_precision is not None:
        return _by_shares(heads, ruled, task.causal, task.expected)
    if ruled == "consistent" and not carries(task.causal, task.expected):
        return "not_consistent"
    return ruled


def _by_shares(
    heads: frozenset[str], ruled: Ruled, causal: Causal, expected: Expectation
) -> Verdict:
    """The verdict where least precision and recall are declared in place of the rule."""
    if ruled == "not_consistent":
        return ruled
    unknown = bool(causal.unpatched) and any(
        effect.state != "observed" for effect in causal.sufficiency
    )
    unsettled = with_signature("consistent", causal.signature) == "inconclusive"
    if not heads or not confirmed(causal) or unknown or unsettled:
        return "inconclusive"
    shared = len(heads & set(expected.heads))
    met = enough(expected, shared, len(heads)) and carries(causal, expected)
    return "consistent" if met else "not_consistent"


def refutable(verdict: Verdict, task: Measured, heads: Collection[str]) -> Verdict:
    """The verdict; ``inconclusive`` where every circuit of the size found would have met the declaration."""
    expected, causal = task.expected, task.causal
    if isinstance(expected, NotAssessed) or isinstance(causal, NotAssessed):
        return verdict
    unfailing = cannot_fail(expected, len(heads), n_heads_of(causal))
    return left_open(verdict) if verdict == "consistent" and unfailing else verdict


def tolerated(
    verdict: Verdict, stability: Stability | NotAssessed, expected: Expectation | NotAssessed
) -> Verdict:
    """The verdict; ``inconclusive`` where shares decide it and redraws disagree beyond the tolerance."""
    holds = isinstance(stability, NotAssessed) or stability.state == "observed"
    by_rule = isinstance(expected, NotAssessed) or expected.min_precision is None
    return verdict if holds or by_rule else left_open(verdict)


def calibrated(verdict: Verdict, controls: CalibratedSetting | None) -> Verdict:
    """The verdict, or ``inconclusive`` where the controls were not recovered, or not run: rule 7."""
    return verdict if controls is not None and controls.state == "observed" else left_open(verdict)


def left_open(verdict: Verdict) -> Verdict:
    """``inconclusive`` in place of a verdict that says something; any other as it is."""
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
    """Whether precision and recall, as exact fractions, reach the declared thresholds, if there are any."""
    if not heads:
        return False
    matched = len(set(heads) & set(expected.heads))
    return Fraction(matched, len(heads)) >= Fraction(expected.min_precision or 0) and Fraction(
        matched, len(set(expected.heads))
    ) >= Fraction(expected.min_recall or 0)


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """The least favourable verdict of a run's tasks; a run without tasks has none to give.

    Raises:
        ValueError: there are no verdicts.
    """
    if not verdicts:
        raise ValueError("a run without tasks has no verdict")
    return worst(*verdicts)
