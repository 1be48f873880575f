"""The store on SQLite: one file, its objects as the exact text that the file must hold."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from auditkit.errors import EvidenceError

APPLICATION_ID = 0x61756B74
"""Marks a SQLite file as an auditkit store ("aukt"), in the header field made for it."""


def _column(name: str, path: str) -> str:
    # SQLite before 3.45 refuses JSON in a blob; the cast reads the same bytes as text.
    value = f"json_extract(CAST(body AS TEXT), '$.{path}')"
    return f"{name} TEXT NOT NULL GENERATED ALWAYS AS ({value}) VIRTUAL"


def _refusal(table: str, name: str, event: str, condition: str = "") -> str:
    when = f" WHEN {condition}" if condition else ""
    return (
        f"CREATE TRIGGER {name} BEFORE {event} ON {table}{when} "
        f"BEGIN SELECT RAISE(ABORT, '{name}: this store only appends'); END"
    )


# Without the insert guards INSERT OR REPLACE would delete rows, and no DELETE trigger would fire
# (sqlite.org/lang_conflict.html, REPLACE).
_NOT_NEXT = {
    "leaf": (
        "NEW.idx IS NOT (SELECT COALESCE(MAX(idx) + 1, 0) FROM leaf) OR EXISTS (SELECT 1 FROM leaf "
        "WHERE run_id = json_extract(CAST(NEW.body AS TEXT), '$.run_id'))"
    ),
    "tile": ("NEW.idx IS NOT (SELECT COALESCE(MAX(idx) + 1, 0) FROM tile WHERE level = NEW.level)"),
    "checkpoint": "EXISTS (SELECT 1 FROM checkpoint WHERE tree_size >= NEW.tree_size)",
    "identity": "EXISTS (SELECT 1 FROM identity)",
}

OBJECTS: dict[str, str] = {
    "alembic_version": (
        "CREATE TABLE alembic_version (version_num TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID"
    ),
    "identity": "CREATE TABLE identity (origin TEXT NOT NULL)",
    "leaf": (
        "CREATE TABLE leaf (idx INTEGER PRIMARY KEY, "
        "hash BLOB NOT NULL CHECK (length(hash) = 32), "
        "body BLOB NOT NULL CHECK (typeof(body) = 'blob'), "
        + ", ".join(
            [
                _column("run_id", "run_id"),
                _column("finished", "times.finished"),
                _column("verdict", "verdict"),
                _column("system", "system.name"),
                _column("model", "model.name"),
            ]
        )
        + ")"
    ),
    "leaf_run_id": "CREATE UNIQUE INDEX leaf_run_id ON leaf (run_id)",
    "tile": (
        "CREATE TABLE tile (level INTEGER NOT NULL CHECK (level > 0), "
        "idx INTEGER NOT NULL CHECK (idx >= 0), "
        "hash BLOB NOT NULL CHECK (length(hash) = 32), PRIMARY KEY (level, idx)) WITHOUT ROWID"
    ),
    "checkpoint": (
        "CREATE TABLE checkpoint (tree_size INTEGER PRIMARY KEY CHECK (tree_size > 0), "
        "note TEXT NOT NULL, verifier_key TEXT NOT NULL)"
    ),
}
GUARDS: dict[str, str] = {
    name: statement
    for table, condition in _NOT_NEXT.items()
    for name, statement in (
        (f"{table}_no_update", _refusal(table, f"{table}_no_update", "UPDATE")),
        (f"{table}_no_delete", _refusal(table, f"{table}_no_delete", "DELETE")),
        (f"{table}_append_only", _refusal(table, f"{table}_append_only", "INSERT", condition)),
    )
}
EXPECTED: dict[str, str] = OBJECTS | GUARDS


def prepare(connection: Connection) -> None:
    """Marks the file as a store."""
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def name_it(connection: Connection) -> None:
    """Gives a new store its random origin."""
    connection.exec_driver_sql(
        "INSERT INTO identity (origin) VALUES ('auditkit-' || lower(hex(randomblob(16))))"
    )


def described(connection: Connection) -> list[tuple[str, str]]:
    """Name and text of every table, index, trigger and view in the file.

    SQLite keeps the names of triggers apart from those of tables and indexes: a name may stand here twice.
    """
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").all()
    return [(str(name), str(sql)) for name, sql in rows]


def is_absent(connection: Connection) -> bool:
    """Whether the database holds no table at all: a file that was just created."""
    return connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first() is None


def has_versions(connection: Connection) -> bool:
    """Whether the store names its schema; the first one did not.

    Raises:
        EvidenceError: the file is not marked as a store, or the name was removed.
    """
    mark = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
    if mark != APPLICATION_ID:
        raise EvidenceError("the database is not an auditkit store")
    there = dict(described(connection))
    if "alembic_version" not in there and "tile" in there:  # which the first schema had not
        raise EvidenceError("the store's alembic_version is missing: something removed it")
    return "alembic_version" in there


def damage(connection: Connection) -> Sequence[str]:
    """What SQLite's own check finds, which holds the index of run ids against the bodies."""
    rows = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalars().all()
    return [f"the database file is damaged: {row}" for row in rows if row != "ok"]
