"""One task's section: plain language and findings, then pictures, then the numbers."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.law import Law
from auditkit.messages import N_, _, number_text
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.task import Codes, NullTest, OtherSetting, Stability, TaskRecord
from auditkit.report.facts import Fact, measured_fact, recorded_fact, separation_facts, task_anchor
from auditkit.report.task.behaviour import wanted_facts
from auditkit.report.task.checks import CheckView, check_views
from auditkit.report.task.common_specification import own_settings, settings_note
from auditkit.report.task.comparison import comparison_facts
from auditkit.report.task.details import details_anchor
from auditkit.report.task.ladder import RungView, ladder
from auditkit.report.task.numbers import (
    EdgeView,
    HeadView,
    SetView,
    edge_rows,
    head_rows,
    set_rows,
)
from auditkit.report.task.pictures import Picture, task_pictures
from auditkit.report.task.plain import PlainWords, plain_words
from auditkit.report.task.prompts import example_facts, prompt_facts
from auditkit.report.task.specification import SettingView
from auditkit.report.task.unique_codes import UniqueCodesView, unique_codes_view
from auditkit.report.wording import (
    ABLATIONS,
    LEVELS,
    MEASURED,
    OBSERVATIONS,
    VERDICT_MEANINGS,
    VERDICTS,
    absent_text,
    as_declared,
    behaviour_criterion,
    decimal_text,
    interval_text,
    listed,
    metric_text,
    number_or_reason,
    percent_text,
)


@dataclass(frozen=True)
class FindingView:
    """One finding: how much it weighs, and its sentence."""

    level: str
    code: str
    text: str


@dataclass(frozen=True)
class TaskView:
    """Everything a task's section prints. An ``absent_...`` text stands where a part is missing."""

    anchor: str
    number: str
    id: str
    title: str
    verdict: str
    verdict_key: str
    verdict_meaning: str
    plain: PlainWords
    prompts: tuple[Fact, ...]
    example: tuple[Fact, ...]
    ladder: tuple[RungView, ...]
    findings: tuple[FindingView, ...]
    notes: tuple[FindingView, ...]
    pictures: tuple[Picture, ...]
    details_anchor: str
    evidence_for: tuple[Fact, ...]
    behaviour: tuple[Fact, ...]
    screening: tuple[Fact, ...]
    checks: tuple[CheckView, ...]
    checks_source: str
    stability: tuple[Fact, ...]
    absent_screening: str
    unique_codes: UniqueCodesView | None
    heads: tuple[HeadView, ...]
    absent_heads: str
    sets: tuple[SetView, ...]
    absent_sets: str
    edges: tuple[EdgeView, ...]
    absent_edges: str
    edges_note: str
    comparison: tuple[Fact, ...]
    absent_comparison: str
    not_assessed: tuple[Fact, ...]
    settings: tuple[SettingView, ...]
    settings_note: str


def _behaviour(task: TaskRecord) -> tuple[Fact, ...]:
    seen = task.behaviour
    metric = metric_text(task.specification.metric)
    return (
        measured_fact(
            _("Prompts on which the right answers scored above the wrong ones"),
            _("{part} of {whole}", part=seen.correct, whole=seen.n),
        ),
        measured_fact(_("Accuracy"), percent_text(seen.accuracy)),
        Fact(
            _("Asked for the behaviour to count as observed"),
            behaviour_criterion(task.specification),
        ),
        measured_fact(_("Mean {metric}, prompts", metric=metric), interval_text(seen.positive)),
        measured_fact(
            _("Mean {metric}, matched prompts", metric=metric), interval_text(seen.negative)
        ),
        measured_fact(_("Behaviour"), _(OBSERVATIONS[seen.state])),
        *wanted_facts(task),
    )


