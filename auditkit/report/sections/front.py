"""Page 1: what was audited, what came out, how far it can be relied on, and what it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.controls.outcomes import setting_for
from auditkit.judging.causes import causes_of
from auditkit.law import Law
from auditkit.messages import N_, _, counted, filled
from auditkit.records.audit import AuditRecord
from auditkit.records.task import TaskRecord, Verdict
from auditkit.report.facts import Fact, task_anchor
from auditkit.report.sections.signing import signing_text
from auditkit.report.task.behaviour import behaviour_in_short, mechanism_in_short
from auditkit.report.task.comparison import because, compared_in_short
from auditkit.report.wording import (
    DECLARED,
    OBSERVATIONS,
    RECORDED,
    VERDICTS,
    as_declared,
    instant_text,
    listed,
)

TITLE = N_("Circuit evidence report")
NAME_LIMIT = 100
"""Longer declared names are shortened on page 1, and say so; section 1 has them in full."""

FEW = 2
"""The results of up to so many tasks stand at the top of page 1; of more, behind the limits."""

SIGNATURE_LIMITS = N_(
    "A signature shows that bytes did not change since the holder of the key signed them. It does "
    "not show that a finding is right, that the prompts were well chosen, or that the declarations are true."
)
OWN_TEMPLATES = N_(
    "Sections of this report were laid out by templates of the provider's own. What they show beside the "
    "recorded evidence, and what they leave out, is the provider's choice; the evidence file has all of the "
    "evidence. The templates: {templates}."
)

LADDER = {
    "behaviour": N_("Behaviour"),
    "association": N_("Association"),
    "causal": N_("Causal"),
    "stable": N_("Stable"),
}


@dataclass(frozen=True)
class GroupView:
    """Facts that one source answers for."""

    source: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class ResultView:
    """One task's result: what it does, the verdict on both, and why it is inconclusive where it is."""

    anchor: str
    title: str
    id: str
    verdict: str
    verdict_key: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class FrontView:
    """Page 1, as finished strings. ``page``: the words around the two numbers at the foot of a page."""

    title: str
    subtitle: str
    system: str
    running: str
    page: tuple[str, str, str]
    groups: tuple[GroupView, ...]
    verdict: str
    verdict_key: str
    counts: str
    review: str
    results: tuple[ResultView, ...]
    results_first: bool
    signing: str
    signing_level: str
    not_this: str
    limitations: tuple[str, ...]
    warnings: tuple[str, ...]


def brief(text: str) -> str:
    """A declared text in quotes, short enough for page 1; what was cut is said."""
    return as_declared(text, NAME_LIMIT, note=_("(shortened; in full in section 1)"))


def criteria(record: AuditRecord, law: Law) -> str:
    """Whether the record shows that the criteria were fixed before the run (Article 9(8))."""
    made, started = record.policy.commitment, record.times.started
    if made is None:
        return law.notices.criteria_undated
    if made.timestamped_at is None:
        said = {"signer": as_declared(made.signer), "signed_at": instant_text(made.signed_at)}
        return filled(law.notices.criteria_signed, said)
    first = made.timestamped_at < started
    text = law.notices.criteria_fixed if first else law.notices.criteria_after
    said = {
        "authority": as_declared(made.authority or ""),
        "committed_at": instant_text(made.timestamped_at),
        "started": instant_text(started),
    }
    return filled(text, said)


def _groups(record: AuditRecord, law: Law) -> tuple[GroupView, ...]:
    system, times = record.system, record.times
    fixed = (Fact(_("Criteria fixed before the run"), criteria(record, law)),)
    dated = record.policy.commitment is not None
    provider = (
        Fact(
            _("System"),
            _(
                "{system}, version {version}",
                system=brief(system.name),
                version=brief(system.version),
            ),
        ),
        Fact(_("Provider"), brief(system.provider.name)),
        *(() if dated else fixed),
    )
    tool = (
        Fact(
            _("Model"),
            f"{brief(record.model.name)}, "
            + counted(record.model.n_parameters, "{n} parameter", "{n} parameters"),
        ),
        Fact(_("Weights digest"), record.model.weights_digest, code=True),
        Fact(_("Policy digest"), record.policy.sha256, code=True),
        *(fixed if dated else ()),
        Fact(
            _("Measured"),
            _(
                "{start} to {end}",
                start=instant_text(times.started),
                end=instant_text(times.finished),
            ),
        ),
        Fact(_("Run"), record.run_id, code=True),
        *_stored(record),
    )
    return GroupView(_(DECLARED), provider), GroupView(_(RECORDED), tool)


