"""Everything that follows from a task's measurements by stated rules: one function, used twice.

The engine calls it on what it measured; ``auditkit verify`` calls it on what a record says was measured,
and compares.
"""

from __future__ import annotations

from auditkit.circuits.methods import method_of
from auditkit.circuits.stability import envelope
from auditkit.controls.outcomes import setting_for
from auditkit.judging.findings import findings_of
from auditkit.judging.findings.of_calibration import finding_of
from auditkit.judging.measured import Assessed, Measured
from auditkit.judging.verdict import calibrated, comparison_of, judge, ladder_of, tolerated
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import CalibratedSetting, Calibration
from auditkit.records.causal import Causal
from auditkit.records.task import Circuit, NullTest, Stability, TaskRecord, Verdict

CONCLUDED = ("null", "stability", "comparison", "ladder", "verdict", "findings")
"""The keys of a task's record that are conclusions and not measurements."""


def conclude(task: Measured, weights_digest: str, calibration: Calibration) -> TaskRecord:
    """The task's record: what was measured, and what follows from it."""
    controls = setting_for(task.id, calibration)
    assessed = assess(task, weights_digest, controls)
    return TaskRecord(
        id=task.id,
        title=task.title,
        evidence_for=task.evidence_for,
        specification=task.specification,
        examples=task.examples,
        behaviour=task.behaviour,
        effect=task.effect,
        codes=task.codes,
        null=assessed.null,
        causal=task.causal,
        circuit=task.circuit,
        stability=assessed.stability,
        expected=task.expected,
        comparison=assessed.comparison,
        ladder=assessed.ladder,
        findings=(*findings_of(assessed, weights_digest), finding_of(controls)),
        verdict=assessed.verdict,
    )


def assess(task: Measured, weights_digest: str, controls: CalibratedSetting | None) -> Assessed:
    """Null, stability, comparison, ladder and verdict of a task."""
    heads = task.circuit.heads if isinstance(task.circuit, Circuit) else task.circuit
    declared = judge(task.behaviour, task.causal, heads, task.expected, weights_digest)
    null = _null(task)
    stability = _stability(task, weights_digest, declared)
    return Assessed(
        measured=task,
        null=null,
        stability=stability,
        comparison=comparison_of(task.circuit, task.expected),
        ladder=ladder_of(
            task.specification, task.behaviour, task.codes, null, task.causal, stability
        ),
        verdict=calibrated(tolerated(declared, stability), controls),
    )


def _null(task: Measured) -> NullTest | NotAssessed:
    if isinstance(task.codes, NotAssessed):
        return task.codes
    return method_of(task.specification).null(task.codes, task.specification.null_level)


def _stability(task: Measured, weights_digest: str, declared: Verdict) -> Stability | NotAssessed:
    if not isinstance(task.causal, Causal):
        return task.causal

    def judged(causal: Causal, heads: frozenset[str]) -> Verdict:
        return judge(task.behaviour, causal, heads, task.expected, weights_digest)

    return envelope(task.causal, task.examples.templates, task.specification, judged, declared)