def _screening(codes: Codes, null: NullTest | NotAssessed) -> tuple[Fact, ...]:
    return (
        measured_fact(_("Heads screened"), number_text(len(codes.heads))),
        measured_fact(_("Codes in the signature"), number_text(len(codes.signature))),
        measured_fact(
            _("Quorum"),
            _(
                "carried by at least {least} of {n} examples",
                least=codes.quorum_count,
                n=len(codes.examples),
            ),
        ),
        measured_fact(
            _("Variance the autoencoders leave unexplained"),
            percent_text(codes.unexplained_variance),
        ),
        measured_fact(_("Ties at the k-th latent"), number_text(codes.ties)),
        measured_fact(_("Heads whose output never varies"), listed(codes.unvarying)),
        *_null(null),
    )


def _null(null: NullTest | NotAssessed) -> tuple[Fact, ...]:
    """What the label-swap test says; where there is none, its reason stands with what is not assessed."""
    if isinstance(null, NotAssessed):
        return ()
    swapped = (
        _("all {n} patterns of swapped labels", n=null.swaps)
        if null.exact
        else _("{n} random patterns of swapped labels", n=null.swaps)
    )
    return (
        recorded_fact(_("Label-swap test"), swapped),
        *separation_facts(null),
    )


def _stability(stability: Stability | NotAssessed) -> tuple[Fact, ...]:
    """How circuit and verdict held; where that was not assessed, its reason stands elsewhere."""
    if isinstance(stability, NotAssessed):
        return ()
    templates = stability.templates
    return (
        measured_fact(
            _("Sets of pairs drawn again"),
            _("{n}, from the recorded drops; nothing was run again", n=stability.draws),
        ),
        measured_fact(
            _("Prompt templates left out, one at a time"),
            number_or_reason(templates),
        ),
        measured_fact(
            _("How often each head was in the circuit of a redrawn set"),
            listed(f"{each.head} {percent_text(each.frequency)}" for each in stability.frequencies),
        ),
        measured_fact(
            _("Mean overlap of two redrawn circuits"), decimal_text(stability.mean_jaccard)
        ),
        measured_fact(
            _("Verdicts of all these sets"),
            listed(
                f"{_(VERDICTS[each.verdict])} {percent_text(each.share)}"
                for each in stability.verdicts
            ),
        ),
        measured_fact(
            _("Agreement with the verdict that these pairs give"),
            _("about {share}", share=percent_text(stability.agreeing)),
        ),
        *(
            measured_fact(_(_SETTINGS[each.setting], value=_setting_value(each)), _instead(each))
            for each in stability.settings
        ),
        measured_fact(_("Agreement at the declared tolerance"), _(OBSERVATIONS[stability.state])),
    )


_SETTINGS = {
    "ablation": N_("If sufficiency and necessity were judged under {value} ablation alone"),
    "head_effect": N_("If the least effect of a circuit head were {value}"),
}


def _instead(other: OtherSetting) -> str:
    return _(
        "{verdict}; circuit: {heads}", verdict=_(VERDICTS[other.verdict]), heads=listed(other.heads)
    )


def _setting_value(other: OtherSetting) -> str:
    return _(ABLATIONS[other.value]) if other.value in ABLATIONS else other.value


def _not_assessed(task: TaskRecord) -> tuple[Fact, ...]:
    parts: list[tuple[str, object]] = [
        (_("Screening by codes"), task.codes),
        (_("Null: what chance alone would show"), task.null),
        (_("Effect of all heads together"), task.effect),
        (_("Causal check"), task.causal),
        (_("Circuit"), task.circuit),
        (_("Stability when the pairs are drawn again"), task.stability),
        (_("Verdict rule"), _unruled(task)),
    ]
    if isinstance(task.codes, Codes):
        parts += [
            (_("Effects between negatives"), task.codes.negatives),
            (_("Stability of the codes"), task.codes.envelope),
        ]
    if isinstance(task.stability, Stability):
        parts.append((_("Stability when one template is left out"), task.stability.templates))
    if isinstance(task.causal, Causal):
        parts += [
            (_("Completion: heads that complete those found one by one"), _completion(task)),
            (_("Other sets of as many heads"), task.causal.random_sets),
            (_("Minimality: whether a smaller circuit would do"), task.causal.minimality),
            (_("Joint ablation: heads that take over"), task.causal.joint_ablation),
            (_("Heads with a constant role"), task.causal.constant_role),
            (_("Latents replaced alone"), task.causal.latents),
            (_("Direct paths between heads"), task.causal.paths),
        ]
    return tuple(Fact(label, part.reason) for label, part in parts if isinstance(part, NotAssessed))


