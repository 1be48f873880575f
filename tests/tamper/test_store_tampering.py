"""Attacks on the evidence store, each by somebody who may write the database, and what catches it.

Some are caught by the database, some at the next open, some by the full audit, some at the next append.
A rewrite of everything is invisible from inside; only a witness kept elsewhere shows it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import psycopg
import pytest

from auditkit.bundle.evidence import evidence_bytes
from auditkit.errors import EvidenceError
from auditkit.records.audit import AuditRecord
from auditkit.signing.notes import TreeHead
from auditkit.store.evidence_store import EvidenceStore
from auditkit.store.merkle import leaf_hash, root_hash
from auditkit.verifying.outcome import NotRunError
from auditkit.verifying.witnesses import (
    agrees_with_store,
    checked_checkpoint,
    held_in_store,
    read_witness,
    witnessed,
)
from tests.builders import note_signer
from tests.stores import KINDS, Place, another, place, run, small_body

SIZE = 600
"""Two whole tiles and a part of a third."""


@pytest.fixture(params=KINDS)
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A store of 600 records, appended in three batches."""
    made = place(request.param, request, tmp_path)
    fill(made)
    return made


def fill(made: Place, text: str = "toy", seed: int = 1) -> EvidenceStore:
    store = made.open(seed=seed)
    bodies = [small_body(number, text) for number in range(SIZE)]
    for start, stop in ((0, 200), (200, 400), (400, SIZE)):
        store.append_bodies(bodies[start:stop])
    return store


def saved(store: EvidenceStore, path: Path) -> Path:
    """The checkpoint of a store, kept elsewhere."""
    path.write_text(store.witness().note, "utf-8")
    return path


def edited(there: Place, index: int) -> str:
    """A statement that changes one character of a body."""
    if there.kind == "sqlite":
        body = "CAST(replace(CAST(body AS TEXT), 'toy', 'tox') AS BLOB)"
    else:
        body = "convert_to(replace(convert_from(body, 'UTF8'), 'toy', 'tox'), 'UTF8')"
    return f"UPDATE leaf SET body = {body} WHERE idx = {index}"  # noqa: S608


def digest(there: Place, content: bytes) -> str:
    """A literal for bytes."""
    return f"x'{content.hex()}'" if there.kind == "sqlite" else f"'\\x{content.hex()}'"


def test_untouched_store_is_clean_and_agrees_with_its_witness(there: Place, tmp_path: Path) -> None:
    """The control: nothing is found where nothing was done."""
    witness = saved(there.open(), tmp_path / "note.txt")
    there.behind_the_guards()
    there.open().append_bodies([small_body(SIZE)])
    outcome = there.reader().audit()
    assert (outcome.clean, outcome.good, outcome.checkpoints) == (True, SIZE + 1, 4)
    assert agrees_with_store(witness, there.reader()) == "600 of 601 records, the same root"


REPLACING = {
    "sqlite": (
        "INSERT OR REPLACE INTO leaf (idx, hash, body) SELECT 5, hash, body FROM leaf WHERE idx = 7",
        "REPLACE INTO leaf (idx, hash, body) SELECT 600, hash, body FROM leaf WHERE idx = 7",
        "REPLACE INTO leaf (hash, body) SELECT hash, body FROM leaf WHERE idx = 7",
        "REPLACE INTO tile (level, idx, hash) SELECT 1, 0, hash FROM leaf WHERE idx = 7",
        "REPLACE INTO checkpoint SELECT tree_size, 'x', 'x' FROM checkpoint",
    ),
    "postgresql": (
        "INSERT INTO leaf (idx, hash, body) SELECT 5, hash, body FROM leaf LIMIT 1 ON CONFLICT DO NOTHING",
        "INSERT INTO checkpoint SELECT 1000, 'x', 'x' ON CONFLICT (tree_size) DO UPDATE SET note = 'x'",
        "MERGE INTO tile USING leaf ON tile.idx = leaf.idx WHEN MATCHED THEN DELETE",
        "TRUNCATE leaf",
        "COPY tile FROM PROGRAM 'echo 1 0 x' (DELIMITER ' ')",
    ),
}


@pytest.mark.parametrize("number", range(5))
def test_replacing_statement_is_refused_by_the_database(there: Place, number: int) -> None:
    """INSERT OR REPLACE deletes without firing a DELETE trigger; the guard on INSERT stops it."""
    with pytest.raises((sqlite3.IntegrityError, psycopg.DatabaseError), match="only appends"):
        there.attack(REPLACING[there.kind][number])
    assert there.reader().audit().clean


