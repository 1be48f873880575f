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
from fractions import Fraction

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.effects import _two_sided
from auditkit.circuits.intervals import rounded
from auditkit.circuits.methods import AnyCodes, method_of
from auditkit.circuits.null import too_few
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import CalibratedSetting
from auditkit.records.causal import (
    Causal,
    SetEffect,
)
from auditkit.records.declared import Expectation
from auditkit.records.reasons import not_assessed
from auditkit.records.specification import Specification
from auditkit.records.task import (
    Behaviour,
    Circuit,
    Comparison,
    Ladder,
    NullTest,
    Observation,
    Stability,
    Verdict,
)

NO_EXPECTATION = not_assessed("no_expectation")

_WORST_FIRST: tuple[Verdict, ...] = (
    "not_consistent",
    "inconclusive",
    "not_assessed",
    "consistent",
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
        else not_assessed("no_head_found"),
        recall=rounded(Fraction(len(matched), len(declared))),
    )


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