def _unruled(task: TaskRecord) -> object:
    """Why the verdict rule was not applied, where a circuit was declared."""
    return None if isinstance(task.expected, NotAssessed) else task.ruling


def _completion(task: TaskRecord) -> object:
    """Why no completion was tried, where the policy asks for none and the heads found lack some."""
    asked = task.specification.patching.completion
    if asked or not isinstance(task.causal, Causal):
        return None
    completion = task.causal.completion
    return None if completion.alone.state == "observed" else completion.completed


def _evidence_for(task: TaskRecord, law: Law) -> tuple[Fact, ...]:
    titles = {item.id: _("Article {item}", item=item.id) for item in law.article_13.items}
    titles |= {point.id: _("Annex {point}", point=point.id) for point in law.annex_iv.points}
    names = {item.id: item.title for item in law.article_13.items}
    names |= {point.id: point.title for point in law.annex_iv.points}
    return tuple(
        Fact(titles.get(hook, hook), names.get(hook, law.notices.unknown_hook))
        for hook in task.evidence_for
    )


def _findings(task: TaskRecord, levels: tuple[str, ...]) -> tuple[FindingView, ...]:
    """The findings of these levels, level by level, each level in the record's order."""
    return tuple(
        FindingView(_(LEVELS[found.level]), found.code, found.text)
        for level in levels
        for found in task.findings
        if found.level == level
    )


def _absent_heads(task: TaskRecord, rows: tuple[HeadView, ...]) -> str:
    if isinstance(task.causal, NotAssessed) or rows:
        return absent_text(task.causal)
    return _("No head that was replaced was found or declared.")


def task_view(record: AuditRecord, law: Law, index: int) -> TaskView:
    """The section of the task at ``index`` (from 1), as finished strings."""
    task = record.tasks[index - 1]
    causal = task.causal
    absent = absent_text(causal)
    sets = set_rows(task, causal) if isinstance(causal, Causal) else ()
    edges, absent_edges, edges_note = edge_rows(task)
    comparison, absent_comparison = comparison_facts(task, record.model)
    heads = head_rows(task, causal) if isinstance(causal, Causal) else ()
    left_out = _not_assessed(task)
    return TaskView(
        anchor=task_anchor(index),
        number=str(index),
        id=task.id,
        title=as_declared(task.title),
        verdict=_(VERDICTS[task.verdict]),
        verdict_key=task.verdict,
        verdict_meaning=_(VERDICT_MEANINGS[task.verdict]),
        plain=plain_words(task, record.model, complete=not left_out),
        prompts=prompt_facts(task),
        example=example_facts(task.examples.shown),
        ladder=ladder(task),
        findings=_findings(task, ("failure", "warning")),
        notes=_findings(task, ("note",)),
        pictures=task_pictures(task, record.model),
        details_anchor=details_anchor(index),
        evidence_for=_evidence_for(task, law),
        behaviour=_behaviour(task),
        checks=check_views(task),
        checks_source=_(MEASURED),
        stability=_stability(task.stability),
        screening=_screening(task.codes, task.null) if isinstance(task.codes, Codes) else (),
        absent_screening=absent_text(task.codes),
        unique_codes=unique_codes_view(task),
        heads=heads,
        absent_heads=_absent_heads(task, heads),
        sets=sets,
        absent_sets=absent or ("" if sets else _("None was measured.")),
        edges=edges,
        absent_edges=absent_edges,
        edges_note=edges_note,
        comparison=comparison,
        absent_comparison=absent_comparison,
        not_assessed=left_out,
        settings=own_settings(record.tasks, index),
        settings_note=settings_note(record.tasks, index),
    )
