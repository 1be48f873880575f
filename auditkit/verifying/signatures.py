"""The checks on signatures: whose they are, the page's own one, and what was signed later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from auditkit.bundle.names import (
    CERTIFICATE,
    COMMITMENT,
    EXTENDED_PDF,
    HTML,
    HTML_SIGNATURE,
    PDF,
    POLICY,
)
from auditkit.errors import EvidenceError
from auditkit.signing.cades import check_detached, judge_detached
from auditkit.signing.commitment import judge_timestamp, read_commitment
from auditkit.signing.keys.purposes import names_in, not_for_signing
from auditkit.signing.keys.schemes import RefusedKeyError, schemes_of
from auditkit.signing.keys.signer import fingerprint, is_authority, level_of, load_certificate
from auditkit.signing.pdf import REVIEWER_FIELD, SEAL_FIELD
from auditkit.signing.seal import PdfSignatureStatus, is_trusted, valid_at
from auditkit.signing.trust import judge_pdf
from auditkit.verifying.case import Case
from auditkit.verifying.outcome import NotRunError


def certificate(case: Case) -> str:
    """Whether the signer is one the reader trusts, and the signature holds at the reader's moment."""
    pem = case.seal.certificate if case.kind == "pdf" else case.file(CERTIFICATE)
    _require_stated(case, pem)
    who = f"signed by {fingerprint(pem)}"
    _require_pinned(case, pem, who)
    if fingerprint(pem) in case.brought.signers or is_trusted(pem, case.brought.trusted):
        _require_for_signing(pem, who)
        _require_unexpired(pem, case.brought.at)
        return f"{who}, which is trusted"
    signing = case.record.signing
    if signing.key_level != "organisation":
        if case.brought.trusted:
            raise EvidenceError(f"{who}, which is not trusted")
        if signing.key_level == "development":
            raise NotRunError("no trusted certificate was given; a development key names nobody")
        raise NotRunError("no trusted certificate was given; a self-signed one names whom it likes")
    if not case.brought.trusted:
        raise NotRunError(f"no trusted certificate was given; it names the issuer {signing.issuer}")
    _require_for_signing(pem, who)
    moment = _moment(case)
    said = _judged(lambda: _judge_run(case, pem, moment))
    return f"issued to {signing.subject}; {said}; judged at {moment:%Y-%m-%d}"


def html_signature(case: Case) -> str:
    """Whether report.html.p7s is this signer's signature over report.html."""
    parts = {HTML, HTML_SIGNATURE} & case.files.keys()
    if case.kind != "pdf" and not parts and not case.wants(HTML):
        raise NotRunError("the policy's report.formats leaves the HTML report out")
    pem, level = check_detached(case.file(HTML), case.file(HTML_SIGNATURE))
    if pem != case.file(CERTIFICATE):
        raise EvidenceError(f"the page was signed by {fingerprint(pem)}")
    expected = "B-B" if case.record.signing.pades == "B-B" else "B-T"
    if level != expected:
        raise EvidenceError(f"the page's signature is {level}, the record states {expected}")
    return f"CAdES {level} by {fingerprint(pem)}"


def extension(case: Case) -> str:
    """Whether what was signed after the run is a reviewer's signature or timestamps, and no more."""
    if case.kind == "pdf":
        status, content = case.seal, case.file(PDF)
        if status.reviewer is None:
            raise NotRunError("nobody has counter-signed this PDF")
    elif case.extended is None:
        raise NotRunError(f"there is no {EXTENDED_PDF}: nothing was signed after the run")
    else:
        status, content = _extended(case, case.extended)
    stamps = f"{status.timestamps} timestamps over the whole file"
    if status.reviewer is None:
        return stamps
    return f"{_reviewer(case, content, status)}; {stamps}"


def commitment(case: Case) -> str:
    """Whether the policy was signed, and timestamped by an authority the reader trusts, before the run."""
    policy, started = case.record.policy, case.record.times.started
    made = policy.commitment
    if made is None:
        if policy.committed_at is not None:
            raise EvidenceError(
                "the record states when the policy was fixed, and nothing that shows it"
            )
        raise NotRunError("the policy was not committed to: nothing shows when it was fixed")
    signature = case.file(COMMITMENT)
    if (
        read_commitment(case.file(POLICY), signature) != made
        or policy.committed_at != made.timestamped_at
    ):
        raise EvidenceError(f"{COMMITMENT} is not what the record states of it")
    if made.timestamped_at is None:
        raise NotRunError(
            f"signed at {made.signed_at} by the signer's own clock, which shows nothing"
        )
    said = f"timestamped {made.timestamped_at}"
    if made.timestamped_at >= started:
        raise EvidenceError(f"{said}, and the run started at {started}")
    roots = [pem for pem in _stamping(case) if is_authority(pem)]
    if not roots:
        raise NotRunError(f"{said} by {made.authority}, whoever that is: no trusted root was given")
    return f"{said}, the run started {started}; {judge_timestamp(signature, roots)}"


