"""From a database URL to an engine, and from what a database raises to auditkit's errors."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from auditkit.errors import EnvironmentUnavailableError, EvidenceError

BUSY_TIMEOUT_S = 30
"""How long an append waits for another one to finish."""

_WRITES = "auditkit_writes"
_APPEND_LOCK = 0x61756B74
"""The number of the lock on PostgreSQL that the writer holds to the end of its transaction."""

_ADVICE = "write sqlite:///path/to/evidence.db or postgresql+psycopg://user@host/database"
_FREE_SPACE = "free some space, or give a store you can write with --store"

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
# Classes of SQLSTATE (PostgreSQL, appendix A) that say the same: connection, credentials, name of the
# database, resources, lock not available, operator's intervention, system, configuration.
_SERVER_AT_FAULT = ("08", "0A", "25006", "28", "3D", "42501", "53", "55", "57", "58", "F0")


def parsed(url: str) -> URL:
    """The URL of a SQLite file or of a PostgreSQL database.

    Raises:
        EnvironmentUnavailableError: it is neither; the message shows no password.
    """
    try:
        found = make_url(url)
        if "@" in (found.host or ""):  # one in a password is written %40; this host holds its rest
            raise ValueError("an @ in the host")
    except (ArgumentError, ValueError) as error:
        bare = re.sub(r"//.*@", "//***@", url, flags=re.DOTALL).partition("?")[0]
        raise EnvironmentUnavailableError(f"{bare}: not a database URL", advice=_ADVICE) from error
    if found.drivername in {"postgresql", "postgresql+psycopg"} and found.database:
        return found.set(drivername="postgresql+psycopg")
    if found.drivername in {"sqlite", "sqlite+pysqlite"} and found.database not in {
        None,
        "",
        ":memory:",
    }:
        return found
    raise EnvironmentUnavailableError(
        f"{shown(found)}: evidence is kept in a SQLite file or a PostgreSQL database",
        advice=_ADVICE,
    )


def shown(url: URL, *, as_url: bool = False) -> str:
    """A URL to print: the path of a SQLite file; of a server without password and options."""
    if url.get_backend_name() == "sqlite" and url.database and not as_url:
        return url.database
    return url.set(query={}).render_as_string(hide_password=True)


def engine_of(url: URL) -> Engine:
    """An engine whose transactions are begun as reader or, within ``writing``, as the one writer.

    Raises:
        EnvironmentUnavailableError: PostgreSQL's driver is not installed.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    try:
        engine = create_engine(url, poolclass=NullPool)
    except ImportError as error:
        raise EnvironmentUnavailableError(
            f"{shown(url)}: a store on PostgreSQL needs the package psycopg, which cannot be imported",
            advice="pip install 'auditkit[postgres]'",
        ) from error
    event.listen(engine, "connect", _configure_postgres)
    event.listen(engine, "begin", _begin_postgres)
    return engine


def make_place(path: Path) -> None:
    """Makes the folder of a SQLite file, and the empty file, which holds prompts later: for its owner alone.

    A folder or a file that is there keeps the rights that somebody gave it. SQLite gives the files that it
    puts beside the database those of the database.

    Raises:
        EnvironmentUnavailableError: the folder cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentUnavailableError(
            f"{path.parent}: the store's folder cannot be made ({error.strerror})"
        ) from error
    with suppress(OSError):  # it is there, or SQLite says why it cannot be
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction in which nobody else writes; committed at the end, undone by any exception."""
    with (
        engine.connect().execution_options(**{_WRITES: True}) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turns what the database raises into auditkit's errors: the machine's fault, or the evidence's."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        said = " ".join(str(cause).split())
        if not isinstance(cause, sqlite3.Error):
            raise _of_server(name, getattr(cause, "sqlstate", None), said) from error
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _MACHINE_AT_FAULT:
            raise EnvironmentUnavailableError(
                f"{name}: {_MACHINE_AT_FAULT[code]} ({said})", advice=_FREE_SPACE
            ) from error
        raise _unverified(name, said) from error
    except (
        UnicodeDecodeError,
        TypeError,
    ) as error:  # SQLite keeps in a column whatever was put there
        said = f"it holds a value of another kind than its schema says: {error}"
        raise _unverified(name, said) from error


def _of_server(
    name: str, state: str | None, said: str
) -> EnvironmentUnavailableError | EvidenceError:
    if state is None or state.startswith(_SERVER_AT_FAULT):
        return EnvironmentUnavailableError(
            f"{name}: the store cannot be reached or written ({said})",
            advice="check that the server runs, and that this user may connect and write",
        )
    return _unverified(name, said)


def _unverified(name: str, said: str) -> EvidenceError:
    return EvidenceError(f"{name}: the evidence store does not verify ({said})")


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, and only there
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # An append reads, then writes: begun as a reader, two at once would both have to give up.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _writes(connection) else "BEGIN")

    return engine


def _configure_postgres(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's own
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET search_path TO pg_catalog, auditkit")
        cursor.execute("SET synchronous_commit TO on")  # what is acknowledged survives a crash
        cursor.execute(f"SET lock_timeout TO '{BUSY_TIMEOUT_S}s'")
    connection.autocommit = False


def _begin_postgres(connection: Connection) -> None:
    if _writes(connection):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        # A snapshot is taken by each statement, so all after this one see what the last writer left.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_APPEND_LOCK})")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _writes(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get(_WRITES, False))
