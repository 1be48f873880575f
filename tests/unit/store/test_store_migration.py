"""A store of an older schema is brought to the present one whole, guarded, or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Text, create_engine

from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.store import migrating, schema, sqlite_schema
from auditkit.store.connecting import engine_of, parsed, writing
from auditkit.store.evidence_store import EvidenceStore
from auditkit.store.merkle import leaf_hash, root_hash
from tests import first_schema
from tests.builders import note_signer
from tests.conftest import CommandLine
from tests.stores import Place, run, small_body, url_of

EDIT = (
    "UPDATE leaf SET body = CAST(replace(CAST(body AS TEXT), 'toy', 'tox') AS BLOB) WHERE idx = 300"
)
BODIES = [small_body(number) for number in range(600)]


@pytest.fixture
def older(tmp_path: Path) -> Place:
    path = tmp_path / "evidence.db"
    first_schema.make(path, BODIES)
    return Place("sqlite", url_of(path), path)


def schema_of(path: Path) -> dict[str, str]:
    with sqlite3.connect(path) as connection:
        found = dict(connection.execute("SELECT name, sql FROM sqlite_master").fetchall())
    connection.close()
    return found


def test_store_of_the_first_schema_is_upgraded_without_loss(older: Place, tmp_path: Path) -> None:
    """Every body, the name and the root are what they were; the schema is that of a new store."""
    store = older.open()
    assert store.origin == "auditkit-of-the-first-schema"
    assert [stored.body for stored in store.bodies(1000)] == BODIES
    assert store.root_at(600) == "sha256:" + root_hash(map(leaf_hash, BODIES)).hex()
    assert store.audit().clean
    EvidenceStore.open(url_of(tmp_path / "new.db"))
    assert schema_of(older.path) == schema_of(tmp_path / "new.db") == sqlite_schema.EXPECTED
    assert store.append(run(0)).tree_size == 601
    assert store.audit().checkpoints == 1
    assert store.consistency(600, 601)


def test_reading_does_not_change_an_older_store(older: Place, auditkit_here: CommandLine) -> None:
    """A reader is told how to upgrade, and that command does it once."""
    before = older.path.read_bytes()
    with pytest.raises(EnvironmentUnavailableError, match="older auditkit") as caught:
        older.reader()
    assert caught.value.advice == f"auditkit store upgrade --store {older.url}"
    assert older.path.read_bytes() == before
    for _ in range(2):
        assert auditkit_here("store", "upgrade", "--store", older.url).code == 0
    assert older.reader().size == 600
    missing = older.path.with_name("missing.db")
    assert auditkit_here("store", "upgrade", "--store", url_of(missing)).code == 6
    assert not missing.exists()


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (["UPDATE leaf SET root = zeroblob(32) WHERE idx = 300"], "row 300 .* another root"),
        ([EDIT], "row 300 of the older store does not verify"),
        (["DELETE FROM leaf WHERE idx = 300"], "row 300 of the older store does not verify"),
        (["DROP TRIGGER leaf_no_delete"], "leaf_no_delete is missing"),
        (["CREATE TABLE theirs (x)"], "did not make: theirs"),
    ],
)
def test_older_store_that_does_not_verify_stays_as_it_is(
    older: Place, statements: list[str], named: str
) -> None:
    """What the roots of the first schema show must not be lost with them."""
    if statements[0].startswith(("DROP", "CREATE")):
        older.attack(*statements)
    else:
        older.behind_the_guards(*statements)
    before = schema_of(older.path)
    with pytest.raises(EvidenceError, match=named):
        older.open()
    assert schema_of(older.path) == before


def test_table_made_anew_by_alembic_loses_its_triggers(tmp_path: Path) -> None:
    """The trap: after ``batch_alter_table`` the guards are gone, which the next open says.

    ``migrating.remake_guards`` is what puts them back after every migration.
    """
    there = Place("sqlite", url_of(tmp_path / "evidence.db"), tmp_path / "evidence.db")
    there.open().append(run(0))
    engine = create_engine(there.url)
    with engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("identity", recreate="always") as batch:
            batch.add_column(Column("note", Text))
        with operations.batch_alter_table("identity", recreate="always") as batch:
            batch.drop_column("note")
    engine.dispose()
    left = schema_of(there.path)
    assert not [name for name in left if name.startswith("identity_")]
    with pytest.raises(EvidenceError, match="identity"):
        there.open()
    with writing(engine_of(parsed(there.url))) as connection:
        migrating.remake_guards(connection)
        assert (
            sqlite_schema.GUARDS.items()
            <= dict(schema.definitions(connection).described(connection)).items()
        )


def test_migration_that_ends_without_a_guard_is_undone(
    older: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guards are compared after the last step, and the whole migration falls with them."""
    before = schema_of(older.path)
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "remake_guards", lambda _: None)
        with pytest.raises(EvidenceError, match="is missing"):
            older.open()
    assert schema_of(older.path) == before
    assert EvidenceStore.open(older.url, signer=note_signer()).audit().clean
