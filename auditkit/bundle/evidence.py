"""Records to bytes and back. Evidence bytes are canonical JSON (RFC 8785) and are never re-encoded.

``evidence.json`` is the record with the store's checkpoint. What the store keeps, and its leaf hash
covers, is the same record with ``checkpoint`` null: a record cannot contain the tree it is a leaf of.
"""

from __future__ import annotations

import json

from pydantic import ValidationError

from auditkit.digest import canonical_json
from auditkit.errors import EvidenceError
from auditkit.records.audit import AuditRecord


def evidence_bytes(record: AuditRecord) -> bytes:
    """The canonical bytes of a record."""
    return canonical_json(record.model_dump(mode="json"))


def stored_bytes(record: AuditRecord) -> bytes:
    """The canonical bytes of a record as the store keeps it: without its checkpoint."""
    return evidence_bytes(record.model_copy(update={"checkpoint": None}))


def parse_evidence(content: bytes) -> AuditRecord:
    """The record in the bytes of an ``evidence.json``.

    Raises:
        EvidenceError: the bytes are not canonical JSON of a record of schema 1.
    """
    try:
        record = AuditRecord.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise EvidenceError(f"evidence.json is not a record: {place}: {first['msg']}") from error
    if not _is_canonical(content, record):
        raise EvidenceError("evidence.json is not in canonical form (RFC 8785)")
    return record


def _is_canonical(content: bytes, record: AuditRecord) -> bool:
    try:
        return canonical_json(json.loads(content)) == content == evidence_bytes(record)
    except (ValueError, TypeError):  # an integer or a float that canonical JSON cannot hold
        return False
