"""``auditkit store``: recompute the evidence store, keep a checkpoint of it elsewhere, take it out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import click

from auditkit.cli import places
from auditkit.cli.terminal import print_json, print_table, say
from auditkit.errors import EnvironmentUnavailableError, EvidenceError, ExitCode
from auditkit.signing.keys.store_key import store_signer
from auditkit.store.auditing import AuditOutcome
from auditkit.store.evidence_store import EvidenceStore
from auditkit.verifying.outcome import one_line
from auditkit.verifying.witnesses import agrees_with_store


def verify_store(url: str | None, witnesses: tuple[Path, ...], *, as_json: bool) -> int:
    """Recompute everything, hold every witness against it, and return the exit code."""
    store = _open(url)
    outcome = store.audit()
    said = [_witness(path, store) for path in witnesses] if outcome.clean else []
    failed = [str(path) for path, agrees, _ in said if not agrees]
    ok = outcome.clean and not failed
    if as_json:
        print_json(
            {
                "ok": ok,
                "origin": store.origin,
                "records": outcome.good,
                "checkpoints": outcome.checkpoints,
                "root_hash": outcome.root_hash,
                "problem": outcome.problem or None,
                "witnesses": [
                    {"path": str(path), "agrees": agrees, "detail": detail}
                    for path, agrees, detail in said
                ],
            }
        )
    else:
        _print(store.origin, outcome, said, asked=len(witnesses))
    return ExitCode.CONSISTENT if ok else ExitCode.NOT_VERIFIED


def print_witness(url: str | None, out: Path | None, *, as_json: bool) -> int:
    """Print, or write to a file, the signed checkpoint over all records there are."""
    signed = _open(url, writes=True).witness()
    if out is not None:
        _write(out, iter([signed.note]))
    if as_json:
        print_json(vars(signed))
    elif out is None:
        click.echo(signed.note, nl=False)
    else:
        say(f"{out}: {_counted(signed.tree_size, 'record')}, signed with {signed.verifier_key}")
    return ExitCode.CONSISTENT


def export_store(url: str | None, out: Path | None) -> int:
    """Print, or write to a file, every record and checkpoint as one JSON object per line."""
    lines = _lines(_open(url))
    if out is None:
        for line in lines:
            click.echo(line, nl=False)
    else:
        _write(out, lines)
    return ExitCode.CONSISTENT


def upgrade_store(url: str | None) -> int:
    """Bring a store of an older auditkit to the present schema."""
    where = url or places.default_store()
    EvidenceStore.open(where, create=False, upgrade=True)
    say("The store has the present schema.")
    return ExitCode.CONSISTENT


def _open(url: str | None, *, writes: bool = False) -> EvidenceStore:
    signer = store_signer(places.keys()) if writes else None
    return EvidenceStore.open(url or places.default_store(), create=False, signer=signer)


def _witness(path: Path, store: EvidenceStore) -> tuple[Path, bool, str]:
    try:
        return path, True, agrees_with_store(path, store)
    except EvidenceError as error:
        return path, False, one_line(str(error))


def _print(
    origin: str, outcome: AuditOutcome, said: list[tuple[Path, bool, str]], *, asked: int
) -> None:
    say(f"store {origin}")
    say(f"{_counted(outcome.good, 'record')} recomputed, root {outcome.root_hash}")
    say(f"{_counted(outcome.checkpoints, 'signed checkpoint')} verified")
    if said:
        rows = [[str(path), "agrees" if agrees else "FAILED", why] for path, agrees, why in said]
        print_table("Witnesses", ["witness", "outcome", "detail"], rows, whole=("outcome",))
    if outcome.problem:
        say(f"NOT verified: {outcome.problem}")
    elif not all(agrees for _, agrees, _ in said):
        say("NOT verified: a witness does not agree with the store")
    elif asked:
        say("verified: nothing that the witnesses saw was changed or left out.")
    else:
        say("verified: the store holds together. Only a witness shows whether it was rewritten.")


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _lines(store: EvidenceStore) -> Iterator[str]:
    """The store as JSON lines: what it is, its records, its checkpoints."""
    notes, size = store.notes(), store.size
    yield _line(
        {
            "type": "store",
            "origin": store.origin,
            "tree_size": size,
            "root_hash": store.root_at(size) if size else None,
            "leaf_hash": "SHA-256 of a zero byte and the UTF-8 bytes of body (RFC 6962)",
        }
    )
    for stored in store.bodies(size):
        yield _line(
            {
                "type": "record",
                "leaf_index": stored.leaf_index,
                "leaf_hash": stored.hash,
                "body": stored.body.decode("utf-8"),
            }
        )
    for note in notes:
        yield _line({"type": "checkpoint", **vars(note)})


def _line(value: dict[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n"


def _write(out: Path, lines: Iterator[str]) -> None:
    """The file whole, or not at all; one that is there is not replaced."""
    part = out.with_name(f".{out.name}.part")
    try:
        if os.path.lexists(out):
            raise EnvironmentUnavailableError(f"{out}: exists already", advice="name a new file")
        try:
            with part.open("x", encoding="utf-8", newline="\n") as stream:
                stream.writelines(lines)
                stream.flush()
                os.fsync(stream.fileno())
            part.rename(out)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise EnvironmentUnavailableError(
            f"{out}: cannot be written ({error.strerror or error})", advice="name another file"
        ) from error
