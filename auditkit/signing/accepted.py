"""Which CMS structures are accepted at all: as auditkit writes them, by keys and algorithms that hold.

Whose a signature is, and over what, is asked elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from asn1crypto import cms
from asn1crypto import x509 as asn1
from cryptography import x509
from pyhanko.sign.general import extract_certificate_info

from auditkit.errors import EvidenceError
from auditkit.signing.keys.schemes import problem_of_cms, problem_of_stamp
from auditkit.signing.keys.signer import issued_by, load_certificate, pem_of_der


def require_accepted(what: str, signed: cms.SignedData, stamps: Sequence[cms.SignedData]) -> None:
    """Returns if a signature, and each timestamp over it, is by a key and algorithms that are accepted.

    Raises:
        EvidenceError: one is not; says why, and what to ask for.
    """
    if problem := problem_of_cms(signed, _signer(signed)):
        raise EvidenceError(f"{what} is not accepted: {problem}")
    for token in stamps:
        require_accepted_stamp(token)


def require_accepted_stamp(token: cms.SignedData) -> None:
    """The same of a timestamp.

    Raises:
        EvidenceError: it is not accepted; says why.
    """
    if problem := problem_of_stamp(token, _signer(token)):
        raise EvidenceError(f"a timestamp is not accepted: {problem}")


def _signer(signed: cms.SignedData) -> x509.Certificate:
    return x509.load_der_x509_certificate(extract_certificate_info(signed).signer_cert.dump())


def plain_cms(signed: cms.SignedData) -> bool:
    """Whether the parts that no signature covers say what they must: one digest, detached, no attribute
    but one timestamp, and no certificate but those that lead upwards from the signer's."""
    (signer,) = signed["signer_infos"]
    unsigned = signer["unsigned_attrs"]
    attributes = [] if unsigned.native is None else list(unsigned)
    return (
        signed["version"].native == signer["version"].native == "v1"
        and signed["digest_algorithms"].native == [signer["digest_algorithm"].native]
        and signed["encap_content_info"].native == {"content_type": "data", "content": None}
        and [item["type"].native for item in attributes]
        == ["signature_time_stamp_token"] * len(attributes)
        and len(attributes) <= 1
        and all(len(item["values"]) == 1 for item in attributes)
        and _is_chain([item.chosen for item in signed["certificates"]])
    )


def _is_chain(found: Sequence[asn1.Certificate]) -> bool:
    """Whether every certificate but one, the signer's, issued another of them."""
    loaded = [load_certificate(pem_of_der(each.dump())) for each in found]
    issuers = [
        each
        for each in loaded
        if any(other is not each and issued_by(other, each) for other in loaded)
    ]
    return len(issuers) == len(loaded) - 1
