"""The finding on a task's calibration: what its settings recovered of what was planted."""

from __future__ import annotations

from decimal import Decimal

from auditkit.circuits.sampling import share_range
from auditkit.judging.findings.stating import exact, finding
from auditkit.records.base import NotAssessed, Parameter, Row
from auditkit.records.calibration import CalibratedSetting, DeclaredControls
from auditkit.records.task import Finding


def findings_of_controls(controls: CalibratedSetting | None) -> tuple[Finding, ...]:
    """What a reader of a task should know of its calibration."""
    if controls is None or isinstance(controls.declared, NotAssessed):
        return (finding_of(controls),)
    return finding_of(controls), _of_declared(controls.declared)


def _of_declared(declared: DeclaredControls) -> Finding:
    right, wrong = declared.right, declared.wrong
    failed = wrong.consistent or right.not_consistent
    said: dict[str, Parameter] = {
        "pairs": declared.pairs,
        "right": right.asked,
        "right_accepted": right.consistent,
        "right_refused": right.not_consistent,
        "wrong": wrong.asked,
        "wrong_accepted": wrong.consistent,
        "wrong_refused": wrong.not_consistent,
        "confidence": exact(CONFIDENCE),
    }
    if wrong.asked:
        said["most_accepted"] = exact(share_range(wrong.consistent, wrong.asked, CONFIDENCE)[1])
    if right.asked:
        said["most_refused"] = exact(share_range(right.not_consistent, right.asked, CONFIDENCE)[1])
    return finding("declared_controls", "warning" if failed else "note", **said)


CONFIDENCE = Decimal("0.95")


def finding_of(controls: CalibratedSetting | None) -> Finding:
    """What came of the planted heads."""
    if controls is None:
        return finding("calibration_missing", "warning")
    if controls.state == "observed":
        return finding(
            "calibration_observed",
            "note",
            recovered=_sum(controls, "recovered"),
            not_sought=_sum(controls, "not_looked_for"),
            other_circuit=_sum(controls, "other_circuit_found"),
        )
    missed, false = _by_kind(controls, "missed"), _by_kind(controls, "falsely_reported")
    reported_in = tuple(each.name for each in controls.negative_controls if each.reported)
    asked = not isinstance(controls.declared, NotAssessed)
    if asked and not (missed or false or reported_in):
        return finding("calibration_misruled", "warning", recovered=_sum(controls, "recovered"))
    return finding(
        "calibration_not_observed",
        "warning",
        recovered=_sum(controls, "recovered"),
        missed=missed,
        falsely_reported=false,
        reported_in=reported_in,
    )


def _by_kind(controls: CalibratedSetting, outcome: str) -> tuple[Row, ...]:
    """How many heads of each kind have this outcome, for the kinds that have any."""
    return tuple(
        {"kind": each.kind, "heads": n} for each in controls.totals if (n := getattr(each, outcome))
    )


def _sum(controls: CalibratedSetting, outcome: str) -> int:
    return sum(getattr(each, outcome) for each in controls.totals)
