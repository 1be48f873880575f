"""The smallest piece of a page: a label, its value, and where the value comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditkit.messages import _
from auditkit.records.task import NullTest
from auditkit.report.wording import (
    DECLARED,
    MEASURED,
    RECORDED,
    as_declared,
    listed,
    number_or_reason,
    percent_text,
)


@dataclass(frozen=True)
class Fact:
    """One line of a two-column list. ``source`` says who answers for the value.

    ``code`` is set for digests, ids and paths, which are printed in a fixed-width face.
    """

    label: str
    value: str
    source: str = ""
    code: bool = False


def declared_fact(label: str, value: str | None, absent: str | None = None) -> Fact:
    """A fact the provider declares; ``None`` prints as ``absent``, or that it was not declared."""
    if value is None:
        value = _("not declared") if absent is None else absent
    return Fact(label, value, _(DECLARED))


def quoted_fact(label: str, value: str | None, absent: str | None = None) -> Fact:
    """A fact that the provider declares in words of its own: they stand in quotes."""
    return declared_fact(label, None if value is None else as_declared(value), absent)


def measured_fact(label: str, value: str) -> Fact:
    """A fact that was measured in this run."""
    return Fact(label, value, _(MEASURED))


def recorded_fact(label: str, value: str, *, code: bool = False) -> Fact:
    """A fact the tool wrote down: a digest, a version, a time."""
    return Fact(label, value, _(RECORDED), code)


def common_source(facts: Sequence[Fact]) -> str | None:
    """Who answers for all of these facts; ``None`` when they differ."""
    sources = {fact.source for fact in facts}
    return sources.pop() if len(sources) == 1 else None


def separation_facts(null: NullTest) -> tuple[Fact, ...]:
    """The heads told from chance, and how many examples it takes for one by itself."""
    return (
        measured_fact(
            _(
                "Heads told from chance at a false discovery rate of {level}",
                level=percent_text(null.level),
            ),
            listed(null.separated),
        ),
        recorded_fact(
            _("Examples needed to tell a single head from chance"),
            number_or_reason(null.least_examples),
        ),
    )


def task_anchor(index: int) -> str:
    """The place of a task's section: tasks are numbered from 1 in the policy's order."""
    return f"task-{index}"
