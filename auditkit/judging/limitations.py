"""The limits printed on page 1 of every report: fixed ones, and those that follow from what was not done."""

from __future__ import annotations

from collections.abc import Sequence

from auditkit.law import load_law
from auditkit.records.audit import Limitation
from auditkit.records.declared import Expectation
from auditkit.records.task import Stability, TaskRecord
from auditkit.records.unique_codes import UniqueCodes

_FIXED: tuple[Limitation, ...] = (
    Limitation(
        code="scope",
        text="Every finding holds for the prompts, weights and specification stated here. It says "
        "nothing about other inputs, other uses, or the accuracy, robustness or fairness of the "
        "system.",
    ),
    Limitation(
        code="heads_only",
        text="Only attention heads were examined. Other parts of the model also contribute to its "
        "output, more than one circuit may fit the same behaviour, and none of this explains an "
        "individual output to a person affected by it.",
    ),
    Limitation(
        code="controls_are_small",
        text="The method was calibrated on small models whose circuit is known. That it recovers what "
        "was planted there does not show that it finds everything in this model.",
    ),
)

_ABLATION_DEPENDENT = Limitation(
    code="ablation_dependent",
    text="What a head contributes was measured by replacing its output. Another way of "
    "replacing it can give another answer; each way used is named beside its result.",
)
_OTHER_KIND = Limitation(
    code="controls_are_next_token",
    text="The models that the method was calibrated on predict the next token. At least one task here asks "
    "for something else, such as a label; the method is the same, and it was not calibrated on a model "
    "of that kind.",
)
_OBSERVATIONAL = Limitation(
    code="observational_method",
    text="At least one task was examined by unique-codes, a published method that only observes: no head "
    "was replaced, nothing causal follows, and its counts have known faults that the task's findings "
    "name. Such a task is never consistent or not consistent with an expectation.",
)
_PARTLY_STABLE = Limitation(
    code="stability_partly_assessed",
    text="How circuits hold was assessed for other draws of the same examples and, where there are "
    "enough of them, without one prompt template at a time. Other thresholds, ablations or prompts may "
    "give a different circuit.",
)
_NOT_STABLE = Limitation(
    code="stability_not_assessed",
    text="No circuit was found whose stability could be assessed.",
)
_UNCOMMITTED = Limitation(
    code="criteria_not_committed",
    text="Nothing in this report shows that the criteria were fixed before the run; that is "
    "declared by the provider only.",
)
_UNBOUND = Limitation(
    code="expectation_not_bound",
    text="At least one expectation does not name the weights it was declared for.",
)


def limitations_of(tasks: Sequence[TaskRecord], committed_at: str | None) -> tuple[Limitation, ...]:
    """The limitations that hold for a run."""
    notices = load_law().notices
    return (
        Limitation(code="supporting_evidence", text=notices.not_this),
        *_FIXED,
        *(() if all(_replaces_nothing(task) for task in tasks) else (_ABLATION_DEPENDENT,)),
        *((_OTHER_KIND,) if any(t.specification.kind != "next_token" for t in tasks) else ()),
        *((_OBSERVATIONAL,) if any(isinstance(t.codes, UniqueCodes) for t in tasks) else ()),
        _PARTLY_STABLE if any(_redrawn(task) for task in tasks) else _NOT_STABLE,
        *((_UNCOMMITTED,) if committed_at is None else ()),
        *((_UNBOUND,) if any(_unbound(task) for task in tasks) else ()),
    )


def _replaces_nothing(task: TaskRecord) -> bool:
    return task.specification.method == "unique-codes"


def _redrawn(task: TaskRecord) -> bool:
    return isinstance(task.stability, Stability)


def _unbound(task: TaskRecord) -> bool:
    return isinstance(task.expected, Expectation) and task.expected.declared_for is None
