"""``auditkit calibrate``: what a policy's settings find in models whose circuit is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.text import Text

from auditkit.cli.terminal import print_json, print_table, progress_shown, say, state
from auditkit.errors import ExitCode
from auditkit.policy import load_policy
from auditkit.policy.specifying import STANDARD
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import CalibratedSetting, Calibration, ControlRun, Outcome
from auditkit.records.specification import Specification
from auditkit.report.sections.calibration import KINDS, planted_as

_COLUMNS: tuple[Outcome, ...] = (
    "recovered",
    "missed",
    "falsely_reported",
    "rightly_left_out",
    "not_looked_for",
    "other_circuit_found",
)
_STANDARD = "no policy: the standard ones"


def run_calibration(policy: Path | None, *, as_json: bool, models: bool) -> int:
    """Run the known-answer controls, print what came of them, and return the exit code."""
    specifications = _specifications(policy)
    with progress_shown(quiet=as_json) as progress:
        with progress.stage("start torch", 1) as advance:
            import torch

            from auditkit.controls.calibrating import calibrate

            torch.set_num_threads(1)
            advance(1)
        calibration = calibrate(specifications, progress)
    found = _overall(calibration)
    if as_json:
        print_json({"state": found, **calibration.model_dump(mode="json")})
    else:
        for setting in calibration.settings:
            _print(setting, models=models)
        say(f"recovery of what was planted: {state(found).plain}")
    return ExitCode.CONSISTENT if found == "observed" else ExitCode.INCONCLUSIVE


def _specifications(policy: Path | None) -> dict[str, Specification]:
    if policy is None:
        return {_STANDARD: STANDARD}
    written = load_policy(policy).policy
    return {task.id: written.specification(task) for task in written.tasks}


def _overall(calibration: Calibration) -> str:
    states = {each.state for each in calibration.settings}
    return "observed" if states == {"observed"} else "not_observed"


def _print(setting: CalibratedSetting, *, models: bool) -> None:
    say(f"Settings of {', '.join(setting.tasks)}")
    words = [each.replace("_", " ") for each in _COLUMNS]
    print_table(
        "Planted heads by kind",
        ["kind", "control", "planted", *words],
        [
            [
                KINDS[total.kind][0],
                total.control,
                str(total.planted),
                *(_count(getattr(total, outcome), outcome) for outcome in _COLUMNS),
            ]
            for total in setting.totals
        ],
        whole=("kind",),
    )
    print_table(
        "Control models",
        ["model", "attention", "behaviour", "heads", *words],
        [_model_row(run) for run in setting.models],
        whole=("model",),
    )
    print_table(
        "Nothing to report",
        ["model", "behaviour", "reported"],
        [
            [
                each.name.replace("_", " "),
                state(each.behaviour.state),
                " ".join(each.reported) or "none",
            ]
            for each in setting.negative_controls
        ],
    )
    if models:
        for run in setting.models:
            _print_heads(run)


def _model_row(run: ControlRun) -> list[str | Text]:
    counts = Counter(each.outcome for each in run.heads)
    return [
        run.name,
        run.attention,
        state(run.behaviour.state),
        str(len(run.heads)),
        *(_count(counts[outcome], outcome) for outcome in _COLUMNS),
    ]


def _count(n: int, outcome: Outcome) -> Text:
    """A count; one that fails the calibration stands out, and a zero recedes."""
    failed = n and outcome in ("missed", "falsely_reported")
    return Text(str(n), style="bold red" if failed else "" if n else "dim")


def _print_heads(run: ControlRun) -> None:
    circuits = " or ".join(" ".join(circuit) for circuit in run.circuits)
    print_table(
        f"{run.name}: planted circuit {circuits}",
        ["head", "planted as", "effect", "reported", "outcome"],
        [
            [
                each.head,
                planted_as(each),
                "not measured" if isinstance(each.effect, NotAssessed) else str(each.effect),
                each.reported.replace("_", " "),
                each.outcome.replace("_", " "),
            ]
            for each in run.heads
        ],
    )
