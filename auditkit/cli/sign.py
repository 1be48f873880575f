"""``auditkit sign``: a second officer's signature on a run's PDF, or newer timestamps on it.

Both are written into ``report.extended.pdf`` beside the run's own files, which stay as they are.
"""

from __future__ import annotations

from pathlib import Path

from auditkit.bundle.evidence import parse_evidence
from auditkit.bundle.names import EVIDENCE, EXTENDED_PDF, PDF
from auditkit.bundle.run_files import write_extension
from auditkit.cli import clock
from auditkit.cli.keyring import key_named
from auditkit.cli.terminal import say, warn
from auditkit.errors import EnvironmentUnavailableError, EvidenceError, ExitCode
from auditkit.records.audit import AuditRecord
from auditkit.signing.keys.keyring import read_certificates
from auditkit.signing.keys.signer import load_certificate
from auditkit.signing.pdf import countersign_pdf, renew_pdf
from auditkit.signing.seal import PdfSignatureStatus, check_pdf_signature
from auditkit.signing.timestamps import Plan
from auditkit.signing.trial import try_signing
from auditkit.signing.trust import judge_pdf
from auditkit.verifying.case import Case, read_case
from auditkit.verifying.protocol import check


def countersign(path: Path, key_name: str, timestamp_url: str | None) -> int:
    """Sign a run's PDF as its reviewer, at the level of its seal."""
    case, record, content, status = _verified(path)
    if status.reviewer is not None:
        raise EvidenceError(f"{path}: a reviewer has signed already")
    level = record.signing.pades
    plan = Plan(level, None if level == "B-B" else _own_service(record, timestamp_url))
    key = key_named(key_name)
    if key.level == "development" and record.signing.key_level != "development":
        raise EnvironmentUnavailableError(
            f"key {key_name!r} is a development key, which names nobody, and the report has another",
            advice="name the reviewer's own key with --key (auditkit keys list)",
        )
    if key.certificate == status.certificate:
        raise EnvironmentUnavailableError(
            f"key {key_name!r} is the key of the seal; a second officer signs with another",
            advice="name the reviewer's own key with --key (auditkit keys list)",
        )
    try_signing(key, plan, clock.now())
    signed = countersign_pdf(content, key, clock.now(), plan)
    _require(signed, status, reviewer=key.certificate, timestamps=plan.level == "B-LTA")
    _write(case, path, signed)
    say(f"counter-signed by {load_certificate(key.certificate).subject.rfc4514_string()}")
    say(f"written: {path / EXTENDED_PDF}")
    return ExitCode.CONSISTENT


def renew(path: Path, trusted: tuple[Path, ...], timestamp_url: str | None) -> int:
    """Put one more timestamp over a run's B-LTA PDF. Needs no key."""
    case, record, content, status = _verified(path)
    if status.level != "B-LTA":
        raise EnvironmentUnavailableError(
            f"only a B-LTA signature is renewed; this one is {status.level}",
            advice="sign at level B-LTA what is to be verified for years",
        )
    url = _own_service(record, timestamp_url)
    roots = [pem for file in trusted for pem in read_certificates(file)]
    # What no longer verifies is not made to look as if it did by a new timestamp over it.
    judge_pdf(content, roots, clock.now(), status.level)
    renewed = renew_pdf(content, roots, url)
    _require(renewed, status, reviewer=status.reviewer, timestamps=True)
    _write(case, path, renewed)
    say(f"timestamps over the whole file: {status.timestamps + 1}")
    say(f"written: {path / EXTENDED_PDF}")
    return ExitCode.CONSISTENT


def _own_service(record: AuditRecord, timestamp_url: str | None) -> str:
    """The timestamp service to ask: never one that only the report names, which somebody else wrote."""
    if timestamp_url is None:
        raise EnvironmentUnavailableError(
            "no timestamp service is named, and this one is not asked because a report says so: "
            f"{record.signing.timestamp_url}",
            advice="name the service you trust with --timestamp-url",
        )
    return timestamp_url


def _verified(path: Path) -> tuple[Case, AuditRecord, bytes, PdfSignatureStatus]:
    """A run that verifies, its record, and its PDF with what was signed on it so far."""
    case = read_case(path)
    if case.kind != "run_directory":
        raise EnvironmentUnavailableError(
            f"{path}: not a run's directory", advice="give the folder that auditkit run wrote"
        )
    outcome = check(case, str(path))
    if not outcome.intact:
        failed = ", ".join(outcome.failed)
        raise EvidenceError(f"{path}: nothing is signed, because it does not verify: {failed}")
    for left in outcome.not_compared:
        warn(f"check {left.number}, {left.id}, was not made: {left.detail}")
    record = parse_evidence(case.part(EVIDENCE))
    if case.extended is None:
        return case, record, case.file(PDF), case.seal
    return case, record, case.extended, case.extended_seal


def _require(
    signed: bytes, before: PdfSignatureStatus, *, reviewer: bytes | None, timestamps: bool
) -> None:
    """Returns if what was signed is what was meant, and nothing else changed."""
    after = check_pdf_signature(signed, [])
    expected = before.timestamps + timestamps
    found = (after.problems, after.level, after.reviewer, after.timestamps)
    if found != ((), before.level, reviewer, expected):
        raise EnvironmentUnavailableError(
            "the signature does not hold: " + "; ".join(after.problems or ("another level",)),
            advice="check the key and the timestamp service; nothing was written",
        )


def _write(case: Case, path: Path, content: bytes) -> None:
    if not content.startswith(case.file(PDF)):
        raise EnvironmentUnavailableError("the signed file does not begin with the run's PDF")
    write_extension(path, content)
