"""Records to bytes and back. Evidence bytes are canonical JSON (RFC 8785) and are never re-encoded.

``evidence.json`` is the record with the store's checkpoint. What the store keeps, and its leaf hash
covers, is the same record with ``checkpoint`` null: a record cannot contain the tree it is a leaf of.
Evidence of an older schema is read as a record too; its own bytes stay what is hashed and compared.
"""

from __future__ import annotations

import re
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import from_json

from auditkit.digest import canonical_json
from auditkit.errors import EvidenceError, ExitCode
from auditkit.records.audit import AuditRecord
from auditkit.records.schema_2 import upgraded

SCHEMAS: tuple[str, ...] = get_args(AuditRecord.model_fields["schema_version"].annotation)
"""The schemas that this auditkit reads, oldest first. It writes the last."""


class NewerEvidenceError(EvidenceError):
    """The evidence was made by a newer auditkit, in a schema that this one cannot read."""

    exit_code = ExitCode.UNAVAILABLE


def evidence_bytes(record: AuditRecord) -> bytes:
    """The canonical bytes of a record.

    Raises:
        ValueError: the record is of an older schema. Its bytes are those it was read from.
    """
    if record.schema_version != SCHEMAS[-1]:
        raise ValueError(f"a record of schema {record.schema_version} is never encoded again")
    return _canonical(record)


def stored_bytes(record: AuditRecord) -> bytes:
    """The canonical bytes of a record as the store keeps it: without its checkpoint."""
    return evidence_bytes(record.under(None))


def stored_part(evidence: bytes) -> bytes:
    """The bytes the store keeps of the record in an ``evidence.json``, of whatever schema.

    Raises:
        EvidenceError: the bytes are not a JSON object.
    """
    return canonical_json({**_document(evidence), "checkpoint": None})


def parse_evidence(content: bytes) -> AuditRecord:
    """The record in the bytes of an ``evidence.json``.

    Raises:
        NewerEvidenceError: a newer auditkit made it, in a schema that is not known here.
        EvidenceError: the bytes are not canonical JSON of a record of a known schema.
    """
    document = _document(content)
    schema = document.get("schema_version")
    if _is_newer(schema):
        raise NewerEvidenceError(
            f"made by a newer auditkit: the record has schema {schema}, this one reads "
            f"{', '.join(SCHEMAS)}",
            advice="install a newer auditkit to read it",
        )
    try:
        current = content if schema == SCHEMAS[-1] else canonical_json(upgraded(document))
        record = AuditRecord.model_validate_json(current)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise EvidenceError(f"evidence.json is not a record: {place}: {first['msg']}") from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise EvidenceError(f"evidence.json is not a record: {error}") from error
    if not _is_canonical(content, document) or _canonical(record) != current:
        raise EvidenceError("evidence.json is not in canonical form (RFC 8785)")
    return record


def _is_newer(schema: object) -> bool:
    """Whether this is the number of a schema that came after those known here."""
    if not isinstance(schema, str) or not re.fullmatch(r"[1-9][0-9]{0,8}", schema):
        return False
    return int(schema) > int(SCHEMAS[-1])


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise EvidenceError(f"evidence.json is not a record: {error}") from error
    if not isinstance(document, dict):
        raise EvidenceError("evidence.json is not a record: it is not a JSON object")
    return document


def _canonical(record: AuditRecord) -> bytes:
    return canonical_json(record.model_dump(mode="json"))


def _is_canonical(content: bytes, document: dict[str, Any]) -> bool:
    try:
        return canonical_json(document) == content
    except (ValueError, TypeError):  # an integer or a float that canonical JSON cannot hold
        return False
