"""A finished run in Python: heads with their labels, what is unknown, and where runs are found."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import auditkit
from auditkit.bundle.packing import pack, zipped
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.task import Circuit, TaskRecord
from auditkit.results import Run, Task
from auditkit.store.evidence_store import EvidenceStore
from auditkit.verifying.case import read_case
from tests.builders import audit_record, copying, counting, model_identity, note_signer
from tests.conftest import SAMPLES
from tests.stores import run as numbered
from tests.stores import url_of
from tests.unique_codes_records import watched_record

SAMPLE = SAMPLES["consistent"]


def task_of(record: TaskRecord) -> Task:
    return Task(record, model_identity(), "en")


def without(head: str) -> Task:
    """The copying task, one of its heads not replaced alone."""
    task = copying()
    assert isinstance(task.causal, Causal)
    patched = tuple(one for one in task.causal.patched if one.head != head)
    causal = task.causal.model_copy(update={"patched": patched, "unpatched": (head,)})
    return task_of(task.model_copy(update={"causal": causal}))


# Heads.


def test_labels_travel_with_the_numbers() -> None:
    """Heads are in layer order; the record lists them in another."""
    effects = task_of(copying()).head_effects()
    assert effects.heads == ("0.0", "0.1", "1.0", "1.1")
    assert effects.mean.tolist() == [0.0, 0.25, 0.75, 0.0]
    assert effects.measured.tolist() == [True] * 4
    row = effects["1.0"]
    assert (row.layer, row.index, row.mean) == (1, 0, Decimal("0.7500"))
    assert (row.in_circuit, row.declared, effects["0.0"].in_circuit) == (True, True, False)
    assert all(
        low <= mean <= high
        for low, mean, high in zip(effects.low, effects.mean, effects.high, strict=True)
    )
    with pytest.raises(KeyError, match=r"7\.7"):
        effects["7.7"]


def test_an_unmeasured_head_is_unknown_and_not_zero() -> None:
    """It is NaN in every array, ``None`` in its row, and "not measured" in the table; a zero stays zero."""
    effects = without("0.1").head_effects()
    assert effects.measured.tolist() == [True, False, True, True]
    for values in (effects.mean, effects.low, effects.high):
        assert np.isnan(values).tolist() == [False, True, False, False]
    row = effects["0.1"]
    assert (row.measured, row.mean, row.low, row.high, row.chosen) == (False, *[None] * 4)
    lines = {line.split()[0]: line for line in str(effects).splitlines()}
    assert "not measured" in lines["0.1"]
    assert "0.0000" in lines["0.0"]
    assert "not measured" not in lines["0.0"]


def test_a_task_without_interventions_has_no_effect_at_all() -> None:
    """Every head is there and unknown, its membership too, and the table gives the reason."""
    effects = task_of(counting()).head_effects()
    assert effects.measured.tolist() == [False] * 4
    assert np.isnan(effects.mean).all()
    assert {(row.in_circuit, row.declared, row.attributed) for row in effects.rows} == {(None,) * 3}
    assert str(effects).endswith(f"No head was replaced: {effects.reason}")
    assert effects.reason


def test_the_arrays_cannot_be_written_to() -> None:
    """They stand for a record, which does not change."""
    effects = task_of(copying()).head_effects()
    with pytest.raises(ValueError, match="read-only"):
        effects.mean[0] = 1.0


# Circuits and drawings.


def test_a_circuit_is_there_or_says_why_not() -> None:
    """Heads as ids; or a reason, on which code that asks for heads fails."""
    found = task_of(copying()).circuit
    assert isinstance(found, Circuit)
    assert found.heads == ("0.1", "1.0")
    absent = task_of(counting()).circuit
    assert isinstance(absent, NotAssessed)
    assert absent.reason
    assert not hasattr(absent, "heads")


def test_the_drawings_are_svg_by_themselves() -> None:
    """Each is a well-formed document that names every head of the circuit, the same every time."""
    task = task_of(copying())
    for draw in (task.head_map, task.circuit_map):
        drawn = draw()
        assert isinstance(drawn, str)
        root = ET.fromstring(drawn)  # noqa: S314 - our own drawing
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        title = root.findtext("{http://www.w3.org/2000/svg}title") or ""
        assert "0.1" in title
        assert "1.0" in title
        assert draw() == drawn


def test_where_nothing_was_measured_nothing_is_drawn() -> None:
    """The record's reason comes instead of a drawing, in a task that is not done and in one observed."""
    task = task_of(counting())
    assert task.head_map() == task.circuit_map() == counting().causal
    (watched,) = Run(watched_record(), None).tasks.values()
    for drawn in (watched.head_map(), watched.circuit_map()):
        assert isinstance(drawn, NotAssessed)


