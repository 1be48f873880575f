"""Hold a record against itself: what it states in one place and says, or implies, in another."""

from __future__ import annotations

from collections.abc import Iterator

from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.declared import Expectation
from auditkit.records.task import TaskRecord


def stated_differences(record: AuditRecord) -> Iterator[str]:
    """The keys of a record that another key of it contradicts."""
    ids = [task.id for task in record.tasks]
    if len(set(ids)) < len(ids):
        yield "tasks"
    if record.times.finished < record.times.started:
        yield "times"
    made = record.policy.commitment
    if record.policy.committed_at != (None if made is None else made.timestamped_at):
        yield "policy.committed_at"
    layers = [layer.index for layer in record.model.layers]
    if layers != list(range(len(layers))):
        yield "model.layers"
    for task in record.tasks:
        yield from (f"tasks[{task.id}].{key}" for key in _task(task))


def _task(task: TaskRecord) -> Iterator[str]:
    examples, specification = task.examples, task.specification
    if examples.discovery.n != specification.examples:
        yield "examples.discovery"
    if examples.test.n != specification.test_examples:
        yield "examples.test"
    further = 0 if isinstance(examples.further, NotAssessed) else examples.further.n
    if further > specification.max_examples - specification.examples:
        yield "examples.further"
    expected = task.expected
    if isinstance(expected, Expectation):
        if len(set(expected.heads)) < len(expected.heads):
            yield "expected.heads"
        if (expected.min_precision is None) != (expected.min_recall is None):
            yield "expected.min_recall"
