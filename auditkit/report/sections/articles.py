"""Article 13(3) and Annex IV, item by item: what is declared, measured, and still open."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.law import Law
from auditkit.law.law import AnnexPoint, Article13Item
from auditkit.messages import N_, _, filled
from auditkit.records.audit import AuditRecord
from auditkit.records.declared import NotApplicable, Provided, Provider, Statement
from auditkit.report.facts import Fact, declared_fact, quoted_fact, task_anchor
from auditkit.report.sections.claims import CLAIMS
from auditkit.report.wording import VERDICTS, as_declared

PROVIDED = N_("text given, not judged")
NOT_APPLICABLE = N_("declared not applicable")
NOT_PROVIDED = N_("not given")
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
    empty, and ``state`` and ``evidence_state`` then say so in words. ``lead_in`` are the law's words that the
    ``quote`` continues.
    """

    id: str
    anchor: str
    title: str
    lead_in: str
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


def _evidence(record: AuditRecord, item_id: str) -> tuple[EvidenceView, ...]:
    claim = CLAIMS.get(item_id)
    if claim is None:
        return ()
    return tuple(
        EvidenceView(
            task_number=str(index),
            task_title=as_declared(task.title),
            task_anchor=task_anchor(index),
            claim=claim.says(task),
            verdict=_(VERDICTS[task.verdict]),
        )
        for index, task in enumerate(record.tasks, start=1)
        if item_id in task.evidence_for
    )


def _provider_facts(provider: Provider) -> tuple[Fact, ...]:
    facts = [
        quoted_fact(_("Provider"), provider.name),
        quoted_fact(_("Address"), provider.address),
        quoted_fact(_("E-mail"), provider.email),
    ]
    representative = provider.authorised_representative
    if representative is None:
        return (*facts, quoted_fact(_("Authorised representative"), None, _("none declared")))
    return (
        *facts,
        quoted_fact(_("Authorised representative"), representative.name),
        quoted_fact(_("Representative's address"), representative.address),
        quoted_fact(_("Representative's e-mail"), representative.email),
    )


def _known_from_system(record: AuditRecord, item_id: str) -> tuple[Fact, ...]:
    if item_id == "13(3)(a)":
        return _provider_facts(record.system.provider)
    if item_id == "13(3)(b)(i)":
        return (quoted_fact(_("Intended purpose"), record.system.intended_purpose),)
    return ()


def _state(known: tuple[Fact, ...], statement: Statement | None) -> tuple[str, str, str]:
    """State in words, its key for the style sheet, and the owner of what is missing."""
    if isinstance(statement, Provided) or known:
        return _(PROVIDED), "provided", ""
    if isinstance(statement, NotApplicable):
        return _(NOT_APPLICABLE), "not-applicable", ""
    owner = (
        _("owner not named")
        if statement is None
        else _("owner: {owner}", owner=as_declared(statement.owner))
    )
    return _(NOT_PROVIDED), "not-provided", owner


def _statement_facts(statement: Statement | None) -> tuple[Fact, ...]:
    if isinstance(statement, Provided):
        return (quoted_fact(_("Text"), statement.text),)
    if isinstance(statement, NotApplicable):
        return (quoted_fact(_("Reason"), statement.not_applicable),)
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
        lead_in=law.article_13.point_b_lead_in if item.id.startswith("13(3)(b)") else "",
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


def _annex_lead_in(law: Law, point_id: str) -> str:
    """The words that open points 1 and 2, whose items are no sentences without them."""
    opening = {"IV.1(": law.annex_iv.point_1_lead_in, "IV.2(": law.annex_iv.point_2_lead_in}
    return opening.get(point_id[:5], "")


def _annex_point(record: AuditRecord, law: Law, point: AnnexPoint) -> ItemView:
    evidence = _evidence(record, point.id)
    may_support, not_supported = _bounds(law, point.id, used=bool(evidence))
    return ItemView(
        id=point.id,
        anchor="annex-" + point.id.replace("(", "-").replace(")", "").replace(".", "-"),
        title=point.title,
        lead_in=_annex_lead_in(law, point.id),
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
        for fact in _statement_facts(statement) or (declared_fact(item_id, None, _(NOT_PROVIDED)),)
    )
