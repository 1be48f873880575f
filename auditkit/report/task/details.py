"""The details of each task, for the back of the report: heads left out of it, codes, cost."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.circuits.unique_codes import NOTHING_CAUSAL
from auditkit.messages import _
from auditkit.records.audit import AuditRecord
from auditkit.records.causal import Causal
from auditkit.records.task import TaskRecord
from auditkit.records.unique_codes import UniqueCodes
from auditkit.report.facts import Fact, task_anchor
from auditkit.report.task.checks import cost_facts
from auditkit.report.task.code_details import CodeDetails, code_details
from auditkit.report.task.numbers import HeadView, heads_note, other_head_rows
from auditkit.report.wording import absent_text, as_declared


@dataclass(frozen=True)
class DetailsView:
    """One task's details. An ``absent_...`` text stands where a part is missing."""

    anchor: str
    task_anchor: str
    task_number: str
    task_title: str
    codes: CodeDetails | None
    absent_codes: str
    heads: tuple[HeadView, ...]
    absent_heads: str
    heads_note: str
    cost: tuple[Fact, ...]
    absent_cost: str


def details_anchor(index: int) -> str:
    """The anchor of the details of the task at ``index`` (from 1)."""
    return f"details-{index}"


def details_views(record: AuditRecord) -> tuple[DetailsView, ...]:
    """The details of each task, in the order of the tasks."""
    return tuple(_view(index, task) for index, task in enumerate(record.tasks, start=1))


def _view(index: int, task: TaskRecord) -> DetailsView:
    causal = task.causal if isinstance(task.causal, Causal) else None
    heads = () if causal is None else other_head_rows(task, causal)
    codes = NOTHING_CAUSAL if isinstance(task.codes, UniqueCodes) else task.codes
    return DetailsView(
        anchor=details_anchor(index),
        task_anchor=task_anchor(index),
        task_number=str(index),
        task_title=as_declared(task.title),
        codes=code_details(task),
        absent_codes=absent_text(codes),
        heads=heads,
        absent_heads=absent_text(task.causal) or ("" if heads else _("There is none.")),
        heads_note="" if causal is None else heads_note(task, causal),
        cost=() if causal is None else cost_facts(causal.forwards),
        absent_cost=absent_text(task.causal),
    )
