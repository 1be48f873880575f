"""Article 13(3) and Annex IV, item by item: what is declared, measured, and still open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from auditkit.law import Law
from auditkit.law.law import AnnexPoint, Article13Item
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.declared import NotApplicable, Provided, Provider, Statement
from auditkit.records.task import TaskRecord
from auditkit.report.facts import Fact, declared
from auditkit.report.unique_codes import METHOD, procedure
from auditkit.report.wording import (
    VERDICTS,
    counted,
    listed,
    percent_interval_text,
    percent_text,
    sentence,
)

PROVIDED = "provided"
NOT_APPLICABLE = "not applicable"
NOT_PROVIDED = "not provided"
NOT_ASSESSED = "not assessed by this tool"


@dataclass(frozen=True)
class EvidenceView:
    """What one task contributes to one item, in a sentence that stays within the law's hook."""

    task_number: str
    task_title: str
    task_anchor: str
    claim: str
    verdict: str


@dataclass(frozen=True)
class ItemView:
    """One item of Article 13(3), or one point of Annex IV, ready to print.

    ``statement`` holds the provider's words; ``evidence`` what was measured. Either may be
    empty, and ``state`` and ``evidence_state`` then say so in words.
    """

    id: str
    anchor: str
    title: str
    quote: str
    qualifier: str
    qualifier_note: str
    state: str
    state_key: str
    owner: str
    statement: tuple[Fact, ...]
    flag: str
    evidence: tuple[EvidenceView, ...]
    evidence_state: str
    may_support: str
    not_supported: str


def task_anchor(index: int) -> str:
    """The place of a task's section: tasks are numbered from 1 in the policy's order."""
    return f"task-{index}"


def _mechanism(task: TaskRecord) -> str:
    circuit, causal = task.circuit, task.causal
    if isinstance(circuit, NotAssessed):
        return f"Mechanism not assessed. {sentence(circuit.reason)}"
    if isinstance(causal, NotAssessed):
        return f"Mechanism not assessed. {sentence(causal.reason)}"
    if not circuit.heads:
        return (
            "No attention head reached the threshold of effect with an interval that excludes zero."
        )
    shares = "; ".join(
        f"{percent_interval_text(effect.share)} under {effect.ablation} ablation of all other heads"
        for effect in causal.sufficiency
    )
    carried = f" They carried {shares}." if shares else " Their joint effect was not measured."
    return (
        f"On {counted(task.examples.test.n, 'declared test prompt pair')}, by the method "
        f"{task.specification.method}: the circuit found is heads {listed(circuit.heads)}.{carried}"
    )


def _behaviour(task: TaskRecord) -> str:
    seen = task.behaviour
    does = "did the task" if seen.state == "observed" else "did not do the task"
    return (
        f"On the declared test prompts the model {does}: {seen.correct:,} of {seen.n:,} answered "
        f"correctly ({percent_text(seen.accuracy)})."
    )


def _limits(task: TaskRecord) -> str:
    limits = [sentence(found.text) for found in task.findings if found.level != "note"]
    if limits:
        return f"{_behaviour(task)} Limits found: {' '.join(limits)}"
    return f"{_behaviour(task)} No limit was recorded as a finding; limits may exist all the same."


def _method(task: TaskRecord) -> str:
    if task.specification.method == "unique-codes":
        return METHOD
    return (
        f"Method {task.specification.method}, checked by replacing heads under "
        f"{listed(task.specification.ablations)} ablation; its specification and its limits are in "
        f"the task's section."
    )


def _procedure(task: TaskRecord) -> str:
    if task.specification.method == "unique-codes":
        return procedure(task)
    return (
        f"Procedure, thresholds, metric and results are in the task's section: "
        f"{counted(task.examples.discovery.n, 'prompt pair')} to find the circuit, "
        f"{counted(task.examples.test.n, 'other pair')} to test it."
    )


def _metric(task: TaskRecord) -> str:
    metric = task.specification.metric.replace("_", " ")
    return f"Metric used: {metric} between right and wrong answers."


def _no_comparison(_task: TaskRecord) -> str:
    return "This is one run: nothing was compared with another version of the system."


_CLAIMS: dict[str, Callable[[TaskRecord], str]] = {
    "13(3)(b)(ii)": _behaviour,
    "13(3)(b)(iv)": _mechanism,
    "13(3)(b)(vii)": _limits,
    "13(3)(d)": _method,
    "IV.2(b)": _mechanism,
    "IV.2(e)": _method,
    "IV.2(g)": _procedure,
    "IV.3": _limits,
    "IV.4": _metric,
    "IV.6": _no_comparison,
}