@pytest.mark.parametrize("table", ["leaf", "tile", "checkpoint", "identity", "alembic_version"])
def test_dropped_table_is_named_at_the_next_open(there: Place, table: str) -> None:
    """DROP TABLE works, and the store is then not opened, nor made anew in silence."""
    there.attack(f"DROP TABLE {table}")
    with pytest.raises(EvidenceError, match=rf"{table}|auditkit store"):
        there.open()


def test_dropped_trigger_is_named_at_the_next_open(there: Place) -> None:
    """DROP TRIGGER works; what was dropped is named, and not put back in silence."""
    name, on = ("leaf_no_delete", "") if there.kind == "sqlite" else ("leaf_no_change", " ON leaf")
    there.attack(f"DROP TRIGGER {name}{on}", "DELETE FROM leaf WHERE idx = 599")
    with pytest.raises(EvidenceError, match=name):
        there.open()


SHADOW = (
    "CREATE TRIGGER tile BEFORE INSERT ON leaf WHEN json_extract(NEW.body, '$.verdict') <> 'consistent' "
    "BEGIN SELECT RAISE(IGNORE); END"
)
"""A trigger that drops records without a word. SQLite lets it have the name of a table."""


def test_a_trigger_with_the_name_of_a_table_is_named_at_the_next_open(file: Place) -> None:
    """Both have a definition under the name, and one of them is the right one."""
    file.open()
    file.attack(SHADOW)
    with pytest.raises(EvidenceError, match="more than one thing named tile"):
        file.open()


@pytest.mark.parametrize(
    ("table", "message"),
    [("leaf", "did not keep the record"), ("checkpoint", "did not keep its checkpoint")],
)
def test_no_receipt_is_given_for_what_the_database_drops(
    file: Place, table: str, message: str
) -> None:
    """A trigger made while the store is open is not looked for: what was written is read back."""
    store, size = file.open(), file.open().size
    file.attack(f"CREATE TRIGGER later BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END")
    with pytest.raises(EvidenceError, match=message):
        store.append_bodies([small_body(size)])
    file.attack("DROP TRIGGER later")
    assert (file.open().size, file.reader().audit().clean) == (size, True)


@pytest.mark.parametrize(
    ("statement", "good", "problem"),
    [
        ("EDIT 2", 2, "row 2 was changed: its body"),
        ("EDIT 599", 599, "row 599 was changed: its body"),
        ("UPDATE leaf SET hash = ZERO WHERE idx = 3", 3, "row 3 was changed: its body"),
        ("DELETE FROM leaf WHERE idx = 1", 1, "row 1 is missing"),
        ("UPDATE leaf SET idx = 900 WHERE idx = 4", 4, "row 4 is missing"),
        ("UPDATE tile SET hash = ZERO WHERE idx = 1", 512, "tile 1 of level 1 does not match"),
        ("DELETE FROM tile WHERE idx = 0", 256, "tile 0 of level 1 does not match"),
        ("INSERT INTO tile SELECT 1, 2, hash FROM tile WHERE idx = 1", 600, "tile 2 of level 1"),
        ("DELETE FROM leaf WHERE idx >= 550", 550, "a checkpoint over 600 records was signed; 550"),
        ("UPDATE checkpoint SET note = 'x' WHERE tree_size = 400", 400, "not a signed note"),
        ("UPDATE checkpoint SET tree_size = 300 WHERE tree_size = 400", 300, "of another tree"),
        ("UPDATE checkpoint SET verifier_key = 'x' WHERE tree_size = 200", 200, "verifier key"),
        ("UPDATE identity SET origin = 'another'", 200, "that of another tree"),
    ],
)
def test_edit_behind_the_guards_is_named_by_the_audit(
    there: Place, statement: str, good: int, problem: str
) -> None:
    """An edit with all guards in place again is found, and the rows before it are counted as good."""
    zero = "zeroblob(32)" if there.kind == "sqlite" else digest(there, bytes(32))
    word, _, index = statement.partition(" ")
    made = edited(there, int(index)) if word == "EDIT" else statement.replace("ZERO", zero)
    there.behind_the_guards(made)
    outcome = there.reader().audit()
    assert not outcome.clean
    assert outcome.good == good
    assert problem in outcome.problem


