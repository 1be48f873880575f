"""The append-only evidence store: every finished run, in order, under one Merkle root.

A rewrite of the whole database is invisible from inside it. What shows it is a checkpoint kept
elsewhere, so each report carries the one it got (``auditkit.records.audit.Checkpoint``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Row, create_engine, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.evidence import stored_bytes
from auditkit.records.audit import AuditRecord, Checkpoint
from auditkit.store import schema
from auditkit.store.merkle import Frontier, leaf_hash
from auditkit.store.schema import identity, leaf

BUSY_TIMEOUT_S = 30
"""How long an append waits for another one to finish."""

_WRITES = "auditkit_writes"

# Result codes (sqlite.org/rescode.html) that say the machine is at fault, not the evidence.
_MACHINE_AT_FAULT = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the store cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the store cannot be opened",
    sqlite3.SQLITE_PERM: "the store cannot be written",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_BUSY: f"another process held the store for {BUSY_TIMEOUT_S} seconds",
    sqlite3.SQLITE_LOCKED: "the store is locked",
    sqlite3.SQLITE_NOMEM: "memory is exhausted",
}


@dataclass(frozen=True)
class StoredRecord:
    """A record as the store keeps it: its exact bytes, its place from 0, its leaf hash."""

    body: bytes
    leaf_index: int
    hash: str


@dataclass(frozen=True)
class Summary:
    """One line about a stored run, read from its body."""

    leaf_index: int
    run_id: str
    finished: str
    verdict: str
    system: str
    model: str


@dataclass(frozen=True)
class AuditOutcome:
    """What recomputing the whole tree found.

    ``good`` counts the rows that hold, from the first; ``root_hash`` is the root over them. When
    the store is clean these are all rows and ``problem`` is empty; otherwise row ``good`` is the
    first bad one and ``problem`` says what is wrong with it.
    """

    good: int
    root_hash: str
    problem: str

    @property
    def clean(self) -> bool:
        """Whether every row holds."""
        return not self.problem


class EvidenceStore:
    """Records appended to one database. Opened with ``EvidenceStore.open``."""

    def __init__(self, engine: Engine, name: str, origin: str) -> None:
        self._engine = engine
        self._name = name
        self.origin = origin

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> EvidenceStore:
        """The store at a database URL such as ``sqlite:///evidence.db``.

        A missing store is made, with its folder, unless ``create`` is false.

        Raises:
            EnvironmentUnavailableError: no such store, no access, no space, or no such kind of
                database in this version.
            EvidenceError: the database is not a store, or one of its guards is missing.
        """
        parsed = _sqlite_file(url)
        path = Path(parsed.database or "")
        if not create and not path.is_file():
            raise EnvironmentUnavailableError(f"{path}: there is no evidence store")
        if create:
            _make_folder(path.parent)
        engine = _engine(parsed)
        with _explained(str(path)):
            if create:
                _create_if_empty(engine)
            with engine.begin() as connection:
                schema.assert_intact(connection)
                origin = connection.execute(select(identity.c.origin)).scalar_one()
        return cls(engine, str(path), str(origin))

    def append(self, record: AuditRecord) -> Checkpoint:
        """Appends a record, without its checkpoint, and returns the checkpoint it gets.

        Once this returns, the record survives a crash of the machine. Several processes may append
        at once: each waits for its turn.

        Raises:
            EvidenceError: the run is already stored; a correction is a new run that names the old.
            EnvironmentUnavailableError: no space, no access, or another process holds the store.
        """
        body = stored_bytes(record)
        hashed = leaf_hash(body)
        with _explained(self._name), _writing(self._engine) as connection:
            known = select(leaf.c.idx).where(leaf.c.run_id == record.run_id)
            if connection.execute(known).first() is not None:
                raise EvidenceError(f"run {record.run_id} is already in the store")
            tree = _frontier(connection)
            index = tree.size
            tree.push(hashed)
            connection.execute(
                insert(leaf).values(idx=index, body=body, hash=hashed, root=tree.root())
            )
        return self._checkpoint(tree, hashed)

    def get(self, run_id: str) -> StoredRecord | None:
        """The stored bytes of a run, or ``None`` when the store does not hold it."""
        query = select(leaf.c.body, leaf.c.idx, leaf.c.hash).where(leaf.c.run_id == run_id)
        with _explained(self._name), self._engine.begin() as connection:
            row = connection.execute(query).first()
        return None if row is None else StoredRecord(row.body, row.idx, _printed(row.hash))

    def list(self) -> tuple[Summary, ...]:
        """One summary per stored run, oldest first."""
        query = select(
            leaf.c.idx, leaf.c.run_id, leaf.c.finished, leaf.c.verdict, leaf.c.system, leaf.c.model
        ).order_by(leaf.c.idx)
        with _explained(self._name), self._engine.begin() as connection:
            return tuple(Summary(*row) for row in connection.execute(query))

    def checkpoint_at(self, tree_size: int) -> Checkpoint:
        """The checkpoint this store had when it held ``tree_size`` records.

        Raises:
            EvidenceError: the store never held that many.
        """
        with _explained(self._name), self._engine.begin() as connection:
            hashes = connection.execute(
                select(leaf.c.hash).order_by(leaf.c.idx).limit(max(tree_size, 0))
            ).scalars()
            tree, last = Frontier(), b""
            for last in hashes:
                tree.push(last)
        if tree_size < 1 or tree.size != tree_size:
            raise EvidenceError(f"the store holds {tree.size} records, not {tree_size}")
        return self._checkpoint(tree, last)

    def audit(self) -> AuditOutcome:
        """Recomputes every leaf hash and every root from the stored bodies, oldest first.

        Only the recorded bytes are read, none of the columns generated from them.
        """
        query = select(leaf.c.idx, leaf.c.body, leaf.c.hash, leaf.c.root).order_by(leaf.c.idx)
        tree = Frontier()
        with _explained(self._name), self._engine.begin() as connection:
            for row in connection.execute(query).yield_per(256):
                good, root = tree.size, _printed(tree.root())
                problem = _push(tree, row)
                if problem:
                    return AuditOutcome(good, root, problem)
        return AuditOutcome(tree.size, _printed(tree.root()), "")

    def _checkpoint(self, tree: Frontier, last: bytes) -> Checkpoint:
        return Checkpoint(
            origin=self.origin,
            tree_size=tree.size,
            leaf_index=tree.size - 1,
            leaf_hash=_printed(last),
            root_hash=_printed(tree.root()),
        )


def _push(tree: Frontier, row: Row[*tuple[Any, ...]]) -> str:
    """Adds a row to the tree and says what is wrong with the row, or nothing."""
    expected = tree.size
    if row.idx != expected:
        return f"row {expected} is missing"
    if leaf_hash(row.body) != row.hash:
        return f"row {expected} was changed: its body does not match its hash"
    tree.push(row.hash)
    if tree.root() != row.root:
        return f"row {expected} was changed: the root kept with it is another"
    return ""


def _frontier(connection: Connection) -> Frontier:
    tree = Frontier()
    for hashed in connection.execute(select(leaf.c.hash).order_by(leaf.c.idx)).scalars():
        tree.push(hashed)
    return tree


def _printed(digest: bytes) -> str:
    return "sha256:" + digest.hex()


def _sqlite_file(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise EnvironmentUnavailableError(
            f"{url}: not a database URL", advice="write sqlite:///path/to/evidence.db"
        ) from error
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        raise EnvironmentUnavailableError(
            f"{parsed.render_as_string(hide_password=True)}: this version keeps its evidence in a "
            "SQLite file only",
            advice="write sqlite:///path/to/evidence.db",
        )
    return parsed


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentUnavailableError(
            f"{folder}: the store's folder cannot be made ({error.strerror})"
        ) from error


def _engine(url: URL) -> Engine:
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, and only there
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # An append reads, then writes: begun as a reader, two at once would both have to give up.
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with (
        engine.connect().execution_options(**{_WRITES: True}) as connection,
        connection.begin(),
    ):
        yield connection


def _create_if_empty(engine: Engine) -> None:
    with engine.begin() as connection:
        if not schema.is_empty(connection):
            return
    with _writing(engine) as connection:
        if schema.is_empty(connection):  # another process may have been first
            schema.create(connection)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turns what the database raises into auditkit's errors: the machine's fault, or the file's."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _MACHINE_AT_FAULT:
            raise EnvironmentUnavailableError(
                f"{name}: {_MACHINE_AT_FAULT[code]} ({cause})",
                advice="free some space, or give a store you can write with --store",
            ) from error
        raise EvidenceError(f"{name}: the evidence store does not verify ({cause})") from error
