"""The store's tables and guards on SQLite, as the exact text the database must hold.

Everything that can be queried is generated from ``body``, so nothing that is shown escapes the leaf
hash. The triggers are a guard rail against accidents: whoever can write the file can drop them,
which is why they are compared with this text at every open, and why every report carries a
checkpoint.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, Text

from auditkit.errors import EvidenceError

APPLICATION_ID = 0x61756B74
"""Marks a SQLite file as an auditkit store ("aukt"), in the header field made for it."""

_metadata = MetaData()

leaf = Table(
    "leaf",
    _metadata,
    Column("idx", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("run_id", Text),
    Column("finished", Text),
    Column("verdict", Text),
    Column("system", Text),
    Column("model", Text),
)
"""One record per row: ``hash`` is its leaf hash, ``root`` the tree's root after it was appended."""

identity = Table("identity", _metadata, Column("origin", Text, nullable=False))
"""One row: the random name of this store, made with it."""


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
_NOT_NEXT = "NEW.idx IS NOT (SELECT COUNT(*) FROM leaf)"
_KNOWN_RUN = (
    "EXISTS (SELECT 1 FROM leaf WHERE run_id = json_extract(CAST(NEW.body AS TEXT), '$.run_id'))"
)

_OBJECTS: dict[str, str] = {
    "identity": "CREATE TABLE identity (origin TEXT NOT NULL)",
    "leaf": (
        "CREATE TABLE leaf (idx INTEGER PRIMARY KEY, "
        "body BLOB NOT NULL CHECK (typeof(body) = 'blob'), "
        "hash BLOB NOT NULL CHECK (length(hash) = 32), "
        "root BLOB NOT NULL CHECK (length(root) = 32), "
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
    "leaf_no_update": _refusal("leaf", "leaf_no_update", "UPDATE"),
    "leaf_no_delete": _refusal("leaf", "leaf_no_delete", "DELETE"),
    "leaf_append_only": _refusal(
        "leaf", "leaf_append_only", "INSERT", f"{_NOT_NEXT} OR {_KNOWN_RUN}"
    ),
    "identity_no_update": _refusal("identity", "identity_no_update", "UPDATE"),
    "identity_no_delete": _refusal("identity", "identity_no_delete", "DELETE"),
    "identity_once": _refusal(
        "identity", "identity_once", "INSERT", "EXISTS (SELECT 1 FROM identity)"
    ),
}


def create(connection: Connection) -> None:
    """Makes the tables, their guards and the store's random origin, in the open transaction."""
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in _OBJECTS.values():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(
        "INSERT INTO identity (origin) VALUES ('auditkit-' || lower(hex(randomblob(16))))"
    )


def is_empty(connection: Connection) -> bool:
    """Whether the database holds no table at all: a file that was just created."""
    return connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first() is None


def assert_intact(connection: Connection) -> None:
    """Checks every table and guard against its exact text.

    Raises:
        EvidenceError: one is missing, changed or unknown; it is named.
    """
    mark = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
    if mark != APPLICATION_ID:
        raise EvidenceError("the database is not an auditkit store")
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").all()
    found = {str(name): sql for name, sql in rows}
    for name, expected in _OBJECTS.items():
        if name not in found:
            raise EvidenceError(f"the store's {name} is missing: something removed it")
        if found[name] != expected:
            raise EvidenceError(f"the store's {name} was altered")
    unknown = sorted(found.keys() - _OBJECTS.keys())
    if unknown:
        raise EvidenceError(f"the store holds something auditkit did not make: {unknown[0]}")
