"""What is measured on: models and tasks, the pairs each seed draws, and which heads are true.

*Reference model* and *stories260K*: the truth is exact single-head resample patching on many pairs that
no draw uses (200 fresh pairs; for stories260K all 180), a head being true when the magnitude of its mean
effect exceeds 3 % (or 5 %) of full minus corrupt. *Known-answer models*: the heads planted to carry the
task (truth ``planted``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from auditkit.controls.construction import ControlModel, build
from auditkit.controls.family import FAMILY
from auditkit.controls.planting import CARRYING_KINDS
from auditkit.controls.vocabulary import task_pairs
from auditkit.identifying.batches import PairBatch, batches_of
from auditkit.model.loading import load_subject
from auditkit.model.subject import Subject
from auditkit.prompts.generators import GENERATORS, generate
from auditkit.prompts.pairs import ResolvedPair, resolve
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair
from auditkit.records.specification import Metric
from benchmarks.figures import Heads
from benchmarks.gated import GatedModel
from benchmarks.peers.exact_patching import exact_effects
from benchmarks.peers.problem import Problem, look

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "policies" / "models" / "reference"
STORIES = ROOT.parent / "shared" / "models" / "stories260K"

EXAMPLES, TEST = 24, 20
"""Pairs a method sees, as many as auditkit's first look, and pairs that CPR and CMD are measured on."""

LEVELS = (0.03, 0.05)
PLANTED = "planted"
PLANTED_LEVEL = 0.05
"""The least effect asked of a final set where the truth is planted: the default of a policy."""

REFERENCE_TASKS = ("ioi", "greater_than", "docstring", "gendered_pronoun")
"""The generators whose tasks the model that comes with auditkit was trained on."""

Truth = float | str
"""A share of full minus corrupt, or ``planted``."""

Pairs = tuple[ResolvedPair, ...]

_FRESH_PER_SPLIT = 100
_FRESH_SEED = 20261120


@dataclass(frozen=True)
class Task:
    """One model on one task. ``draw`` gives a seed's examples and test pairs, which share no text."""

    model: str
    name: str
    subject: Subject
    metric: Metric
    draw: Callable[[int], tuple[Pairs, Pairs]]
    truths: Mapping[Truth, Heads]

    @property
    def key(self) -> str:
        """The model and the task in one name."""
        return f"{self.model}/{self.name}"

    def problem(self, pairs: Pairs, seed: int) -> Problem:
        """The pairs as every method gets them; forward passes are counted from 0."""
        model = GatedModel.of(self.subject)
        return Problem(self.subject, model, pairs, self.batches(pairs), self.metric, seed)

    def batches(self, pairs: Pairs) -> tuple[PairBatch, ...]:
        """The pairs grouped by length."""
        return batches_of(pairs, self.metric, self.subject.vocabulary_size)


def level_of(truth: Truth) -> float:
    """The least effect asked of a final set that is held against this truth."""
    return PLANTED_LEVEL if isinstance(truth, str) else truth


def reference_tasks() -> Iterator[Task]:
    """The four tasks of the model that comes with auditkit."""
    subject = load_subject(REFERENCE, revision=None, dtype="float32")
    tokenizer = Tokenizer.from_folder(REFERENCE)
    for name in REFERENCE_TASKS:
        metric = GENERATORS[name].metric
        fresh = _generated(name, tokenizer, _FRESH_PER_SPLIT, _FRESH_PER_SPLIT, _FRESH_SEED)
        yield Task(
            model="reference",
            name=name,
            subject=subject,
            metric=metric,
            draw=_generating(name, tokenizer),
            truths=_measured_truths(subject, fresh[0] + fresh[1], metric),
        )


def _generating(name: str, tokenizer: Tokenizer) -> Callable[[int], tuple[Pairs, Pairs]]:
    return lambda seed: _generated(name, tokenizer, EXAMPLES, TEST, seed)


def _generated(
    name: str, tokenizer: Tokenizer, n: int, n_test: int, seed: int
) -> tuple[Pairs, Pairs]:
    return (
        resolve(generate(name, tokenizer, n, seed, "discovery"), tokenizer, name),
        resolve(generate(name, tokenizer, n_test, seed, "test"), tokenizer, name),
    )


def stories_tasks() -> Iterator[Task]:
    """She or He after a girl or a boy, on a real small language model; nothing where it is absent.

    Each prompt pair of the file stands in it in both directions. A draw takes different prompt pairs, one
    direction each.
    """
    prompts = STORIES / "gender_pronoun_prompts.json"
    if not prompts.is_file():
        return
    subject = load_subject(STORIES, revision=None, dtype="float32")
    read = [_stories_pair(entry) for entry in json.loads(prompts.read_text("utf-8"))]
    everything = resolve(read, Tokenizer.from_folder(STORIES), prompts.name)
    by_text: dict[frozenset[str], list[ResolvedPair]] = {}
    for pair in everything:
        by_text.setdefault(frozenset((pair.pair.positive, pair.pair.negative)), []).append(pair)

    def draw(seed: int) -> tuple[Pairs, Pairs]:
        chance = Random(seed)  # noqa: S311 - a repeatable draw, not a secret
        groups = chance.sample(list(by_text.values()), EXAMPLES + TEST)
        chosen = tuple(chance.choice(group) for group in groups)
        return chosen[:EXAMPLES], chosen[EXAMPLES:]

    truths = _measured_truths(subject, everything, "logit_difference")
    yield Task("stories260K", "she_he", subject, "logit_difference", draw, truths)


def _stories_pair(entry: Mapping[str, str]) -> PromptPair:
    return PromptPair(
        positive=entry["clean"],
        negative=entry["corrupt"],
        answers=(entry["answer"].replace("\u2581", " "),),
        wrong=(entry["wrong"].replace("\u2581", " "),),
    )


def _measured_truths(subject: Subject, pairs: Pairs, metric: Metric) -> dict[Truth, Heads]:
    model = GatedModel.of(subject)
    seen = look(model, batches_of(pairs, metric, subject.vocabulary_size), gradient=False)
    effects = np.abs(exact_effects(model, seen))
    return {level: frozenset(np.flatnonzero(effects > level).tolist()) for level in LEVELS}


def control_tasks() -> Iterator[tuple[ControlModel, Task]]:
    """The known-answer models, each with the heads planted to carry its task."""
    for plan in FAMILY:
        control = build(plan)
        yield control, control_task(control)


def control_task(control: ControlModel) -> Task:
    """A known-answer model as a task. Seed 0 draws its own pairs, other seeds others like them."""
    plan = control.specification

    def draw(seed: int) -> tuple[Pairs, Pairs]:
        if seed == 0:
            return control.discovery[:EXAMPLES], control.test
        pairs = task_pairs(plan.asked, EXAMPLES + TEST, plan.seed + 1000 * seed)
        return pairs[:EXAMPLES], pairs[EXAMPLES:]

    carrying = frozenset(i for i, each in enumerate(control.planted) if each.kind in CARRYING_KINDS)
    return Task(
        plan.name, "lookup", control.subject(), "logit_difference", draw, {PLANTED: carrying}
    )
