"""The store's tables, and which definitions of them a kind of database must hold, text for text.

Everything that can be queried is generated from ``body``, so nothing that is shown escapes the leaf
hash. The guards refuse every statement but an append. They are a rail against accidents: whoever owns
the database can drop them, which is why they are compared at every open, and why every report carries
a checkpoint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, MetaData, Table, Text, select

from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.store import postgres_schema, sqlite_schema

VERSION = "0002"
"""The schema that this program reads and writes."""

_OLDER = frozenset({"0001"})

_metadata = MetaData()

leaf = Table(
    "leaf",
    _metadata,
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("run_id", Text),
    Column("finished", Text),
    Column("verdict", Text),
    Column("system", Text),
    Column("model", Text),
)
"""One record per row. ``hash``, its leaf hash, stands before the body: a body of 100 KB spills over
many pages, and whoever reads hashes only must not walk them."""

tile = Table(
    "tile",
    _metadata,
    Column("level", BigInteger, primary_key=True),
    Column("idx", BigInteger, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
)
"""The root over each 256 leaves (level 1), each 256 of these (level 2), and so on: a cache."""

checkpoint = Table(
    "checkpoint",
    _metadata,
    Column("tree_size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("verifier_key", Text, nullable=False),
)
"""Every checkpoint that was signed, by the number of records it is over."""

identity = Table("identity", _metadata, Column("origin", Text, nullable=False))
"""One row: the random name of this store, made with it."""

version = Table("alembic_version", _metadata, Column("version_num", Text, nullable=False))
"""One row: the schema, as alembic keeps it."""


class Definitions(Protocol):
    """What ``sqlite_schema`` and ``postgres_schema`` each say of their kind of database."""

    OBJECTS: dict[str, str]
    """The statement that makes each table and index, by name, in order."""
    GUARDS: dict[str, str]
    """The same for the functions and triggers that refuse every statement but an append."""
    EXPECTED: dict[str, str]
    """What ``described`` gives for an intact store."""

    def prepare(self, connection: Connection) -> None:
        """What comes before the first table of a new store."""

    def name_it(self, connection: Connection) -> None:
        """Gives a new store its random origin."""

    def described(self, connection: Connection) -> list[tuple[str, str]]:
        """Name and definition of every object there is."""

    def is_absent(self, connection: Connection) -> bool:
        """Whether there is no store, and room for one."""

    def has_versions(self, connection: Connection) -> bool:
        """Whether the store names its schema; the first one did not.

        Raises:
            EvidenceError: the database is not a store.
        """

    def damage(self, connection: Connection) -> Sequence[str]:
        """What is wrong with the columns generated from the bodies, or with an index over them."""


def definitions(connection: Connection) -> Definitions:
    """The definitions for the kind of database that is connected."""
    found: Definitions = sqlite_schema if connection.dialect.name == "sqlite" else postgres_schema
    return found


def create(connection: Connection) -> None:
    """Makes the tables, their guards and the store's random origin, in the open transaction."""
    kind = definitions(connection)
    kind.prepare(connection)
    for statement in (*kind.OBJECTS.values(), *kind.GUARDS.values()):
        connection.exec_driver_sql(statement)
    kind.name_it(connection)
    connection.execute(version.insert().values(version_num=VERSION))
    assert_intact(connection)


def is_absent(connection: Connection) -> bool:
    """Whether the database holds no store yet."""
    return definitions(connection).is_absent(connection)


def is_older(connection: Connection) -> bool:
    """Whether the store has an earlier schema, and must be migrated before it can be used.

    Raises:
        EvidenceError: the database is not a store, or names a schema there never was.
        EnvironmentUnavailableError: the store was made by a newer program.
    """
    found = "0001"
    if definitions(connection).has_versions(connection):
        rows = connection.execute(select(version.c.version_num)).scalars().all()
        found = str(rows[0]) if len(rows) == 1 else ""
    if found == VERSION:
        return False
    if found in _OLDER:
        return True
    if found.isdigit() and found > VERSION:
        raise EnvironmentUnavailableError(
            f"the store has schema {found}, and this auditkit knows schemas up to {VERSION}",
            advice="use the newer auditkit that made it",
        )
    raise EvidenceError(f"the store does not name one schema that auditkit knows ({found!r})")


def assert_intact(connection: Connection) -> None:
    """Checks every table, index and guard against its exact definition.

    Raises:
        EvidenceError: one is missing, changed, unknown, or not the only one of its name; it is named.
    """
    kind = definitions(connection)
    there = kind.described(connection)
    found = dict(there)
    if len(found) < len(there):
        counts = Counter(name for name, _ in there)
        name = next(name for name, n in counts.items() if n > 1)
        raise EvidenceError(f"the store holds more than one thing named {name}")
    for name, expected in kind.EXPECTED.items():
        if name not in found:
            raise EvidenceError(f"the store's {name} is missing: something removed it")
        if found[name] != expected:
            raise EvidenceError(f"the store's {name} was altered")
    unknown = sorted(found.keys() - kind.EXPECTED.keys())
    if unknown:
        raise EvidenceError(f"the store holds something auditkit did not make: {unknown[0]}")