def _extended(case: Case, content: bytes) -> tuple[PdfSignatureStatus, bytes]:
    original = case.file(PDF)
    if not content.startswith(original) or content == original:
        raise EvidenceError(f"{EXTENDED_PDF} is not {PDF} with something signed after it")
    status = case.extended_seal
    if status.problems:
        raise EvidenceError("; ".join(status.problems))
    if status.level != case.seal.level:
        raise EvidenceError(f"{EXTENDED_PDF} is {status.level}, {PDF} is {case.seal.level}")
    return status, content


def _reviewer(case: Case, content: bytes, status: PdfSignatureStatus) -> str:
    pem = status.reviewer or b""
    if pem == status.certificate:
        raise EvidenceError("the reviewer's signature is by the key of the seal")
    named = load_certificate(pem).subject.rfc4514_string()
    who = f"counter-signed by {named} ({fingerprint(pem)})"
    trusted = case.brought.reviewers or case.brought.trusted
    if not trusted:
        raise NotRunError(f"{who}, whoever that is: nobody vouches for them")
    if is_trusted(pem, trusted):
        _require_unexpired(pem, case.brought.at)
        return f"{who}, which is trusted"
    if level_of(pem) != "organisation":
        raise EvidenceError(f"{who}, which is not trusted")
    _require_for_signing(pem, who)
    moment, stamping = _moment(case), _stamping(case)
    said = _judged(
        lambda: judge_pdf(content, trusted, moment, status.level, REVIEWER_FIELD, stamping)
    )
    return f"{who}; {said}"


def _require_stated(case: Case, pem: bytes) -> None:
    """Returns if the certificate is the kind and the names the record states, valid to its end."""
    signing, finished = case.record.signing, case.record.times.finished
    try:
        found = load_certificate(pem)
        schemes_of(found)
        stated = (level_of(pem), found.subject.rfc4514_string(), found.issuer.rfc4514_string())
    except RefusedKeyError as error:
        raise EvidenceError(f"the certificate is not accepted: {error}") from error
    except ValueError as error:  # parsed only now, and a changed byte may lie there
        raise EvidenceError(f"the certificate cannot be read: {error}") from error
    if stated != (signing.key_level, signing.subject, signing.issuer):
        raise EvidenceError("the certificate is not the one the record states it is signed with")
    if finished > found.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"):
        raise EvidenceError(f"the certificate had expired when the run finished ({finished})")


def _require_pinned(case: Case, pem: bytes, who: str) -> None:
    """Returns if the signer is one of those the reader named, where any are."""
    signers, names = case.brought.signers, case.brought.signer_names
    if signers and fingerprint(pem) not in signers:
        raise EvidenceError(f"{who}, which is none of the signers asked for")
    if names and not names_in(pem) & set(names):
        raise EvidenceError(f"{who}, whose certificate names none of: {', '.join(names)}")


def _require_for_signing(pem: bytes, who: str) -> None:
    """Returns if the certificate is one to sign documents with."""
    problem = not_for_signing(pem)
    if problem:
        raise EvidenceError(f"{who}, and its certificate is not for signing documents: {problem}")


def _stamping(case: Case) -> Sequence[bytes]:
    """Whom the reader trusts with timestamps: those named for it, or else everybody trusted."""
    return case.brought.stamping or case.brought.trusted


def _require_unexpired(pem: bytes, at: datetime | None) -> None:
    if at is not None and not valid_at(pem, at):
        last = load_certificate(pem).not_valid_after_utc
        raise EvidenceError(
            f"judged at {at:%Y-%m-%d}: the certificate is valid to {last:%Y-%m-%d}, and a certificate "
            "trusted by itself has no authority that says more"
        )


def _judge_run(case: Case, pem: bytes, moment: datetime) -> str:
    if PDF not in case.files:
        signature, stamping = case.file(HTML_SIGNATURE), _stamping(case)
        return judge_detached(signature, case.brought.trusted, moment, stamping)
    if case.seal.certificate != pem:
        raise EvidenceError(f"the PDF was signed by {case.seal.certificate_sha256}")
    content = case.file(PDF)
    if case.extended is not None and case.extended.startswith(content):
        content = case.extended  # newer timestamps may have taken over from the run's own
    trusted, stamping = case.brought.trusted, _stamping(case)
    return judge_pdf(content, trusted, moment, case.seal.level, SEAL_FIELD, stamping)


def _judged(judge: Callable[[], str]) -> str:
    try:
        return judge()
    except EvidenceError:
        raise
    except Exception as error:  # hostile bytes: every way to break the reader is a failure
        reason = " ".join(str(error).split()) or type(error).__name__
        raise EvidenceError(f"the chain of certificates cannot be read: {reason}") from error


def _moment(case: Case) -> datetime:
    moment = case.brought.at or case.brought.now
    if moment is None:
        raise NotRunError("an authority's certificate is judged at a moment, and none was given")
    return moment
