"""Whose a signature is, and whether it still holds at the moment a reader judges by.

A certificate the reader names itself is trusted as it is. One that an authority issued is trusted if
its chain leads to a root the reader names:

* at B-B and B-T, while every certificate in the chain is valid at that moment. Whether one was
  revoked is not in the file and is not looked up;
* at B-LT the same, and the revocation information in the file was current at the time of the
  timestamp, so that nobody signs with a revoked key and an older answer;
* at B-LTA that, and then as of the reader's moment by the procedure of ETSI EN 319 102-1, 5.6.3, from
  what is in the file alone. The last timestamp's certificates must be valid at the moment, and the
  file must show that they were not revoked when it was made: offline nothing newer is known.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from datetime import datetime

from asn1crypto import cms
from asn1crypto import x509 as asn1
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.errors import ExpiredError, PathError, ValidationError
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    NonRevokedStatusAssertion,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

from auditkit.errors import EvidenceError
from auditkit.records.audit import PadesLevel
from auditkit.signing.pdf import CLOCKS_DIFFER, SEAL_FIELD, certificates
from auditkit.signing.seal import signer_of, time_of, tokens


def judge_pdf(
    pdf: bytes,
    roots: Sequence[bytes],
    at: datetime,
    level: PadesLevel,
    field: str = SEAL_FIELD,
    stamping: Sequence[bytes] | None = None,
) -> str:
    """How a signature on a PDF leads to one of the roots (PEM) at a moment, in one clause.

    ``stamping`` are the roots that timestamps lead to, where they are others. No signer is trusted for
    leading to one of them.

    Raises:
        EvidenceError: it does not; says why.
    """
    stamping = roots if stamping is None else stamping
    reader = PdfFileReader(io.BytesIO(pdf))
    (signature,) = (item for item in reader.embedded_signatures if item.field_name == field)
    signer, more = signature.signer_cert, signature.other_embedded_certs
    if level in {"B-B", "B-T"}:
        return judge_certificates(signer, more, tokens(signature), roots, at, level, stamping)
    moment = _closed(reader, signature)
    if at < moment - CLOCKS_DIFFER:
        raise EvidenceError(f"the moment judged by, {at:%Y-%m-%d}, is before the signature")
    store = DocumentSecurityStore.read_dss(reader)
    _valid_then(store, signature, roots, moment)
    if level == "B-LTA":
        _by_procedure(reader, store, signature, roots, stamping, max(at, moment))
    else:
        more = [*more, *store.load_certs()]
        judge_certificates(signer, more, tokens(signature), roots, at, level, stamping)
    return f"signed by {moment:%Y-%m-%d %H:%M:%S} UTC as timestamped, not revoked then"


def judge_certificates(
    signer: asn1.Certificate,
    more: Sequence[asn1.Certificate],
    stamps: Sequence[cms.SignedData],
    roots: Sequence[bytes],
    at: datetime,
    level: PadesLevel,
    stamping: Sequence[bytes],
) -> str:
    """The same at the levels whose certificates must all be valid at the moment.

    ``stamps`` are the timestamps over the signature, ``more`` certificates that may be in the chains.

    Raises:
        EvidenceError: one is not, or leads to none of the roots (PEM).
    """
    path_to_root(signer, more, roots, at, level)
    said = "the time of signing is the signer's own word"
    for token in stamps:
        held = [*more, *(item.chosen for item in token["certificates"])]
        path_to_root(signer_of(token), held, stamping, at, level, {"time_stamping"})
        said = f"signed by {time_of(token):%Y-%m-%d %H:%M:%S} UTC as timestamped"
    return said


def path_to_root(
    certificate: asn1.Certificate,
    more: Sequence[asn1.Certificate],
    roots: Sequence[bytes],
    at: datetime,
    level: PadesLevel,
    purposes: set[str] | None = None,
) -> None:
    """Returns if the certificate's chain leads to one of the roots (PEM) and is valid at a moment.

    Raises:
        EvidenceError: it does not; says why.
    """
    context = ValidationContext(
        trust_roots=certificates(roots), other_certs=list(more), moment=at, allow_fetching=False
    )
    validator = CertificateValidator(certificate, validation_context=context)
    try:
        usage = validator.async_validate_usage(set(), purposes or set())  # type: ignore[no-untyped-call]
        asyncio.run(usage)
    except ExpiredError as error:
        raise EvidenceError(
            f"judged at {at:%Y-%m-%d}: {_said(error)}; a {level} signature carries nothing by which "
            "it could be judged after that"
        ) from error
    except (ValidationError, PathError) as error:
        raise EvidenceError(f"no trusted chain of certificates: {_said(error)}") from error


def _closed(reader: PdfFileReader, signature: EmbeddedPdfSignature) -> datetime:
    """When a signature is known to have existed: by the first timestamp over the document after it,
    else by the one over the signature itself."""
    for item in reader.embedded_timestamp_signatures:
        if item.signed_revision > signature.signed_revision:
            return time_of(item.signed_data)
    for token in tokens(signature):
        return time_of(token)
    raise EvidenceError("the signature has no timestamp")


def _valid_then(
    store: DocumentSecurityStore,
    signature: EmbeddedPdfSignature,
    roots: Sequence[bytes],
    moment: datetime,
) -> ValidationPath:
    """The signer's path to a root, valid at a moment by revocation information current then."""
    context = store.as_validation_context(
        {
            "trust_roots": certificates(roots),
            "other_certs": signature.other_embedded_certs,
            "moment": moment,
            "allow_fetching": False,
            "revocation_mode": "require",
            "time_tolerance": CLOCKS_DIFFER,
        }
    )
    validator = CertificateValidator(signature.signer_cert, validation_context=context)
    try:
        usage = validator.async_validate_usage(set())  # type: ignore[no-untyped-call]
        path: ValidationPath = asyncio.run(usage)
    except (ValidationError, PathError) as error:
        raise EvidenceError(
            f"not valid when it was signed ({moment:%Y-%m-%d}): {_said(error)}"
        ) from error
    return path