def _results(record: AuditRecord) -> tuple[ResultView, ...]:
    return tuple(
        ResultView(
            anchor=task_anchor(index + 1),
            title=as_declared(
                task.title, NAME_LIMIT, note=_("(shortened; in full in its section)")
            ),
            id=task.id,
            verdict=_(VERDICTS[task.verdict]),
            verdict_key=task.verdict,
            lines=tuple(_lines(task, record)),
        )
        for index, task in enumerate(record.tasks)
    )


def _stored(record: AuditRecord) -> tuple[Fact, ...]:
    """The run's place in its evidence store: a first record may have followed others in another store."""
    mark = record.checkpoint
    if mark is None:
        return ()
    place = _(
        "record {place} of {size} when it was stored; records elsewhere are not seen",
        place=mark.leaf_index + 1,
        size=mark.tree_size,
    )
    return (Fact(_("Evidence store"), place),)


def _room(record: AuditRecord) -> int:
    """Of how many tasks the results stand before the limits: a seal or a commitment takes one place."""
    return FEW - record.signing.visible - (record.policy.commitment is not None)


def _lines(task: TaskRecord, record: AuditRecord) -> Iterator[str]:
    """What the task does, then the declared circuit, why it is left open, and what was seen of it."""
    circuit = "; ".join(filter(None, (mechanism_in_short(task), compared_in_short(task))))
    why = because(causes_of(task, setting_for(task.id, record.calibration)))
    yield from filter(None, (behaviour_in_short(task), why, circuit))
    rungs = "; ".join(
        _("{claim}: {state}", claim=_(name), state=_(OBSERVATIONS[getattr(task.ladder, rung)]))
        for rung, name in LADDER.items()
    )
    yield f"{rungs}."


def _counts(record: AuditRecord) -> str:
    order: tuple[Verdict, ...] = ("consistent", "not_consistent", "inconclusive", "not_assessed")
    reached = [task.verdict for task in record.tasks]
    each = "; ".join(
        _("{n} {verdict}", n=reached.count(verdict), verdict=_(VERDICTS[verdict]))
        for verdict in order
        if verdict in reached
    )
    return counted(len(reached), "{n} task: {verdicts}", "{n} tasks: {verdicts}", verdicts=each)


def _warnings(record: AuditRecord, law: Law) -> tuple[str, ...]:
    register, named = law.legal_register, record.legal_register
    finished = record.times.finished[:10]
    warnings = []
    if finished > named.review_by:
        warnings.append(
            filled(register.stale_warning, {"review_by": named.review_by, "finished": finished})
        )
    if named.version != register.version:
        warnings.append(
            filled(
                register.edition_differs,
                {"recorded": named.version, "version": register.version},
            )
        )
    if record.supersedes is not None:
        warnings.append(_("This record replaces the record of run {run}.", run=record.supersedes))
    return tuple(warnings)


def _own_templates(record: AuditRecord) -> tuple[str, ...]:
    """That some sections are the provider's layout, where they are."""
    if not record.report.templates:
        return ()
    named = listed(f"{each.name} ({each.sha256})" for each in record.report.templates)
    return (_(OWN_TEMPLATES, templates=named),)


def _running(record: AuditRecord) -> str:
    system = _("declared system {system}", system=as_declared(record.system.name, 40))
    return f" {chr(0xB7)} ".join((_(TITLE), system, _("run {run}", run=record.run_id)))


def _page() -> tuple[str, str, str]:
    """What stands before, between and behind the number of a page and the number of all pages.

    The style sheet prints the page first; for a language that has them the other way, ``3/20``.
    """
    said = _("Page {page} of {pages}", page="\0", pages="\1")
    before, found, rest = said.partition("\0")
    between, also, after = rest.partition("\1")
    return (before, between, after) if found and also else ("", "/", "")


def front_view(record: AuditRecord, law: Law, said: str) -> FrontView:
    """Page 1 of the report on this record. ``said``: the notice every report prints, as records have it."""
    whose, level = signing_text(record.signing)
    review = law.notices.review_of_result if record.verdict == "not_consistent" else ""
    return FrontView(
        title=_(TITLE),
        subtitle=law.notices.subtitle,
        system=_("declared system {system}", system=brief(record.system.name)),
        running=_running(record),
        page=_page(),
        groups=_groups(record, law),
        verdict=_(VERDICTS[record.verdict]),
        verdict_key=record.verdict,
        counts=_counts(record),
        review=review,
        results=_results(record),
        results_first=len(record.tasks) <= _room(record),
        signing=whose,
        signing_level=level,
        not_this=law.notices.not_this,
        # What every report says is printed whatever the record holds, and once.
        limitations=(
            *(each.text for each in record.limitations if each.text != said),
            _(SIGNATURE_LIMITS),
            *_own_templates(record),
        ),
        warnings=_warnings(record, law),
    )