def test_edit_with_its_hash_and_tile_recomputed_is_caught_by_the_signature(there: Place) -> None:
    """Row, leaf hash and tile changed together leave the signed checkpoints wrong."""
    bodies = [small_body(number, "tox" if number == 2 else "toy") for number in range(SIZE)]
    leaves = [leaf_hash(body) for body in bodies]
    there.behind_the_guards(
        edited(there, 2),
        f"UPDATE leaf SET hash = {digest(there, leaves[2])} WHERE idx = 2",  # noqa: S608
        f"UPDATE tile SET hash = {digest(there, root_hash(leaves[:256]))} WHERE idx = 0",  # noqa: S608
    )
    outcome = there.reader().audit()
    assert outcome.problem == "the first 200 records are not those a checkpoint was signed over"


@pytest.mark.parametrize("what", ["edited tile", "edited leaf hash", "truncated", "note removed"])
def test_no_checkpoint_is_signed_over_a_changed_tree(there: Place, what: str) -> None:
    """An append to a tree that is not the one signed last is refused; nothing is signed, or stored."""
    zero = digest(there, bytes(32))
    there.behind_the_guards(
        {
            "edited tile": f"UPDATE tile SET hash = {zero} WHERE idx = 1",  # noqa: S608
            "edited leaf hash": f"UPDATE leaf SET hash = {zero} WHERE idx = 580",  # noqa: S608
            "truncated": "DELETE FROM leaf WHERE idx >= 599",
            "note removed": "UPDATE checkpoint SET note = 'x' WHERE tree_size = 600",
        }[what]
    )
    notes, size = there.reader().notes(), there.reader().size
    with pytest.raises(EvidenceError):
        there.open().append_bodies([small_body(9999)])
    with pytest.raises(EvidenceError):
        there.open().witness()
    assert (there.reader().notes(), there.reader().size) == (notes, size)


def test_store_cut_short_with_its_checkpoints_is_caught_by_a_witness(
    there: Place, tmp_path: Path
) -> None:
    """Records, tiles and notes removed together: sound inside, and the witness says how many there were."""
    witness = saved(there.open(), tmp_path / "note.txt")
    there.behind_the_guards(
        "DELETE FROM leaf WHERE idx >= 400",
        "DELETE FROM tile WHERE idx >= 1",
        "DELETE FROM checkpoint WHERE tree_size > 400",
    )
    store = there.reader()
    assert store.audit().clean
    with pytest.raises(EvidenceError, match="held 600 records and now holds 400"):
        agrees_with_store(witness, store)


@pytest.mark.parametrize("seed", [1, 2], ids=["the store's key", "another key"])
def test_store_rewritten_with_its_checkpoints_is_caught_by_a_witness(
    there: Place, tmp_path: Path, seed: int
) -> None:
    """A history made anew under the same name is sound inside; a witness from before shows it."""
    old = there.open()
    witness = saved(old, tmp_path / "note.txt")
    forged = another(there)
    store = fill(forged, "tox", seed)
    signer = note_signer(seed)
    notes = [
        signer.sign(
            TreeHead(old.origin, note.tree_size, bytes.fromhex(store.root_at(note.tree_size)[7:]))
        )
        for note in store.notes()
    ]
    forged.behind_the_guards(
        f"UPDATE identity SET origin = '{old.origin}'",  # noqa: S608
        *(
            f"UPDATE checkpoint SET note = '{note.note}', verifier_key = '{note.verifier_key}' "  # noqa: S608
            f"WHERE tree_size = {note.tree_size}"
            for note in notes
        ),
    )
    assert forged.reader().audit().clean
    expected = "not those it was signed over" if seed == 1 else "a key that no checkpoint"
    with pytest.raises(EvidenceError, match=expected):
        agrees_with_store(witness, forged.reader())


def test_witness_of_another_store_does_not_agree(there: Place, tmp_path: Path) -> None:
    """A store made anew under its own name is not the one the witness saw."""
    witness = saved(there.open(), tmp_path / "note.txt")
    with pytest.raises(EvidenceError, match="a witness of another store"):
        agrees_with_store(witness, fill(another(there)))


@pytest.mark.parametrize("part", ["size", "root", "signature"])
def test_changed_witness_is_no_witness(there: Place, tmp_path: Path, part: str) -> None:
    """A saved note with anything changed does not verify."""
    witness = saved(there.open(), tmp_path / "note.txt")
    lines = witness.read_text("utf-8").split("\n")
    at = {"size": 1, "root": 2, "signature": 4}[part]
    lines[at] = "599" if part == "size" else lines[at][:-9] + "AAAA" + lines[at][-5:]
    witness.write_text("\n".join(lines), "utf-8")
    with pytest.raises(EvidenceError):
        agrees_with_store(witness, there.reader())


