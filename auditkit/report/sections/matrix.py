"""Claims and what they rest on: each claim with its record keys, what would have refuted it, its state.

Nothing is concluded here. States are those of the record, or comparisons of recorded decimals with
declared thresholds by the functions that gave the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.controls.outcomes import setting_for
from auditkit.judging.verdict import carries, meets
from auditkit.law import EVIDENCE_HOOKS, Law
from auditkit.messages import N_, _, counted
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.declared import Expectation
from auditkit.records.looks import Ruled
from auditkit.records.task import Circuit, Observation, TaskRecord
from auditkit.report.facts import task_anchor
from auditkit.report.methods import words_on
from auditkit.report.sections.claims import CLAIMS
from auditkit.report.task.ladder import ladder
from auditkit.report.wording import (
    OBSERVATIONS,
    as_declared,
    joined_sentences,
    listed,
    percent_text,
    sentence,
)

NO_COMPARISON = N_("none: one run compares nothing with another version")
_NOT_A_HOOK = N_("none: evidence about circuits is not cited for this item")
_NOT_NAMED = N_("none: the policy names no task for this item")


@dataclass(frozen=True)
class ClaimView:
    """One claim about one task, ready to print. ``keys`` are places in ``evidence.json``.

    ``note`` says why there are none, or why they settle nothing.
    """

    name: str
    says: str
    keys: tuple[str, ...]
    note: str
    refuted_by: str
    state: str


@dataclass(frozen=True)
class TaskClaimsView:
    """Every claim about one task."""

    number: str
    title: str
    anchor: str
    claims: tuple[ClaimView, ...]


@dataclass(frozen=True)
class PointerView:
    """One task that an item of law points to, and the keys of its record."""

    number: str
    anchor: str
    keys: str


@dataclass(frozen=True)
class ItemPointersView:
    """One item of Article 13(3) or point of Annex IV, and the tasks whose evidence is named for it."""

    id: str
    title: str
    pointers: tuple[PointerView, ...]
    absent: str


@dataclass(frozen=True)
class MatrixView:
    """The section: claims by task, then items of law by task."""

    tasks: tuple[TaskClaimsView, ...]
    items: tuple[ItemPointersView, ...]


def matrix_view(record: AuditRecord, law: Law) -> MatrixView:
    """What every claim of the report on this record rests on."""
    titles = {item.id: item.title for item in law.article_13.items}
    titles |= {hook: law.point(hook).title for hook in EVIDENCE_HOOKS if hook not in titles}
    return MatrixView(
        tasks=tuple(_task_claims(record, index) for index in range(len(record.tasks))),
        items=tuple(_item(record, item_id, title) for item_id, title in titles.items()),
    )


def _task_claims(record: AuditRecord, index: int) -> TaskClaimsView:
    task = record.tasks[index]
    evidence = {
        "behaviour": _behaviour,
        "association": _association,
        "causal": _causal,
        "stable": _stable,
    }
    rungs = tuple(
        _claim(index, rung.name, rung.meaning, rung.observation, evidence[rung.key](task))
        for rung in ladder(task)
    )
    return TaskClaimsView(
        number=str(index + 1),
        title=as_declared(task.title),
        anchor=task_anchor(index + 1),
        claims=(*rungs, _declaration(record, index), _calibration(record, task)),
    )


@dataclass(frozen=True)
class _Grounds:
    """What a claim rests on: keys below a task, a note on them; and what would refute it."""

    keys: tuple[str, ...]
    note: str
    refuted_by: str


def _claim(index: int, name: str, says: str, state: str, grounds: _Grounds) -> ClaimView:
    return ClaimView(
        name=name,
        says=says,
        keys=tuple(f"tasks[{index}].{key}" for key in grounds.keys),
        note=grounds.note,
        refuted_by=grounds.refuted_by,
        state=state,
    )


def _grounds(part: object, keys: tuple[str, ...], refuted_by: str, note: str = "") -> _Grounds:
    """The grounds in a part of a record, where that part was assessed."""
    if isinstance(part, NotAssessed):
        absent = _("none. {reason}", reason=sentence(part.reason))
        return _Grounds((), absent, refuted_by)
    return _Grounds(keys, note, refuted_by)


def _behaviour(task: TaskRecord) -> _Grounds:
    least = percent_text(task.specification.thresholds.min_accuracy)
    return _grounds(
        task.behaviour,
        ("behaviour.accuracy", "behaviour.positive_values", "behaviour.negative_values"),
        _(
            "On the test pairs: accuracy below {least}; or a mean metric whose interval reaches 0, or that "
            "is no higher than on the matched prompts.",
            least=least,
        ),
    )


def _association(task: TaskRecord) -> _Grounds:
    words = words_on(task.specification)
    refuted_by = words.against_association(task.specification)
    return _grounds(task.codes, words.association_keys, refuted_by, _too_few(task))


def _too_few(task: TaskRecord) -> str:
    """That the examples are too few to settle the association, where they are."""
    if isinstance(task.null, NotAssessed) or task.ladder.association != "not_assessed":
        return ""
    least = task.null.least_examples
    if isinstance(least, NotAssessed):
        return least.reason
    return counted(
        least,
        "Too few examples for one head to be told from chance: at least {n} is needed.",
        "Too few examples for one head to be told from chance: at least {n} are needed.",
    )


def _causal(task: TaskRecord) -> _Grounds:
    refuted_by = words_on(task.specification).against_cause(task.specification)
    return _grounds(task.causal, ("causal.necessity", "circuit.heads"), refuted_by)


def _stable(task: TaskRecord) -> _Grounds:
    refuted_by = words_on(task.specification).against_stability(task.specification)
    return _grounds(task.stability, ("stability.agreeing", "stability.draws"), refuted_by)


def _declaration(record: AuditRecord, index: int) -> ClaimView:
    task = record.tasks[index]
    name = _("Declaration")
    says = _("The circuit found agrees with the circuit that the policy declares")
    expected = task.expected
    if isinstance(expected, NotAssessed):
        grounds = _grounds(expected, (), _("Nothing: no circuit was declared."))
        return _claim(index, name, says, _(OBSERVATIONS["not_assessed"]), grounds)
    by_shares = expected.min_precision is not None
    keys: tuple[str, ...] = ("expected", "ruling", "causal.drops")
    if by_shares:
        keys = ("expected", "comparison.precision", "comparison.recall", "ruling")
    if expected.min_sufficiency is not None:
        keys = (*keys, "causal.sufficiency", *_constant_role(task))
    weights = record.model.weights_digest
    other = expected.declared_for not in (None, weights)
    note = _("Declared for other weights: its heads mean nothing on these.") if other else ""
    state = _(OBSERVATIONS[_agreement(task, expected, weights)])
    grounds = _grounds(task.comparison, keys, _disagreement(expected), note)
    return _claim(index, name, says, state, grounds)


def _disagreement(expected: Expectation) -> str:
    by_rule = _(
        "A declared head surely below the threshold of a circuit head, or another one surely above it."
    )
    least = expected.min_sufficiency
    return joined_sentences(
        (
            by_rule,
            ""
            if expected.min_precision is None or expected.min_recall is None
            else _(
                "No head found; or precision below {precision}, or recall below {recall}.",
                precision=percent_text(expected.min_precision),
                recall=percent_text(expected.min_recall),
            ),
            ""
            if least is None
            else _(
                "On the test pairs under any ablation, a mean share of the task effect carried by the "
                "circuit alone below {least} or above {most}. Under mean ablation, heads with a constant "
                "role count with the circuit.",
                least=percent_text(least),
                most=percent_text(2 - least),
            ),
        )
    )


def _constant_role(task: TaskRecord) -> tuple[str, ...]:
    """The key of what heads with a constant role add, where the share under mean ablation includes them."""
    if not isinstance(task.causal, Causal) or "mean" not in task.specification.ablations:
        return ()
    role = task.causal.constant_role
    if isinstance(role, NotAssessed) or isinstance(role.with_circuit, NotAssessed):
        return ()
    return ("causal.constant_role.with_circuit",)


def _agreement(task: TaskRecord, expected: Expectation, weights_digest: str) -> Observation:
    """Whether the rule, or precision and recall, and a claimed sufficiency agree with the declaration."""
    if not (isinstance(task.circuit, Circuit) and isinstance(task.causal, Causal)):
        return "not_assessed"
    if expected.declared_for not in (None, weights_digest):
        return "not_assessed"
    if not carries(task.causal, expected):
        return "not_observed"
    if expected.min_precision is None:
        ruled = task.ruling
        return "not_assessed" if isinstance(ruled, NotAssessed) else _RULED[ruled.verdict]
    compared = task.comparison
    heads = () if isinstance(compared, NotAssessed) else (*compared.matched, *compared.extra)
    return "observed" if meets(heads, expected) else "not_observed"


_RULED: dict[Ruled, Observation] = {
    "consistent": "observed",
    "not_consistent": "not_observed",
    "inconclusive": "not_assessed",
}
"""What the verdict rule says of a declaration, as an observation: heads left open settle nothing."""


def _calibration(record: AuditRecord, task: TaskRecord) -> ClaimView:
    controls = setting_for(task.id, record.calibration)
    name = _("Calibration")
    says = _(
        "The method, with this task's settings, finds what it looks for of what was planted in controls"
    )
    refuted_by = _(
        "A planted head that was looked for and missed, or anything reported falsely, in any known-answer "
        "control."
    )
    if controls is None:
        note = _("none. The controls were not run with this task's settings.")
        return ClaimView(name, says, (), note, refuted_by, _(OBSERVATIONS["not_assessed"]))
    place = f"calibration.settings[{record.calibration.settings.index(controls)}]"
    keys = (f"{place}.models", f"{place}.negative_controls")
    return ClaimView(name, says, keys, "", refuted_by, _(OBSERVATIONS[controls.state]))


def _item(record: AuditRecord, item_id: str, title: str) -> ItemPointersView:
    if item_id not in CLAIMS:
        return ItemPointersView(item_id, title, (), _(_NOT_A_HOOK))
    pointers = tuple(
        PointerView(
            number=str(index + 1),
            anchor=task_anchor(index + 1),
            keys=listed(
                (f"tasks[{index}].{key}" for key in CLAIMS[item_id].rests_on), _(NO_COMPARISON)
            ),
        )
        for index, task in enumerate(record.tasks)
        if item_id in task.evidence_for
    )
    return ItemPointersView(item_id, title, pointers, "" if pointers else _(_NOT_NAMED))
