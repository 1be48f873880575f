"""The limits printed on page 1 of every report: fixed ones, and those that follow from what was not done."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from auditkit.circuits.methods import method_of
from auditkit.controls.family import FAMILIES
from auditkit.law import load_law
from auditkit.records.audit import Limitation
from auditkit.records.base import NotAssessed
from auditkit.records.declared import Expectation
from auditkit.records.specification import TaskKind
from auditkit.records.task import Stability, TaskRecord

LIMITATIONS: dict[str, str] = {
    "ablation_dependent": "What a head contributes was measured by replacing its output. Another way of "
    "replacing it can give another answer; each way used is named beside its result.",
    "controls_are_next_token": "At least one task is of a kind for which there are no models with a known"
    " circuit. For it the method was calibrated on models that predict the next token; the method is the"
    " same, and it was not calibrated on a model of that kind.",
    "observational_method": "At least one task was examined by unique-codes, a published method that only"
    " observes: no head was replaced, nothing causal follows, and its counts have known faults that the "
    "task's findings name. Such a task is never consistent or not consistent with an expectation.",
    "stability_partly_assessed": "How stable circuits are was assessed from the recorded effects "
    "only: for other draws of the same examples and, where there are at least three prompt templates, "
    "without one template at a time. Other thresholds, ablations or prompts may give a different circuit.",
    "stability_not_assessed": "No circuit was found whose stability could be assessed.",
    "criteria_older_than_run": "When the criteria were committed to is stated by a clock that nobody vouches "
    "for in this report; `auditkit verify --trust-timestamps` judges it. A commitment shows that the criteria"
    " are older than this run, not that they are older than its result: the same run may have been made"
    " before.",
    "criteria_not_committed": "Nothing in this report shows that the criteria were fixed before the run; "
    "that is declared by the provider only.",
    "expectation_not_bound": "At least one expectation does not name the weights it was declared for.",
    "scope": "Every finding holds for the prompts, weights and specification stated here. It says nothing"
    " about other inputs, other uses, or the accuracy, robustness or fairness of the system.",
    "heads_only": "Only attention heads were examined. Other parts of the model also contribute to its "
    "output, more than one circuit may fit the same behaviour, and none of this explains an individual "
    "output to a person affected by it.",
    "controls_are_small": "The method was calibrated on small models whose circuit is known. That it "
    "recovers what was planted there does not show that it finds everything in this model.",
}
"""The sentence of each limitation but ``supporting_evidence``, whose words are the law data's."""


def limitations_of(
    tasks: Sequence[TaskRecord],
    committed_at: str | None,
    calibrated: Collection[TaskKind] = frozenset(FAMILIES),
    *,
    of_commitments: bool = True,
) -> tuple[Limitation, ...]:
    """The limitations that hold for a run, those of every run first.

    ``calibrated`` are the kinds of task that there are known-answer controls of. ``of_commitments``: a
    commitment has limits of its own.
    """
    older = ("criteria_older_than_run",) if of_commitments else ()
    codes = (
        "scope",
        "heads_only",
        "controls_are_small",
        *(() if all(_replaces_nothing(task) for task in tasks) else ("ablation_dependent",)),
        *(
            ("controls_are_next_token",)
            if any(task.specification.kind not in calibrated for task in tasks)
            else ()
        ),
        *(("observational_method",) if any(_observed_only(task) for task in tasks) else ()),
        "stability_partly_assessed"
        if any(_redrawn(task) for task in tasks)
        else "stability_not_assessed",
        *(("criteria_not_committed",) if committed_at is None else older),
        *(("expectation_not_bound",) if any(_unbound(task) for task in tasks) else ()),
    )
    return (
        Limitation(code="supporting_evidence", text=load_law().notices.not_this),
        *(Limitation(code=code, text=LIMITATIONS[code]) for code in codes),
    )


def _replaces_nothing(task: TaskRecord) -> bool:
    return not method_of(task.specification).intervenes


def _observed_only(task: TaskRecord) -> bool:
    return _replaces_nothing(task) and not isinstance(task.codes, NotAssessed)


def _redrawn(task: TaskRecord) -> bool:
    return isinstance(task.stability, Stability)


def _unbound(task: TaskRecord) -> bool:
    return isinstance(task.expected, Expectation) and task.expected.declared_for is None
