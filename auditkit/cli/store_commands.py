"""``auditkit store``: options and help; ``auditkit.cli.store`` does the work."""

from __future__ import annotations

from pathlib import Path

import click

from auditkit.cli.options import JSON, OUT_FILE, STORE, WITNESSES


@click.group("store")
def store_group() -> None:
    """Check the evidence store, keep witnesses of it, export it.

    \b
    Examples:
      auditkit store verify
      auditkit store witness --out checkpoint.txt
    """


@store_group.command("verify")
@STORE
@WITNESSES
@JSON
def store_verify(store: str | None, witnesses: tuple[Path, ...], as_json: bool) -> int:
    """Recompute every record, tile, root and signature of the store.

    Exits with 5 when one does not hold, or when the store does not begin with what a witness saw. A
    store that was rewritten as a whole holds together: only a witness kept elsewhere shows it.

    \b
    Examples:
      auditkit store verify --witness runs/RUN_ID --witness checkpoint.txt
      auditkit store verify --store postgresql+psycopg://user@host/database --json
    """
    from auditkit.cli.store import verify_store

    return verify_store(store, witnesses, as_json=as_json)


@store_group.command("witness")
@STORE
@OUT_FILE
@JSON
def store_witness(store: str | None, out: Path | None, as_json: bool) -> int:
    """Print the signed checkpoint over all records, to be kept elsewhere.

    \b
    Example:
      auditkit store witness --out checkpoint-2026-11.txt
    """
    from auditkit.cli.store import print_witness

    return print_witness(store, out, as_json=as_json)


@store_group.command("export")
@STORE
@OUT_FILE
def store_export(store: str | None, out: Path | None) -> int:
    """Print all records and checkpoints as JSON lines.

    Enough for another tool to recompute the root: each line of type record has the exact body whose
    leaf hash is beside it.

    \b
    Example:
      auditkit store export --out evidence.jsonl
    """
    from auditkit.cli.store import export_store

    return export_store(store, out)


@store_group.command("upgrade")
@STORE
def store_upgrade(store: str | None) -> int:
    """Bring a store made by an older auditkit to the present schema.

    Every row is recomputed first; a store that does not verify stays as it is. A run does this too.

    \b
    Example:
      auditkit store upgrade
    """
    from auditkit.cli.store import upgrade_store

    return upgrade_store(store)
