"""The pictures of a task, where a reader looks first: which, in what order, with what caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from auditkit.circuits.circuit import layer_order, takes_over
from auditkit.circuits.paths import edges_of
from auditkit.messages import _, counted
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal, ConstantRole, JointAblation
from auditkit.records.model import ModelIdentity
from auditkit.records.task import Circuit, Codes, Stability, TaskRecord
from auditkit.report.drawings.charts import (
    EffectRow,
    HeadMap,
    ThresholdRow,
    effect_chart,
    head_map,
    share_chart,
)
from auditkit.report.drawings.circuit_chart import CircuitNode, Mark, circuit_chart, in_lines
from auditkit.report.drawings.stability_chart import SplitBar, stability_chart
from auditkit.report.drawings.svg import Chart
from auditkit.report.task.code_details import ROLES
from auditkit.report.task.numbers import EDGES_SHOWN, by_size
from auditkit.report.wording import ABLATIONS, SHORT_VERDICTS, joined_sentences

HALF = 335.0
"""A drawing up to this wide stands beside another."""

LINES_DRAWN = 14
"""A drawing of more lines would not fit a page: the heads with the smallest effects are left out."""

FREQUENCIES_DRAWN = 16
"""More heads than this are left to the tables; the caption says so."""


@dataclass(frozen=True)
class Picture:
    """One drawing with its title and what it leaves out. ``half``: it stands beside another."""

    title: str
    chart: Chart
    caption: str
    half: bool


def task_pictures(task: TaskRecord, model: ModelIdentity) -> tuple[Picture, ...]:
    """The drawings a task has measurements for, the circuit first."""
    effects, effects_note = effects_drawing(task)
    return tuple(
        Picture(title, chart, caption, chart.width <= HALF)
        for title, (chart, caption) in (
            (_("The circuit"), circuit_drawing(task)),
            (_("Map of heads"), (map_drawing(task, model), _("All heads of the model."))),
            (_("Sufficiency and necessity"), (shares_drawing(task), _shares_caption(task))),
            (
                _("Effect of each head"),
                (effects, effects_note or _("Every head that was replaced alone.")),
            ),
            (_("Stability"), stability_drawing(task)),
        )
        if chart is not None
    )


def _shares_caption(task: TaskRecord) -> str:
    if isinstance(task.causal, NotAssessed) or isinstance(task.causal.random_sets, NotAssessed):
        return _("No other sets were measured.")
    sets = task.causal.random_sets
    return counted(
        len(sets.shares),
        "Short upright mark: {n} other set of as many heads, none of them in the circuit.",
        "Short upright marks: {n} other sets of as many heads, none of them in the circuit.",
    )


def circuit_drawing(task: TaskRecord) -> tuple[Chart | None, str]:
    """The circuit, what is needed beside it and what was declared; ``None`` where there is none of it."""
    if not isinstance(task.causal, Causal) or not isinstance(task.circuit, Circuit):
        return None, ""
    marks = _marks(task, task.causal, task.circuit)
    if not marks:
        return None, ""
    nodes = [_node(head, marks[head], task, task.causal) for head in sorted(marks, key=layer_order)]
    shown = _that_fit(nodes)
    paths = task.causal.paths
    edges = () if isinstance(paths, NotAssessed) else edges_of(paths, task.specification.thresholds)
    drawn = [(edge.source, edge.target) for edge in edges[:EDGES_SHOWN]]
    left = len(nodes) - len(shown)
    words = (
        _("Heads of the circuit, heads needed beside it and heads declared, layer by layer."),
        _("Lines: what one head does through another alone, where that reaches the threshold")
        if drawn
        else _("No edge was recorded"),
        counted(
            left,
            "{n} head with a smaller effect is not drawn",
            "{n} heads with smaller effects are not drawn",
        )
        if left
        else "",
        _("{shown} of {n} edges are drawn", shown=EDGES_SHOWN, n=len(edges))
        if len(edges) > EDGES_SHOWN
        else "",
    )
    return circuit_chart(shown, drawn), joined_sentences(words)


def _that_fit(nodes: Sequence[CircuitNode]) -> list[CircuitNode]:
    """The heads with the largest effects, in layer order, as many as there are lines for."""
    shown = list(nodes)
    for smallest in sorted(nodes, key=lambda node: abs(node.effect or Decimal(0))):
        if len(in_lines(shown)) <= LINES_DRAWN:
            break
        shown.remove(smallest)
    return shown


def _marks(task: TaskRecord, causal: Causal, circuit: Circuit) -> dict[str, tuple[Mark, ...]]:
    """Every head with a mark, with all of its marks."""
    role, joint = causal.constant_role, causal.joint_ablation
    sets: tuple[tuple[Mark, Sequence[str]], ...] = (
        ("found", circuit.heads),
        ("completing", [each.head for each in causal.completion.heads]),
        ("constant role", role.heads if isinstance(role, ConstantRole) else ()),
        ("backup", joint.backups if isinstance(joint, JointAblation) else ()),
        ("declared", () if isinstance(task.expected, NotAssessed) else task.expected.heads),
    )
    heads = {head for _, members in sets for head in members}
    return {head: tuple(mark for mark, members in sets if head in members) for head in heads}


def _node(head: str, marks: tuple[Mark, ...], task: TaskRecord, causal: Causal) -> CircuitNode:
    effect, measure = _effect(head, marks, task, causal)
    return CircuitNode(
        head=head,
        layer=layer_order(head)[0],
        effect=effect,
        measure=measure,
        marks=marks,
        role=_main_role(head, task),
    )


def _effect(
    head: str, marks: Sequence[Mark], task: TaskRecord, causal: Causal
) -> tuple[Decimal | None, str]:
    """What made the head part of the drawing, and what that number is."""
    if "completing" in marks:
        lost = {each.head: each.effect.mean for each in causal.completion.heads}
        return lost.get(head), _("lost by the completed set without it")
    if "found" not in marks and isinstance(causal.constant_role, ConstantRole):
        constant = {each.head: each.effect.mean for each in causal.constant_role.patched}
        if "constant role" in marks:
            return constant.get(head), _("effect under mean ablation")
    if "found" not in marks and isinstance(causal.joint_ablation, JointAblation):
        limits = task.specification.thresholds
        gains = [
            each.gain.mean
            for each in causal.joint_ablation.tried
            if each.head == head and takes_over(each, limits)
        ]
        if "backup" in marks and gains:
            return max(gains), _("lost in addition when replaced with another head")
    alone = {each.head: each.effect.mean for each in causal.patched}
    return alone.get(head), _("effect alone")


def _main_role(head: str, task: TaskRecord) -> str:
    """The token role with the largest share of the head's effect; of equal ones the first."""
    if not isinstance(task.codes, Codes) or isinstance(task.codes.roles, NotAssessed):
        return ""
    roles = task.codes.roles
    for each in roles.heads:
        if each.head == head and not isinstance(each.shares, NotAssessed):
            return _(ROLES[roles.roles[each.shares.index(max(each.shares))]])
    return ""


