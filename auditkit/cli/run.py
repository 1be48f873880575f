"""``auditkit run``: from a policy to a signed report in one directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from auditkit.bundle.evidence import evidence_bytes
from auditkit.bundle.run_files import EVIDENCE, HTML, POLICY, assemble, publish
from auditkit.cli import clock, places
from auditkit.cli.check import own_templates, refuse
from auditkit.cli.commit import commitment_of
from auditkit.cli.keyring import key_named
from auditkit.cli.machine import STANDARD_RESOURCES, Resources, machine_of
from auditkit.cli.terminal import (
    EXIT_CODE_OF,
    print_json,
    print_tasks,
    progress_shown,
    say,
    state,
    task_summary,
)
from auditkit.errors import AuditkitError, EnvironmentUnavailableError
from auditkit.law import load_law
from auditkit.model.hub import fetch
from auditkit.policy import HubModel, LoadedPolicy, load_policy
from auditkit.policy.checking import check_policy
from auditkit.policy.model_folder import inspect_folder
from auditkit.progress import Progress
from auditkit.records.audit import AuditRecord, Commitment, Operator, Signing
from auditkit.report.html import render_html
from auditkit.report.own_templates.overriding import Templates
from auditkit.report.pdf import Attached, render_pdf
from auditkit.signing.cades import sign_detached
from auditkit.signing.keys.signer import Signer
from auditkit.signing.keys.store_key import store_signer
from auditkit.signing.pdf import sign_pdf
from auditkit.signing.timestamps import Plan
from auditkit.signing.trial import require_level, signing_of, try_signing
from auditkit.store.evidence_store import EvidenceStore

if TYPE_CHECKING:
    pass


def run_audit(
    policy: Path,
    out: Path,
    store_url: str | None,
    operator: str | None,
    threads: int,
    *,
    in_place: bool,
    commitment: Path | None,
    as_json: bool,
    quiet: bool,
    resources: Resources = STANDARD_RESOURCES,
) -> int:
    """Run a policy, print what was found, and return the exit code of the verdict."""
    loaded = load_policy(policy)
    refuse(check_policy(loaded))
    templates = own_templates(loaded)
    committed = commitment_of(loaded, commitment)
    # Everything that can fail for want of a place or a key fails before the long work.
    _make_writable(out)
    signer = store_signer(places.keys())
    store = EvidenceStore.open(store_url or places.default_store(), signer=signer)
    signing = loaded.policy.signing
    key, plan = key_named(signing.key), Plan(signing.level, signing.timestamp_url)
    try_signing(key, plan, clock.now())
    with progress_shown(quiet=quiet) as progress:
        stated = signing_of(key, plan, visible=signing.visible)
        made = None if committed is None else committed[1]
        told = _Told(operator, threads, in_place, stated, made, templates, resources)
        record = _audit(loaded, told, progress)
        record = record.model_copy(update={"checkpoint": store.append(record)})
        try:
            signature = None if committed is None else committed[0]
            directory = _write_report(
                record, loaded.content, signature, templates, key, out, progress
            )
        except AuditkitError as error:
            error.advice = f"{error.advice} {_kept(record)}".strip()
            raise
    if as_json:
        print_json(_summary(record, directory))
    elif not quiet:
        print_tasks(record.tasks)
        say(f"verdict: {state(record.verdict).plain}")
        say(f"report:  {directory}")
    return EXIT_CODE_OF[record.verdict]


def _kept(record: AuditRecord) -> str:
    return f"(the evidence is kept: auditkit show {record.run_id})"


def _make_writable(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        writable = out.is_dir() and os.access(out, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        raise EnvironmentUnavailableError(
            f"{out}: cannot be written", advice="name another folder with --out"
        )


@dataclass(frozen=True)
class _Told:
    """What was asked for on the command line, and what was settled from it before the work."""

    operator: str | None
    threads: int
    in_place: bool
    signing: Signing
    commitment: Commitment | None
    templates: Templates
    resources: Resources


def _audit(loaded: LoadedPolicy, told: _Told, progress: Progress) -> AuditRecord:
    with TemporaryDirectory(prefix="auditkit-run-") as working:
        with progress.stage("start torch", 1) as advance:
            import torch

            from auditkit import engine

            torch.set_num_threads(told.threads)
            machine = machine_of(told.resources, Path(working), loaded.policy.model.dtype)
            folder = _model_folder(loaded)
            advance(1)
        run = engine.Run(
            run_id=clock.new_run_id(),
            operator=Operator(name=told.operator, automated=places.automated()),
            signing=told.signing,
            now=clock.instant,
            templates=told.templates.files(),
            commitment=told.commitment,
            snapshots=None if told.in_place else places.snapshots(),
        )
        return engine.audit(loaded, folder, run, machine, progress)


def _model_folder(loaded: LoadedPolicy) -> Path:
    model = loaded.policy.model
    if isinstance(model, HubModel):
        folder = fetch(model.hub, model.revision, places.models())
        for error in inspect_folder(folder).errors:
            raise error
        return folder
    return loaded.folder / model.path


def _write_report(
    record: AuditRecord,
    policy: bytes,
    commitment: bytes | None,
    templates: Templates,
    key: Signer,
    out: Path,
    progress: Progress,
) -> Path:
    law, formats = load_law(record.report.language), record.report.formats
    plan = Plan(record.signing.pades, record.signing.timestamp_url)
    with progress.stage("write and sign the report", 3) as advance:
        html = render_html(record, law, templates)
        advance(1)
        pdf = None
        if "pdf" in formats:
            page = render_pdf(record, law, _attached(record, html, policy), templates)
            signed = sign_pdf(page, key, clock.now(), plan)
            pdf = require_level(signed, key, plan, clock.now())
        advance(1)
        web = (html, sign_detached(html, key, clock.now(), plan)) if "html" in formats else None
        files = assemble(record, policy, web, pdf, key, commitment)
        directory = publish(files, out, record.run_id)
        advance(1)
    return directory


def _attached(record: AuditRecord, html: bytes, policy: bytes) -> list[Attached]:
    """What travels inside the PDF, so that the one file can be checked by itself."""
    return [
        Attached(
            EVIDENCE,
            evidence_bytes(record),
            "application/json",
            "The evidence record this report is a view of",
            "Data",
        ),
        Attached(HTML, html, "text/html", "This report as a web page", "Alternative"),
        Attached(
            POLICY, policy, "application/yaml", "The audit policy, byte for byte as read", "Source"
        ),
    ]


def _summary(record: AuditRecord, directory: Path) -> dict[str, object]:
    return {
        "run_id": record.run_id,
        "directory": str(directory),
        "verdict": record.verdict,
        "exit_code": int(EXIT_CODE_OF[record.verdict]),
        "weights_digest": record.model.weights_digest,
        "tasks": [task_summary(task) for task in record.tasks],
    }
