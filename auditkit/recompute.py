"""Recompute what a record concludes from what it measured, without a model, and say what differs.

Every derived value is computed again by the functions the engine used: signature, ranks, intervals,
circuit, comparison, ladder, findings, verdicts. Used by ``auditkit verify``.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditkit.circuit import circuit_of, constant_heads, layer_order
from auditkit.codes import (
    CodeSpace,
    carries_code,
    quorum_count,
    screened_heads,
    signature,
)
from auditkit.conclusions import CONCLUDED, concluded
from auditkit.controls.outcomes import as_planned, contradicts, distinct, summed_up
from auditkit.intervals import mean_interval
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import ControlRun, NegativeControl
from auditkit.records.specification import Specification
from auditkit.records.task import Causal, Codes, PatchedHead, RandomSets, SetEffect, TaskRecord
from auditkit.verdict import (
    NO_BEHAVIOUR,
    NO_CONSTANT_HEAD,
    NO_EFFECT,
    Claim,
    against_random,
    behaviour_of,
    overall,
    set_effect,
)


def mismatches(record: AuditRecord) -> tuple[str, ...]:
    """The key paths whose value is not what the recorded measurements give; empty if none."""
    found = [f"calibration.{key}" for key in _calibration(record)]
    found += [f"tasks[{t.id}].{key}" for t in record.tasks for key in _task(t, record)]
    if record.verdict != overall([task.verdict for task in record.tasks]):
        found.append("verdict")
    return tuple(found)


def _calibration(record: AuditRecord) -> Iterator[str]:
    """Known-answer controls that are not those of the tasks' settings, or come to something else."""
    settings = record.calibration.settings
    asked = distinct({task.id: task.specification for task in record.tasks})
    if [(each.specification, each.tasks) for each in settings] != list(asked.items()):
        yield "settings"
    for index, setting in enumerate(settings):
        key = f"settings[{index}]"
        if not as_planned(setting):
            yield f"{key}.models"
        for run in setting.models:
            yield from _control(f"{key}.{run.name}", run, setting.specification)
        for control in setting.negative_controls:
            yield from _control(f"{key}.{control.name}", control, setting.specification)
        if setting != summed_up(setting):
            yield f"{key}.outcomes"


def _control(
    key: str, control: ControlRun | NegativeControl, specification: Specification
) -> Iterator[str]:
    """A control's behaviour, and that nothing was reported where nobody looked."""
    seen = control.behaviour
    again = behaviour_of(seen.positive_values, seen.negative_values, specification)
    if seen != again or len(seen.positive_values) != specification.test_examples:
        yield f"{key}.behaviour"
    if contradicts(control):
        yield f"{key}.reported"


def _task(task: TaskRecord, record: AuditRecord) -> Iterator[str]:
    specification = task.specification
    behaviour = task.behaviour
    if behaviour != behaviour_of(
        behaviour.positive_values, behaviour.negative_values, specification
    ):
        yield "behaviour"
    yield from _assessed_together(task)
    space = CodeSpace.of(record.model.layers, specification.autoencoder.latents)
    if isinstance(task.codes, Codes):
        yield from _codes(task, task.codes, space)
    if isinstance(task.causal, Causal):
        yield from _causal(task, task.causal, space)
    if isinstance(task.codes, Codes) and isinstance(task.causal, Causal):
        expected_circuit = circuit_of(
            task.codes, task.causal.patched, specification.thresholds, space
        )
        if task.circuit != expected_circuit:
            yield "circuit"
    yield from _conclusions(task, record)


def _assessed_together(task: TaskRecord) -> Iterator[str]:
    """Codes, causal check and circuit are all there, or all absent for one of two reasons.

    That heads have no effect cannot be recomputed: it is a measurement. It gives no favourable verdict.
    """
    parts = {
        "codes": task.codes,
        "causal": task.causal,
        "circuit": task.circuit,
    }
    absent = NO_BEHAVIOUR if task.behaviour.state == "not_observed" else NO_EFFECT
    assessed = task.behaviour.state == "observed" and any(
        not isinstance(part, NotAssessed) for part in parts.values()
    )
    for key, part in parts.items():
        if isinstance(part, NotAssessed) if assessed else part != absent:
            yield key