# Witnesses against the checkpoint that a record carries


@pytest.fixture
def file(tmp_path: Path) -> Place:
    return Place("sqlite", f"sqlite:///{tmp_path / 'evidence.db'}", tmp_path / "evidence.db")


def stored(there: Place, number: int, finished: str | None = None, seed: int = 1) -> AuditRecord:
    """A record as its report carries it: with the checkpoint the store gave."""
    record = run(number)
    if finished:
        times = record.times.model_copy(update={"finished": finished})
        record = record.model_copy(update={"times": times})
    return record.model_copy(update={"checkpoint": there.open(seed=seed).append(record)})


def report(record: AuditRecord, folder: Path) -> Path:
    """The evidence of a record in a file of its own."""
    path = folder / f"{record.run_id[-4:]}.json"
    path.write_bytes(evidence_bytes(record))
    return path


def ask(record: AuditRecord, *paths: Path, store: EvidenceStore | None = None) -> str:
    return witnessed(record, checked_checkpoint(record, evidence_bytes(record)), paths, store)


def test_older_report_and_note_agree(file: Place, tmp_path: Path) -> None:
    """The control: an older and a newer report, and a note, agree through the store's own proof."""
    records = [stored(file, number) for number in range(5)]
    paths = [report(records[number], tmp_path) for number in (0, 2, 4)]
    paths.append(saved(file.open(), tmp_path / "note.txt"))
    for record in records:
        said = ask(record, *paths, store=file.reader())
        assert said == (
            "0000.json: 1 records; 0002.json: 3 records; 0004.json: 5 records; note.txt: 5 records"
        )
    assert ask(records[4], paths[2]) == "0004.json: 5 records"  # equal sizes need no store


def test_witness_of_another_size_needs_the_store(file: Place, tmp_path: Path) -> None:
    """Two sizes cannot be compared without a proof, and that is said; it is no pass."""
    first, second = stored(file, 0), stored(file, 1)
    with pytest.raises(NotRunError, match=r"1 records, the checkpoint 2; .* --store"):
        ask(second, report(first, tmp_path))
    with pytest.raises(NotRunError, match="no witness was given"):
        ask(second)


def forked(file: Place, tmp_path: Path) -> tuple[AuditRecord, AuditRecord, Place]:
    """Two second records after the same first, and the store of the second of them."""
    stored(file, 0)
    copy = Place("sqlite", f"sqlite:///{tmp_path / 'copy.db'}", tmp_path / "copy.db")
    shutil.copy(file.path, copy.path)
    return stored(file, 1), stored(copy, 2), copy


def test_two_trees_of_one_size_are_caught_without_the_store(file: Place, tmp_path: Path) -> None:
    """A store that was copied and continued twice under one name has two roots at one size."""
    ours, theirs, _ = forked(file, tmp_path)
    with pytest.raises(EvidenceError, match="has another root"):
        ask(theirs, report(ours, tmp_path))


def test_rewritten_store_is_caught_by_an_older_report(file: Place, tmp_path: Path) -> None:
    """The proof from the store given does not lead from the witness's root to the record's."""
    ours, _, copy = forked(file, tmp_path)
    later = stored(copy, 3)
    with pytest.raises(EvidenceError, match="neither begins with the other"):
        ask(later, report(ours, tmp_path), store=copy.reader())


def test_store_shorter_than_a_witness_is_caught(file: Place, tmp_path: Path) -> None:
    """A store that no longer holds what the witness saw."""
    first, cut = stored(file, 0), tmp_path / "cut.db"
    shutil.copy(file.path, cut)
    second = stored(file, 1)
    store = EvidenceStore.open(f"sqlite:///{cut}", create=False)
    with pytest.raises(EvidenceError, match="holds 1 records, not 2"):
        ask(first, report(second, tmp_path), store=store)


def test_witness_of_another_store_is_not_compared(file: Place, tmp_path: Path) -> None:
    """Another origin is said, and is neither agreement nor contradiction."""
    other = stored(another(file), 0)
    with pytest.raises(NotRunError, match="a witness of another store"):
        ask(stored(file, 1), report(other, tmp_path))


