"""Recompute what a causal check comes to from what it measured: sets, completion, backups, constant roles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from auditkit.circuits.circuit import backups_of, belonging, grounds, layer_order, sure
from auditkit.circuits.codes import CodeSpace
from auditkit.circuits.effects import (
    CARRIED_ALONE,
    EMPTY_CIRCUIT,
    NO_BACKUP,
    NO_BACKUPS_SOUGHT,
    NO_CONSTANT_HEAD,
    NO_MEAN_EFFECT,
    NO_RESAMPLED_EFFECT,
    NO_RESAMPLING_FIRST,
    NOT_COMPLETED,
    Claim,
    against_random,
    minimality_of,
    set_effect,
)
from auditkit.circuits.intervals import mean_interval
from auditkit.records.base import Interval, Measure, NotAssessed
from auditkit.records.causal import Causal, Minimality, PatchedHead, RandomSets, SetEffect
from auditkit.records.task import PromptSet, TaskRecord
from auditkit.verifying.recompute_drops import drops_differences, may_lack_effect
from auditkit.verifying.recompute_latents import latents_differences, signature_differences
from auditkit.verifying.recompute_paths import paths_differences


def mean_of(values: tuple[Measure, ...], task: TaskRecord) -> Interval:
    """The mean of recorded values with its bootstrap interval, as the task's specification has it."""
    return mean_interval(values, task.specification.bootstrap, task.specification.seed)


def _few(task: TaskRecord, pairs: Literal["discovery", "test"]) -> int:
    """On how many pairs of a set backups, constant roles and heads left out are measured."""
    prompts: PromptSet = getattr(task.examples, pairs)
    checked = task.specification.patching.checked
    return min(checked, prompts.n) if checked else prompts.n


