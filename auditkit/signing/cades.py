"""The signature beside the web page: a detached CMS in its CAdES profile (ETSI EN 319 122-1).

``openssl cms -verify -binary -inform DER -in report.html.p7s -content report.html`` checks one too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from asn1crypto import cms
from pyhanko.sign.general import SigningError, extract_certificate_info
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko_certvalidator import ValidationContext

from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.records.audit import PadesLevel
from auditkit.signing.accepted import plain_cms, require_accepted
from auditkit.signing.keys.signer import Signer, pem_of_der
from auditkit.signing.pdf import AnyKeySigner
from auditkit.signing.seal import signer_of, tokens_of
from auditkit.signing.timestamps import PLAIN, Plan
from auditkit.signing.trust import judge_certificates


def sign_detached(content: bytes, key: Signer, at: datetime, plan: Plan = PLAIN) -> bytes:
    """A detached CAdES signature (DER) over the content, B-T where the plan has timestamps, else B-B.

    The levels above B-T are the PDF's alone: it carries what validates both, and the page itself.

    Raises:
        EnvironmentUnavailableError: the key cannot be used, or the timestamp service does not answer.
    """
    settings = PdfCMSSignedAttributes(signing_time=at)
    signing = AnyKeySigner(key).async_sign_general_data(
        content,
        key.scheme.digest,
        detached=True,
        use_cades=True,
        timestamper=plan.timestamper(),
        signed_attr_settings=settings,
    )
    try:
        return bytes(asyncio.run(signing).dump())
    except SigningError as error:
        raise EnvironmentUnavailableError(
            f"the page cannot be signed: {error}", advice="use another key"
        ) from error


def check_detached(content: bytes, signature: bytes) -> tuple[bytes, PadesLevel]:
    """The certificate (PEM) that signed the content, and the level: B-B, or B-T with a timestamp.

    Whose the certificate is, is not asked here.

    Raises:
        EvidenceError: the signature is not one auditkit writes, or does not verify.
    """
    try:
        signed = _signed_data(signature)
        signer = extract_certificate_info(signed).signer_cert
        stamps = tokens_of(signed)
        require_accepted("the page's signature", signed, stamps)
        status = asyncio.run(
            async_validate_detached_cms(
                content,
                signed,
                signer_validation_context=ValidationContext(
                    trust_roots=[signer], allow_fetching=False, moment=signer.not_valid_before
                ),
                ts_validation_context=ValidationContext(
                    trust_roots=[signer_of(token) for token in stamps], allow_fetching=False
                ),
            )
        )
    except EvidenceError:
        raise
    except Exception as error:  # hostile bytes: every way to break the reader is a failure
        reason = " ".join(str(error).split()) or type(error).__name__
        raise EvidenceError(f"the page's signature cannot be read: {reason}") from error
    if not (status.intact and status.valid and status.bottom_line):
        raise EvidenceError("the page's signature does not verify")
    return pem_of_der(signer.dump()), "B-T" if stamps else "B-B"


def judge_detached(
    signature: bytes,
    roots: Sequence[bytes],
    at: datetime,
    stamping: Sequence[bytes] | None = None,
) -> str:
    """How the signer's chain leads to one of the roots (PEM) at a moment, in one clause.

    ``stamping`` are the roots that timestamps lead to, where they are others.

    Raises:
        EvidenceError: it does not; says why.
    """
    signed = _signed_data(signature)
    found = extract_certificate_info(signed)
    stamps = tokens_of(signed)
    level: PadesLevel = "B-T" if stamps else "B-B"
    more = found.other_certs
    stamping = roots if stamping is None else stamping
    return judge_certificates(found.signer_cert, more, stamps, roots, at, level, stamping)


def _signed_data(signature: bytes) -> cms.SignedData:
    try:
        info = cms.ContentInfo.load(signature, strict=True)
        signed: cms.SignedData = info["content"]
        written = info.dump(force=True)
    except (ValueError, TypeError, KeyError) as error:
        raise EvidenceError("the page's signature is not a CMS structure") from error
    if written != signature or not plain_cms(signed):
        raise EvidenceError("the page's signature is not one that auditkit writes")
    return signed
