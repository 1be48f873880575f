"""Article 13(3) and Annex IV, item by item: what is declared, measured, and still open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from auditkit.law import Law
from auditkit.law.law import AnnexPoint, Article13Item
from auditkit.messages import N_, _, counted, filled
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.declared import NotApplicable, Provided, Provider, Statement
from auditkit.records.task import TaskRecord
from auditkit.report.facts import Fact, declared, task_anchor
from auditkit.report.task.unique_codes import METHOD, procedure
from auditkit.report.wording import (
    ABLATIONS,
    VERDICTS,
    ablations_text,
    listed,
    metric_text,
    percent_interval_text,
    percent_text,
    sentence,
)

PROVIDED = N_("provided")
NOT_APPLICABLE = N_("not applicable")
NOT_PROVIDED = N_("not provided")
NOT_ASSESSED = N_("not assessed by this tool")


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


def _mechanism(task: TaskRecord) -> str:
    circuit, causal = task.circuit, task.causal
    if isinstance(circuit, NotAssessed):
        return _not_assessed(circuit)
    if isinstance(causal, NotAssessed):
        return _not_assessed(causal)
    if not circuit.heads:
        return _(
            "No attention head reached the threshold of effect with an interval that excludes zero."
        )
    shares = "; ".join(
        _(
            "{share} under {ablation} ablation of all other heads",
            share=percent_interval_text(effect.share),
            ablation=_(ABLATIONS[effect.ablation]),
        )
        for effect in causal.sufficiency
    )
    carried = (
        _("They carried {shares}.", shares=shares)
        if shares
        else _("Their joint effect was not measured.")
    )
    found = counted(
        task.examples.test.n,
        "On {n} declared test prompt pair, by the method {method}: the circuit found is heads {heads}.",
        "On {n} declared test prompt pairs, by the method {method}: the circuit found is heads {heads}.",
        method=task.specification.method,
        heads=listed(circuit.heads),
    )
    return f"{found} {carried}"


def _not_assessed(part: NotAssessed) -> str:
    return _("Mechanism not assessed. {reason}", reason=sentence(part.reason))


def _behaviour(task: TaskRecord) -> str:
    seen = task.behaviour
    figures = {"correct": seen.correct, "n": seen.n}
    if seen.state == "observed":
        return _(
            "On the declared test prompts the model did the task: {correct} of {n} answered correctly "
            "({accuracy}).",
            **figures,
            accuracy=percent_text(seen.accuracy),
        )
    return _(
        "On the declared test prompts the model did not do the task: {correct} of {n} answered "
        "correctly ({accuracy}).",
        **figures,
        accuracy=percent_text(seen.accuracy),
    )


def _limits(task: TaskRecord) -> str:
    limits = [sentence(found.text) for found in task.findings if found.level != "note"]
    if limits:
        found = _("Limits found: {limits}", limits=" ".join(limits))
    else:
        found = _("No limit was recorded as a finding; limits may exist all the same.")
    return f"{_behaviour(task)} {found}"


def _method(task: TaskRecord) -> str:
    if task.specification.method == "unique-codes":
        return _(METHOD)
    return _(
        "Method {method}, checked by replacing heads under {ablations} ablation; its specification and "
        "its limits are in the task's section.",
        method=task.specification.method,
        ablations=ablations_text(task.specification.ablations),
    )


def _procedure(task: TaskRecord) -> str:
    if task.specification.method == "unique-codes":
        return procedure(task)
    return _(
        "Procedure, thresholds, metric and results are in the task's section: {pairs} to find the "
        "circuit, {others} to test it.",
        pairs=counted(task.examples.discovery.n, "{n} prompt pair", "{n} prompt pairs"),
        others=counted(task.examples.test.n, "{n} other pair", "{n} other pairs"),
    )


def _metric(task: TaskRecord) -> str:
    return _(
        "Metric used: {metric} between right and wrong answers.",
        metric=metric_text(task.specification.metric),
    )


def _no_comparison(_task: TaskRecord) -> str:
    return _("This is one run: nothing was compared with another version of the system.")


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
            verdict=_(VERDICTS[task.verdict]),
        )
        for index, task in enumerate(record.tasks, start=1)
        if item_id in task.evidence_for
    )


def _provider_facts(provider: Provider) -> tuple[Fact, ...]:
    facts = [
        declared(_("Provider"), provider.name),
        declared(_("Address"), provider.address),
        declared(_("E-mail"), provider.email),
    ]
    representative = provider.authorised_representative
    if representative is None:
        return (*facts, declared(_("Authorised representative"), None, _("none declared")))
    return (
        *facts,
        declared(_("Authorised representative"), representative.name),
        declared(_("Representative's address"), representative.address),
        declared(_("Representative's e-mail"), representative.email),
    )


def _known_from_system(record: AuditRecord, item_id: str) -> tuple[Fact, ...]:
    if item_id == "13(3)(a)":
        return _provider_facts(record.system.provider)
    if item_id == "13(3)(b)(i)":
        return (declared(_("Intended purpose"), record.system.intended_purpose),)
    return ()


def _state(known: tuple[Fact, ...], statement: Statement | None) -> tuple[str, str, str]:
    """State in words, its key for the style sheet, and the owner of what is missing."""
    if isinstance(statement, Provided) or known:
        return _(PROVIDED), "provided", ""
    if isinstance(statement, NotApplicable):
        return _(NOT_APPLICABLE), "not-applicable", ""
    owner = (
        _("owner not named") if statement is None else _("owner: {owner}", owner=statement.owner)
    )
    return _(NOT_PROVIDED), "not-provided", owner


def _statement_facts(statement: Statement | None) -> tuple[Fact, ...]:
    if isinstance(statement, Provided):
        return (declared(_("Text"), statement.text),)
    if isinstance(statement, NotApplicable):
        return (declared(_("Reason"), statement.not_applicable),)
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
        qualifier=law.qualifiers.get(item.qualifier) or _("unconditional"),
        qualifier_note=filled(
            item.qualifier_note or "", {"where_applicable": law.qualifiers["where applicable"]}
        ),
        state=state,
        state_key=key,
        owner=owner,
        statement=known + _statement_facts(statement),
        flag=law.notices.no_qualifier_flag if unqualified else "",
        evidence=evidence,
        evidence_state="" if evidence else _(NOT_ASSESSED),
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
        evidence_state="" if evidence else _(NOT_ASSESSED),
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
        for fact in _statement_facts(statement) or (declared(item_id, None, _(NOT_PROVIDED)),)
    )
