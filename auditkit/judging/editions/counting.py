"""Editions 1 and 2 judged by counting: precision and recall of the circuit, on the discovery pairs. Frozen.

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
"""

from __future__ import annotations

from auditkit.circuits.stability import envelope
from auditkit.judging.behaviour import NOTHING_DECLARED
from auditkit.judging.measured import Assessed, Measured
from auditkit.judging.verdict import (
    calibrated,
    carries,
    comparison_of,
    confirmed,
    ladder_of,
    left_open,
    meets,
    null_of,
)
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import CalibratedSetting
from auditkit.records.causal import Causal
from auditkit.records.reasons import not_assessed
from auditkit.records.task import Circuit, Stability, Verdict

RULE_NOT_KNOWN = not_assessed("rule_not_known")


def assess(task: Measured, weights_digest: str, controls: CalibratedSetting | None) -> Assessed:
    """Null, stability, comparison, ladder and verdict of a task, as editions 1 and 2 had them."""
    heads = task.circuit.heads if isinstance(task.circuit, Circuit) else task.circuit
    declared = _judge(task, task.causal, heads, weights_digest)
    null, stability = null_of(task), _stability(task, weights_digest, declared)
    verdict = calibrated(_tolerated(declared, stability), controls)
    return Assessed(
        measured=task,
        behaviour_ruling=NOTHING_DECLARED,
        null=null,
        stability=stability,
        ruling=RULE_NOT_KNOWN,
        comparison=comparison_of(heads, task.expected, RULE_NOT_KNOWN),
        ladder=ladder_of(
            task.specification, task.behaviour, task.codes, null, task.causal, stability
        ),
        mechanism=verdict,
        verdict=verdict,
    )


def _stability(task: Measured, weights_digest: str, declared: Verdict) -> Stability | NotAssessed:
    if not isinstance(task.causal, Causal):
        return task.causal

    def judged(causal: Causal, heads: frozenset[str]) -> Verdict:
        return _judge(task, causal, heads, weights_digest)

    return envelope(task.causal, task.examples.templates, task.specification, judged, declared)


def _judge(
    task: Measured,
    causal: Causal | NotAssessed,
    heads: tuple[str, ...] | frozenset[str] | NotAssessed,
    weights_digest: str,
) -> Verdict:
    """The verdict on a circuit's heads: rules 1 to 5 of this module's first lines."""
    expected = task.expected
    if task.behaviour.state == "not_observed" or isinstance(expected, NotAssessed):
        return "not_assessed"
    if isinstance(causal, NotAssessed) or isinstance(heads, NotAssessed):
        return "inconclusive"
    if expected.declared_for not in (None, weights_digest):
        return "inconclusive"
    if not heads or not confirmed(causal):
        return "inconclusive"
    met = meets(heads, expected) and carries(causal, expected)
    return "consistent" if met else "not_consistent"


def _tolerated(verdict: Verdict, stability: Stability | NotAssessed) -> Verdict:
    """The verdict, or ``inconclusive`` where it does not hold at the declared tolerance: rule 6."""
    holds = isinstance(stability, NotAssessed) or stability.state == "observed"
    return verdict if holds else left_open(verdict)
