"""A policy fixed before its run: a detached signature over its bytes, with a timestamp where one is wanted.

The same CAdES signature as over the web page (ETSI EN 319 122-1), in a file of its own. The signer's time is
the signer's word. A timestamp (RFC 3161) says by somebody else's clock that the signature, and with it the
policy, was there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from asn1crypto import cms
from pyhanko.sign.general import extract_certificate_info

from auditkit.digest import sha256_hex
from auditkit.errors import EvidenceError
from auditkit.records.audit import Commitment
from auditkit.signing.cades import check_detached
from auditkit.signing.keys.signer import fingerprint, load_certificate
from auditkit.signing.seal import signer_of, time_of, tokens_of
from auditkit.signing.timestamps import instant
from auditkit.signing.trust import path_to_root


def read_commitment(policy: bytes, signature: bytes) -> Commitment:
    """What a commitment says of a policy. Whose the certificates are is not asked here.

    Raises:
        EvidenceError: it is not a signature over these bytes, or not one auditkit writes.
    """
    certificate, _ = check_detached(policy, signature)
    signed = _signed_data(signature)
    stamps = tokens_of(signed)
    return Commitment(
        sha256="sha256:" + sha256_hex(signature),
        certificate_sha256=fingerprint(certificate),
        signer=load_certificate(certificate).subject.rfc4514_string(),
        signed_at=instant(_stated_time(signed)),
        timestamped_at=instant(time_of(stamps[0])) if stamps else None,
        authority=_named(signer_of(stamps[0])) if stamps else None,
    )


def judge_timestamp(signature: bytes, roots: Sequence[bytes]) -> str:
    """How the timestamp's chain leads to one of the roots (PEM), judged at the time it states.

    Raises:
        EvidenceError: it does not; says why.
    """
    signed = _signed_data(signature)
    more = extract_certificate_info(signed).other_certs
    for token in tokens_of(signed):
        held = [*more, *(item.chosen for item in token["certificates"])]
        path_to_root(signer_of(token), held, roots, time_of(token), "B-T", {"time_stamping"})
        return "the timestamp's authority is trusted"
    raise EvidenceError("the commitment has no timestamp")


def _signed_data(signature: bytes) -> cms.SignedData:
    content: cms.SignedData = cms.ContentInfo.load(signature)["content"]
    return content


def _stated_time(signed: cms.SignedData) -> datetime:
    (signer,) = signed["signer_infos"]
    for attribute in signer["signed_attrs"]:
        if attribute["type"].native == "signing_time":
            moment: datetime = attribute["values"].native[0]
            return moment
    raise EvidenceError("the commitment states no time of signing")


def _named(certificate: object) -> str:
    return str(certificate.subject.human_friendly)  # type: ignore[attr-defined]
