"""``auditkit verify`` on a real run: what verifies, what does not, and how it is said."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auditkit.bundle.evidence import parse_evidence
from auditkit.bundle.names import ALL_NAMES, COMMITMENT
from auditkit.signing.keys.signer import development_key
from auditkit.store.evidence_store import EvidenceStore
from tests.builders import note_signer
from tests.conftest import Auditkit, CommandLine, FinishedRun


@pytest.fixture
def copied(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """A copy of the finished run's directory, to be changed."""
    return Path(shutil.copytree(finished_run.directory, tmp_path / finished_run.directory.name))


def flip(path: Path) -> None:
    """Flips one bit of the byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def checks(verification: Any) -> dict[str, tuple[str, str]]:  # noqa: ANN401 - parsed JSON
    """Outcome and detail of each check, by its id."""
    return {each["id"]: (each["outcome"], each["detail"]) for each in verification["checks"]}


def test_a_finished_run_verifies(finished_run: FinishedRun, auditkit: Auditkit) -> None:
    """Where the run was made nothing fails; trust is left open, and nobody signed later."""
    auditkit.home = finished_run.home
    outcome = auditkit("verify", finished_run.directory, "--json")
    made = {name: result for name, (result, _) in checks(outcome.json()).items()}
    assert (outcome.code, outcome.err) == (0, "")
    left_open = {name for name, result in made.items() if result == "not_run"}
    assert left_open == {"certificate", "witnesses", "extension", "commitment", "asked"}
    assert {result for name, result in made.items() if name not in left_open} == {"passed"}


def test_elsewhere_the_store_check_is_not_run(
    finished_run: FinishedRun, auditkit_here: CommandLine
) -> None:
    """On a machine without the store the run still verifies, and no store is made there."""
    outcome = auditkit_here("verify", finished_run.directory)
    assert outcome.code == 0
    assert "no evidence store was given" in " ".join(outcome.out.split())
    assert outcome.out.splitlines()[-1].startswith("verified: no check failed.")


def test_json_and_table_say_the_same(finished_run: FinishedRun, auditkit_here: CommandLine) -> None:
    """The table has the title and the outcome of every check that ``--json`` lists, by number."""
    verification = auditkit_here("verify", finished_run.directory, "--json").json()
    table = auditkit_here("verify", finished_run.directory).out
    assert [each["number"] for each in verification["checks"]] == [*range(1, 18), 20, 21, 22]
    assert (verification["kind"], verification["ok"]) == ("run_directory", True)
    for each in verification["checks"]:
        start = f" {each['number']:<4}{each['title']}"
        (line,) = [line for line in table.splitlines() if line.startswith(start)]
        assert line.removeprefix(start).strip().startswith(each["outcome"].replace("_", " "))


@pytest.mark.parametrize("name", sorted(ALL_NAMES - {COMMITMENT}))
def test_one_changed_byte_fails_a_named_check(
    name: str, copied: Path, auditkit_here: CommandLine
) -> None:
    """A bit flipped in the middle of any one file ends in exit 5, and the failed check is named."""
    flip(copied / name)
    outcome = auditkit_here("verify", copied)
    failed = outcome.out.splitlines()[-1].removeprefix("NOT verified: ").split(", ")
    assert outcome.code == 5
    assert "attestation" in failed if name == "certificate.pem" else "manifest" in failed


@pytest.mark.parametrize(("row", "says"), [(0, "another record of this run"), (1, "row 1 was")])
def test_a_row_changed_in_the_store_fails_the_store_check(
    row: int, says: str, finished_run: FinishedRun, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Whoever lifts the store's guard, edits any row and puts the guard back is found by check 13."""
    store = tmp_path / "evidence.db"
    url = f"sqlite:///{store}"
    shutil.copy(finished_run.home / "evidence.db", store)
    record = parse_evidence((finished_run.directory / "evidence.json").read_bytes())
    later = record.model_copy(update={"run_id": record.run_id[:-12] + "0" * 12})
    EvidenceStore.open(url, signer=note_signer()).append(later)
    assert auditkit_here("verify", finished_run.directory, "--store", url).code == 0
    with sqlite3.connect(store) as database:
        guard = "SELECT sql FROM sqlite_master WHERE name = 'leaf_no_update'"
        (trigger,) = database.execute(guard).fetchone()
        database.execute("DROP TRIGGER leaf_no_update")
        edited = (
            "UPDATE leaf SET body = CAST(replace(body, '\"Ada', '\"Eve') AS BLOB) WHERE idx = ?"
        )
        assert database.execute(edited, (row,)).rowcount == 1
        database.execute(trigger)
    database.close()
    outcome = auditkit_here("verify", finished_run.directory, "--store", url, "--json")
    results = checks(outcome.json())
    failed = {name for name, (result, _) in results.items() if result == "failed"}
    assert (outcome.code, failed) == (5, {"store"})
    assert says in results["store"][1]


