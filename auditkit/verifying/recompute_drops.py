"""Recompute what heads replaced alone come to, and hold what was measured against what the rule asks for."""

from __future__ import annotations

from collections.abc import Iterator

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.effects import NO_RESAMPLED_EFFECT, SMALLEST_EFFECT
from auditkit.circuits.looks import Course
from auditkit.circuits.single import patched_heads
from auditkit.judging.measured import Measured
from auditkit.judging.ruling import course_on
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.looks import Drops
from auditkit.records.task import TaskRecord


def drops_differences(
    task: TaskRecord, causal: Causal, drops: Drops, weights_digest: str
) -> Iterator[str]:
    """The keys that do not follow from the drops, and drops that the rule did not ask for.

    A head closed and yet replaced on further pairs, one left out after the first look, pairs measured past a
    stop: each is another course than the rule's.
    """
    names = [each.head for each in drops.heads]
    chosen = {each.head: each.chosen for each in causal.patched}
    if sorted(chosen, key=layer_order) != names or len(causal.patched) != len(names):
        yield "causal.drops.heads"
        return
    if isinstance(task.effect, NotAssessed) or not _follows_effect(task, drops):
        yield "causal.drops.whole"
        return
    try:
        course = course_on(Measured.of(task), causal, drops, weights_digest)
    except ValueError:
        yield "causal.drops"  # fewer drops than the rule asks for
        return
    beyond = list(_beyond(course, drops))
    yield from beyond
    if not beyond and causal.patched != patched_heads(
        drops, chosen, task.specification.bootstrap.level, task.examples.discovery.n
    ):
        yield "causal.patched"


def _follows_effect(task: TaskRecord, drops: Drops) -> bool:
    """Whether the first drops of all heads are those that the effect of the heads rests on."""
    if isinstance(task.effect, NotAssessed):
        return False
    first = task.effect.measured[0].drops
    return drops.whole[: len(first)] == first


def may_lack_effect(task: TaskRecord, causal: Causal) -> bool:
    """Whether resampling may have had no effect on the few pairs on which a circuit is checked.

    Where heads are replaced by resampling, the drops of all heads on those pairs are recorded.
    """
    if task.specification.ablations[0] != "resample":
        return True
    if isinstance(causal.drops, NotAssessed):
        return False
    few = causal.drops.whole[: task.specification.patching.checked or task.examples.discovery.n]
    return sum(few) < SMALLEST_EFFECT * len(few)


def why_absent(
    task: TaskRecord, causal: Causal, reason: NotAssessed | None, not_known: NotAssessed
) -> NotAssessed | None:
    """The reason that may stand where something was not asked of a circuit; ``None`` where none may.

    ``reason`` is what settings and circuit give; ``not_known`` is that of editions without the check.
    """
    if isinstance(causal.drops, NotAssessed):
        return not_known
    return reason or (NO_RESAMPLED_EFFECT if may_lack_effect(task, causal) else None)


def _beyond(course: Course, drops: Drops) -> Iterator[str]:
    """Heads and pairs that were measured on more, or fewer, pairs than the rule asks for."""
    if len(drops.whole) != course.looks[-1].pairs:
        yield "causal.drops.whole"
    for each in drops.heads:
        if len(each.drops) != course.asked.get(each.head, 0):
            yield f"causal.drops.heads[{each.head}]"
    joint = {each.head: len(each.drops) for each in drops.joint}
    if joint != dict(course.asked_after_others) or len(joint) != len(drops.joint):
        yield "causal.drops.joint"