def _evidence(record: AuditRecord, item_id: str) -> tuple[EvidenceView, ...]:
    claim = _CLAIMS.get(item_id)
    if claim is None:
        return ()
    return tuple(
        EvidenceView(
            task_number=str(index),
            task_title=task.title,
            task_anchor=task_anchor(index),
            claim=claim(task),
            verdict=VERDICTS[task.verdict],
        )
        for index, task in enumerate(record.tasks, start=1)
        if item_id in task.evidence_for
    )


def _provider_facts(provider: Provider) -> tuple[Fact, ...]:
    facts = [
        declared("Provider", provider.name),
        declared("Address", provider.address),
        declared("E-mail", provider.email),
    ]
    representative = provider.authorised_representative
    if representative is None:
        return (*facts, declared("Authorised representative", None, "none declared"))
    return (
        *facts,
        declared("Authorised representative", representative.name),
        declared("Representative's address", representative.address),
        declared("Representative's e-mail", representative.email),
    )


def _known_from_system(record: AuditRecord, item_id: str) -> tuple[Fact, ...]:
    if item_id == "13(3)(a)":
        return _provider_facts(record.system.provider)
    if item_id == "13(3)(b)(i)":
        return (declared("Intended purpose", record.system.intended_purpose),)
    return ()


def _state(known: tuple[Fact, ...], statement: Statement | None) -> tuple[str, str, str]:
    """State in words, its key for the style sheet, and the owner of what is missing."""
    if isinstance(statement, Provided) or known:
        return PROVIDED, "provided", ""
    if isinstance(statement, NotApplicable):
        return NOT_APPLICABLE, "not-applicable", ""
    owner = "owner not named" if statement is None else f"owner: {statement.owner}"
    return NOT_PROVIDED, "not-provided", owner


def _statement_facts(statement: Statement | None) -> tuple[Fact, ...]:
    if isinstance(statement, Provided):
        return (declared("Text", statement.text),)
    if isinstance(statement, NotApplicable):
        return (declared("Reason", statement.not_applicable),)
    return ()


def _bounds(law: Law, item_id: str, *, used: bool) -> tuple[str, str]:
    if not used:
        return "", ""
    hook = law.hook(item_id)
    return hook.may_support, hook.not_supported


def _article_item(record: AuditRecord, law: Law, item: Article13Item) -> ItemView:
    statement = record.instructions_for_use.get(item.id)
    known = _known_from_system(record, item.id)
    state, key, owner = _state(known, statement)
    evidence = _evidence(record, item.id)
    may_support, not_supported = _bounds(law, item.id, used=bool(evidence))
    unqualified = item.qualifier == "unconditional" and isinstance(statement, NotApplicable)
    return ItemView(
        id=item.id,
        anchor="item-" + item.id.replace("(", "-").replace(")", ""),
        title=item.title,
        quote=item.quote,
        qualifier=item.qualifier,
        qualifier_note=item.qualifier_note or "",
        state=state,
        state_key=key,
        owner=owner,
        statement=known + _statement_facts(statement),
        flag=law.notices.no_qualifier_flag if unqualified else "",
        evidence=evidence,
        evidence_state="" if evidence else NOT_ASSESSED,
        may_support=may_support,
        not_supported=not_supported,
    )


def _annex_point(record: AuditRecord, law: Law, point: AnnexPoint) -> ItemView:
    evidence = _evidence(record, point.id)
    may_support, not_supported = _bounds(law, point.id, used=bool(evidence))
    return ItemView(
        id=point.id,
        anchor="annex-" + point.id.replace("(", "-").replace(")", "").replace(".", "-"),
        title=point.title,
        quote=point.quote,
        qualifier="",
        qualifier_note="",
        state="",
        state_key="",
        owner="",
        statement=(),
        flag="",
        evidence=evidence,
        evidence_state="" if evidence else NOT_ASSESSED,
        may_support=may_support,
        not_supported=not_supported,
    )


def article_items(record: AuditRecord, law: Law) -> tuple[ItemView, ...]:
    """The twelve items of Article 13(3), each with its state."""
    return tuple(_article_item(record, law, item) for item in law.article_13.items)


def annex_points(record: AuditRecord, law: Law) -> tuple[ItemView, ...]:
    """Every point of Annex IV, with the tasks whose evidence is named for it."""
    return tuple(_annex_point(record, law, point) for point in law.annex_iv.points)


def unknown_statements(record: AuditRecord, law: Law) -> tuple[Fact, ...]:
    """Statements under ids that are no item of Article 13(3): printed, never dropped."""
    known = {item.id for item in law.article_13.items}
    return tuple(
        Fact(item_id, fact.value, fact.source)
        for item_id, statement in record.instructions_for_use.items()
        if item_id not in known
        for fact in _statement_facts(statement) or (declared(item_id, None, NOT_PROVIDED),)
    )
