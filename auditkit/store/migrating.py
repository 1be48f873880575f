"""From an older schema to the present one, in one transaction: all of it, or nothing.

alembic is imported here only, when there is something to migrate: it costs half a second.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from auditkit.store.schema import assert_intact, definitions

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(connection: Connection) -> None:
    """Brings an older store to the present schema, in the open transaction.

    alembic changes a table on SQLite by making it anew, which drops its triggers without a word
    (``batch_alter_table``). So all guards are made again after the last step, and then compared.

    Raises:
        EvidenceError: the older store does not verify, or what came out is not the present schema.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    remake_guards(connection)
    assert_intact(connection)


def remake_guards(connection: Connection) -> None:
    """Makes the guards that are missing."""
    kind = definitions(connection)
    there = dict(kind.described(connection))
    for name, statement in kind.GUARDS.items():
        if name not in there:
            connection.exec_driver_sql(statement)