def _by_procedure(
    reader: PdfFileReader,
    store: DocumentSecurityStore,
    signature: EmbeddedPdfSignature,
    roots: Sequence[bytes],
    stamping: Sequence[bytes],
    at: datetime,
) -> None:
    """Returns if the standard's procedure passes, with the last timestamp's certificates taken as not
    revoked since: at that timestamp the file shows it, and offline nothing newer is known."""
    last = reader.embedded_timestamp_signatures[-1]
    path = _valid_then(store, last, stamping, time_of(last.signed_data))
    taken = [
        NonRevokedStatusAssertion(each.sha256, at) for each in path.iter_certs(include_root=False)
    ]
    policy = CertValidationPolicySpec(
        # That the signer leads to one of its own roots was judged at the moment of signing.
        SimpleTrustManager.build(certificates([*roots, *stamping])),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
        time_tolerance=CLOCKS_DIFFER,
    )
    specification = PdfSignatureValidationSpec(
        SignatureValidationSpec(
            policy,
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                RevinfoOnlineFetchingRule.LOCAL_ONLY
            ),
            local_knowledge=LocalKnowledge(nonrevoked_assertions=taken),
        ),
        diff_policy=None,  # what changed between the revisions is ``seal``'s to judge, by stricter rules
    )
    timing = ValidationTimingInfo(at, best_signature_time=at, point_in_time_validation=True)
    result = asyncio.run(ades_lta_validation(signature, specification, timing))
    if result.ades_subindic is not AdESPassed.OK:
        reason = _said(result.failure_msg) or str(result.ades_subindic)
        raise EvidenceError(
            f"at {at:%Y-%m-%d} it cannot be validated from what is in the file: {reason}"
        )


def _said(reason: object) -> str:
    return " ".join(str(reason or "").split()).rstrip(".")
