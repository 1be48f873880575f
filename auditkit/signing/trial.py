"""A signature on an empty page, before the long work: what cannot be signed then fails in seconds."""

from __future__ import annotations

import io
from datetime import datetime

import pikepdf

from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.records.audit import Signing
from auditkit.signing.keys.keyring import highest_level
from auditkit.signing.keys.signer import Signer, load_certificate
from auditkit.signing.outward import shown_address
from auditkit.signing.pdf import sign_pdf
from auditkit.signing.seal import check_pdf_signature
from auditkit.signing.timestamps import Plan
from auditkit.signing.trust import judge_pdf

_A4 = (595, 842)


def signing_of(key: Signer, plan: Plan, *, visible: bool = False) -> Signing:
    """What the record states of a signing that has not been made yet."""
    certificate = load_certificate(key.certificate)
    return Signing(
        key_level=key.level,
        key_kind=key.kind,
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        pades=plan.level,
        timestamp_url=shown_address(plan.timestamp_url),
        visible=visible,
    )


def try_signing(key: Signer, plan: Plan, at: datetime) -> None:
    """Returns if the key can sign at the level of the plan now.

    Raises:
        EnvironmentUnavailableError: it cannot; says why.
    """
    if plan.long_term and highest_level(key) != "B-LTA":
        raise EnvironmentUnavailableError(
            f"a {key.level.replace('_', '-')} key reaches level {highest_level(key)} at most, "
            f"not {plan.level}: no authority says whether it was revoked",
            advice="sign with an organisation's key (auditkit keys import-p12), or at a lower level",
        )
    page, out = pikepdf.new(), io.BytesIO()
    page.add_blank_page(page_size=_A4)
    page.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    require_level(sign_pdf(out.getvalue(), key, at, plan), key, plan, at)


def require_level(signed: bytes, key: Signer, plan: Plan, at: datetime) -> bytes:
    """The signed PDF, if its signatures hold, are of exactly the level of the plan, and a reader who
    trusts the key's roots finds the chain of an authority's certificate and of the timestamps.

    Raises:
        EnvironmentUnavailableError: they are not.
    """
    try:
        status = check_pdf_signature(signed, [])
    except EvidenceError as error:
        raise EnvironmentUnavailableError(
            f"level {plan.level} was not reached: {error.message}",
            advice="use another key or timestamp service; nothing was written",
        ) from error
    if status.problems or status.level != plan.level:
        found = "; ".join(status.problems) or f"the signature reaches {status.level}"
        raise EnvironmentUnavailableError(
            f"level {plan.level} was not reached: {found}",
            advice="check the key and the timestamp service; nothing was written",
        )
    if key.level == "organisation":
        try:
            judge_pdf(signed, key.roots, at, plan.level)
        except EvidenceError as error:
            raise EnvironmentUnavailableError(
                f"level {plan.level} was not reached: {error.message}",
                advice="name the roots of the key and of the timestamps under `trust` in keys.yaml",
            ) from error
    return signed
