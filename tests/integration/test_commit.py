"""``auditkit commit``: a policy signed and timestamped before its run, through the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from auditkit.bundle.evidence import parse_evidence
from auditkit.bundle.names import COMMITMENT
from tests.conftest import Auditkit, CommandLine, Outcome
from tests.pki import Pki
from tests.policies import NOT_CONSISTENT, policy_signed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for the module: the committed run is made once and looked at often."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def committed(
    tmp_path_factory: pytest.TempPathFactory, guard: Path, pki: Pki, home: Path
) -> tuple[Path, Path]:
    """A policy, committed to with a timestamp, and the directory of its run."""
    folder = tmp_path_factory.mktemp("committed")
    policy = policy_signed(folder, "{key: default}")
    auditkit = Auditkit(home, guard)
    made = auditkit("commit", policy, "--timestamp-url", pki.tsa_url)
    assert made.code == 0, made.err
    assert "by the clock of" in made.out
    run = auditkit("run", policy, "--out", folder / "out", "--json")
    assert run.code == NOT_CONSISTENT, run.err
    return policy, Path(run.json()["directory"])


def found(outcome: Outcome, check: str = "commitment") -> tuple[str, str]:
    (one,) = [each for each in outcome.json()["checks"] if each["id"] == check]
    return one["outcome"], one["detail"]


def test_the_report_says_that_the_criteria_came_first(
    committed: tuple[Path, Path], tmp_path: Path, auditkit_here: CommandLine, pki: Pki
) -> None:
    """Record and page 1 state the timestamp; with its root given, verify has it shown."""
    _, directory = committed
    record = parse_evidence((directory / "evidence.json").read_bytes())
    made = record.policy.commitment
    assert made is not None
    assert record.policy.committed_at == made.timestamped_at
    limits = {each.code for each in record.limitations}
    assert "criteria_not_committed" not in limits
    assert "criteria_older_than_run" in limits
    page = (directory / "report.html").read_text("utf-8")
    assert "A timestamp over a signature of this policy" in page
    between = tmp_path / "between.pem"
    between.write_bytes(pki.pem("interm"))
    trusted = auditkit_here(
        *("verify", directory, "--trust", pki.root_file(), "--trust", between, "--json")
    )
    assert found(trusted)[0] == "passed", trusted.out
    assert "the timestamp's authority is trusted" in found(trusted)[1]
    assert found(auditkit_here("verify", directory, "--json"))[0] == "not_run"


def test_openssl_reads_the_commitment(committed: tuple[Path, Path], tmp_path: Path) -> None:
    """The signature is a plain detached CMS over the policy's bytes."""
    _, directory = committed
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-noverify"]
    command += ["-in", str(directory / COMMITMENT), "-content", str(directory / "policy.yaml")]
    assert subprocess.run([*command, "-out", tmp_path / "o"], capture_output=True).returncode == 0
    command[-1] = str(directory / "evidence.json")
    assert subprocess.run([*command, "-out", tmp_path / "o"], capture_output=True).returncode != 0


def test_tamper_a_commitment_taken_away_or_put_in_is_found(
    committed: tuple[Path, Path], tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """By the manifest and the statement, and by the check on commitments itself."""
    _, directory = committed
    copy = Path(shutil.copytree(directory, tmp_path / "copy"))
    (copy / COMMITMENT).unlink()
    outcome = auditkit_here("verify", copy, "--json")
    assert (outcome.code, found(outcome)[0]) == (5, "failed")
    (copy / COMMITMENT).write_bytes((copy / "report.html.p7s").read_bytes())
    outcome = auditkit_here("verify", copy, "--json")
    assert (outcome.code, found(outcome)[0]) == (5, "failed")


def test_a_policy_changed_after_its_commitment_is_refused(
    committed: tuple[Path, Path], tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Before any work, by the name of the commitment; and nothing is overwritten."""
    policy, _ = committed
    changed = policy.with_name("changed.yaml")
    changed.write_text(policy.read_text("utf-8") + "\n# one more line\n", "utf-8")
    shutil.copyfile(f"{policy}.p7s", f"{changed}.p7s")
    outcome = auditkit_here("run", changed, "--out", tmp_path / "out")
    assert outcome.code == 4
    assert "changed.yaml.p7s: no commitment to changed.yaml as it now is" in outcome.err
    again = auditkit_here("commit", policy)
    assert (again.code, "there is a file of that name" in again.err) == (6, True)


def test_without_a_timestamp_service_nothing_shows_when(
    tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """The command, the record, page 1 and verify all say so."""
    policy = policy_signed(tmp_path, "{key: default}")
    assert "Nothing else shows" in auditkit_here("commit", policy).out
    run = auditkit_here("run", policy, "--out", tmp_path / "out", "--json")
    directory = Path(run.json()["directory"])
    record = json.loads((directory / "evidence.json").read_bytes())
    assert record["policy"]["committed_at"] is None
    assert record["policy"]["commitment"]["timestamped_at"] is None
    assert "signer&#39;s own clock" in (directory / "report.html").read_text("utf-8")
    assert "criteria_not_committed" in {each["code"] for each in record["limitations"]}
    assert found(auditkit_here("verify", directory, "--json"))[0] == "not_run"


def test_an_unreachable_timestamp_service_leaves_no_commitment(
    tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """One line, and no file."""
    policy = policy_signed(tmp_path, "{key: default}")
    outcome = auditkit_here("commit", policy, "--timestamp-url", "http://127.0.0.1:9/tsa")
    assert outcome.code == 6
    assert "the timestamp service http://127.0.0.1:9/tsa cannot be reached" in outcome.err
    assert not Path(f"{policy}.p7s").exists()
