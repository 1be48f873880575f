"""The finding on a task's calibration: what its settings recovered of what was planted."""

from __future__ import annotations

from auditkit.records.calibration import CalibratedSetting
from auditkit.records.task import Finding


def finding_of(controls: CalibratedSetting | None) -> Finding:
    """What a reader of a task should know of its calibration, in one sentence or two."""
    if controls is None:
        return Finding(
            code="calibration_missing",
            level="warning",
            text="The record holds no known-answer controls run with the settings of this task.",
        )
    if controls.state == "observed":
        return Finding(
            code="calibration_observed",
            level="note",
            text="On models whose circuit is known, the method with these settings recovered every "
            f"planted head it looks for ({_recovered(controls)}), and reported nothing falsely.",
        )
    return Finding(
        code="calibration_not_observed",
        level="warning",
        text="On models whose circuit is known, the method with these settings does not find what was "
        f"planted: {_tally(controls)}. What it finds in this model cannot settle whether the model is "
        "consistent with the declaration.",
    )


def _recovered(controls: CalibratedSetting) -> str:
    recovered = f"{_sum(controls, 'recovered')} heads"
    unsought = _sum(controls, "not_looked_for")
    return f"{recovered}; {unsought} it does not look for" if unsought else recovered


def _tally(controls: CalibratedSetting) -> str:
    parts = [f"{_sum(controls, 'recovered')} recovered"]
    for word, outcome in (("missed", "missed"), ("falsely reported", "falsely_reported")):
        kinds = [
            f"{n} {each.kind.replace('_', ' ')}"
            for each in controls.totals
            if (n := getattr(each, outcome))
        ]
        named = f" ({', '.join(kinds)})" if kinds else ""
        parts.append(f"{_sum(controls, outcome) or 'none'} {word}{named}")
    whole = [each.name.replace("_", " ") for each in controls.negative_controls if each.reported]
    if whole:
        parts.append(f"heads reported in {', '.join(whole)}, where there is none to report")
    return ", ".join(parts)


def _sum(controls: CalibratedSetting, outcome: str) -> int:
    return sum(getattr(each, outcome) for each in controls.totals)
