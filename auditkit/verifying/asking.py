"""What a report is about, and whether its reader asked for that: an honest report may be of another model."""

from __future__ import annotations

from collections.abc import Iterator

from auditkit.bundle.names import CERTIFICATE
from auditkit.errors import AuditkitError, EvidenceError
from auditkit.records.audit import AuditRecord
from auditkit.signing.keys.signer import fingerprint, load_certificate
from auditkit.verifying.brought import NOT_ASKED, Asked
from auditkit.verifying.case import Case
from auditkit.verifying.outcome import About, NotRunError


def as_asked(case: Case) -> str:
    """That the record is of the weights, policy, system, time and verdict that the reader names.

    Raises:
        NotRunError: nothing was asked.
        EvidenceError: one of them is another.
    """
    asked = case.brought.asked
    if asked == NOT_ASKED:
        raise NotRunError("nothing was asked of what the report is about", waived=True)
    if other := list(_others(asked, case.record)):
        raise EvidenceError("; ".join(other))
    return "as asked"


def _others(asked: Asked, record: AuditRecord) -> Iterator[str]:
    for what, wanted, found in (
        ("weights", asked.weights, record.model.weights_digest),
        ("policy", asked.policy, record.policy.sha256),
        ("system", asked.system, record.system.name),
        ("verdict", asked.verdict, record.verdict),
    ):
        if wanted is not None and wanted != found:
            yield f"{what}: {found}, not {wanted}"
    if asked.not_before is not None:
        least = f"{asked.not_before:%Y-%m-%dT%H:%M:%SZ}"
        if record.times.finished < least:
            yield f"finished: {record.times.finished}, before {least}"


def about(case: Case) -> About:
    """What can be read of it, whatever its checks come to."""
    signer = mark = None
    try:
        pem = case.seal.certificate if case.kind == "pdf" else case.file(CERTIFICATE)
        signer, mark = load_certificate(pem).subject.rfc4514_string(), fingerprint(pem)
    except (AuditkitError, NotRunError, ValueError):
        pass
    try:
        record = case.record
    except (AuditkitError, NotRunError):
        return About(signer, mark)
    return About(
        signer=signer,
        fingerprint=mark,
        run_id=record.run_id,
        verdict=record.verdict,
        system=record.system.name,
        weights_digest=record.model.weights_digest,
        policy_sha256=record.policy.sha256,
        finished=record.times.finished,
    )
