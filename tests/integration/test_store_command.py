"""``auditkit store``: recomputed, witnessed and exported, on a file and on a server."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from auditkit.signing.notes import head_of, open_note
from tests.conftest import Auditkit, CommandLine, FinishedRun
from tests.stores import KINDS, Place, place, run, url_of


@pytest.fixture(params=KINDS)
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A store of three runs."""
    made = place(request.param, request, tmp_path)
    made.open().append_all([run(number) for number in range(3)])
    return made


def test_sound_store_verifies_with_its_witness(
    there: Place, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """A witness is written once, agrees now and after more runs, and needs no other file."""
    note = tmp_path / "checkpoint.txt"
    said = auditkit_here("store", "witness", "--store", there.url, "--out", note)
    assert (said.code, said.err) == (0, "")
    assert auditkit_here("store", "witness", "--store", there.url).out == note.read_text("utf-8")
    again = auditkit_here("store", "witness", "--store", there.url, "--out", note)
    assert (again.code, again.err.splitlines()[0]) == (6, f"auditkit: {note}: exists already")
    key = auditkit_here("store", "witness", "--store", there.url, "--json").json()["verifier_key"]
    assert head_of(open_note(note.read_text("utf-8"), key)).tree_size == 3
    there.open().append(run(3))
    outcome = auditkit_here("store", "verify", "--store", there.url, "--witness", note, "--json")
    found = outcome.json()
    assert (outcome.code, found["ok"], found["records"], found["checkpoints"]) == (0, True, 4, 2)
    assert [each["agrees"] for each in found["witnesses"]] == [True]
    plain = auditkit_here("store", "verify", "--store", there.url, "--witness", note).out
    assert plain.splitlines()[-1].startswith("verified: nothing that the witnesses saw")
    assert "hunter2" not in plain + said.out + str(found)


def test_changed_store_and_wrong_witness_are_exit_5(
    there: Place, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """What does not hold is named in one line; without a witness the words claim less."""
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("hello\n")
    outcome = auditkit_here("store", "verify", "--store", there.url, "--witness", wrong)
    assert outcome.code == 5
    assert "not a witness" in " ".join(outcome.out.split())
    alone = auditkit_here("store", "verify", "--store", there.url)
    assert alone.code == 0
    assert "Only a witness shows" in alone.out
    there.behind_the_guards("DELETE FROM leaf WHERE idx = 1")
    outcome = auditkit_here("store", "verify", "--store", there.url)
    assert outcome.code == 5
    assert outcome.out.splitlines()[-1] == "NOT verified: row 1 is missing"


def test_missing_store_is_exit_6(tmp_path: Path, auditkit_here: CommandLine) -> None:
    """No command makes a store to look into."""
    url = url_of(tmp_path / "none" / "evidence.db")
    for command in ("verify", "witness", "export", "upgrade"):
        outcome = auditkit_here("store", command, "--store", url)
        assert (outcome.code, outcome.out) == (6, "")
        assert "there is no evidence store" in outcome.err
    assert not (tmp_path / "none").exists()


def test_export_is_enough_to_recompute_the_root(
    there: Place, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """Another tool gets the root from the lines alone, and it is the one that was signed."""
    out = tmp_path / "evidence.jsonl"
    assert auditkit_here("store", "export", "--store", there.url, "--out", out).code == 0
    text = out.read_text("utf-8")
    assert auditkit_here("store", "export", "--store", there.url).out == text
    store, *lines = map(json.loads, text.splitlines())
    bodies = [line["body"].encode() for line in lines if line["type"] == "record"]
    one, two, three = (hashlib.sha256(b"\0" + body).digest() for body in bodies)
    pair = hashlib.sha256(b"\1" + one + two).digest()
    root = hashlib.sha256(b"\1" + pair + three).digest()
    assert store["root_hash"] == "sha256:" + root.hex()
    (note,) = [line for line in lines if line["type"] == "checkpoint"]
    head = head_of(open_note(note["note"], note["verifier_key"]))
    assert (head.origin, head.tree_size, head.root) == (store["origin"], 3, root)


def test_older_runs_are_witnesses_of_later_ones(
    finished_run: FinishedRun, tmp_path: Path, auditkit: Auditkit
) -> None:
    """``verify --witness`` takes a directory, a PDF and a note; a sound pair passes check 14."""
    home = tmp_path / "home"
    shutil.copytree(finished_run.home, home)
    auditkit.home = home
    note = tmp_path / "note.txt"
    assert auditkit("store", "witness", "--out", note).code == 0
    pdf = finished_run.directory / "report.pdf"
    witnesses = ("--witness", pdf, "--witness", note, "--witness", finished_run.directory)
    outcome = auditkit("verify", finished_run.directory, *witnesses, "--json")
    check = outcome.json()["checks"][13]
    assert (outcome.code, check["id"], check["outcome"]) == (0, "witnesses", "passed")
    outcome = auditkit("store", "verify", *witnesses)
    assert outcome.code == 0, outcome.out
    assert (home / "keys" / "store-key.pem").stat().st_mode & 0o777 == 0o600
