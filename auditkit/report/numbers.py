"""The numbers of one task, row by row: heads replaced alone, the circuit as a set, edges."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.records.base import NotAssessed
from auditkit.records.task import Causal, Edge, TaskRecord
from auditkit.report.wording import OBSERVATIONS, counted, decimal_text, range_text

EDGES_SHOWN = 40
"""More edges than this are left to the evidence file, and the report says how many."""


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


def standing(head: str, task: TaskRecord) -> str:
    """Where a head stands between the circuit found and the circuit declared, in words."""
    found = not isinstance(task.circuit, NotAssessed) and head in task.circuit.heads
    if isinstance(task.expected, NotAssessed):
        return "in the circuit" if found else "not in the circuit"
    if head in task.expected.heads:
        return "declared and found" if found else "declared, not found"
    return "found, not declared" if found else "neither"


def head_rows(task: TaskRecord, causal: Causal) -> tuple[HeadView, ...]:
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


def heads_note(causal: Causal) -> str:
    if not causal.unpatched:
        return "Every head of the model was replaced alone."
    return (
        f"{counted(len(causal.unpatched), 'head')} ranked lower and not drawn at random were not "
        f"replaced: their single effects are unknown, which is not the same as none."
    )


def set_rows(task: TaskRecord, causal: Causal) -> tuple[SetView, ...]:
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


def edge_rows(task: TaskRecord) -> tuple[tuple[EdgeView, ...], str, str]:
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
