"""``auditkit calibrate`` by itself, and the calibration that every run makes first."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import QUICK, QUICKSTART, ROOT, CommandLine, FinishedRun

INSENSITIVE = QUICKSTART.read_text(encoding="utf-8").replace(
    "tolerance: 0.1}", "tolerance: 0.5, thresholds: {head_effect: 0.32}}"
)
"""A threshold that planted heads which oppose the task, at 0.3, do not reach."""


def policy(folder: Path, text: str) -> Path:
    """The first task of the quickstart policy, HTML only."""
    one = text[: text.index("  - id: greater_than")]
    reference = ROOT / "policies" / "models" / "reference"
    one = one.replace("path: models/reference", f"path: '{reference}'")
    path = folder / "policy.yaml"
    path.write_text(one + "report: {formats: [html]}\n", encoding="utf-8")
    return path


def test_the_standard_settings_pass(calibrating_here: CommandLine) -> None:
    """Without a policy the standard settings are calibrated: every kind is named, and the exit is 0."""
    outcome = calibrating_here("calibrate")
    assert outcome.code == 0
    for kind in ("circuit", "tiny", "opposing", "constant role", "backup", "decoy"):
        assert kind in outcome.out
    assert "redundant-hard" in outcome.out
    assert "planted as" not in outcome.out
    assert outcome.out.splitlines()[-1] == "recovery of what was planted: observed"


def test_a_policy_is_calibrated_without_its_model(
    tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Neither the model's folder nor prompts are needed; each distinct setting names its tasks."""
    text = QUICKSTART.read_text(encoding="utf-8").replace("models/reference", "not-there")
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    outcome = auditkit_here("calibrate", path, "--json")
    assert outcome.code == 0
    result = outcome.json()
    assert result["state"] == "observed"
    assert [setting["tasks"] for setting in result["settings"]] == [
        ["ioi", "docstring", "gendered_pronoun"],
        ["greater_than"],
    ]


def test_insensitive_settings_are_shown_head_by_head(
    tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Where planted heads are missed the exit is 3, and ``--models`` says which."""
    outcome = auditkit_here("calibrate", policy(tmp_path, INSENSITIVE), "--models")
    assert outcome.code == 3
    (missed,) = [
        line.split() for line in outcome.out.splitlines() if line.split()[:2] == ["1.0", "opposing"]
    ]
    assert missed == ["1.0", "opposing", "-0.3029", "not", "reported", "missed"]
    assert outcome.out.splitlines()[-1] == "recovery of what was planted: not observed"


def test_a_missing_policy_is_invalid_input(tmp_path: Path, auditkit_here: CommandLine) -> None:
    """A policy that is not there is told as for every other command."""
    assert auditkit_here("calibrate", tmp_path / "none.yaml").code == 4


def test_every_run_carries_its_calibration(finished_run: FinishedRun) -> None:
    """The record of a run holds the controls under each distinct setting of its tasks."""
    evidence = json.loads((finished_run.directory / "evidence.json").read_bytes())
    settings = evidence["calibration"]["settings"]
    assert [each["state"] for each in settings] == ["observed", "observed"]
    assert sorted(task for each in settings for task in each["tasks"]) == sorted(
        task["id"] for task in evidence["tasks"]
    )


def test_a_run_whose_calibration_fails_is_inconclusive(
    tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Heads that the rule accepts settle nothing then: exit 3, and the record verifies."""
    text = INSENSITIVE.replace('["0.0", "0.4", "2.3", "3.0", "3.6"]', '["2.3"]')
    path = policy(tmp_path, text)
    outcome = auditkit_here("run", path, "--out", tmp_path / "out", "--json")
    directory = Path(outcome.json()["directory"])
    (task,) = json.loads((directory / "evidence.json").read_bytes())["tasks"]
    assert (task["ladder"]["causal"], task["ladder"]["stable"]) == ("observed", "observed")
    codes = [finding["code"] for finding in task["findings"]]
    assert "rule_settled" in codes
    assert codes[-2:] == ["calibration_not_observed", "declared_controls"]
    assert (outcome.code, task["verdict"]) == (3, "inconclusive")
    verified = auditkit_here("verify", directory, "--json")
    assert (verified.code, verified.json()["ok"]) == (0, True)


def test_a_second_run_takes_over_what_the_first_calibrated(
    tmp_path: Path, calibrating_here: CommandLine
) -> None:
    """With the same settings nothing is calibrated again, and the record and the page say where it was.

    Somebody who waits sees that the controls are run before anything is measured.
    """
    text = QUICKSTART.read_text(encoding="utf-8").replace("seed: 0,", f"seed: 0, {QUICK},")
    named = policy(tmp_path, text)
    records, ids = [], []
    for n in ("one", "two"):
        run = calibrating_here("run", named, "--out", tmp_path / n, "--json")
        assert run.code == 0, run.err
        stages = run.err
        if n == "one":
            assert 0 <= stages.index("calibrate: known-answer") < stages.index(": behaviour")
        directory = Path(run.json()["directory"])
        records.append(json.loads((directory / "evidence.json").read_bytes()))
        ids.append(run.json()["run_id"])
        assert calibrating_here("verify", directory, "--json").code == 0
        page = (directory / "report.html").read_text("utf-8")
        assert (f"measured in run {ids[0]}" in page) == (n == "two")
    first, second = (each["calibration"]["settings"] for each in records)
    assert [each["taken_from"] for each in (first[0], second[0])] == [None, ids[0]]
    assert {**second[0], "taken_from": None} == first[0]
