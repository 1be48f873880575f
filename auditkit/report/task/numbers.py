"""The numbers of one task, row by row: heads replaced alone, the circuit as a set, edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditkit.circuits.paths import edges_of
from auditkit.messages import N_, _, counted, number_text
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal, PatchedHead, PathEffect
from auditkit.records.task import Codes, TaskRecord
from auditkit.report.wording import (
    ABLATIONS,
    OBSERVATIONS,
    absent_text,
    decimal_text,
    percent_text,
    range_text,
)

EDGES_SHOWN = 24
"""More edges than this are left to the evidence file, and the report says how many."""


HEADS_SHOWN = 32
"""Beyond this many heads, only those found or declared are in a table; the report says so."""

UNREMARKABLE = ("neither", "not in the circuit")
"""What ``standing`` says of a head that was neither found nor declared."""

_CHOSEN = {
    "all": N_("every head"),
    "ranked": N_("by rank"),
    "sampled": N_("at random"),
}


@dataclass(frozen=True)
class HeadView:
    """One head that was replaced alone. ``chosen`` says why this head was among them."""

    head: str
    standing: str
    rank: str
    attributed: str
    support: str
    pairs: str
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
    """Two heads of the circuit, and what the first does through the second alone."""

    source: str
    target: str
    share: str
    interval: str


def standing(head: str, task: TaskRecord) -> str:
    """Where a head stands between the circuit found and the circuit declared: words to be translated."""
    found = not isinstance(task.circuit, NotAssessed) and head in task.circuit.heads
    if isinstance(task.expected, NotAssessed):
        return N_("in the circuit") if found else N_("not in the circuit")
    if head in task.expected.heads:
        return N_("declared and found") if found else N_("declared, not found")
    return N_("found, not declared") if found else N_("neither")


def by_size(patched: Sequence[PatchedHead]) -> list[PatchedHead]:
    """Heads by the size of their effect, largest first, whatever its sign."""
    return sorted(patched, key=lambda one: -abs(one.effect.mean))


def pairs_replaced_on(causal: Causal) -> str:
    """On how many pairs heads were replaced alone: as many as their questions needed."""
    numbers = sorted(each.effect.n for each in causal.patched) or [0]
    if numbers[0] == numbers[-1]:
        return counted(numbers[0], "{n} prompt pair", "{n} prompt pairs")
    return _("{least} to {most} prompt pairs", least=numbers[0], most=numbers[-1])


def _rows_shown(task: TaskRecord, causal: Causal) -> list[PatchedHead]:
    return [
        one
        for place, one in enumerate(by_size(causal.patched))
        if place < HEADS_SHOWN or standing(one.head, task) not in UNREMARKABLE
    ]


def head_rows(task: TaskRecord, causal: Causal) -> tuple[HeadView, ...]:
    """Every replaced head that was found or declared, largest effect first."""
    return tuple(
        _head(one, task)
        for one in by_size(causal.patched)
        if standing(one.head, task) not in UNREMARKABLE
    )


def other_head_rows(task: TaskRecord, causal: Causal) -> tuple[HeadView, ...]:
    """The other replaced heads among those with the largest effects, largest effect first."""
    return tuple(
        _head(one, task)
        for one in _rows_shown(task, causal)
        if standing(one.head, task) in UNREMARKABLE
    )


def _head(patched: PatchedHead, task: TaskRecord) -> HeadView:
    screened = task.codes.heads if isinstance(task.codes, Codes) else ()
    seen = next((each for each in screened if each.head == patched.head), None)
    unseen = _("not screened")
    return HeadView(
        head=patched.head,
        standing=_(standing(patched.head, task)),
        rank=unseen if seen is None else number_text(seen.rank),
        attributed=unseen if seen is None else decimal_text(seen.attributed),
        support=unseen if seen is None else number_text(seen.support),
        pairs=number_text(patched.effect.n),
        effect=decimal_text(patched.effect.mean),
        interval=range_text(patched.effect),
        chosen=_(_CHOSEN[patched.chosen]),
    )


def heads_note(task: TaskRecord, causal: Causal) -> str:
    """What the table of heads leaves out, so that its silence is not read as zero."""
    left_out = len(causal.patched) - len(_rows_shown(task, causal))
    more = counted(
        left_out,
        "{n} more head was replaced alone, with a smaller effect, neither found nor declared: it is in "
        "evidence.json.",
        "{n} more heads were replaced alone, with smaller effects, neither found nor declared: they are in "
        "evidence.json.",
    )
    others = counted(
        len(causal.unpatched),
        "{n} head, ranked lower and not drawn at random, was not replaced alone: its single effect is "
        "unknown, which is not the same as none.",
        "{n} heads, ranked lower and not drawn at random, were not replaced alone: their single effects are "
        "unknown, which is not the same as none.",
    )
    if not causal.unpatched:
        others = _("Every head of the model was replaced alone.")
    return f"{more} {others}" if left_out else others


def set_rows(task: TaskRecord, causal: Causal) -> tuple[SetView, ...]:
    """Sufficiency, then necessity, one row per ablation."""
    limits = task.specification.thresholds
    most = 2 - limits.sufficiency
    between = _("{low} to {high}", low=decimal_text(limits.sufficiency), high=decimal_text(most))
    least = _("at least {least}", least=decimal_text(limits.necessity))
    named = (
        (_("Sufficiency"), between, causal.sufficiency),
        (_("Necessity"), least, causal.necessity),
    )
    return tuple(
        SetView(
            name=name,
            ablation=_(ABLATIONS[effect.ablation]),
            share=decimal_text(effect.share.mean),
            interval=range_text(effect.share),
            asked=asked,
            observation=_(OBSERVATIONS[effect.state]),
        )
        for name, asked, effects in named
        for effect in effects
    )


def _edge(path: PathEffect) -> EdgeView:
    return EdgeView(
        source=path.source,
        target=path.target,
        share=decimal_text(path.effect.mean),
        interval=range_text(path.effect),
    )


def edge_rows(task: TaskRecord) -> tuple[tuple[EdgeView, ...], str, str]:
    """The edges to print, the words in their place when there are none, and a note on the rest."""
    if isinstance(task.causal, NotAssessed):
        return (), absent_text(task.causal), ""
    paths, thresholds = task.causal.paths, task.specification.thresholds
    if isinstance(paths, NotAssessed):
        return (), absent_text(paths), ""
    edges = edges_of(paths, thresholds)
    tested = counted(
        len(paths.tried),
        "The direct path of {n} pair of circuit heads was measured.",
        "The direct paths of {n} pairs of circuit heads were measured.",
    )
    if paths.untried:
        untried = counted(
            paths.untried,
            "{n} pair with smaller effects was not: its path is unknown.",
            "{n} pairs with smaller effects were not: their paths are unknown.",
        )
        tested = f"{tested} {untried}"
    if not edges:
        none = _(
            "None carries {least} of the task effect.", least=percent_text(thresholds.head_effect)
        )
        return (), f"{tested} {none}", ""
    left = len(edges) - EDGES_SHOWN
    more = counted(
        left,
        "The {shown} largest are shown; {n} more is in evidence.json.",
        "The {shown} largest are shown; {n} more are in evidence.json.",
        shown=EDGES_SHOWN,
    )
    note = f"{tested} {more}" if left > 0 else tested
    return tuple(_edge(edge) for edge in edges[:EDGES_SHOWN]), "", note
