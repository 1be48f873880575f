"""The section on a task examined by the published method: counts, their null, and that it observed."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.messages import N_, _, counted, number_text
from auditkit.records.base import NotAssessed
from auditkit.records.task import NullTest, TaskRecord
from auditkit.records.unique_codes import CountedHead, UniqueCodes
from auditkit.report.drawings.charts import CountRow, count_chart
from auditkit.report.drawings.svg import Chart
from auditkit.report.facts import Fact, measured_fact, recorded_fact, separation_facts
from auditkit.report.wording import decimal_text, listed

HEADS_SHOWN = 32
"""Beyond this many heads, only those the null separates or the provider declared are in the table."""

HEADS_DRAWN = 24
"""More heads than this are left to the table; the chart's caption says so."""

_ONLY_OBSERVED = N_(
    "The method only observes. No head was switched off or replaced, so a large count does not show that "
    "the model uses the head for this task, and a count of zero does not show that it does not."
)
_WHY_SWAPS = N_(
    "A count is also large when a head's codes simply vary. A label-swap test was therefore added: the "
    "prompt and the matched prompt of a pair trade places, and the same codes are counted again. The "
    "p-value is the share of such swaps that count as many or more. The published method has no such test."
)


@dataclass(frozen=True)
class CountView:
    """One head's row: its count, what swapped labels give, and what follows."""

    head: str
    declared: str
    count: str
    swapped_mean: str
    score: str
    rank: str
    p_value: str
    q_value: str
    silent: str
    separated: str


@dataclass(frozen=True)
class UniqueCodesView:
    """Everything the section prints."""

    words: tuple[str, ...]
    facts: tuple[Fact, ...]
    heads: tuple[CountView, ...]
    heads_note: str
    chart: Chart
    chart_caption: str


def unique_codes_view(task: TaskRecord) -> UniqueCodesView | None:
    """The section's content, or ``None`` for a task that another method examined."""
    if not (isinstance(task.codes, UniqueCodes) and isinstance(task.null, NullTest)):
        return None
    codes, null = task.codes, task.null
    ordered = sorted(codes.heads, key=lambda head: (head.rank, head.p_value))
    shown = [
        head
        for place, head in enumerate(ordered)
        if place < HEADS_SHOWN or head.head in null.separated or _is_declared(head, task)
    ]
    drawn = ordered[:HEADS_DRAWN]
    return UniqueCodesView(
        words=_words(codes),
        facts=_facts(codes, null),
        heads=tuple(_row(head, task, null) for head in shown),
        heads_note=_left_out(len(ordered) - len(shown)),
        chart=count_chart([CountRow(head.head, head.count, head.swapped_mean) for head in drawn]),
        chart_caption=_caption(len(drawn), len(ordered)),
    )


def _caption(drawn: int, heads: int) -> str:
    if drawn == heads:
        return _(
            "Unique codes of all {heads} heads. Bar: the count. Upright mark: the mean count when "
            "labels are swapped.",
            heads=heads,
        )
    return _(
        "Unique codes of {drawn} of {heads} heads, largest first. Bar: the count. Upright mark: the "
        "mean count when labels are swapped.",
        drawn=drawn,
        heads=heads,
    )


def procedure(task: TaskRecord) -> str:
    """What was done with which prompts, for the items of law that ask for the procedure."""
    return _(
        "Procedure, settings, metric and results are in the task's section: {pairs} to count codes, "
        "{others} to test the behaviour. No head was replaced.",
        pairs=counted(task.examples.discovery.n, "{n} prompt pair", "{n} prompt pairs"),
        others=counted(task.examples.test.n, "{n} other pair", "{n} other pairs"),
    )


def which_heads(task: TaskRecord, codes: UniqueCodes) -> str:
    """In plain language, what the method reports and what its null leaves of it."""
    separated = task.null.separated if isinstance(task.null, NullTest) else ()
    return _(
        "Not assessed: no head was replaced to find out. On the discovery pairs the published method, "
        "which only observes, reports {reported} of {n} attention heads, each with a code that appeared on "
        "prompts and never on matched ones. The label-swap test tells these from chance (layer.head, "
        "counted from 0): {separated}.",
        reported=len(codes.reported),
        n=len(codes.heads),
        separated=listed(separated),
    )


def _words(codes: UniqueCodes) -> tuple[str, ...]:
    how = _(
        "A small autoencoder, shared by all heads, turned what each head wrote on each prompt into "
        "one whole number, its code. For each head the method counted the different codes that "
        "appeared on the prompts of {pairs} and never on their matched prompts.",
        pairs=counted(len(codes.examples), "{n} pair", "{n} pairs"),
    )
    return how, _(_ONLY_OBSERVED), _(_WHY_SWAPS)


def _facts(codes: UniqueCodes, null: NullTest) -> tuple[Fact, ...]:
    settings = codes.autoencoder
    rows = 2 * len(codes.examples) * len(codes.heads)
    patterns = (
        _("all {n} patterns of swapped labels", n=null.swaps)
        if null.exact
        else _("{n} random patterns of swapped labels", n=null.swaps)
    )
    return (
        recorded_fact(_("Source of the method"), _("O'Neill and Bui, arXiv:2405.12522")),
        recorded_fact(
            _("Autoencoder, fixed by that description"),
            _(
                "{features} features, sparsity {sparsity}, {epochs} epochs at rate {rate} on {prompts} "
                "prompts",
                features=str(settings.features),
                sparsity=decimal_text(settings.sparsity),
                epochs=str(settings.epochs),
                rate=decimal_text(settings.learning_rate),
                prompts=str(settings.prompts),
            ),
        ),
        measured_fact(
            _("Heads with a unique code, which the method reports"),
            _("{part} of {whole}", part=len(codes.reported), whole=len(codes.heads)),
        ),
        recorded_fact(_("Label-swap test"), patterns),
        *separation_facts(null),
        measured_fact(
            _(
                "Silent: combinations of head and prompt in which no feature was active; their code is 0"
            ),
            _("{part} of {whole}", part=sum(head.silent for head in codes.heads), whole=rows),
        ),
    )


def _row(head: CountedHead, task: TaskRecord, null: NullTest) -> CountView:
    return CountView(
        head=head.head,
        declared=_("none declared")
        if isinstance(task.expected, NotAssessed)
        else _("declared")
        if _is_declared(head, task)
        else _("not declared"),
        count=number_text(head.count),
        swapped_mean=decimal_text(head.swapped_mean),
        score=decimal_text(head.score),
        rank=number_text(head.rank),
        p_value=decimal_text(head.p_value),
        q_value=decimal_text(head.q_value),
        silent=number_text(head.silent),
        separated=_separated(head, null),
    )


def _separated(head: CountedHead, null: NullTest) -> str:
    if not head.count:
        return _("no unique code")
    return _("yes") if head.head in null.separated else _("no")


def _is_declared(head: CountedHead, task: TaskRecord) -> bool:
    return not isinstance(task.expected, NotAssessed) and head.head in task.expected.heads


def _left_out(count: int) -> str:
    if not count:
        return _("Every head of the model is in the table.")
    return counted(
        count,
        "{n} more head with a smaller count, neither told from chance nor declared, is in evidence.json.",
        "{n} more heads with smaller counts, neither told from chance nor declared, are in evidence.json.",
    )
