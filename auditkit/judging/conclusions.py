"""Everything that follows from a task's measurements by stated rules: one function, used twice.

The engine calls it on what it measured; ``auditkit verify`` calls it on a record and compares.
"""

from __future__ import annotations

from auditkit.circuits.codes import null_test
from auditkit.circuits.stability import envelope
from auditkit.circuits.unique_codes import count_null
from auditkit.controls.outcomes import setting_for
from auditkit.judging.findings import findings_of
from auditkit.judging.findings.of_calibration import finding_of
from auditkit.judging.verdict import calibrated, comparison_of, judge, ladder_of, tolerated
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import Calibration
from auditkit.records.causal import Causal
from auditkit.records.task import Circuit, Codes, NullTest, Stability, TaskRecord, Verdict
from auditkit.records.unique_codes import UniqueCodes

CONCLUDED = ("null", "stability", "comparison", "ladder", "verdict", "findings")
"""The keys of a task's record that are conclusions and not measurements."""


def concluded(task: TaskRecord, weights_digest: str, calibration: Calibration) -> TaskRecord:
    """The task with its conclusions; whatever stood in their place is not looked at."""
    controls = setting_for(task.id, calibration)
    heads = task.circuit.heads if isinstance(task.circuit, Circuit) else task.circuit
    declared = judge(task.behaviour, task.causal, heads, task.expected, weights_digest)
    null = _null(task)
    stability = _stability(task, weights_digest, declared)
    record = task.model_copy(
        update={
            "null": null,
            "stability": stability,
            "comparison": comparison_of(task.circuit, task.expected),
            "ladder": ladder_of(task.behaviour, task.codes, null, task.causal, stability),
            "verdict": calibrated(tolerated(declared, stability), controls),
        }
    )
    findings = (*findings_of(record, weights_digest), finding_of(controls))
    return record.model_copy(update={"findings": findings})


def _null(task: TaskRecord) -> NullTest | NotAssessed:
    if isinstance(task.codes, UniqueCodes):
        return count_null(task.codes, task.specification.null_level)
    if not isinstance(task.codes, Codes):
        return task.codes
    return null_test(task.codes.heads, len(task.codes.examples), task.specification.null_level)


def _stability(task: TaskRecord, weights_digest: str, declared: Verdict) -> Stability | NotAssessed:
    if not isinstance(task.causal, Causal):
        return task.causal

    def judged(causal: Causal, heads: frozenset[str]) -> Verdict:
        return judge(task.behaviour, causal, heads, task.expected, weights_digest)

    return envelope(task.causal, task.examples.templates, task.specification, judged, declared)
