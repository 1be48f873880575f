"""The attestation: an in-toto statement about every file of a run, in a signed DSSE envelope.

Sign bytes, verify bytes, then parse: the payload is verified exactly as it lies in the envelope and
is never encoded again. Sources: DSSE v1.0 (protocol and envelope), in-toto Attestation Framework
v1.0 (Statement) and its predicate "Test Result" v0.1.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, cast

from cryptography.exceptions import UnsupportedAlgorithm
from pydantic import ConfigDict, Field, ValidationError

from auditkit.digest import canonical_json, sha256_hex
from auditkit.errors import EvidenceError
from auditkit.records.audit import AuditRecord
from auditkit.records.base import Record
from auditkit.records.task import Verdict
from auditkit.signing.keys.schemes import RefusedKeyError, verified_by
from auditkit.signing.keys.signer import Signer, fingerprint, load_certificate

PAYLOAD_TYPE = "application/vnd.in-toto+json"

TestOutcome = Literal["PASSED", "WARNED", "FAILED"]
_OUTCOMES: dict[Verdict, TestOutcome] = {
    "consistent": "PASSED",
    "not_consistent": "FAILED",
    "inconclusive": "WARNED",
    "not_assessed": "WARNED",
}


class _InToto(Record):
    """A part of an in-toto statement: keys as the standard spells them, none beside them."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)


class DigestSet(_InToto):
    """The digests of one file: SHA-256, as 64 lower-case hexadecimal digits."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Descriptor(_InToto):
    """A file by its name and digest."""

    name: Annotated[str, Field(min_length=1)]
    digest: DigestSet


class TestResult(_InToto):
    """What the run concluded: overall, by which policy, and task by task (by task id)."""

    __test__ = False  # pytest would take the name for a test class

    result: TestOutcome
    configuration: Annotated[tuple[Descriptor, ...], Field(min_length=1)]
    passed_tests: Annotated[tuple[str, ...], Field(alias="passedTests")]
    warned_tests: Annotated[tuple[str, ...], Field(alias="warnedTests")]
    failed_tests: Annotated[tuple[str, ...], Field(alias="failedTests")]


class Statement(_InToto):
    """A claim about files (``subject``, in name order) and what was found about them."""

    type_: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")]
    subject: Annotated[tuple[Descriptor, ...], Field(min_length=1)]
    predicate_type: Annotated[
        Literal["https://in-toto.io/attestation/test-result/v0.1"], Field(alias="predicateType")
    ]
    predicate: TestResult


def describe(name: str, content: bytes) -> Descriptor:
    """The descriptor of a file's bytes."""
    return Descriptor(name=name, digest=DigestSet(sha256=sha256_hex(content)))


def statement_about(
    record: AuditRecord, files: Mapping[str, bytes], beside: Iterable[Descriptor] = ()
) -> Statement:
    """The statement a run makes: its verdict about exactly these files, and those described ``beside`` them.

    Raises:
        KeyError: ``policy.yaml`` is not among the files.
    """
    by_outcome: dict[TestOutcome, list[str]] = {"PASSED": [], "WARNED": [], "FAILED": []}
    for task in record.tasks:
        by_outcome[_OUTCOMES[task.verdict]].append(task.id)
    subjects = [*(describe(name, content) for name, content in files.items()), *beside]
    return Statement(
        type_="https://in-toto.io/Statement/v1",
        subject=tuple(sorted(subjects, key=lambda each: each.name)),
        predicate_type="https://in-toto.io/attestation/test-result/v0.1",
        predicate=TestResult(
            result=_OUTCOMES[record.verdict],
            configuration=(describe("policy.yaml", files["policy.yaml"]),),
            passed_tests=tuple(by_outcome["PASSED"]),
            warned_tests=tuple(by_outcome["WARNED"]),
            failed_tests=tuple(by_outcome["FAILED"]),
        ),
    )


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """The bytes DSSE signs: type and payload with their lengths (DSSE v1.0, "PAE")."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign_statement(statement: Statement, key: Signer) -> bytes:
    """The bytes of a DSSE envelope around the statement, signed by the key's scheme.

    The key id is the SHA-256 of the certificate: a hint where to look, which the verifier does not
    rely on.
    """
    payload = canonical_json(statement.model_dump(mode="json"))
    signature = key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    return canonical_json(
        {
            "payload": base64.b64encode(payload).decode("ascii"),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [
                {
                    "keyid": fingerprint(key.certificate),
                    "sig": base64.b64encode(signature).decode("ascii"),
                }
            ],
        }
    )


def verify_envelope(envelope: bytes, certificate_pem: bytes) -> Statement:
    """The statement in an envelope, read only after its signature verified with the certificate.

    Stricter than DSSE asks: one signature, canonical JSON, and the key id of this certificate, so
    that no byte of the envelope can change unseen.

    Raises:
        EvidenceError: auditkit would not write such an envelope, or the signature does not verify.
    """
    payload, signature, key_id = _open(envelope)
    try:
        certificate = load_certificate(certificate_pem)
        expected_key_id = fingerprint(certificate_pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EvidenceError(f"the certificate cannot be read: {error}") from error
    try:
        signed = pre_authentication_encoding(PAYLOAD_TYPE, payload)
        scheme = verified_by(certificate, signature, signed)
    except RefusedKeyError as error:
        raise EvidenceError(f"the certificate is not accepted: {error}") from error
    if scheme is None:
        raise EvidenceError("the attestation's signature does not verify")
    if key_id != expected_key_id:
        raise EvidenceError("the attestation names another certificate than the one given")
    return _statement(payload)


def _open(envelope: bytes) -> tuple[bytes, bytes, str]:
    try:
        document = json.loads(envelope)
        if document["payloadType"] != PAYLOAD_TYPE:
            raise EvidenceError("the attestation's payload is not an in-toto statement")
        (entry,) = document["signatures"]
        key_id = cast("str", entry["keyid"])
        payload = base64.b64decode(document["payload"], validate=True)
        signature = base64.b64decode(entry["sig"], validate=True)
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error) as error:
        raise EvidenceError("the attestation is not a DSSE envelope with one signature") from error
    rebuilt = canonical_json(
        {
            "payload": base64.b64encode(payload).decode("ascii"),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [
                {"keyid": key_id, "sig": base64.b64encode(signature).decode("ascii")},
            ],
        }
    )
    if rebuilt != envelope:
        raise EvidenceError("the attestation is not in canonical form (RFC 8785)")
    return payload, signature, key_id


def _statement(payload: bytes) -> Statement:
    try:
        return Statement.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise EvidenceError(
            f"the attestation's statement is malformed: {place}: {first['msg']}"
        ) from error
