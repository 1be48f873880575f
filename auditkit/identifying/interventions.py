"""Interventions: replace heads' outputs and see what the model then does.

An ablation replaces chosen heads' outputs on the positive prompt: ``resample`` by the outputs on the
matched negative (activation patching: Vig et al. 2020; Heimersheim and Nanda, arXiv:2404.15255),
``mean`` by the mean output over the discovery prompts at the same distance from where the answer is
read off.
Every effect is a share of the task effect under the same ablation: the mean drop of the metric when
every head is replaced.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor

from auditkit.circuits.circuit import layer_order, sure
from auditkit.circuits.effects import (
    EMPTY_CIRCUIT,
    NO_RANDOM_SETS,
    SMALLEST_EFFECT,
    against_random,
    dispensable,
    minimality_of,
    set_effect,
)
from auditkit.circuits.intervals import mean_interval
from auditkit.identifying.activations import Captured, MeanOutputs
from auditkit.identifying.batches import in_order
from auditkit.model.cached import Outputs
from auditkit.model.resuming import Recording, shared_positions
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
        self._recordings: dict[int, Recording] = {}
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

    def instead(self, head: HeadIndex, outputs: Sequence[Tensor]) -> Tensor:
        """The share lost when one head puts out something else, ``[n_variants, n_pairs]``.

        ``outputs`` per batch: what it puts out in each variant, ``[n_variants, n, position, d_head]``.
        """
        rows = [
            self._of_variants(item, head, variants)
            for item, variants in zip(self._captured, outputs, strict=True)
        ]
        return (self.full - in_order(rows, [i.batch for i in self._captured])) / self.task_effect

    def _of_variants(self, item: Captured, head: HeadIndex, variants: Tensor) -> Tensor:
        """The metric per variant and pair of one batch, ``[n_variants, n]``, as many at once as may be."""
        layer, place = head
        n, positions = item.batch.positive.shape
        at_once = self._subject.memory.prompts(positions, gradient=False)
        worth = len(variants) >= _WORTH and layer > 0
        recording = self._recording(item) if worth and at_once >= n * _ROOM else None
        from_layer = recording if layer in self._layers else None
        chunks = []
        for some in torch.split(variants, max(1, at_once // n)):
            source = item.negative[layer].repeat(len(some), 1, 1, 1)
            source[:, :, place] = some.flatten(0, 1).to(source)
            replaced = tuple(source if at == layer else z for at, z in enumerate(item.negative))
            pairs = torch.arange(n, device=item.batch.positive.device).repeat(len(some))
            pieces = [
                self._run(item, [frozenset([head])], rows, replaced, taken, from_layer, layer)
                for rows, taken in zip(
                    torch.split(pairs, at_once),
                    torch.split(torch.arange(len(pairs), device=pairs.device), at_once),
                    strict=True,
                )
            ]
            chunks.append(torch.cat(pieces).reshape(len(some), n))
        return torch.cat(chunks)

    def kept(self, kept: Heads) -> Tensor:
        """The share of the task effect that remains when every other head is replaced, ``[n_pairs]``."""
        return (self.metrics([self.all_heads - kept])[0] - self._none) / self.task_effect

    def _batch_metrics(self, item: Captured, source: Outputs, replaced: Sequence[Heads]) -> Tensor:
        """The metric per set and pair of one batch, ``[n_sets, n_pairs]``, as many at once as may be.

        Sets whose lowest layer is the same are run together, from that layer on.
        """
        n, positions = item.batch.positive.shape
        at_once = self._subject.memory.prompts(positions, gradient=False)
        by_layer = _by_lowest_layer(replaced)
        saved = sum(len(places) for lowest, places in by_layer.items() if lowest > 0)
        worth = saved >= _WORTH or item.batch.places[0] in self._recordings
        recording = self._recording(item) if worth and at_once >= n * _ROOM else None
        rows: dict[int, Tensor] = {}
        for lowest, places in by_layer.items():
            from_layer = recording if lowest in self._layers else None
            metrics = self._of_sets(
                item, source, [replaced[i] for i in places], from_layer, lowest, at_once
            )
            rows |= dict(zip(places, metrics, strict=True))
        return torch.stack([rows[i] for i in range(len(replaced))])

    def _of_sets(
        self,
        item: Captured,
        source: Outputs,
        replaced: Sequence[Heads],
        recording: Recording | None,
        lowest: int,
        at_once: int,
    ) -> Tensor:
        n = len(item.batch.places)
        sets_at_once, pairs_at_once = max(1, at_once // n), min(n, at_once)
        device = item.batch.positive.device
        chunks = []
        for start in range(0, len(replaced), sets_at_once):
            sets = replaced[start : start + sets_at_once]
            pieces = []
            for first in range(0, n, pairs_at_once):
                pairs = torch.arange(first, min(first + pairs_at_once, n), device=device)
                rows = pairs.repeat(len(sets))
                metrics = self._run(item, sets, rows, source, rows, recording, lowest)
                pieces.append(metrics.reshape(len(sets), len(pairs)))
            chunks.append(torch.cat(pieces, 1))
        return torch.cat(chunks)

    def _run(
        self,
        item: Captured,
        sets: Sequence[Heads],
        rows: Tensor,
        source: Outputs,
        taken: Tensor,
        recording: Recording | None,
        lowest: int,
    ) -> Tensor:
        """The metric of these rows of a batch: those of the first set of replaced heads, then of the next.

        ``taken`` are the rows of the source that stand in for them. With a recording the model is run from
        the lowest layer that is touched.
        """
        masks = self._subject.masks(sets, rows.device)
        repeated = tuple(mask.repeat_interleave(len(rows) // len(sets), 0) for mask in masks)
        patch = Patch(repeated, source, taken)
        if recording is None:
            types = item.batch.types_of(rows)
            logits = self._subject.logits(item.batch.positive[rows], patch, types)
        else:
            logits = self._subject.logits_from(recording, lowest, patch, rows)
        return item.batch.measure(logits, rows)

    @property
    def _layers(self) -> frozenset[int]:
        """The layers that the model may be run from."""
        resumable = self._subject.resumable
        return frozenset() if resumable is None else resumable.layers

    def _recording(self, item: Captured) -> Recording | None:
        """A clean run of a batch to go on from; ``None`` where the model is always run whole."""
        resumable = self._subject.resumable
        if resumable is None or not resumable.layers:
            return None
        batch = item.batch
        may_share = resumable.shares and self.ablation == "resample" and batch.alignment is None
        shared = 0
        if (
            may_share
            and batch.positive_types is None
            and self._subject.reading.kind == "next_token"
        ):
            shared = shared_positions(batch.positive, batch.negative)
        place = batch.places[0]
        if place not in self._recordings:
            before = self._subject.forwards
            self._recordings[place] = self._subject.recording(
                batch.positive, batch.positive_types, shared, resumable.layering
            )
            self._subject.forwards = before + len(batch.places)
        return self._recordings[place]


def _by_lowest_layer(replaced: Sequence[Heads]) -> dict[int, list[int]]:
    """The places of sets by the lowest layer that each touches; -1 for one that touches none."""
    found: dict[int, list[int]] = {}
    for place, heads in enumerate(replaced):
        found.setdefault(min((layer for layer, _ in heads), default=-1), []).append(place)
    return found


_ROOM = 2
"""Memory for this many runs of a batch leaves room for what a clean run of it left."""

_WORTH = 2
"""A clean run is made for as many runs from a layer above the first, and not for fewer."""


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
    specification: Specification,
) -> RandomSets | NotAssessed:
    """What other sets of heads lose: as many heads as the circuit, none of them in it, no set twice.

    Where there are no more of them than asked for, all are measured.
    """
    heads = heads_of(circuit)
    outside = sorted(intervention.all_heads - heads)
    size, asked = len(heads), specification.random_sets
    if not asked or not heads or len(outside) < size:
        return NO_RANDOM_SETS
    draw = random.Random(specification.seed)  # noqa: S311 - a repeatable draw, not a secret
    if math.comb(len(outside), size) <= asked:
        drawn = [frozenset(each) for each in combinations(outside, size)]
    else:
        seen: dict[Heads, None] = {}
        while len(seen) < asked:
            seen[frozenset(draw.sample(outside, size))] = None
        drawn = list(seen)
    lost = [measured(value) for value in intervention.lost([heads, *drawn]).mean(1).tolist()]
    return against_random(lost[1:], lost[0])


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
    removed = _removed(intervention, whole, dispensable(measurements), specification)
    return minimality_of(intervention.ablation, measurements, removed)


def _removed(
    intervention: Intervention, whole: Heads, heads: Sequence[str], specification: Specification
) -> list[LeftOut]:
    """Dispensable heads left out one after the other, the least loss first, until something is lost.

    Half as many sets as the square of the heads. One head alone was left out already.
    """
    removed: list[LeftOut] = []
    waiting = list(heads) if len(heads) > 1 else []
    together = intervention.kept(whole)
    while waiting and not (removed and sure(removed[-1].loss)):
        gone = heads_of([each.head for each in removed])
        lost = {
            head: together - intervention.kept(whole - gone - heads_of([head])) for head in waiting
        }
        head = min(waiting, key=lambda each: abs(float(lost[each].mean())))
        losses, loss = over_pairs(lost[head], specification)
        removed.append(LeftOut(head=head, losses=losses, loss=loss))
        waiting.remove(head)
    return removed