def causal_differences(
    task: TaskRecord, causal: Causal, space: CodeSpace, weights_digest: str
) -> Iterator[str]:
    """The keys of a causal check that do not follow from the measurements recorded beside them."""
    specification = task.specification
    if isinstance(causal.drops, NotAssessed):
        yield from _patched("causal.patched", causal.patched, task)
    else:
        yield from drops_differences(task, causal, causal.drops, weights_digest)
    yield from _completion(task, causal)
    yield from _minimality(task, causal)
    yield from _joint_ablation(task, causal)
    yield from _constant_role(task, causal)
    yield from signature_differences(task, causal, space, weights_digest)
    yield from paths_differences(
        task, causal, _circuit_heads(task, causal), _few(task, "discovery")
    )
    yield from latents_differences(
        task, causal, space, _circuit_heads(task, causal), _few(task, "discovery")
    )
    yardstick = causal.random_sets
    if isinstance(yardstick, RandomSets) and (
        len(yardstick.shares) != _n_sets(task, causal, space)
        or yardstick != against_random(yardstick.shares, _circuit_loses(causal, yardstick))
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


def _circuit_loses(causal: Causal, yardstick: RandomSets) -> Measure:
    """What the circuit loses: on all test pairs before there were looks, later on those of the other sets."""
    if isinstance(causal.drops, NotAssessed):
        return causal.necessity[0].share.mean
    return yardstick.circuit


def _n_sets(task: TaskRecord, causal: Causal, space: CodeSpace) -> int:
    """How many other sets were measured: as many as asked for, or all there are outside the circuit."""
    asked = task.specification.random_sets
    if isinstance(causal.drops, NotAssessed):
        return asked
    size = len(_circuit_heads(task, causal))
    return min(asked, math.comb(len(space.head_ids) - size, size))


def _completion(task: TaskRecord, causal: Causal) -> Iterator[str]:
    """What the heads found one by one carry, and whether that had to be completed."""
    key, completion = "causal.completion", causal.completion
    shares = [completion.alone]
    if isinstance(completion.completed, NotAssessed):
        alone = completion.alone.state == "observed"
        if completion.heads or completion.completed != (CARRIED_ALONE if alone else NOT_COMPLETED):
            yield f"{key}.completed"
    else:
        shares.append(completion.completed)
        if not completion.heads or completion.completed.state != "observed":
            yield f"{key}.completed"
    for share in shares:
        again = set_effect("sufficiency", share.ablation, share.shares, task.specification)
        first = task.specification.ablations[0]
        if share != again or share.ablation != first or _not_each_example(share.shares, task):
            yield key
    yield from _patched(f"{key}.heads", completion.heads, task)


def _not_each_example(values: tuple[Measure, ...], task: TaskRecord) -> bool:
    return len(values) != task.examples.discovery.n


def _minimality(task: TaskRecord, causal: Causal) -> Iterator[str]:
    minimality, circuit = causal.minimality, _circuit_heads(task, causal)
    if isinstance(minimality, NotAssessed):
        if circuit or minimality != EMPTY_CIRCUIT:
            yield "causal.minimality"
        return
    sound = (
        all(each.loss == mean_of(each.losses, task) for each in minimality.left_out)
        and all(len(each.losses) == _few(task, "test") for each in minimality.left_out)
        and minimality.ablation == task.specification.ablations[0]
        and tuple(each.head for each in minimality.left_out) == circuit
        and minimality
        == minimality_of(minimality.ablation, minimality.left_out, minimality.removed)
    )
    if not sound:
        yield "causal.minimality"
    elif not isinstance(causal.drops, NotAssessed) and not _removed_follow(task, minimality):
        yield "causal.minimality.removed"


def _removed_follow(task: TaskRecord, minimality: Minimality) -> bool:
    """Whether dispensable heads are left out until something is lost, or none is left."""
    removed, heads = minimality.removed, [each.head for each in minimality.removed]
    n_dispensable = len(minimality.dispensable)
    if n_dispensable < 2:
        return not removed
    stops = [sure(each.loss) for each in removed]
    return (
        bool(removed)
        and len(set(heads)) == len(heads)
        and set(heads) <= set(minimality.dispensable)
        and all(each.loss == mean_of(each.losses, task) for each in removed)
        and all(len(each.losses) == _few(task, "test") for each in removed)
        and not any(stops[:-1])
        and (stops[-1] or len(heads) == n_dispensable)
    )


def _why_no_joint_ablation(
    task: TaskRecord, causal: Causal, circuit: tuple[str, ...]
) -> tuple[NotAssessed, ...]:
    """The reasons that may stand where no backups were looked for."""
    if not task.specification.patching.backups:
        return (NO_BACKUPS_SOUGHT,)
    if not circuit:
        return (EMPTY_CIRCUIT,)
    return (NO_RESAMPLED_EFFECT,) if may_lack_effect(task, causal) else ()


def _joint_ablation(task: TaskRecord, causal: Causal) -> Iterator[str]:
    joint, circuit = causal.joint_ablation, _circuit_heads(task, causal)
    if isinstance(joint, NotAssessed):
        if joint not in _why_no_joint_ablation(task, causal, circuit):
            yield "causal.joint_ablation"
        return
    for each in joint.tried:
        if each.gain != mean_of(each.gains, task) or len(each.gains) != _few(task, "discovery"):
            yield f"causal.joint_ablation.tried[{each.primary}, {each.head}]"
        if each.primary not in circuit or each.head in circuit:
            yield f"causal.joint_ablation.tried[{each.primary}, {each.head}]"
    if joint.backups != backups_of(joint.tried, task.specification.thresholds):
        yield "causal.joint_ablation.backups"
    together = joint.with_backups
    if isinstance(together, NotAssessed):
        if joint.backups or together != NO_BACKUP:
            yield "causal.joint_ablation.with_backups"
    elif tuple(e.ablation for e in together) != task.specification.ablations or any(
        _set_differs("necessity", each, task) for each in together
    ):
        yield "causal.joint_ablation.with_backups"


def _circuit_heads(task: TaskRecord, causal: Causal) -> tuple[str, ...]:
    return belonging(grounds(causal), task.specification.thresholds)


def _patched(
    key: str, patched: tuple[PatchedHead, ...], task: TaskRecord, n: int | None = None
) -> Iterator[str]:
    """Heads whose interval is not that of their effects, or whose effects are not one per example."""
    asked = task.examples.discovery.n if n is None else n
    for each in patched:
        if each.effect != mean_of(each.effects, task) or len(each.effects) != asked:
            yield f"{key}[{each.head}].effect"


def _set_differs(claim: Claim, effect: SetEffect, task: TaskRecord) -> bool:
    """Whether a set's effect is not that of its shares, or its shares are not one per test pair."""
    again = set_effect(claim, effect.ablation, effect.shares, task.specification)
    return effect != again or len(effect.shares) != task.examples.test.n


def _constant_role(task: TaskRecord, causal: Causal) -> Iterator[str]:
    role = causal.constant_role
    if isinstance(role, NotAssessed):
        first = task.specification.ablations[0]
        new = not isinstance(causal.drops, NotAssessed)
        if role != (NO_RESAMPLING_FIRST if new and first != "resample" else NO_MEAN_EFFECT):
            yield "causal.constant_role"
        return
    tried = {each.head for each in role.patched}
    new = not isinstance(causal.drops, NotAssessed)
    unknown = new and not tried <= {each.head for each in causal.patched}
    if tried & set(_circuit_heads(task, causal)) or unknown:
        yield "causal.constant_role.patched"
    n = _few(task, "discovery")
    yield from _patched("causal.constant_role.patched", role.patched, task, n)
    if role.heads != belonging(role.patched, task.specification.thresholds):
        yield "causal.constant_role.heads"
    if isinstance(role.with_circuit, NotAssessed):
        if role.heads or role.with_circuit != NO_CONSTANT_HEAD:
            yield "causal.constant_role.with_circuit"
    elif role.with_circuit.ablation != "mean" or _set_differs(
        "sufficiency", role.with_circuit, task
    ):
        yield "causal.constant_role.with_circuit"
