"""``auditkit reproduce``: the recorded audit run again, on the real model, and what it says of others."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from auditkit.bundle.evidence import parse_evidence
from auditkit.cli import reproduce
from auditkit.records.audit import AuditRecord
from tests.conftest import ROOT, CommandLine, FinishedRun

MODEL = ROOT / "policies" / "models" / "reference"


@pytest.fixture
def record(short_run: FinishedRun) -> AuditRecord:
    return parse_evidence((short_run.directory / "evidence.json").read_bytes())


@pytest.fixture
def other_model(tmp_path: Path) -> Path:
    """The audited model with other weights."""
    folder = Path(shutil.copytree(MODEL, tmp_path / "other"))
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    return folder


def test_the_same_machine_agrees_with_itself(
    short_run: FinishedRun, auditkit_here: CommandLine, home: Path, record: AuditRecord
) -> None:
    """Exit 0, nothing differs, no condition but what a developer changed, and nothing is left behind."""
    command = ("reproduce", short_run.directory, "--model", MODEL, "--json", "--quiet")
    outcome = auditkit_here(*command)
    assert outcome.code == 0, outcome.err
    said = outcome.json()
    assert (said["agrees"], said["run_id"]) == (True, record.run_id)
    assert said["conditions"] == []
    parts = [part["id"] for part in said["parts"]]
    assert parts == ["controls", *(task.id for task in record.tasks), "run"]
    assert all(part["compared"] and not part["differing"] for part in said["parts"])
    assert [path.name for path in home.rglob("*") if path.is_file()] == ["lock"]


def test_another_model_is_refused_before_the_long_work(
    short_run: FinishedRun, other_model: Path, auditkit_here: CommandLine
) -> None:
    """Exit 6 with the file that differs; a missing folder is exit 6 too."""
    outcome = auditkit_here("reproduce", short_run.directory, "--model", other_model)
    assert (outcome.code, outcome.out) == (6, "")
    assert "not the model that was audited: other model.safetensors" in outcome.err
    assert "calibrate" not in outcome.err
    missing = other_model.parent / "missing"
    assert auditkit_here("reproduce", short_run.directory, "--model", missing).code == 6


def test_evidence_that_does_not_verify_is_not_reproduced(
    short_run: FinishedRun, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """A run whose policy was changed since is exit 5, and is said not to verify."""
    copied = Path(shutil.copytree(short_run.directory, tmp_path / "run"))
    (copied / "policy.yaml").write_bytes((copied / "policy.yaml").read_bytes() + b"#")
    outcome = auditkit_here("reproduce", copied, "--model", MODEL)
    assert (outcome.code, outcome.out) == (5, "")
    assert "does not verify" in outcome.err


def test_a_difference_is_exit_1_and_named(
    short_run: FinishedRun,
    auditkit_here: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    record: AuditRecord,
) -> None:
    """Conditions first, then each task: those that agree in one line, those that differ by result."""
    first, *others = record.tasks
    again = record.model_copy(
        update={
            "tasks": (first.model_copy(update={"verdict": "inconclusive"}), *others),
            "environment": record.environment.model_copy(update={"torch": "9.9"}),
        }
    )

    def second_run(*_: Any, **__: Any) -> AuditRecord:  # noqa: ANN401 - takes whatever it is given
        return again

    monkeypatch.setattr(reproduce, "_again", second_run)
    outcome = auditkit_here("reproduce", short_run.directory, "--model", MODEL)
    lines = outcome.out.splitlines()
    assert outcome.code == 1
    assert lines[0].startswith("Conditions that differ")
    assert any("environment torch" in line and "9.9" in line for line in lines)
    (heading,) = [line for line in lines if line.startswith(f"{first.id}: differs")]
    assert lines.index(heading) > 3
    assert lines[-1] == f"differs: {first.id}: verdict"


def test_settings_that_are_read_otherwise_are_refused(auditkit_here: CommandLine) -> None:
    """Where standard values changed since, a second run would be of other settings: exit 6, by key."""
    old = ROOT / "tests" / "compat" / "edition-2" / "consistent"
    outcome = auditkit_here("reproduce", old, "--model", MODEL)
    assert outcome.code == 6
    assert "other settings from the policy than are recorded" in outcome.err
    assert "patching, random_sets" in outcome.err


def test_a_run_whose_policy_is_read_otherwise_does_not_verify(
    short_run: FinishedRun, auditkit_here: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under one edition of the rules standard values are the same: another one is another policy."""
    from auditkit.policy import Policy

    specification = Policy.specification

    def with_another_seed(policy: Policy, task: Any) -> Any:  # noqa: ANN401
        return specification(policy, task).model_copy(update={"seed": 99})

    monkeypatch.setattr(Policy, "specification", with_another_seed)
    outcome = auditkit_here("reproduce", short_run.directory, "--model", MODEL)
    assert (outcome.code, "does not verify" in outcome.err) == (5, True)