def _codes(task: TaskRecord, codes: Codes, space: CodeSpace) -> Iterator[str]:
    n = task.examples.discovery.n
    if codes.stride != space.stride:
        yield "codes.stride"
    if len(task.examples.templates) != n:
        yield "examples.templates"
    if [example.example for example in codes.examples] != list(range(n)):
        yield "codes.examples"
        return
    if codes.quorum_count != quorum_count(task.specification.thresholds.quorum, n):
        yield "codes.quorum_count"
    limit = space.stride * len(space.head_ids)
    if any(not 0 <= code < limit for e in codes.examples for code in e.codes):
        yield "codes.examples"
        return
    if codes.signature != signature(codes.examples, codes.quorum_count, space):
        yield "codes.signature"
    yield from _screened(task, codes, space)


def _screened(task: TaskRecord, codes: Codes, space: CodeSpace) -> Iterator[str]:
    if tuple(head.head for head in codes.heads) != space.head_ids or any(
        len(head.effects) != len(codes.examples) for head in codes.heads
    ):
        yield "codes.heads"
        return
    effects = [head.effects for head in codes.heads]
    again = screened_heads(effects, codes.examples, space, task.specification.seed)
    for head, computed in zip(codes.heads, again, strict=True):
        if head != computed:
            yield f"codes.heads[{head.head}]"
        if carries_code(head.effects, task.specification.thresholds.tau) != [
            space.whole_head(head.head) in example.codes for example in codes.examples
        ]:
            yield f"codes.examples[{head.head}]"


def _causal(task: TaskRecord, causal: Causal, space: CodeSpace) -> Iterator[str]:
    specification = task.specification
    yield from _patched("causal.patched", causal.patched, task)
    yield from _constant_role(task, causal)
    yardstick = causal.random_sets
    if isinstance(yardstick, RandomSets) and (
        len(yardstick.shares) != specification.random_sets
        or yardstick != against_random(yardstick.shares, causal.necessity[0])
    ):
        yield "causal.random_sets"
    covered = sorted([*(p.head for p in causal.patched), *causal.unpatched], key=layer_order)
    if covered != list(space.head_ids):
        yield "causal.unpatched"
    claims: tuple[tuple[Claim, tuple[SetEffect, ...]], ...] = (
        ("sufficiency", causal.sufficiency),
        ("necessity", causal.necessity),
    )
    for claim, effects in claims:
        if tuple(effect.ablation for effect in effects) != specification.ablations:
            yield f"causal.{claim}"
        for effect in effects:
            if _set_differs(claim, effect, task):
                yield f"causal.{claim}[{effect.ablation}]"


def _patched(key: str, patched: tuple[PatchedHead, ...], task: TaskRecord) -> Iterator[str]:
    """Heads whose interval is not that of their effects, or whose effects are not one per example."""
    specification = task.specification
    for each in patched:
        again = mean_interval(each.effects, specification.bootstrap, specification.seed)
        if each.effect != again or len(each.effects) != task.examples.discovery.n:
            yield f"{key}[{each.head}].effect"


def _set_differs(claim: Claim, effect: SetEffect, task: TaskRecord) -> bool:
    """Whether a set's effect is not that of its shares, or its shares are not one per test pair."""
    again = set_effect(claim, effect.ablation, effect.shares, task.specification)
    return effect != again or len(effect.shares) != task.examples.test.n


def _constant_role(task: TaskRecord, causal: Causal) -> Iterator[str]:
    role = causal.constant_role
    if isinstance(role, NotAssessed):
        return
    yield from _patched("causal.constant_role.patched", role.patched, task)
    if role.heads != constant_heads(role.patched, task.specification.thresholds):
        yield "causal.constant_role.heads"
    if isinstance(role.with_circuit, NotAssessed):
        if role.heads or role.with_circuit != NO_CONSTANT_HEAD:
            yield "causal.constant_role.with_circuit"
    elif role.with_circuit.ablation != "mean" or _set_differs(
        "sufficiency", role.with_circuit, task
    ):
        yield "causal.constant_role.with_circuit"


def _conclusions(task: TaskRecord, record: AuditRecord) -> Iterator[str]:
    again = concluded(task, record.model.weights_digest, record.calibration)
    for key in CONCLUDED:
        if getattr(task, key) != getattr(again, key):
            yield key