def test_witness_by_another_key_is_said(file: Place, tmp_path: Path) -> None:
    """A report signed with another key of the same store counts, and its key is mentioned."""
    first = stored(file, 0, seed=2)
    second = stored(file, 1)
    said = ask(second, report(first, tmp_path), store=file.reader())
    assert said == "0000.json: 1 records, signed with another key"
    note = tmp_path / "note.txt"
    note.write_text(first.checkpoint.note if first.checkpoint else "", "utf-8")
    with pytest.raises(NotRunError, match="another key"):
        ask(second, note, store=file.reader())


def test_rolled_back_clock_is_caught_by_the_order_in_the_store(file: Place, tmp_path: Path) -> None:
    """A record dated before a witness that was stored before it was dated by a clock set back."""
    witness = report(stored(file, 0, "2026-11-20T09:30:05Z"), tmp_path)
    honest = stored(file, 1, "2026-11-20T09:00:05Z")  # two machines, clocks within the hour
    back = stored(file, 2, "2026-06-01T09:30:05Z")
    assert ask(honest, witness, store=file.reader())
    with pytest.raises(EvidenceError, match="a clock was set back"):
        ask(back, witness, store=file.reader())
    with pytest.raises(EvidenceError, match="a clock was wrong"):
        ask(read_record(witness), report(back, tmp_path), store=file.reader())


def read_record(path: Path) -> AuditRecord:
    return AuditRecord.model_validate_json(path.read_bytes())


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"{}"),
        lambda path: path.write_bytes(b"%PDF-1.7 hello"),
        lambda path: path.write_bytes(b"\xff\xfe\n\n\xff"),
        lambda path: path.write_text("hello\n\nworld\n"),
        lambda path: path.mkdir(),
        os.mkfifo,
    ],
    ids=["empty", "no record", "no pdf", "no text", "no note", "empty folder", "pipe"],
)
def test_what_is_no_witness_is_said_in_one_line(tmp_path: Path, make: object) -> None:
    """Hostile or mistaken files end in one line, without waiting on a pipe."""
    assert callable(make)
    make(tmp_path / "witness")
    with pytest.raises(EvidenceError, match="not a witness") as caught:
        read_witness(tmp_path / "witness")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"leaf_hash": "sha256:" + "0" * 64}, "leaf hash is"),
        ({"root_hash": "sha256:" + "0" * 64}, "does not follow"),
        ({"inclusion_proof": ()}, "too short"),
        ({"tree_size": 3}, "too short"),
        ({"tree_size": 1}, "no leaf 1"),
        ({"leaf_index": 0}, "does not follow"),
        ({"leaf_index": 7}, "no leaf 7"),
        ({"origin": "another"}, "states another store"),
        ({"note": "x"}, "not a signed note"),
        ({"verifier_key": "x"}, "not a verifier key"),
        ({"verifier_key": note_signer(2).verifier_key("auditkit-x")}, "not signed with the key"),
        ("proof", "does not follow"),
        ("older note", "states another store"),
        (None, "has no checkpoint"),
    ],
)
def test_changed_checkpoint_in_a_record_is_caught(
    file: Place, change: dict[str, object] | str | None, named: str
) -> None:
    """Every key of the checkpoint is tied to the record's own bytes, or to the signature."""
    first, record = stored(file, 0), stored(file, 1)
    mark, older = record.checkpoint, first.checkpoint
    assert mark is not None
    assert older is not None
    if change == "proof":
        change = {"inclusion_proof": (mark.leaf_hash,)}
    elif change == "older note":
        change = {"note": older.note}
    assert not isinstance(change, str)
    changed = None if change is None else mark.model_copy(update=change)
    forged = record.model_copy(update={"checkpoint": changed})
    with pytest.raises(EvidenceError, match=named):
        checked_checkpoint(forged, evidence_bytes(forged))


def test_note_that_the_store_never_kept_is_caught(file: Place) -> None:
    """A checkpoint signed beside the store, with another key, is not one of the store's."""
    record = stored(file, 0)
    mark = record.checkpoint
    assert mark is not None
    root = bytes.fromhex(mark.root_hash.removeprefix("sha256:"))
    note = note_signer(2).sign(TreeHead(mark.origin, 1, root))
    update = {"note": note.note, "verifier_key": note.verifier_key}
    changed = record.model_copy(update={"checkpoint": mark.model_copy(update=update)})
    evidence = evidence_bytes(changed)
    mark = checked_checkpoint(changed, evidence)
    with pytest.raises(EvidenceError, match="does not hold the checkpoint"):
        held_in_store(changed, evidence, mark, file.reader())
