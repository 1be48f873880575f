"""Known answers: each planted head, and whether a method's final answer names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from auditkit.controls.construction import ControlModel
from auditkit.controls.planting import Kind, PlantedHead
from benchmarks.comparing import Outcome
from benchmarks.engine_adapter import Found, investigated
from benchmarks.figures import Heads
from benchmarks.results import AuditCost, KnownAnswer
from benchmarks.tasks import PLANTED_LEVEL, Task

OURS = "attributed-codes"


def known_answers(
    control: ControlModel, task: Task, outcomes: Iterable[Outcome]
) -> Iterator[KnownAnswer]:
    """Every planted head under every method that gives a set, on the model's own examples."""
    for outcome in outcomes:
        method = outcome.result.method
        if outcome.found is not None and method != OURS:
            yield from _answers(control, method, _unsorted(outcome.found))
    examples, test = task.draw(0)
    ours, _ = investigated(task.subject, examples, test, task.metric, 0, least=PLANTED_LEVEL)
    yield from _answers(control, OURS, ours)


def audit_cost(task: Task) -> AuditCost | None:
    """The forward passes of a whole audit of the task on its first draw; nothing where there is no effect."""
    examples, test = task.draw(0)
    _, forwards = investigated(task.subject, examples, test, task.metric, 0, least=PLANTED_LEVEL)
    if forwards is None:
        return None
    return AuditCost(
        model=task.model,
        task=task.name,
        attribution=forwards.attribution,
        search=forwards.search,
        checks=forwards.checks,
        exact=len(examples) * (2 + len(task.subject.heads)),
        test_pairs=len(test),
    )


def _unsorted(heads: Heads) -> Found:
    """A plain set: a method without passes of its own names a constant-role head by including it."""
    return Found(assessed=True, circuit=heads, separated=heads, constant_role=heads, backups=heads)


def _answers(control: ControlModel, method: str, named: Found) -> Iterator[KnownAnswer]:
    for place, planted in enumerate(control.planted):
        yield KnownAnswer(
            model=control.specification.name,
            method=method,
            head=planted.head,
            kind=planted.kind.value,
            found=_found(planted, place, named),
        )


def _found(planted: PlantedHead, place: int, named: Found) -> bool | None:
    heads = {Kind.CONSTANT_ROLE: named.constant_role, Kind.BACKUP: named.backups}.get(
        planted.kind, named.circuit
    )
    return None if heads is None else place in heads
