"""What heads show between negatives, head by head, for the back of the report."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from auditkit.circuits.unique_codes import NOTHING_CAUSAL
from auditkit.messages import _, counted
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.codes import NegativeHead
from auditkit.records.task import Codes, ScreenedHead, TaskRecord
from auditkit.records.unique_codes import UniqueCodes
from auditkit.report.task.numbers import HEADS_SHOWN, UNREMARKABLE, standing
from auditkit.report.wording import absent_text, as_declared, decimal_text


@dataclass(frozen=True)
class NegativeRow:
    """One head: its effect on the pairs, and between negatives."""

    head: str
    standing: str
    attributed: str
    middle: str
    null_effect: str
    p_value: str


@dataclass(frozen=True)
class NegativesView:
    """One task's table; ``absent`` stands in its place where there is none."""

    task_number: str
    task_title: str
    rows: tuple[NegativeRow, ...]
    note: str
    absent: str


def negatives_views(record: AuditRecord) -> tuple[NegativesView, ...]:
    """A table for each task, in the order of the tasks."""
    return tuple(_view(str(number), task) for number, task in enumerate(record.tasks, start=1))


def _view(number: str, task: TaskRecord) -> NegativesView:
    codes = NOTHING_CAUSAL if isinstance(task.codes, UniqueCodes) else task.codes
    null = codes if isinstance(codes, NotAssessed) else codes.negatives
    if isinstance(codes, NotAssessed) or isinstance(null, NotAssessed):
        return NegativesView(number, as_declared(task.title), (), "", absent_text(null))
    shown = _shown(task, codes)
    between = {each.head: each for each in null.heads}
    left = len(null.heads) - len(shown)
    comparisons = counted(
        len(null.examples),
        "{n} comparison of two negatives.",
        "{n} comparisons of two negatives.",
    )
    more = counted(
        left,
        "{n} more head, neither found nor declared, is in evidence.json.",
        "{n} more heads, neither found nor declared, are in evidence.json.",
    )
    note = f"{comparisons} {more if left else _('Every head of the model is listed.')}"
    rows = tuple(_row(head, between[head.head], task) for head in shown)
    return NegativesView(number, as_declared(task.title), rows, note, "")


def _shown(task: TaskRecord, codes: Codes) -> list[ScreenedHead]:
    """The first heads by rank, and every head found or declared, in the order of their rank."""
    return [
        head
        for head in sorted(codes.heads, key=lambda each: each.rank)
        if head.rank <= HEADS_SHOWN or standing(head.head, task) not in UNREMARKABLE
    ]


def _row(head: ScreenedHead, between: NegativeHead, task: TaskRecord) -> NegativeRow:
    return NegativeRow(
        head=head.head,
        standing=_(standing(head.head, task)),
        attributed=decimal_text(head.attributed),
        middle=decimal_text(median(abs(effect) for effect in head.effects)),
        null_effect=decimal_text(between.null_effect),
        p_value=decimal_text(between.p_value),
    )
