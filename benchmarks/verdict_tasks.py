"""What verdicts are measured on: tasks, and the drops of every head on a pool of pairs, measured once.

Known-answer models, the reference model, stories260K on pairs of our own, and five models trained here. A
head's true effect is its exact effect on the whole pool. A draw takes pairs from the pool without
replacement; the verdict rule is a function of the drops, so nothing is run again for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from auditkit.circuits.redrawing import Pool
from auditkit.circuits.single import in_units
from auditkit.controls.construction import build
from auditkit.controls.family import FAMILY
from auditkit.controls.vocabulary import task_pairs
from auditkit.identifying.activations import MeanOutputs, capture
from auditkit.identifying.batches import batches_for
from auditkit.identifying.interventions import Heads, Intervention, heads_of
from auditkit.model.loading import load_subject
from auditkit.model.subject import Subject
from auditkit.prompts.generators import GENERATORS, generate
from auditkit.prompts.pairs import ResolvedPair, resolve
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.base import measured
from auditkit.records.prompts import PromptPair
from auditkit.records.specification import Metric
from benchmarks.tasks import REFERENCE, REFERENCE_TASKS, STORIES
from benchmarks.trained import trained_models

POOL = 480
"""Pairs of a task's pool, where there are so many."""

_CONTROLS = ("lookup-hard", "lookup-soft", "backup-soft")
_APART = 90
"""A known-answer model's twelve words make few more pairs of which no two share a text."""

_SEED = 20261126

Units = NDArray[np.int64]


@dataclass
class VerdictTask:
    """A task with what every head takes away on each pair of its pool, in units of a record's last digit.

    ``whole`` ``[n_pairs]`` is what all heads together do; ``heads`` has a row like it for each head.
    """

    model: str
    name: str
    subject: Subject
    metric: Metric
    pairs: tuple[ResolvedPair, ...]
    whole: Units
    heads: dict[str, Units]
    intervention: Intervention
    _joint: dict[frozenset[str], dict[str, Units]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Model and task in one name."""
        return f"{self.model}/{self.name}"

    @property
    def effects(self) -> dict[str, float]:
        """Every head's share of the task effect on the whole pool."""
        total = float(self.whole.sum())
        return {head: float(drops.sum()) / total for head, drops in self.heads.items()}

    def pool(self, declared: frozenset[str]) -> Pool:
        """The drops, with what each declared head adds after the other declared heads."""
        if declared not in self._joint:
            together = heads_of(sorted(declared))
            sets = [together - heads_of([head]) for head in sorted(declared)]
            without = _units(self.intervention, [together, *sets])
            # The metric without the other declared heads, less that without all of them.
            self._joint[declared] = {
                head: row - without[0]
                for head, row in zip(sorted(declared), without[1:], strict=True)
            }
        return Pool(self.whole, self.heads, self._joint[declared])


def _units(intervention: Intervention, sets: Sequence[Heads]) -> list[Units]:
    """The metric with each of these sets of heads replaced, pair by pair, as whole numbers."""
    return [_whole_numbers(row) for row in intervention.metrics(sets).tolist()]


def _whole_numbers(values: Sequence[float]) -> Units:
    return np.array(in_units([measured(value) for value in values]), dtype=np.int64)


def verdict_task(
    model: str, name: str, subject: Subject, metric: Metric, pairs: Sequence[ResolvedPair]
) -> VerdictTask:
    """A task with every head replaced alone on every pair."""
    captured = capture(subject, batches_for(subject, pairs, metric))
    intervention = Intervention(subject, captured, "resample", MeanOutputs.over(captured))
    full = intervention.full
    alone = intervention.metrics([heads_of([head]) for head in subject.head_ids])
    return VerdictTask(
        model=model,
        name=name,
        subject=subject,
        metric=metric,
        pairs=tuple(pairs),
        whole=_whole_numbers(intervention.drops.tolist()),
        heads={
            head: _whole_numbers(row)
            for head, row in zip(subject.head_ids, (full - alone).tolist(), strict=True)
        },
        intervention=intervention,
    )


def verdict_tasks() -> Iterator[VerdictTask]:
    """Every task, one after the other."""
    yield from _reference()
    yield from _stories()
    for plan in FAMILY:
        if plan.name in _CONTROLS:
            found = {
                (each.positive_ids, each.negative_ids): each
                for seed in range(7)
                for each in task_pairs(plan.asked, _APART, 7000 + seed)
            }
            pairs, subject = list(found.values())[:POOL], build(plan).subject()
            yield verdict_task(plan.name, "lookup", subject, "logit_difference", pairs)
    for each in trained_models(POOL):
        yield verdict_task("trained", each.kind.name, each.subject, "logit_difference", each.pairs)


def _reference() -> Iterator[VerdictTask]:
    subject = load_subject(REFERENCE, revision=None, dtype="float32")
    tokenizer = Tokenizer.from_folder(REFERENCE)
    for name in REFERENCE_TASKS:
        drawn = generate(name, tokenizer, POOL, _SEED, "discovery")
        pairs = resolve(drawn, tokenizer, name)
        yield verdict_task("reference", name, subject, GENERATORS[name].metric, pairs)


_NAMES = (
    *("Tim", "Sam", "Max", "Ben", "Lily", "Mia", "Sue", "Anna"),
    *("Jack", "Tom", "Lucy", "Amy", "Bob", "Sara", "Mark", "Lola"),
)
_PLACES = (
    *("park", "farm", "shop", "beach", "forest"),
    *("river", "garden", "school", "house", "lake"),
)
_PERSONS = (
    ("The {} saw {name} in the {place}. Then", "girl", "boy", " she", " he"),
    ("In the {place}, {name} met a little {}.", "girl", "boy", " She", " He"),
)


def _stories() -> Iterator[VerdictTask]:
    """She or He after two forms of sentence of our own, each with 16 names and 10 places."""
    if not (STORIES / "config.json").is_file():
        return
    subject = load_subject(STORIES, revision=None, dtype="float32")
    tokenizer = Tokenizer.from_folder(STORIES)
    for name, form in zip(("then_she_he", "met_she_he"), _PERSONS, strict=True):
        pairs = resolve(list(_persons(*form)), tokenizer, name)
        yield verdict_task("stories260K", name, subject, "logit_difference", pairs)


def _persons(form: str, she: str, he: str, her: str, his: str) -> Iterator[PromptPair]:
    for name, place in product(_NAMES, _PLACES):
        woman, man = (form.format(noun, name=name, place=place) for noun in (she, he))
        yield PromptPair(positive=woman, negative=man, answers=(her,), wrong=(his,), template=form)
        yield PromptPair(positive=man, negative=woman, answers=(his,), wrong=(her,), template=form)


def accuracy(task: VerdictTask) -> float:
    """The share of the pool's pairs on which the right answer scores above the wrong one."""
    return float(torch.gt(task.intervention.full, 0).double().mean())
