"""The null: what the engine finds where there is nothing to find.

An audit gets pairs in each of which positive and negative trade places by the toss of a coin, the answers
staying as they are. Whatever head it then ends with is a false one. Two counts are kept: audits whose
circuit holds any head, and audits in whose circuit the engine's label-swap null separates any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from auditkit.prompts.pairs import ResolvedPair
from benchmarks.engine_adapter import identify
from benchmarks.results import Null
from benchmarks.tasks import PLANTED_LEVEL, Task

AUDITS = 200
_FIRST_SEED = 10_000  # apart from the seeds that methods are compared on


def measure(tasks: Sequence[Task], audits: int, advance: Callable[[], None]) -> Null:
    """Audits of swapped pairs, the tasks taken in turn."""
    found = []
    for number in range(audits):
        task, seed = tasks[number % len(tasks)], _FIRST_SEED + number
        pairs = swapped(task.draw(seed)[0], seed)
        found.append(identify(task.subject, pairs, task.metric, seed, least=PLANTED_LEVEL))
        advance()
    return Null(
        audits=audits,
        with_false_head=sum(bool(each.circuit) for each in found),
        with_separated_head=sum(bool(each.separated) for each in found),
        with_effect=sum(each.assessed for each in found),
    )


def swapped(pairs: Sequence[ResolvedPair], seed: int) -> tuple[ResolvedPair, ...]:
    """The pairs, positive and negative traded in about half of them."""
    toss = Random(seed)  # noqa: S311 - a repeatable draw, not a secret
    return tuple(_turned(pair) if toss.random() < 0.5 else pair for pair in pairs)


def _turned(pair: ResolvedPair) -> ResolvedPair:
    texts = pair.pair.model_copy(
        update={"positive": pair.pair.negative, "negative": pair.pair.positive}
    )
    return replace(pair, pair=texts, positive_ids=pair.negative_ids, negative_ids=pair.positive_ids)
