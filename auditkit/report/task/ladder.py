"""The ladder of claims of one task: each rung by itself, and what it says under the task's method."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.messages import N_, _
from auditkit.records.task import TaskRecord
from auditkit.report.methods import words_on
from auditkit.report.wording import OBSERVATIONS

_RUNGS = (
    (
        "behaviour",
        N_("Behaviour"),
        N_("The model does the task on the test prompts, and less so on the matched ones"),
    ),
    (
        "association",
        N_("Association"),
        "",  # what the method claims
    ),
    (
        "causal",
        N_("Causal"),
        N_(
            "On the test pairs, enough of the task effect is lost without the circuit, under every ablation"
        ),
    ),
    (
        "stable",
        N_("Stable"),
        N_(
            "The verdict holds when the pairs are drawn again, or one template is left out, from the "
            "recorded drops"
        ),
    ),
)


@dataclass(frozen=True)
class RungView:
    """One rung of the ladder of claims: its key in the record, its name, what it claims."""

    key: str
    name: str
    meaning: str
    observation: str


def ladder(task: TaskRecord) -> tuple[RungView, ...]:
    """Every rung with what it claims and whether that was observed."""
    association = words_on(task.specification).association
    return tuple(
        RungView(
            key, _(name), _(meaning or association), _(OBSERVATIONS[getattr(task.ladder, key)])
        )
        for key, name, meaning in _RUNGS
    )
