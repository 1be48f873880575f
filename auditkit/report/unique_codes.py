"""The section on a task examined by the published method: counts, their null, and that it observed."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.records.base import NotAssessed
from auditkit.records.task import NullTest, TaskRecord
from auditkit.records.unique_codes import CountedHead, UniqueCodes
from auditkit.report.charts import CountRow, count_chart
from auditkit.report.facts import Fact, measured, recorded
from auditkit.report.separation import separation_facts
from auditkit.report.svg import Chart
from auditkit.report.wording import counted, decimal_text, listed

HEADS_SHOWN = 32
"""Beyond this many heads, only those the null separates or the provider declared are in the table."""

HEADS_DRAWN = 24
"""More heads than this are left to the table; the chart's caption says so."""

UNUSED_SETTINGS = (
    "attribution",
    "attribution_steps",
    "ablations",
    "autoencoder",
    "thresholds.tau",
    "thresholds.quorum",
    "thresholds.head_effect",
    "thresholds.sufficiency",
    "thresholds.necessity",
    "thresholds.tolerance",
    "patching",
    "stability_draws",
    "random_sets",
)
"""Keys of a specification that change nothing under this method."""

ASSOCIATION = "Some head's count of unique codes is beyond what swapped labels give"
"""What the second rung of the ladder says of this method."""

PROMPT_SETS = ("To count codes on", "To test the behaviour")
"""What discovery and test pairs are for under this method."""

METHOD = (
    "Method unique-codes, published and observational: no head was replaced. Its specification, its "
    "known faults and its limits are in the task's section."
)
"""What the method is, for the items of law that ask for one."""

_ONLY_OBSERVED = (
    "It only watched. No head was switched off or replaced, so a large count does not show that the "
    "model uses the head for this task, and a count of zero does not show that it does not."
)
_WHY_SWAPS = (
    "A count is also large when a head's codes simply vary. So prompts and matched prompts were made "
    "to trade places within pairs and the same codes counted again: the p-value is the share of such "
    "swaps that count as many or more. The published method has no such test."
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
    which = (
        f"all {heads:,} heads" if drawn == heads else f"{drawn} of {heads:,} heads, largest first"
    )
    return (
        f"Unique codes of {which}. Bar: the count. Upright mark: the mean count when "
        f"labels are swapped."
    )


def procedure(task: TaskRecord) -> str:
    """What was done with which prompts, for the items of law that ask for the procedure."""
    return (
        f"Procedure, settings, metric and results are in the task's section: "
        f"{counted(task.examples.discovery.n, 'prompt pair')} to count codes on, "
        f"{counted(task.examples.test.n, 'other pair')} to test the behaviour. No head was replaced."
    )


def which_heads(task: TaskRecord, codes: UniqueCodes) -> str:
    """In plain language, what the method reports and what its null leaves of it."""
    separated = task.null.separated if isinstance(task.null, NullTest) else ()
    return (
        f"Not assessed: nothing was replaced to find out. The published method, which only observes, "
        f"reports {len(codes.reported):,} of {len(codes.heads):,} attention heads, each with a code "
        f"that appeared on prompts and never on matched ones. Swapped labels leave these beyond "
        f"chance (layer.head, counted from 0): {listed(separated)}."
    )


def _words(codes: UniqueCodes) -> tuple[str, ...]:
    pairs = counted(len(codes.examples), "pair")
    how = (
        f"A small autoencoder, shared by all heads, turned what each head wrote on each prompt into "
        f"one whole number, its code. For each head the method counted the different codes that "
        f"appeared on the prompts of {pairs} and never on their matched prompts."
    )
    return how, _ONLY_OBSERVED, _WHY_SWAPS


def _facts(codes: UniqueCodes, null: NullTest) -> tuple[Fact, ...]:
    settings = codes.autoencoder
    rows = 2 * len(codes.examples) * len(codes.heads)
    patterns = f"all {null.swaps:,} patterns" if null.exact else f"{null.swaps:,} random patterns"
    return (
        recorded("Source of the method", "O'Neill and Bui, arXiv:2405.12522"),
        recorded(
            "Autoencoder, fixed by that description",
            f"{settings.features} features, sparsity {decimal_text(settings.sparsity)}, "
            f"{settings.epochs} epochs at rate {decimal_text(settings.learning_rate)} on "
            f"{settings.prompts} prompts",
        ),
        measured(
            "Heads with a unique code, which the method reports",
            f"{len(codes.reported):,} of {len(codes.heads):,}",
        ),
        recorded("Label-swap test", f"{patterns} of swapped labels"),
        *separation_facts(null),
        measured(
            "Silent: head and prompt without any feature, given code 0",
            f"{sum(head.silent for head in codes.heads):,} of {rows:,}",
        ),
    )


def _row(head: CountedHead, task: TaskRecord, null: NullTest) -> CountView:
    return CountView(
        head=head.head,
        declared="none declared"
        if isinstance(task.expected, NotAssessed)
        else "declared"
        if _is_declared(head, task)
        else "not declared",
        count=f"{head.count:,}",
        swapped_mean=decimal_text(head.swapped_mean),
        score=decimal_text(head.score),
        rank=f"{head.rank:,}",
        p_value=decimal_text(head.p_value),
        q_value=decimal_text(head.q_value),
        silent=f"{head.silent:,}",
        separated=_separated(head, null),
    )


def _separated(head: CountedHead, null: NullTest) -> str:
    if not head.count:
        return "no unique code"
    return "yes" if head.head in null.separated else "no"


def _is_declared(head: CountedHead, task: TaskRecord) -> bool:
    return not isinstance(task.expected, NotAssessed) and head.head in task.expected.heads


def _left_out(count: int) -> str:
    if not count:
        return "Every head of the model is in the table."
    return (
        f"{counted(count, 'more head')} with smaller counts, neither told from chance nor declared, "
        f"are in evidence.json."
    )