def stability_drawing(task: TaskRecord) -> tuple[Chart | None, str]:
    """How often heads and verdicts came out when the examples were drawn again."""
    held = task.stability
    if not isinstance(held, Stability):
        return None, ""
    ordered = sorted(held.frequencies, key=lambda each: -each.frequency)
    shown = [(each.head, each.frequency) for each in ordered[:FREQUENCIES_DRAWN]]
    least = 1 - task.specification.thresholds.tolerance
    bars = (
        SplitBar(
            _("agreement"),
            ((_("agree with the verdict"), held.agreeing), (_("disagree"), 1 - held.agreeing)),
        ),
        SplitBar(
            _("verdicts"),
            tuple((_(SHORT_VERDICTS[each.verdict]), each.share) for each in held.verdicts),
        ),
    )
    left = len(ordered) - len(shown)
    caption = _(
        "Bars above: how often each head was in the circuit of a draw. Below: the verdicts of all draws and "
        "left-out templates."
    )
    more = counted(
        left,
        "{n} more head was in the circuit of some draw",
        "{n} more heads were in the circuit of some draw",
    )
    more = more if left else ""
    return stability_chart(shown, bars, least), joined_sentences((caption, more))


EFFECTS_DRAWN = 20
"""More heads than this are left to the table; the report says so."""


def map_drawing(task: TaskRecord, model: ModelIdentity) -> Chart | None:
    """The map of all heads, or ``None`` when no head was replaced."""
    if isinstance(task.causal, NotAssessed) or isinstance(task.circuit, NotAssessed):
        return None
    expected = task.expected
    return head_map(
        HeadMap(
            heads_per_layer=tuple((layer.index, layer.n_heads) for layer in model.layers),
            effects={patched.head: patched.effect.mean for patched in task.causal.patched},
            found=frozenset(task.circuit.heads),
            declared=None if isinstance(expected, NotAssessed) else frozenset(expected.heads),
        )
    )


def effects_drawing(task: TaskRecord) -> tuple[Chart | None, str]:
    """The chart of single-head effects, with a note when it shows only the first of them."""
    if isinstance(task.causal, NotAssessed) or not task.causal.patched:
        return None, ""
    patched = by_size(task.causal.patched)
    rows = [EffectRow(one.head, one.effect) for one in patched[:EFFECTS_DRAWN]]
    left = len(patched) - len(rows)
    note = (
        _(
            "The {shown} largest effects of the {n} heads that were replaced alone.",
            shown=len(rows),
            n=len(patched),
        )
        if left > 0
        else ""
    )
    return effect_chart(rows, task.specification.thresholds.head_effect), note


def _random_shares(causal: Causal) -> tuple[Decimal, ...]:
    return () if isinstance(causal.random_sets, NotAssessed) else causal.random_sets.shares


def shares_drawing(task: TaskRecord) -> Chart | None:
    """The chart of sufficiency and necessity, or ``None`` when neither was measured."""
    if isinstance(task.causal, NotAssessed):
        return None
    limits, first = task.specification.thresholds, task.specification.ablations[0]
    rows = [
        ThresholdRow(
            _("Sufficiency, {ablation}", ablation=_(ABLATIONS[effect.ablation])),
            effect.share,
            limits.sufficiency,
            2 - limits.sufficiency,
        )
        for effect in task.causal.sufficiency
    ]
    rows += [
        ThresholdRow(
            _("Necessity, {ablation}", ablation=_(ABLATIONS[effect.ablation])),
            effect.share,
            limits.necessity,
            None,
            # Random sets were measured under the first ablation only.
            _random_shares(task.causal) if effect.ablation == first else (),
        )
        for effect in task.causal.necessity
    ]
    return share_chart(rows) if rows else None
