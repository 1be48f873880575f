"""Whether a record's statements are worded as its edition words them: findings, limitations, reasons.

Kept apart from ``recompute``: a sentence may be improved without a new edition, so another build of
auditkit may word the same statement otherwise. What is stated is then the same, and compared there.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from auditkit.judging.editions import Edition
from auditkit.judging.measured import Measured
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed, Parameters
from auditkit.records.task import TaskRecord


def otherwise_worded(record: AuditRecord, edition: Edition) -> tuple[str, ...]:
    """The key paths of statements that the edition's words give another sentence; empty if none.

    The record's values must agree with its edition (``recompute.mismatches``).
    """
    found = [*reasons_otherwise_worded(record, edition)]
    for task in record.tasks:
        found += [f"tasks[{task.id}].findings[{code}]" for code in _findings(task, record, edition)]
    again = {each.code: each.text for each in edition.limitations_of(record)}
    found += [
        f"limitations[{each.code}]" for each in record.limitations if each.text != again[each.code]
    ]
    return tuple(found)


def reasons_otherwise_worded(record: AuditRecord, edition: Edition) -> tuple[str, ...]:
    """The key paths of reasons that the edition does not have, or words otherwise."""
    every = _reasons(record, "")
    return tuple(f"{path}.reason" for path, reason in every if not _said(reason, edition))


def _findings(task: TaskRecord, record: AuditRecord, edition: Edition) -> Iterator[str]:
    """The codes of findings with another sentence than their values give."""
    measured = Measured.of(task)
    again = edition.conclude(measured, record.model.weights_digest, record.calibration)
    for recorded, computed in zip(task.findings, again.findings, strict=True):
        if recorded.text != edition.sentence(computed):
            yield recorded.code


def _said(reason: NotAssessed, edition: Edition) -> bool:
    """Whether the edition has this reason, and words it so."""
    words = edition.reasons.get(reason.code)
    return words is not None and _filled(words, reason.parameters) == reason.reason


def _filled(words: str, parameters: Parameters) -> str | None:
    try:
        return words.format_map(parameters)
    except (KeyError, ValueError):  # a parameter is missing, or is no number
        return None


def _reasons(part: object, path: str) -> Iterator[tuple[str, NotAssessed]]:
    """Every reason in a record, with its key path."""
    if isinstance(part, NotAssessed):
        yield path, part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from _reasons(getattr(part, name), f"{path}.{name}".lstrip("."))
    elif isinstance(part, tuple):
        for index, each in enumerate(part):
            yield from _reasons(each, f"{path}[{index}]")