# Runs, wherever they lie.


def test_a_run_is_the_same_from_directory_pdf_and_pack(tmp_path: Path) -> None:
    """The same record; only the directory is one; each can be verified."""
    zip_file = tmp_path / "audit.zip"
    zip_file.write_bytes(zipped(pack(read_case(SAMPLE).files, None)))
    places = (SAMPLE, SAMPLE / "report.pdf", zip_file)
    runs = [auditkit.load(place) for place in places]
    assert {run.id for run in runs} == {runs[0].record.run_id}
    assert [run.record == runs[0].record for run in runs] == [True] * 3
    assert [run.directory for run in runs] == [SAMPLE, None, None]
    assert auditkit.load(str(SAMPLE)).directory == SAMPLE
    assert all(run.verify().ok for run in runs)
    assert runs[0].verdict == "consistent"
    assert list(runs[0].tasks) == ["ioi"]


def test_a_changed_run_is_read_and_does_not_verify(tmp_path: Path) -> None:
    """Reading is no verification, which is said, and which ``verify`` shows."""
    copied = Path(shutil.copytree(SAMPLE, tmp_path / "run"))
    (copied / "report.html").write_bytes(b"<html></html>")
    checked = auditkit.load(copied).verify()
    assert not checked.ok
    assert "manifest" in checked.failed


def test_a_trusted_certificate_is_used() -> None:
    """With the signer's certificate the check of it passes; without, it is not made."""
    run = auditkit.load(SAMPLE)
    outcomes = [
        {check.id: check.outcome for check in checked.checks}["certificate"]
        for checked in (run.verify(), run.verify([SAMPLE / "certificate.pem"]))
    ]
    assert outcomes == ["not_run", "passed"]


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The URL of a store with two runs, whose ids differ in their last character."""
    url = url_of(tmp_path / "evidence.db")
    opened = EvidenceStore.open(url, signer=note_signer())
    opened.append_all([numbered(1), numbered(2)])
    return url


def test_a_stored_run_is_found_by_the_first_characters_of_its_id(store: str) -> None:
    """A store has no signed files: there is no directory, and nothing to verify."""
    wanted = numbered(2).run_id
    run = auditkit.load(wanted, store=store)
    assert (run.id, run.directory) == (wanted, None)
    assert list(run.tasks) == ["copying", "counting"]
    with pytest.raises(auditkit.EnvironmentUnavailableError, match="no signed files") as raised:
        run.verify()
    assert "auditkit store verify" in raised.value.advice


def test_the_users_own_store_is_the_one_looked_in(home: Path) -> None:
    """Without a URL it is that of ``AUDITKIT_HOME``."""
    EvidenceStore.open(url_of(home / "evidence.db"), signer=note_signer()).append(numbered(1))
    assert auditkit.load("01234567").id == numbered(1).run_id


@pytest.mark.parametrize(
    ("named", "part"),
    [
        ("0123", "2 stored runs start so"),
        ("fefe", "no stored run starts so, and no file or folder has the name"),
        ("runs/none", "cannot be read"),
        ("Report", "cannot be read"),
    ],
)
def test_a_run_that_is_not_there_is_told_with_advice(named: str, part: str, store: str) -> None:
    """An ambiguous beginning, an unknown id, a missing path, a word: an input error that says what to do."""
    with pytest.raises(auditkit.InputError, match=part) as raised:
        auditkit.load(named, store=store)
    (problem,) = raised.value.problems
    assert (problem.file, bool(problem.advice)) == (named, True)


def test_a_missing_path_is_never_looked_up_as_an_id(store: str) -> None:
    """A ``Path`` names a file, whatever it looks like."""
    with pytest.raises(auditkit.InputError, match="cannot be read"):
        auditkit.load(Path("01234567"), store=store)


def test_a_missing_store_is_told(tmp_path: Path) -> None:
    """Without a store, an id is answered with an error that names where one was looked for."""
    with pytest.raises(auditkit.EnvironmentUnavailableError, match="there is no evidence store"):
        auditkit.load("0123", store=url_of(tmp_path / "none.db"))


def test_a_run_shows_itself_in_one_line() -> None:
    """A notebook prints the last value of a cell: not the whole record."""
    run = Run(audit_record(), None)
    assert repr(run) == f"<auditkit run {run.id}: not_assessed; tasks: copying, counting>"
    assert repr(run.tasks["copying"]).startswith("<auditkit task copying: ")
