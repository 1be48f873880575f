"""One task's section: plain language first, then the numbers, then the full specification."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.law import Law
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.model import ModelIdentity
from auditkit.records.prompts import PromptPair
from auditkit.records.task import Causal, Codes, Edge, TaskRecord
from auditkit.report.articles import task_anchor
from auditkit.report.charts import Chart
from auditkit.report.drawing import effects_drawing, map_drawing, shares_drawing
from auditkit.report.facts import Fact, declared, measured, recorded
from auditkit.report.plain import PlainWords, plain_words
from auditkit.report.specification import SettingView, settings
from auditkit.report.wording import (
    LEVELS,
    OBSERVATIONS,
    VERDICT_MEANINGS,
    VERDICTS,
    counted,
    decimal_text,
    interval_text,
    listed,
    number_or_reason,
    percent_text,
    range_text,
)

EDGES_SHOWN = 40
"""More edges than this are left to the evidence file, and the report says how many."""


@dataclass(frozen=True)
class RungView:
    """One rung of the ladder of claims."""

    name: str
    meaning: str
    observation: str


@dataclass(frozen=True)
class FindingView:
    """One finding: how much it weighs, and its sentence."""

    level: str
    code: str
    text: str


@dataclass(frozen=True)
class HeadView:
    """One head that was replaced alone, in the order in which heads were replaced."""

    head: str
    standing: str
    rank: str
    attributed: str
    support: str
    effect: str
    interval: str
    chosen: str


@dataclass(frozen=True)
class SetView:
    """Sufficiency or necessity under one ablation."""

    name: str
    ablation: str
    share: str
    interval: str
    asked: str
    observation: str


@dataclass(frozen=True)
class EdgeView:
    """Two heads of the signature and how often they appear together."""

    source: str
    target: str
    together: str
    p_value: str
    q_value: str


@dataclass(frozen=True)
class TaskView:
    """Everything the section of one task prints. An ``absent_...`` text replaces what is missing."""

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
    evidence_for: tuple[Fact, ...]
    behaviour: tuple[Fact, ...]
    screening: tuple[Fact, ...]
    absent_screening: str
    heads: tuple[HeadView, ...]
    absent_heads: str
    heads_note: str
    map_chart: Chart | None
    effects_chart: Chart | None
    effects_note: str
    sets: tuple[SetView, ...]
    absent_sets: str
    shares_chart: Chart | None
    edges: tuple[EdgeView, ...]
    absent_edges: str
    edges_note: str
    comparison: tuple[Fact, ...]
    absent_comparison: str
    not_assessed: tuple[Fact, ...]
    settings: tuple[SettingView, ...]
    defaults_note: str


_RUNGS = (
    ("behaviour", "Behaviour", "The model does the task on the prompts, and not on matched ones"),
    ("association", "Association", "Codes of its heads separate the prompts from matched ones"),
    ("causal", "Causal", "Replacing the heads changes the behaviour"),
    ("stable", "Stable", "The finding survives other defensible settings"),
)


def _ladder(task: TaskRecord) -> tuple[RungView, ...]:
    return tuple(
        RungView(name, meaning, OBSERVATIONS[getattr(task.ladder, key)])
        for key, name, meaning in _RUNGS
    )


def _example(shown: PromptPair | NotAssessed) -> tuple[Fact, ...]:
    if isinstance(shown, NotAssessed):
        return (Fact("One pair", f"not shown: {shown.reason}"),)
    return (
        Fact("Prompt", shown.positive, code=True),
        Fact("Matched prompt", shown.negative, code=True),
        Fact(
            "Right answers",
            listed(
                f"\N{LEFT DOUBLE QUOTATION MARK}{a}\N{RIGHT DOUBLE QUOTATION MARK}"
                for a in shown.answers
            ),
        ),
        Fact(
            "Compared against",
            listed(
                f"\N{LEFT DOUBLE QUOTATION MARK}{a}\N{RIGHT DOUBLE QUOTATION MARK}"
                for a in shown.wrong
            ),
        ),
        Fact("Template", shown.template or "none: read from a file", code=bool(shown.template)),
    )


def _prompts(task: TaskRecord) -> tuple[Fact, ...]:
    found, test = task.examples.discovery, task.examples.test
    return (
        Fact("Origin", task.examples.origin, code=True),
        recorded("To find the circuit", f"{counted(found.n, 'pair')}, {found.sha256}", code=True),
        recorded("To test it", f"{counted(test.n, 'pair')}, {test.sha256}", code=True),
    )


def _behaviour(task: TaskRecord) -> tuple[Fact, ...]:
    seen = task.behaviour
    metric = task.specification.metric.replace("_", " ")
    return (
        measured("Answered correctly", f"{seen.correct:,} of {seen.n:,}"),
        measured("Accuracy", percent_text(seen.accuracy)),
        Fact("Least accuracy asked", percent_text(task.specification.thresholds.min_accuracy)),
        measured(f"Mean {metric}, prompts", interval_text(seen.positive)),
        measured(f"Mean {metric}, matched prompts", interval_text(seen.negative)),
        measured("Behaviour", OBSERVATIONS[seen.state]),
    )


def _screening(codes: Codes) -> tuple[Fact, ...]:
    return (
        measured("Heads screened", f"{len(codes.heads):,}"),
        measured("Codes in the signature", f"{len(codes.signature):,}"),
        measured(
            "Quorum",
            f"carried by at least {codes.quorum_count:,} of {len(codes.examples):,} examples",
        ),
        measured(
            "Variance the autoencoders leave unexplained", percent_text(codes.unexplained_variance)
        ),
        measured("Ties at the k-th latent", f"{codes.ties:,}"),
    )


def standing(head: str, task: TaskRecord) -> str:
    """Where a head stands between the circuit found and the circuit declared, in words."""
    found = not isinstance(task.circuit, NotAssessed) and head in task.circuit.heads
    if isinstance(task.expected, NotAssessed):
        return "in the circuit" if found else "not in the circuit"
    if head in task.expected.heads:
        return "declared and found" if found else "declared, not found"
    return "found, not declared" if found else "neither"


def _heads(task: TaskRecord, causal: Causal) -> tuple[HeadView, ...]:
    screened = (
        {}
        if isinstance(task.codes, NotAssessed)
        else {screened.head: screened for screened in task.codes.heads}
    )
    rows = []
    for patched in causal.patched:
        seen = screened.get(patched.head)
        rows.append(
            HeadView(
                head=patched.head,
                standing=standing(patched.head, task),
                rank="not screened" if seen is None else f"{seen.rank:,}",
                attributed="not screened" if seen is None else decimal_text(seen.attributed),
                support="not screened" if seen is None else f"{seen.support:,}",
                effect=decimal_text(patched.effect.mean),
                interval=range_text(patched.effect),
                chosen="by rank" if patched.chosen == "ranked" else "at random",
            )
        )
    return tuple(rows)


def _heads_note(causal: Causal) -> str:
    if not causal.unpatched:
        return "Every head of the model was replaced alone."
    return (
        f"{counted(len(causal.unpatched), 'head')} ranked lower and not drawn at random were not "
        f"replaced: their single effects are unknown, which is not the same as none."
    )


def _sets(task: TaskRecord, causal: Causal) -> tuple[SetView, ...]:
    limits = task.specification.thresholds
    most = 2 - limits.sufficiency
    asked = {
        "Sufficiency": f"{decimal_text(limits.sufficiency)} to {decimal_text(most)}",
        "Necessity": f"at least {decimal_text(limits.necessity)}",
    }
    named = (("Sufficiency", causal.sufficiency), ("Necessity", causal.necessity))
    return tuple(
        SetView(
            name=name,
            ablation=effect.ablation,
            share=decimal_text(effect.share.mean),
            interval=range_text(effect.share),
            asked=asked[name],
            observation=OBSERVATIONS[effect.state],
        )
        for name, effects in named
        for effect in effects
    )


def _edge(edge: Edge) -> EdgeView:
    return EdgeView(
        source=edge.source,
        target=edge.target,
        together=f"{edge.together:,}",
        p_value=decimal_text(edge.p_value),
        q_value=decimal_text(edge.q_value),
    )


def _edges(task: TaskRecord) -> tuple[tuple[EdgeView, ...], str, str]:
    """The edges to print, the words in their place when there are none, and a note on the rest."""
    if isinstance(task.circuit, NotAssessed):
        return (), f"Not assessed. {task.circuit.reason}", ""
    edges = sorted(task.circuit.edges, key=lambda edge: (edge.q_value, edge.p_value))
    if not edges:
        return (), "None: no two heads of the signature form an edge.", ""
    left = len(edges) - EDGES_SHOWN
    note = (
        f"The {EDGES_SHOWN} edges with the smallest q-value; {left:,} more are in evidence.json."
        if left > 0
        else ""
    )
    return tuple(_edge(edge) for edge in edges[:EDGES_SHOWN]), "", note


def _declared_for(declared_for: str | None, model: ModelIdentity) -> str:
    if declared_for is None:
        return "not stated: head indices mean nothing on other weights"
    if declared_for == model.weights_digest:
        return "the weights that were audited"
    return f"other weights ({declared_for}): head indices mean nothing on the audited ones"


def _comparison(task: TaskRecord, model: ModelIdentity) -> tuple[tuple[Fact, ...], str]:
    expected, compared = task.expected, task.comparison
    if isinstance(expected, NotAssessed):
        return (), f"No circuit was declared. {expected.reason}"
    facts = (
        declared("Heads declared", listed(expected.heads)),
        declared("Source of the declaration", expected.source),
        declared("Declared for", _declared_for(expected.declared_for, model)),
    )
    if isinstance(compared, NotAssessed):
        return facts, f"Not compared. {compared.reason}"
    return (
        *facts,
        measured("Declared and found", listed(compared.matched)),
        measured("Declared, not found", listed(compared.missing)),
        measured("Found, not declared", listed(compared.extra)),
        measured(
            "Precision: share of found heads that were declared",
            f"{number_or_reason(compared.precision)} (asked: at least "
            f"{decimal_text(expected.min_precision)})",
        ),
        measured(
            "Recall: share of declared heads that were found",
            f"{decimal_text(compared.recall)} (asked: at least {decimal_text(expected.min_recall)})",
        ),
    ), ""


def _not_assessed(task: TaskRecord) -> tuple[Fact, ...]:
    parts: list[tuple[str, object]] = [
        ("Screening by codes", task.codes),
        ("Null: what chance alone would show", task.null),
        ("Causal check", task.causal),
        ("Circuit", task.circuit),
        ("Stability under other settings", task.stability),
    ]
    if isinstance(task.causal, Causal):
        parts += [
            ("Random head sets of the same size", task.causal.random_sets),
            ("Minimality: whether a smaller circuit would do", task.causal.minimality),
            ("Joint ablation, for backup heads", task.causal.joint_ablation),
            ("Heads with a constant role", task.causal.constant_role),
        ]
    return tuple(Fact(label, part.reason) for label, part in parts if isinstance(part, NotAssessed))


def _evidence_for(task: TaskRecord, law: Law) -> tuple[Fact, ...]:
    titles = {item.id: f"Article {item.id}" for item in law.article_13.items}
    titles |= {point.id: f"Annex {point.id}" for point in law.annex_iv.points}
    names = {item.id: item.title for item in law.article_13.items}
    names |= {point.id: point.title for point in law.annex_iv.points}
    return tuple(
        Fact(titles.get(hook, hook), names.get(hook, law.notices.unknown_hook))
        for hook in task.evidence_for
    )


def _defaults_note(task: TaskRecord) -> str:
    count = len(task.specification.defaulted)
    if count == 0:
        return "The policy set every key itself."
    return f"The policy left {counted(count, 'key')} to default: {listed(task.specification.defaulted)}."


def task_view(record: AuditRecord, law: Law, index: int) -> TaskView:
    """The section of the task at ``index`` (from 1), as finished strings."""
    task = record.tasks[index - 1]
    causal = task.causal
    known = isinstance(causal, Causal)
    absent = "" if isinstance(causal, Causal) else f"Not assessed. {causal.reason}"
    sets = _sets(task, causal) if isinstance(causal, Causal) else ()
    edges, absent_edges, edges_note = _edges(task)
    comparison, absent_comparison = _comparison(task, record.model)
    effects_chart, effects_note = effects_drawing(task)
    return TaskView(
        anchor=task_anchor(index),
        number=str(index),
        id=task.id,
        title=task.title,
        verdict=VERDICTS[task.verdict],
        verdict_key=task.verdict,
        verdict_meaning=VERDICT_MEANINGS[task.verdict],
        plain=plain_words(task, record.model),
        prompts=_prompts(task),
        example=_example(task.examples.shown),
        ladder=_ladder(task),
        findings=tuple(FindingView(LEVELS[f.level], f.code, f.text) for f in task.findings),
        evidence_for=_evidence_for(task, law),
        behaviour=_behaviour(task),
        screening=_screening(task.codes) if isinstance(task.codes, Codes) else (),
        absent_screening=(
            "" if isinstance(task.codes, Codes) else f"Not assessed. {task.codes.reason}"
        ),
        heads=_heads(task, causal) if isinstance(causal, Causal) else (),
        absent_heads=absent,
        heads_note=_heads_note(causal) if isinstance(causal, Causal) else "",
        map_chart=map_drawing(task, record.model),
        effects_chart=effects_chart,
        effects_note=effects_note,
        sets=sets,
        absent_sets=absent or ("" if sets else "None was measured."),
        shares_chart=shares_drawing(task),
        edges=edges,
        absent_edges=absent_edges,
        edges_note=edges_note,
        comparison=comparison,
        absent_comparison=absent_comparison,
        not_assessed=_not_assessed(task),
        settings=settings(task.specification),
        defaults_note=_defaults_note(task),
    )
