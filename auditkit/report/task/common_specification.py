"""The specification that most tasks of a run share, printed once, and where each task differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from auditkit.messages import _, counted
from auditkit.records.task import TaskRecord
from auditkit.report.task.specification import SettingView, settings
from auditkit.report.wording import listed


@dataclass(frozen=True)
class CommonSettingView:
    """One key as most tasks have it. ``differing`` names the tasks in which it is another."""

    key: str
    meaning: str
    value: str
    origin: str
    differing: str


def common_settings(tasks: Sequence[TaskRecord]) -> tuple[CommonSettingView, ...]:
    """Every key once, with the value and the origin that most tasks have."""
    rows = _rows_by_key(tasks)
    return tuple(_common(each) for each in rows)


def own_settings(tasks: Sequence[TaskRecord], index: int) -> tuple[SettingView, ...]:
    """The keys that are otherwise in the task at ``index`` (from 1) than in the common specification."""
    return tuple(each[index - 1] for each in _rows_by_key(tasks) if each[index - 1] != _usual(each))


def settings_note(tasks: Sequence[TaskRecord], index: int) -> str:
    """How the specification of the task at ``index`` (from 1) reads from the common one."""
    own = own_settings(tasks, index)
    every = len(_rows_by_key(tasks))
    if not own:
        return _(
            "All {n} keys have the value and the origin that the common specification gives.",
            n=every,
        )
    return counted(
        len(own),
        "As in the common specification, except for {n} key of {every}, printed here.",
        "As in the common specification, except for {n} keys of {every}, printed here.",
        every=every,
    )


def _rows_by_key(tasks: Sequence[TaskRecord]) -> tuple[tuple[SettingView, ...], ...]:
    """For each key, its row in every task, in the order of the tasks."""
    return tuple(zip(*(settings(task.specification) for task in tasks), strict=True))


def _usual(rows: Sequence[SettingView]) -> SettingView:
    """The row that most tasks have; where several are as frequent, that of the earliest task."""
    return Counter(rows).most_common(1)[0][0]


def _common(rows: Sequence[SettingView]) -> CommonSettingView:
    usual = _usual(rows)
    others = [str(number) for number, row in enumerate(rows, start=1) if row != usual]
    return CommonSettingView(
        key=usual.key,
        meaning=usual.meaning,
        value=usual.value,
        origin=usual.origin,
        differing=counted(len(others), "task {numbers}", "tasks {numbers}", numbers=listed(others))
        if others
        else _("no task"),
    )