def test_a_required_store_has_to_hold_the_record(
    finished_run: FinishedRun, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """The run's own store passes; another one, which ``--store`` only does not compare, is exit 5."""
    own = f"sqlite:///{finished_run.home / 'evidence.db'}"
    other = f"sqlite:///{tmp_path / 'other.db'}"
    EvidenceStore.open(other, signer=note_signer())
    assert auditkit_here("verify", finished_run.directory, "--require-store", own).code == 0
    assert auditkit_here("verify", finished_run.directory, "--store", other).code == 0
    refused = auditkit_here("verify", finished_run.directory, "--require-store", other)
    assert (refused.code, "store that is required" in " ".join(refused.out.split())) == (5, True)


def test_a_store_without_its_guard_is_not_trusted(
    finished_run: FinishedRun, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """A store whose guard was removed is refused by that guard's name, with exit 5."""
    store = tmp_path / "evidence.db"
    shutil.copy(finished_run.home / "evidence.db", store)
    with sqlite3.connect(store) as database:
        database.execute("DROP TRIGGER leaf_no_update")
    database.close()
    outcome = auditkit_here("verify", finished_run.directory, "--store", f"sqlite:///{store}")
    assert outcome.code == 5
    assert "leaf_no_update" in outcome.out.replace("\n", "")


def test_a_lone_pdf_verifies(
    finished_run: FinishedRun, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """The PDF alone, under any name, is enough to check seal, evidence and conclusions."""
    pdf = tmp_path / "sent by mail"
    shutil.copy(finished_run.directory / "report.pdf", pdf)
    outcome = auditkit_here("verify", pdf, "--json")
    results = checks(outcome.json())
    assert (outcome.code, outcome.json()["kind"]) == (0, "pdf")
    for name in ("pdf_seal", "evidence", "policy", "conclusions", "report_html"):
        assert results[name][0] == "passed", name


def test_bytes_after_the_end_of_a_pdf_break_its_seal(
    copied: Path, auditkit_here: CommandLine
) -> None:
    """What is appended to a sealed PDF is not covered by the seal: exit 5, check 5."""
    with (copied / "report.pdf").open("ab") as stream:
        stream.write(b"\n% one more line\n")
    outcome = auditkit_here("verify", copied / "report.pdf", "--json")
    failed = {name for name, (result, _) in checks(outcome.json()).items() if result == "failed"}
    assert outcome.code == 5
    assert "pdf_seal" in failed


def test_the_signers_certificate_is_trusted_and_another_is_not(
    finished_run: FinishedRun, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """``--trust`` with the signer's certificate passes check 4; with another it fails, exit 5."""
    right = finished_run.directory / "certificate.pem"
    other = tmp_path / "other.pem"
    other.write_bytes(development_key(tmp_path / "keys", datetime.now(tz=UTC)).certificate)
    trusted = auditkit_here("verify", finished_run.directory, "--trust", right, "--json")
    mistrusted = auditkit_here("verify", finished_run.directory, "--trust", other, "--json")
    assert (trusted.code, checks(trusted.json())["certificate"][0]) == (0, "passed")
    assert (mistrusted.code, checks(mistrusted.json())["certificate"][0]) == (5, "failed")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda _: None, "No such file or directory"),
        (lambda path: path.mkdir(), "it holds no file of a run"),
        (lambda path: path.write_text("hello"), "neither a run's directory, nor a pack, nor a PDF"),
    ],
    ids=["missing", "empty folder", "other file"],
)
def test_a_path_without_a_run_is_invalid_input(
    make: Any,  # noqa: ANN401 - a lambda each
    says: str,
    tmp_path: Path,
    auditkit_here: CommandLine,
) -> None:
    """Nothing to verify is exit 4, not 5: one problem that names the path and what to give instead."""
    path = tmp_path / "run"
    make(path)
    outcome = auditkit_here("verify", path)
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err.startswith(f"{path}: ")
    assert says in outcome.err
    assert "give the folder that auditkit run wrote" in outcome.err


def test_a_missing_certificate_is_a_usage_error(
    finished_run: FinishedRun, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """``--trust`` with a path that is not there is exit 2 and names the path."""
    missing = tmp_path / "missing.pem"
    outcome = auditkit_here("verify", finished_run.directory, "--trust", missing)
    assert (outcome.code, outcome.out) == (2, "")
    assert str(missing) in outcome.err


def test_a_file_that_is_no_certificate_is_invalid_input(
    finished_run: FinishedRun, auditkit_here: CommandLine
) -> None:
    """``--trust`` with a file that is no certificate is exit 4."""
    wrong = finished_run.directory / "policy.yaml"
    outcome = auditkit_here("verify", finished_run.directory, "--trust", wrong)
    assert (outcome.code, outcome.out) == (4, "")
    assert "a trusted certificate cannot be read" in outcome.err
