"""``auditkit verify``: numbered checks on a run directory or a report PDF."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from auditkit.cli import clock, places
from auditkit.cli.deadline import within
from auditkit.cli.terminal import print_json, print_table, say
from auditkit.errors import EnvironmentUnavailableError, EvidenceError, ExitCode
from auditkit.report.own_templates.overriding import SHIPPED
from auditkit.report.trying import read_templates
from auditkit.signing.keys.keyring import read_certificates
from auditkit.store.evidence_store import EvidenceStore
from auditkit.verifying import Asked, Brought, Check, Result, Verification, verify

_EXIT_CODES: dict[Result, ExitCode] = {
    "verified": ExitCode.CONSISTENT,
    "not_compared": ExitCode.INCONCLUSIVE,
    "failed": ExitCode.NOT_VERIFIED,
}
_OUTCOMES = {"passed": "green", "failed": "bold red", "not_run": "dim"}


@dataclass(frozen=True)
class Trusting:
    """Whom a reader trusts, as the command line says it: files of certificates, fingerprints and names."""

    signers_and_roots: tuple[Path, ...]
    fingerprints: tuple[str, ...]
    names: tuple[str, ...]
    timestamps: tuple[Path, ...]
    reviewers: tuple[Path, ...]
    required: bool


def verify_path(
    path: Path,
    trusting: Trusting,
    asked: Asked,
    at: datetime | None,
    store_url: str | None,
    required_store: str | None,
    templates: Path | None,
    witnesses: tuple[Path, ...],
    *,
    deadline: float,
    as_json: bool,
) -> int:
    """Verify, print every check, and return the exit code."""
    store, store_problem = _store(required_store or store_url)
    brought = Brought(
        trusted=_all(trusting.signers_and_roots),
        signers=frozenset(trusting.fingerprints),
        signer_names=trusting.names,
        stamping=_all(trusting.timestamps),
        reviewers=_all(trusting.reviewers),
        asked=asked,
        store=store,
        store_required=required_store is not None,
        store_problem=store_problem,
        witnesses=witnesses,
        templates=SHIPPED if templates is None else read_templates(templates),
        at=None if at is None else at.replace(tzinfo=UTC),
        now=clock.now(),
    )
    with within(deadline):
        result = verify(path, brought)
    if as_json:
        print_json(result.as_json())
    else:
        _print(result)
    if result.ok and trusting.required and not result.trusted:
        return ExitCode.INCONCLUSIVE
    return _EXIT_CODES[result.result]


def _all(files: tuple[Path, ...]) -> list[bytes]:
    return [pem for file in files for pem in _certificates(file)]


def _certificates(file: Path) -> list[bytes]:
    """Each certificate of a file, or its bytes as they are where that is not what it holds."""
    try:
        return read_certificates(file)
    except EnvironmentUnavailableError:
        return [file.read_bytes()]


def _store(url: str | None) -> tuple[EvidenceStore | None, str | None]:
    """The store to compare with, the one named, else the user's own where there is one; or its problem.

    A spoiled store says nothing about the files: only the check of the store fails.
    """
    if url is None and not (places.home() / "evidence.db").is_file():
        return None, None
    try:
        return EvidenceStore.open(url or places.default_store(), create=False), None
    except EvidenceError as error:
        return None, error.message


def _print(result: Verification) -> None:
    print_table(
        f"Verification of {result.path}",
        ["", "check", "outcome", "detail"],
        [_row(check) for check in result.checks],
        whole=("", "outcome"),
    )
    about = result.about
    if about.verdict is not None:
        say(f"the record's verdict: {about.verdict.replace('_', ' ')}")
    if result.result == "verified":
        vouched = "" if result.trusted else " Nobody vouches for the signer: see check 4."
        say(f"verified: no check failed. What was not run is not known.{vouched}")
    elif result.result == "failed":
        say(f"NOT verified: {', '.join(result.failed)}")
    else:
        for check in result.not_compared:
            say(f"intact, but NOT compared: {check.number} {check.id}: {check.detail}")


def _row(check: Check) -> list[str | Text]:
    outcome = Text(check.outcome.replace("_", " "), style=_OUTCOMES[check.outcome])
    return [str(check.number), check.title, outcome, check.detail]
