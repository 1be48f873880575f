"""Interventions: replace heads' outputs and see what the model then does.

An ablation replaces chosen heads' outputs on the positive prompt: ``resample`` by the outputs on the
matched negative (activation patching: Vig et al. 2020; Heimersheim and Nanda, arXiv:2404.15255),
``mean`` by the mean output over the discovery prompts at the same distance from where the answer is
read off.
Every effect is a share of the task effect under the same ablation: the mean drop of the metric when
every head is replaced.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.effects import (
    EMPTY_CIRCUIT,
    NO_RANDOM_SETS,
    SMALLEST_EFFECT,
    against_random,
    minimality_of,
    set_effect,
)
from auditkit.circuits.intervals import mean_interval
from auditkit.identifying.activations import Captured, MeanOutputs
from auditkit.identifying.batches import in_order
from auditkit.model.cached import Outputs
from auditkit.model.subject import HeadIndex, Patch, Subject
from auditkit.records.base import Interval, Measure, NotAssessed, measured
from auditkit.records.causal import (
    Chosen,
    LeftOut,
    Minimality,
    PatchedHead,
    RandomSets,
    SetEffect,
    TaskEffect,
)
from auditkit.records.specification import Ablation, Specification

Heads = frozenset[HeadIndex]


class Intervention:
    """The metric on a set of captured positives when chosen heads are replaced under one ablation."""

    def __init__(
        self,
        subject: Subject,
        captured: Sequence[Captured],
        ablation: Ablation,
        means: MeanOutputs,
    ) -> None:
        self.ablation: Ablation = ablation
        self._subject = subject
        self._captured = tuple(captured)
        self._known: dict[Heads, Tensor] = {}
        self._sources = [
            item.negative if ablation == "resample" else means.for_batch(item) for item in captured
        ]
        self.all_heads: Heads = frozenset(subject.heads)
        batches = [item.batch for item in captured]
        self.full = in_order([item.positive_metric for item in captured], batches)
        none = self.metrics([self.all_heads])[0]
        self.drops = self.full - none
        self.task_effect = float(self.drops.mean())
        self._none = none

    @property
    def has_effect(self) -> bool:
        """Whether replacing every head lowers the metric: without that there is no effect to share."""
        return self.task_effect >= float(SMALLEST_EFFECT)

    def metrics(self, replaced: Sequence[Heads]) -> Tensor:
        """The metric per set of replaced heads and pair, ``[n_sets, n_pairs]``. No set is run twice."""
        new = [heads for heads in dict.fromkeys(replaced) if heads not in self._known]
        if new:
            rows = [
                self._batch_metrics(item, source, new)
                for item, source in zip(self._captured, self._sources, strict=True)
            ]
            metrics = in_order(rows, [item.batch for item in self._captured])
            self._known |= dict(zip(new, metrics, strict=True))
        return torch.stack([self._known[heads] for heads in replaced])

    def lost(self, replaced: Sequence[Heads]) -> Tensor:
        """The share of the task effect lost per set of replaced heads and pair, ``[n_sets, n_pairs]``."""
        return (self.full - self.metrics(replaced)) / self.task_effect

    def kept(self, kept: Heads) -> Tensor:
        """The share of the task effect that remains when every other head is replaced, ``[n_pairs]``."""
        return (self.metrics([self.all_heads - kept])[0] - self._none) / self.task_effect

    def _batch_metrics(self, item: Captured, source: Outputs, replaced: Sequence[Heads]) -> Tensor:
        """The metric per set and pair of one batch, ``[n_sets, n_pairs]``, as many at once as may be."""
        n, positions = item.batch.positive.shape
        at_once = self._subject.memory.prompts(positions, gradient=False)
        sets_at_once, pairs_at_once = max(1, at_once // n), min(n, at_once)
        device = item.batch.positive.device
        chunks = []
        for start in range(0, len(replaced), sets_at_once):
            sets = replaced[start : start + sets_at_once]
            pieces = []
            for first in range(0, n, pairs_at_once):
                pairs = torch.arange(first, min(first + pairs_at_once, n), device=device)
                rows = pairs.repeat(len(sets))
                masks = self._subject.masks(sets, device)
                repeated = tuple(mask.repeat_interleave(len(pairs), 0) for mask in masks)
                patch, types = Patch(repeated, source, rows), item.batch.types_of(rows)
                logits = self._subject.logits(item.batch.positive[rows], patch, types)
                pieces.append(item.batch.measure(logits, rows).reshape(len(sets), len(pairs)))
            chunks.append(torch.cat(pieces, 1))
        return torch.cat(chunks)


def heads_of(heads: Sequence[str]) -> Heads:
    """Head ids as a set of (layer, head)."""
    return frozenset(layer_order(head) for head in heads)


def over_pairs(
    values: Tensor, specification: Specification
) -> tuple[tuple[Measure, ...], Interval]:
    """One value per pair as a record holds them, and their mean with its interval."""
    recorded = tuple(measured(value) for value in values.tolist())
    return recorded, mean_interval(recorded, specification.bootstrap, specification.seed)


def carried(
    intervention: Intervention, heads: Sequence[str], specification: Specification
) -> SetEffect:
    """The share of the effect that these heads carry by themselves: their sufficiency."""
    kept = [measured(value) for value in intervention.kept(heads_of(heads)).tolist()]
    return set_effect("sufficiency", intervention.ablation, kept, specification)


def patch(
    intervention: Intervention, heads: Sequence[str], chosen: Chosen, specification: Specification
) -> list[PatchedHead]:
    """Each head replaced alone: what is lost per pair, with its interval."""
    if not heads:
        return []
    lost = intervention.lost([heads_of([head]) for head in heads])
    patched = []
    for head, row in zip(heads, lost, strict=True):
        effects, effect = over_pairs(row, specification)
        patched.append(PatchedHead(head=head, chosen=chosen, effects=effects, effect=effect))
    return patched


def random_sets(
    intervention: Intervention,
    circuit: Sequence[str],
    necessity: SetEffect,
    specification: Specification,
) -> RandomSets | NotAssessed:
    """What random sets lose that have as many heads in each layer as the circuit, but are not it."""
    heads = heads_of(circuit)
    layers: dict[int, list[HeadIndex]] = {}
    for each in sorted(intervention.all_heads):
        layers.setdefault(each[0], []).append(each)
    sizes = {layer: sum(each in heads for each in own) for layer, own in layers.items()}
    only_one = all(size in (0, len(layers[layer])) for layer, size in sizes.items())
    if not specification.random_sets or not heads or only_one:
        return NO_RANDOM_SETS
    draw = random.Random(specification.seed)  # noqa: S311 - a repeatable draw, not a secret
    drawn: list[Heads] = []
    while len(drawn) < specification.random_sets:
        chosen = frozenset(
            each for layer, size in sizes.items() for each in draw.sample(layers[layer], size)
        )
        if chosen != heads:
            drawn.append(chosen)
    shares = [measured(value) for value in intervention.lost(drawn).mean(1).tolist()]
    return against_random(shares, necessity)


def set_effects(
    interventions: Sequence[Intervention],
    circuit: Sequence[str],
    specification: Specification,
) -> tuple[tuple[SetEffect, ...], tuple[SetEffect, ...]]:
    """Sufficiency and necessity of a circuit on the test pairs, under each ablation."""
    heads = heads_of(circuit)
    sufficiency, necessity = [], []
    for intervention in interventions:
        lost = [measured(value) for value in intervention.lost([heads])[0].tolist()]
        sufficiency.append(carried(intervention, circuit, specification))
        necessity.append(set_effect("necessity", intervention.ablation, lost, specification))
    return tuple(sufficiency), tuple(necessity)


def task_effect(
    intervention: Intervention, pairs: Literal["discovery", "test"], specification: Specification
) -> TaskEffect:
    """How far the metric drops when every head is replaced."""
    drops, drop = over_pairs(intervention.drops, specification)
    return TaskEffect(pairs=pairs, ablation=intervention.ablation, drops=drops, drop=drop)


def left_out(
    intervention: Intervention, circuit: Sequence[str], specification: Specification
) -> Minimality | NotAssessed:
    """What the circuit carries less without each of its heads, every other head being replaced."""
    if not circuit:
        return EMPTY_CIRCUIT
    whole = heads_of(circuit)
    together = intervention.kept(whole)
    measurements = []
    for head in circuit:
        without = intervention.kept(whole - heads_of([head]))
        losses, loss = over_pairs(together - without, specification)
        measurements.append(LeftOut(head=head, losses=losses, loss=loss))
    return minimality_of(intervention.ablation, measurements)
