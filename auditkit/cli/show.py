"""``auditkit show`` and ``auditkit list``: read the evidence store."""

from __future__ import annotations

import dataclasses

import click

from auditkit.bundle.evidence import parse_evidence
from auditkit.cli import places
from auditkit.cli.terminal import print_json, print_table, print_tasks, say, state
from auditkit.errors import EnvironmentUnavailableError, ExitCode
from auditkit.store.evidence_store import EvidenceStore


def list_runs(store_url: str | None, *, as_json: bool) -> int:
    """Print one line per stored run."""
    runs = _open(store_url).list()
    if as_json:
        print_json([dataclasses.asdict(run) for run in runs])
    elif runs:
        print_table(
            f"{len(runs)} stored run{'s' if len(runs) > 1 else ''}",
            ["run", "finished", "system", "model", "verdict"],
            [[run.run_id, run.finished, run.system, run.model, state(run.verdict)] for run in runs],
        )
    else:
        say("The store holds no runs.")
    return ExitCode.CONSISTENT


def show_run(run_id: str, store_url: str | None, *, as_json: bool) -> int:
    """Print one stored run: the table of its tasks, or with ``--json`` its recorded bytes."""
    store = _open(store_url)
    known = store.beginning(run_id)
    if len(known) != 1:
        raise click.UsageError(
            f"{len(known)} stored runs start with {run_id!r}"
            if known
            else f"no stored run starts with {run_id!r}; see auditkit list"
        )
    stored = store.get(known[0])
    if stored is None:
        raise EnvironmentUnavailableError(f"run {known[0]} left the store while it was read")
    if as_json:
        say(stored.body.decode("utf-8"))
        return ExitCode.CONSISTENT
    record = parse_evidence(stored.body)
    say(f"run {record.run_id}, finished {record.times.finished}")
    say(f"{record.system.name} {record.system.version}, model {record.model.name}")
    print_tasks(record.tasks)
    say(f"verdict: {state(record.verdict).plain}")
    return ExitCode.CONSISTENT


def _open(store_url: str | None) -> EvidenceStore:
    return EvidenceStore.open(store_url or places.default_store(), create=False)
