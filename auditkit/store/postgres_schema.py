"""The store on PostgreSQL: a schema of its own, its objects as the catalogue must describe them.

The catalogue prints a definition in its own words, so ``EXPECTED`` is written in a form made from its
plain columns, which do not change between versions of PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from auditkit.errors import EvidenceError

SCHEMA = "auditkit"

# PostgreSQL's text cannot hold U+0000, which a token of a model may be; the body keeps it.
_FIELD = (
    "SELECT replace(convert_from(body, 'UTF8'), '\\u0000', '\\ufffd')::json "
    "#>> string_to_array(path, '.')"
)
_REFUSE = "BEGIN RAISE EXCEPTION USING MESSAGE = TG_NAME || ': this store only appends'; END"
_NEXT = {
    "leaf": "NEW.idx IS DISTINCT FROM (SELECT COALESCE(MAX(idx) + 1, 0) FROM auditkit.leaf)",
    "tile": (
        "NEW.idx IS DISTINCT FROM "
        "(SELECT COALESCE(MAX(idx) + 1, 0) FROM auditkit.tile WHERE level = NEW.level)"
    ),
    "checkpoint": "EXISTS (SELECT 1 FROM auditkit.checkpoint WHERE tree_size >= NEW.tree_size)",
    "identity": "EXISTS (SELECT 1 FROM auditkit.identity)",
}
_INSERT = {
    table: (
        f"BEGIN IF {condition} THEN "
        "RAISE EXCEPTION USING MESSAGE = TG_NAME || ': this store only appends'; END IF; RETURN NEW; END"
    )
    for table, condition in _NEXT.items()
}
_FIELDS = {
    "run_id": "run_id",
    "finished": "times.finished",
    "verdict": "verdict",
    "system": "system.name",
    "model": "model.name",
}

OBJECTS: dict[str, str] = {
    "schema": f"CREATE SCHEMA {SCHEMA}",
    "field": (
        "CREATE FUNCTION auditkit.field(body bytea, path text) RETURNS text "
        f"LANGUAGE sql IMMUTABLE STRICT AS $${_FIELD}$$"
    ),
    "alembic_version": "CREATE TABLE auditkit.alembic_version (version_num text PRIMARY KEY)",
    "identity": "CREATE TABLE auditkit.identity (origin text NOT NULL)",
    "leaf": (
        "CREATE TABLE auditkit.leaf (idx bigint PRIMARY KEY, "
        "hash bytea NOT NULL CHECK (octet_length(hash) = 32), body bytea NOT NULL, "
        + ", ".join(
            f"{name} text NOT NULL GENERATED ALWAYS AS (auditkit.field(body, '{path}')) STORED"
            for name, path in _FIELDS.items()
        )
        + ")"
    ),
    "leaf_run_id": "CREATE UNIQUE INDEX leaf_run_id ON auditkit.leaf (run_id)",
    "tile": (
        "CREATE TABLE auditkit.tile (level bigint CHECK (level > 0), idx bigint, "
        "hash bytea NOT NULL CHECK (octet_length(hash) = 32), PRIMARY KEY (level, idx))"
    ),
    "checkpoint": (
        "CREATE TABLE auditkit.checkpoint (tree_size bigint PRIMARY KEY CHECK (tree_size > 0), "
        "note text NOT NULL, verifier_key text NOT NULL)"
    ),
}


def _trigger_function(name: str, body: str) -> str:
    return f"CREATE FUNCTION auditkit.{name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"


def _guards() -> dict[str, str]:
    made = {"refuse": _trigger_function("refuse", _REFUSE)}
    for table, body in _INSERT.items():
        made[f"{table}_next"] = _trigger_function(f"{table}_next", body)
        # For each statement: an update made by INSERT ... ON CONFLICT is refused by it as well.
        made[f"{table}_no_change"] = (
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON auditkit.{table} FOR EACH STATEMENT EXECUTE FUNCTION auditkit.refuse()"
        )
        made[f"{table}_append_only"] = (
            f"CREATE TRIGGER {table}_append_only BEFORE INSERT "
            f"ON auditkit.{table} FOR EACH ROW EXECUTE FUNCTION auditkit.{table}_next()"
        )
    return made


GUARDS: dict[str, str] = _guards()

_ON_ROW, _BEFORE, _INSERTS, _DELETES, _UPDATES, _TRUNCATES = 1, 2, 4, 8, 16, 32  # pg_trigger.h
_ANY_CHANGE = _BEFORE | _DELETES | _UPDATES | _TRUNCATES


def _columns(table: str, **columns: str) -> dict[str, str]:
    return {f"{table}.{name}": f"column {definition}" for name, definition in columns.items()}


def _expected() -> dict[str, str]:
    tables = ("alembic_version", *_NEXT)
    made = dict.fromkeys(tables, "table plain")
    made |= _columns("alembic_version", version_num="text required ")
    made |= _columns("identity", origin="text required ")
    made |= _columns("leaf", idx="bigint required ", hash="bytea required ", body="bytea required ")
    made |= {
        f"leaf.{name}": f"column text required field(body, '{path}'::text)"
        for name, path in _FIELDS.items()
    }
    made |= _columns("tile", level="bigint required ", idx="bigint required ")
    made |= _columns("tile", hash="bytea required ")
    made |= _columns("checkpoint", tree_size="bigint required ", note="text required ")
    made |= _columns("checkpoint", verifier_key="text required ")
    made |= {
        "alembic_version_pkey": "index on alembic_version (1) unique valid",
        "leaf_pkey": "index on leaf (1) unique valid",
        "leaf_run_id": "index on leaf (4) unique valid",
        "tile_pkey": "index on tile (1 2) unique valid",
        "checkpoint_pkey": "index on checkpoint (1) unique valid",
    }
    made |= {"field()": f"function {_FIELD}", "refuse()": f"function {_REFUSE}"}
    for table, body in _INSERT.items():
        made[f"{table}_next()"] = f"function {body}"
        made[f"{table}_no_change"] = f"trigger on {table} {_ANY_CHANGE} O refuse whole"
        row = _BEFORE | _INSERTS | _ON_ROW
        made[f"{table}_append_only"] = f"trigger on {table} {row} O {table}_next whole"
    return made


EXPECTED: dict[str, str] = _expected()

_DESCRIBED = """
SELECT c.relname::text, CASE WHEN c.relkind = 'r' AND NOT c.relrowsecurity AND NOT c.relhasrules
  AND NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = c.oid OR inhparent = c.oid)
  THEN 'table plain' ELSE 'another kind of table' END
  FROM pg_class c WHERE c.relnamespace = 'auditkit'::regnamespace AND c.relkind <> 'i'
