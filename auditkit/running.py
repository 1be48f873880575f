"""One policy, one signed run directory: what is settled first, then the audit, then what is written.

``settle`` finds whatever can fail in seconds; ``run`` does the long work and imports torch. What a run
takes from outside (the time, ids, places, the store, the key) is handed in as ``Surroundings``: nothing
here asks a clock or the environment, and nothing here prints.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from auditkit.bundle.evidence import evidence_bytes
from auditkit.bundle.names import EVIDENCE, HTML, POLICY
from auditkit.bundle.run_files import assemble, publish
from auditkit.errors import (
    AuditkitError,
    EnvironmentUnavailableError,
    EvidenceError,
    InputError,
    Problem,
)
from auditkit.law import load_law
from auditkit.model.holding import Held
from auditkit.model.hub import fetch
from auditkit.policy import HubModel, LoadedPolicy, load_policy
from auditkit.policy.checking import check_policy
from auditkit.policy.model_folder import inspect_folder
from auditkit.policy.overclaiming import overclaiming
from auditkit.progress import Progress
from auditkit.records.audit import (
    AuditRecord,
    Commitment,
    Environment,
    Operator,
    Signing,
    TemplateFile,
)
from auditkit.records.calibration import CalibratedSetting
from auditkit.records.specification import Specification
from auditkit.report.html import render_html
from auditkit.report.own_templates.overriding import SHIPPED, Templates
from auditkit.report.pdf import Attached, render_pdf
from auditkit.report.trying import read_templates
from auditkit.resources import tool
from auditkit.signing.cades import sign_detached
from auditkit.signing.commitment import read_commitment
from auditkit.signing.keys.signer import Signer
from auditkit.signing.pdf import sign_pdf
from auditkit.signing.timestamps import Plan, instant
from auditkit.signing.trial import require_level, signing_of, try_signing
from auditkit.store.calibrations import earlier_calibrations
from auditkit.store.evidence_store import EvidenceStore

if TYPE_CHECKING:
    from auditkit.preparing import Machine

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Surroundings:
    """What a run takes from outside: everything that another run of the same policy may find changed.

    ``now`` gives the present moment (UTC), ``new_run_id`` an id that no other run has. ``automated``
    says whether a machine started the run. ``snapshots`` is the folder for private copies of models,
    ``models`` the one for models fetched from the hub. ``store`` opens the evidence store for writing,
    and ``key`` the signing key of a name: both only once the policy was found to hold. ``warn`` is told
    what the user should know and the record does not say.
    """

    now: Callable[[], datetime]
    new_run_id: Callable[[], str]
    automated: bool
    snapshots: Path
    models: Path
    store: Callable[[], EvidenceStore]
    key: Callable[[str], Signer]
    warn: Callable[[str], None]


@dataclass(frozen=True)
class RunOptions:
    """How a policy is to be run, where it is not to be run as usual.

    ``operator`` is the name for the record. ``in_place``: load the model from its own folder, which
    nobody else can write to. ``commitment`` names the policy's commitment; ``None`` is the file beside
    the policy, where there is one. ``memory`` is in bytes; ``None`` is a share of what is free.
    ``offload``: read layers from the model's files whenever they run. ``calibrate``: take no calibration over
    from an earlier run.
    """

    operator: str | None = None
    threads: int = 1
    in_place: bool = False
    commitment: Path | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    memory: int | None = None
    offload: bool = False
    calibrate: bool = False


@dataclass(frozen=True)
class Stated:
    """What a record states of its run although no measurement says so.

    ``accept`` is shown the model's files before anything else is done with them, and raises where they
    are not those that are wanted. ``calibrated`` gives what earlier runs calibrated in an environment.
    """

    signing: Signing
    templates: tuple[TemplateFile, ...] = ()
    commitment: Commitment | None = None
    accept: Callable[[Held], None] = lambda _: None
    calibrated: Callable[[Environment], Mapping[Specification, CalibratedSetting]] = lambda _: {}


@dataclass(frozen=True)
class Settled:
    """A run about to start: its policy holds, its folder can be written, its key signs."""

    loaded: LoadedPolicy
    out: Path
    options: RunOptions
    surroundings: Surroundings
    templates: Templates
    committed: tuple[bytes, Commitment] | None
    store: EvidenceStore
    key: Signer
    plan: Plan


@dataclass(frozen=True)
class Finished:
    """What a run left: its record, stored and with its checkpoint, and its directory."""

    record: AuditRecord
    directory: Path


def settle(policy: Path, out: Path, options: RunOptions, surroundings: Surroundings) -> Settled:
    """The run of a policy into a folder, with all settled that can fail before the long work.

    Raises:
        InputError: the policy, a file it names, or its commitment is not valid.
        ModelError: the model cannot be audited.
        EnvironmentUnavailableError: the folder cannot be written, the store cannot be opened, or the key
            cannot sign at the level that the policy asks for.
        EvidenceError: the store is spoiled.
    """
    loaded = load_policy(policy)
    check_policy(loaded).refuse(surroundings.warn)
    for each in overclaiming(loaded):
        surroundings.warn(str(each))
    templates = own_templates(loaded)
    committed = commitment_of(loaded, options.commitment)
    _make_writable(out)
    store = surroundings.store()
    signing = loaded.policy.signing
    key, plan = surroundings.key(signing.key), Plan(signing.level, signing.timestamp_url)
    try_signing(key, plan, surroundings.now())
    return Settled(
        loaded, out, options, surroundings, templates, committed, store=store, key=key, plan=plan
    )


def run(settled: Settled, progress: Progress) -> Finished:
    """The record and the directory of a run; the record is in the store before the report is written.

    Raises:
        InputError, ModelError, EnvironmentUnavailableError: as ``recorded``; or the report cannot be
            signed or written, and then the advice says where its evidence is.
        EvidenceError: what is stored is not what the last checkpoint was signed over.
    """
    made = None if settled.committed is None else settled.committed[1]
    visible = settled.loaded.policy.signing.visible
    stated = Stated(
        signing=signing_of(settled.key, settled.plan, visible=visible),
        templates=settled.templates.files(),
        commitment=made,
        calibrated=lambda here: (
            {} if settled.options.calibrate else earlier_calibrations(settled.store, tool(), here)
        ),
    )
    record = recorded(settled.loaded, settled.options, stated, settled.surroundings, progress)
    record = record.under(settled.store.append(record))
    try:
        return Finished(record, _write_report(record, settled, progress))
    except AuditkitError as error:
        kept = f"(the evidence is kept: auditkit show {record.run_id})"
        error.advice = f"{error.advice} {kept}".strip()
        raise


def recorded(
    loaded: LoadedPolicy,
    options: RunOptions,
    stated: Stated,
    surroundings: Surroundings,
    progress: Progress,
    model: Path | None = None,
) -> AuditRecord:
    """The record of one run of a policy on its model, or on the one in ``model``; nothing is kept.

    One process measures one run at a time: another thread's waits.

    Raises:
        InputError: prompts cannot be prepared for the model's tokenizer.
        ModelError: the model cannot be fetched, loaded or run, or it is not the one that is wanted.
        EnvironmentUnavailableError: the device, disk space or memory is lacking.
    """
    with measuring(loaded, options, surroundings, progress) as machine:
        from auditkit import engine

        folder = model or model_folder(loaded, surroundings.models)
        told = engine.Run(
            run_id=surroundings.new_run_id(),
            operator=Operator(name=options.operator, automated=surroundings.automated),
            signing=stated.signing,
            now=lambda: instant(surroundings.now()),
            templates=stated.templates,
            commitment=stated.commitment,
            snapshots=None if options.in_place else surroundings.snapshots,
            accept=stated.accept,
            calibrated=stated.calibrated,
        )
        return engine.audit(loaded, folder, told, machine, progress)


@contextmanager
def measuring(
    loaded: LoadedPolicy, options: RunOptions, surroundings: Surroundings, progress: Progress
) -> Iterator[Machine]:
    """Within it this thread alone measures, on the machine that was asked for."""
    # torch's threads and switches belong to the process: two audits at once would change each other's.
    with _ONE_AT_A_TIME, TemporaryDirectory(prefix="auditkit-run-") as working:
        with progress.stage("start torch", 1) as advance:
            import torch

            torch.set_num_threads(options.threads)
            machine = _machine(options, Path(working), loaded, surroundings.warn)
            advance(1)
        yield machine


def own_templates(loaded: LoadedPolicy) -> Templates:
    """The templates of the provider's own that a policy names, each tried; none where it names none.

    Raises:
        InputError: the folder is not there, or a template is not one a provider may write.
    """
    named = loaded.policy.report.template_dir
    if named is None:
        return SHIPPED
    folder = loaded.folder / named
    if not folder.is_dir():
        message = f"there is no folder {folder}"
        raise InputError([loaded.problem(("report", "template_dir"), message)])
    return read_templates(folder)


def commitment_file(policy: Path) -> Path:
    """Where the commitment of a policy lies: beside it."""
    return policy.with_name(f"{policy.name}.p7s")


def commitment_of(loaded: LoadedPolicy, named: Path | None) -> tuple[bytes, Commitment] | None:
    """The commitment named, or beside the policy, with what it says; ``None`` where there is none.

    Raises:
        InputError: there is one, and it is not of this policy as it now is.
    """
    path = named or commitment_file(loaded.path)
    try:
        if named is None and not path.is_file():
            return None
        signature = path.read_bytes()
        return signature, read_commitment(loaded.content, signature)
    except (OSError, EvidenceError) as error:
        message = f"no commitment to {loaded.path.name} as it now is: {error}"
        advice = "move it away and commit again; without one the report says that none was made"
        raise InputError([Problem(str(path), None, "", message, advice)]) from error


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


def _machine(
    options: RunOptions, working: Path, loaded: LoadedPolicy, warn: Callable[[str], None]
) -> Machine:
    """The device and the memory of a run, as asked for."""
    from auditkit.model.devices import device_of, free_memory
    from auditkit.model.memory import BASE, SHARE_OF_FREE
    from auditkit.preparing import Machine

    device = device_of(options.device)
    if loaded.policy.model.dtype == "float16" and device.type == "cpu":
        warn("float16 is many times slower on a processor than float32; it is run as declared")
    return Machine(
        device=device,
        budget=options.memory or int(SHARE_OF_FREE * free_memory(device)),
        base=BASE if device.type == "cpu" else 0,
        working=working,
        offload=options.offload,
    )


def model_folder(loaded: LoadedPolicy, models: Path) -> Path:
    """The folder of the policy's model, fetched first where it is on the hub."""
    model = loaded.policy.model
    if isinstance(model, HubModel):
        folder = fetch(model.hub, model.revision, models)
        for error in inspect_folder(folder).errors:
            raise error
        return folder
    return loaded.folder / model.path


def _write_report(record: AuditRecord, settled: Settled, progress: Progress) -> Path:
    """The run's directory, written whole or not at all."""
    law, formats = load_law(record.report.language), record.report.formats
    key, plan, now = settled.key, settled.plan, settled.surroundings.now
    policy, templates = settled.loaded.content, settled.templates
    commitment = None if settled.committed is None else settled.committed[0]
    with progress.stage("write and sign the report", 3) as advance:
        html = render_html(record, law, templates)
        advance(1)
        pdf = None
        if "pdf" in formats:
            page = render_pdf(record, law, _attached(record, html, policy), templates)
            pdf = require_level(sign_pdf(page, key, now(), plan), key, plan, now())
        advance(1)
        web = (html, sign_detached(html, key, now(), plan)) if "html" in formats else None
        files = assemble(record, policy, web, pdf, key, commitment)
        directory = publish(files, settled.out, record.run_id)
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
