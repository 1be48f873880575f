"""Everything that follows from a task's measurements by stated rules: one function, used twice.

The engine calls it on what it measured; ``auditkit verify`` calls it on what a record says was measured,
and compares.
"""

from __future__ import annotations

from collections.abc import Callable

from auditkit.circuits.circuit import belonging
from auditkit.circuits.signature import with_signature
from auditkit.controls.outcomes import setting_for
from auditkit.judging.behaviour import of_both, ruling_on_behaviour
from auditkit.judging.by_chance import n_heads_of
from auditkit.judging.findings import findings_of
from auditkit.judging.findings.of_calibration import findings_of_controls
from auditkit.judging.measured import Assessed, Measured
from auditkit.judging.ruling import redrawn, ruling_on
from auditkit.judging.verdict import (
    calibrated,
    comparison_of,
    judge,
    ladder_of,
    null_of,
    refutable,
    tolerated,
)
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import CalibratedSetting, Calibration
from auditkit.records.causal import Causal
from auditkit.records.looks import Ruled, Ruling
from auditkit.records.task import Stability, TaskRecord, Verdict

CONCLUDED = (
    "behaviour_ruling",
    "null",
    "stability",
    "ruling",
    "comparison",
    "ladder",
    "mechanism",
    "verdict",
    "findings",
)
"""The keys of a task's record that are conclusions and not measurements."""

Assess = Callable[[Measured, str, CalibratedSetting | None], Assessed]
"""What follows from a task's measurements on weights of this digest, with its controls."""


def assess(task: Measured, weights_digest: str, controls: CalibratedSetting | None) -> Assessed:
    """Null, rulings, stability, comparison, ladder and verdicts of a task."""
    ruling = ruling_on(task, weights_digest)
    ruled = _with_signature(task, ruling.verdict) if isinstance(ruling, Ruling) else None
    found = _found_alone(task)
    heads = frozenset() if isinstance(found, NotAssessed) else frozenset(found)
    declared = refutable(judge(task, heads, ruled), task, heads)
    null, stability = null_of(task), _stability(task, weights_digest)
    of_behaviour = ruling_on_behaviour(
        task.wanted, task.behaviour, task.specification.thresholds.min_accuracy
    )
    mechanism = calibrated(tolerated(declared, stability, task.expected), controls)
    return Assessed(
        measured=task,
        behaviour_ruling=of_behaviour,
        null=null,
        stability=stability,
        ruling=ruling,
        comparison=comparison_of(found, task.expected, _n_heads(task)),
        ladder=ladder_of(
            task.specification, task.behaviour, task.codes, null, task.causal, stability
        ),
        mechanism=mechanism,
        verdict=of_both(
            of_behaviour, mechanism, declared=not isinstance(task.expected, NotAssessed)
        ),
    )


def _n_heads(task: Measured) -> int | NotAssessed:
    return task.causal if isinstance(task.causal, NotAssessed) else n_heads_of(task.causal)


def _with_signature(task: Measured, ruled: Ruled) -> Ruled:
    """What the rule says of the heads, with what was measured of a declared signature."""
    if isinstance(task.causal, NotAssessed):
        return ruled
    return with_signature(ruled, task.causal.signature)


def conclude(
    task: Measured, weights_digest: str, calibration: Calibration, assess: Assess = assess
) -> TaskRecord:
    """The task's record: what was measured, and what follows from it.

    Raises:
        ValueError: the recorded drops are not those that the verdict rule asks for.
    """
    controls = setting_for(task.id, calibration)
    assessed = assess(task, weights_digest, controls)
    return TaskRecord(
        id=task.id,
        title=task.title,
        evidence_for=task.evidence_for,
        wanted=task.wanted,
        concerns=task.concerns,
        specification=task.specification,
        examples=task.examples,
        behaviour=task.behaviour,
        behaviour_ruling=assessed.behaviour_ruling,
        effect=task.effect,
        codes=task.codes,
        null=assessed.null,
        causal=task.causal,
        circuit=task.circuit,
        stability=assessed.stability,
        expected=task.expected,
        ruling=assessed.ruling,
        comparison=assessed.comparison,
        ladder=assessed.ladder,
        findings=(*findings_of(assessed, weights_digest), *findings_of_controls(controls)),
        mechanism=assessed.mechanism,
        verdict=assessed.verdict,
    )


def _found_alone(task: Measured) -> tuple[str, ...] | NotAssessed:
    """The heads found one by one: those that complete them are one set among several that would do."""
    if isinstance(task.causal, NotAssessed):
        return task.circuit if isinstance(task.circuit, NotAssessed) else ()
    return belonging(task.causal.patched, task.specification.thresholds)


def _stability(task: Measured, weights_digest: str) -> Stability | NotAssessed:
    causal = task.causal
    if not isinstance(causal, Causal):
        return causal
    if isinstance(causal.drops, NotAssessed):
        return causal.drops

    def judged(heads: frozenset[str], ruled: Ruled) -> Verdict:
        return judge(task, heads, _with_signature(task, ruled))

    return redrawn(task, causal, causal.drops, weights_digest, judged)