UNION ALL
SELECT c.relname::text || '.' || a.attname::text, 'column ' || format_type(a.atttypid, a.atttypmod)
  || CASE WHEN a.attnotnull THEN ' required ' ELSE ' optional ' END
  || COALESCE(pg_get_expr(d.adbin, d.adrelid), '')
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'auditkit'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
  AND NOT a.attisdropped
UNION ALL
SELECT i.relname::text, 'index on ' || c.relname::text || ' (' || x.indkey::text || ')'
  || CASE WHEN x.indisunique THEN ' unique' ELSE '' END
  || CASE WHEN x.indisvalid AND x.indpred IS NULL THEN ' valid' ELSE '' END
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
  WHERE i.relnamespace = 'auditkit'::regnamespace
UNION ALL
SELECT p.proname::text || '()', 'function ' || p.prosrc
  FROM pg_proc p WHERE p.pronamespace = 'auditkit'::regnamespace
UNION ALL
SELECT t.tgname::text, 'trigger on ' || c.relname::text || ' ' || t.tgtype::text || ' '
  || t.tgenabled::text || ' ' || p.proname::text
  || CASE WHEN t.tgqual IS NULL THEN ' whole' ELSE ' in part' END
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
  WHERE c.relnamespace = 'auditkit'::regnamespace AND NOT t.tgisinternal
"""


def prepare(connection: Connection) -> None:
    """Nothing: the schema is the first of the objects."""
    del connection


def name_it(connection: Connection) -> None:
    """Gives a new store its random origin."""
    connection.exec_driver_sql(
        "INSERT INTO auditkit.identity (origin) "
        "VALUES ('auditkit-' || replace(gen_random_uuid()::text, '-', ''))"
    )


def described(connection: Connection) -> list[tuple[str, str]]:
    """Name of every object in the schema, and what the catalogue says of it. A name may stand here twice."""
    rows = connection.exec_driver_sql(_DESCRIBED).all()
    return [(str(name), str(definition)) for name, definition in rows]


def is_absent(connection: Connection) -> bool:
    """Whether the database has no schema of that name."""
    query = "SELECT to_regnamespace('auditkit') IS NULL"
    return bool(connection.exec_driver_sql(query).scalar_one())


def has_versions(connection: Connection) -> bool:
    """Whether the store names its schema, as every store on PostgreSQL does.

    Raises:
        EvidenceError: the schema is there, but holds no store.
    """
    query = "SELECT to_regclass('auditkit.alembic_version') IS NOT NULL"
    if not connection.exec_driver_sql(query).scalar_one():
        raise EvidenceError("the schema auditkit of the database is not an auditkit store")
    return True


def damage(connection: Connection) -> Sequence[str]:
    """The first row whose generated columns, which are stored here, are not those of its body."""
    differs = " OR ".join(
        f"{name} IS DISTINCT FROM auditkit.field(body, '{path}')" for name, path in _FIELDS.items()
    )
    query = f"SELECT idx FROM auditkit.leaf WHERE {differs} ORDER BY idx LIMIT 1"  # noqa: S608
    found = connection.exec_driver_sql(query).scalars().all()
    return [f"row {index} was changed: its columns are not those of its body" for index in found]
