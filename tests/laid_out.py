"""Pages of a record laid out once in a process, for tests that verify: layout takes four seconds."""

from __future__ import annotations

from auditkit.law import Law
from auditkit.records.audit import AuditRecord
from auditkit.report.own_templates.overriding import SHIPPED, Templates
from auditkit.report.pdf import render_pdf

_LAID_OUT: dict[tuple[str, str], bytes] = {}


def laid_out_once(record: AuditRecord, law: Law, templates: Templates = SHIPPED) -> bytes:
    """What ``render_pdf`` gives for a record, kept for the next time it is asked."""
    key = record.model_dump_json(), repr(templates)
    if key not in _LAID_OUT:
        _LAID_OUT[key] = render_pdf(record, law, templates=templates)
    return _LAID_OUT[key]
