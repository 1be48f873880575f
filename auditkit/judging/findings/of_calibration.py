"""The finding on a task's calibration: what its settings recovered of what was planted."""

from __future__ import annotations

from auditkit.judging.findings.stating import finding
from auditkit.records.base import Row
from auditkit.records.calibration import CalibratedSetting
from auditkit.records.task import Finding


def finding_of(controls: CalibratedSetting | None) -> Finding:
    """What a reader of a task should know of its calibration."""
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
    return finding(
        "calibration_not_observed",
        "warning",
        recovered=_sum(controls, "recovered"),
        missed=_by_kind(controls, "missed"),
        falsely_reported=_by_kind(controls, "falsely_reported"),
        reported_in=tuple(each.name for each in controls.negative_controls if each.reported),
    )


def _by_kind(controls: CalibratedSetting, outcome: str) -> tuple[Row, ...]:
    """How many heads of each kind have this outcome, for the kinds that have any."""
    return tuple(
        {"kind": each.kind, "heads": n} for each in controls.totals if (n := getattr(each, outcome))
    )


def _sum(controls: CalibratedSetting, outcome: str) -> int:
    return sum(getattr(each, outcome) for each in controls.totals)
