"""The causal check: replace heads' outputs and see what the model then does. Screening ranks, this decides.

An ablation replaces chosen heads' outputs on the positive prompt: ``resample`` by the outputs on the
matched negative (activation patching: Vig et al. 2020; Heimersheim and Nanda, arXiv:2404.15255),
``mean`` by the mean output over the discovery prompts at the same distance from the prompt's end.
Every effect is a share of the task effect under the same ablation: the mean drop of the metric when
every head is replaced.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from auditkit.activations import Captured, MeanOutputs, in_order
from auditkit.circuit import belongs, constant_heads, layer_order
from auditkit.intervals import mean_interval
from auditkit.model.subject import HeadIndex, Outputs, Patch, Subject
from auditkit.records.base import NotAssessed, measured
from auditkit.records.specification import Ablation, Specification
from auditkit.records.task import Chosen, ConstantRole, PatchedHead, RandomSets, SetEffect
from auditkit.verdict import (
    NO_CONSTANT_HEAD,
    NO_EFFECT,
    NO_RANDOM_SETS,
    against_random,
    set_effect,
)

_ROWS = 256  # prompts per forward pass: bounds memory, does not change results beyond rounding
_SMALLEST_EFFECT = 1e-3  # in units of the metric: below it a share is a division by noise

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
        self._subject = subject
        self._captured = tuple(captured)
        self._sources = [
            item.negative if ablation == "resample" else means.at(item.positive)
            for item in captured
        ]
        self.all_heads: Heads = frozenset(subject.heads)
        batches = [item.batch for item in captured]
        self.full = in_order([item.positive_metric for item in captured], batches)
        none = self.metrics([self.all_heads])[0]
        self.task_effect = float((self.full - none).mean())
        self._none = none

    @property
    def has_effect(self) -> bool:
        """Whether replacing every head lowers the metric: without that there is no effect to share."""
        return self.task_effect >= _SMALLEST_EFFECT

    def metrics(self, replaced: Sequence[Heads]) -> Tensor:
        """The metric per set of replaced heads and pair, ``[n_sets, n_pairs]``."""
        rows = [
            self._batch_metrics(item, source, replaced)
            for item, source in zip(self._captured, self._sources, strict=True)
        ]
        return in_order(rows, [item.batch for item in self._captured])

    def lost(self, replaced: Sequence[Heads]) -> Tensor:
        """The share of the task effect lost per set of replaced heads and pair, ``[n_sets, n_pairs]``."""
        return (self.full - self.metrics(replaced)) / self.task_effect

    def kept(self, kept: Heads) -> Tensor:
        """The share of the task effect that remains when every other head is replaced, ``[n_pairs]``."""
        return (self.metrics([self.all_heads - kept])[0] - self._none) / self.task_effect

    def _batch_metrics(self, item: Captured, source: Outputs, replaced: Sequence[Heads]) -> Tensor:
        n = item.batch.positive.shape[0]
        sets_at_once = max(1, _ROWS // n)
        chunks = []
        for start in range(0, len(replaced), sets_at_once):
            sets = replaced[start : start + sets_at_once]
            pair = torch.arange(n).repeat(len(sets))
            masks = [mask.repeat_interleave(n, 0) for mask in self._masks(sets, source)]
            patch = Patch(tuple(masks), tuple(z[pair] for z in source))
            logits = self._subject.logits(item.batch.positive[pair], patch)
            chunks.append(item.batch.measure(logits, pair).reshape(len(sets), n))
        return torch.cat(chunks)

    @staticmethod
    def _masks(sets: Sequence[Heads], source: Outputs) -> list[Tensor]:
        masks = [torch.zeros(len(sets), z.shape[2], dtype=torch.bool) for z in source]
        for row, heads in enumerate(sets):
            for layer, head in heads:
                masks[layer][row, head] = True
        return masks


def patch_heads(
    intervention: Intervention,
    ranked: Sequence[str],
    screened: frozenset[str],
    specification: Specification,
    advance: Callable[[int], None],
) -> tuple[tuple[PatchedHead, ...], tuple[str, ...]]:
    """Exact single-head effects by the specification's patching rule, and the heads left unpatched.

    ``ranked`` is every head by screening rank, ``screened`` those with a code in the signature.
    """
    rule, thresholds = specification.patching, specification.thresholds

    def patch(heads: Sequence[str], chosen: Chosen) -> list[PatchedHead]:
        advance(len(heads))
        return _patch(intervention, heads, chosen, specification)

    done = _in_rank_order(intervention, ranked, screened, specification, advance)
    rest = list(ranked[len(done) :])
    draw = random.Random(specification.seed)  # noqa: S311 - a repeatable draw, not a secret
    sample = sorted(draw.sample(rest, min(rule.sample, len(rest))), key=layer_order)
    sampled = patch(sample, "sampled") if sample else []
    done += sampled
    rest = [head for head in rest if head not in sample]
    missed = any(belongs(p, thresholds) for p in sampled)
    if rest and (missed or not _sufficient(intervention, done, specification)):
        done += patch(rest, "completed")
        rest = []
    return tuple(done), tuple(sorted(rest, key=layer_order))


def _in_rank_order(
    intervention: Intervention,
    ranked: Sequence[str],
    screened: frozenset[str],
    specification: Specification,
    advance: Callable[[int], None],
) -> list[PatchedHead]:
    """Heads patched group by group, until one holds no screened head and none that belongs."""
    patience, thresholds = specification.patching.patience, specification.thresholds
    done: list[PatchedHead] = []
    for place in range(0, len(ranked), patience):
        group = ranked[place : place + patience]
        advance(len(group))
        found = _patch(intervention, group, "ranked", specification)
        done += found
        if not screened.intersection(group) and not any(belongs(p, thresholds) for p in found):
            break
    return done


def constant_role(
    intervention: Intervention,
    on_test: Intervention,
    ranked: Sequence[str],
    circuit: Sequence[str],
    specification: Specification,
) -> ConstantRole | NotAssessed:
    """Heads outside the circuit that are needed all the same, on positives and negatives alike.

    Resampling cannot show them: what they do is the same on both prompts. Both interventions are mean
    ablations, the first on the discovery pairs, the second on the test pairs; ``ranked`` is every head
    by its attributed effect against its own mean. When the heads found in rank order do not complete
    the circuit, all the others are tried.
    """
    if not (intervention.has_effect and on_test.has_effect):
        return NO_EFFECT
    others = [head for head in ranked if head not in circuit]
    patched = _in_rank_order(
        intervention, others, frozenset(), specification, lambda _patched: None
    )
    heads = constant_heads(patched, specification.thresholds)
    rest = others[len(patched) :]
    if rest and not _carries(intervention, (*circuit, *heads), specification):
        patched += _patch(intervention, rest, "completed", specification)
        heads = constant_heads(patched, specification.thresholds)
    if not heads:
        return ConstantRole(patched=tuple(patched), heads=(), with_circuit=NO_CONSTANT_HEAD)
    together = frozenset(layer_order(head) for head in (*circuit, *heads))
    kept = [measured(value) for value in on_test.kept(together).tolist()]
    return ConstantRole(
        patched=tuple(patched),
        heads=heads,
        with_circuit=set_effect("sufficiency", "mean", kept, specification),
    )


def _sufficient(
    intervention: Intervention, done: Sequence[PatchedHead], specification: Specification
) -> bool:
    found = [p.head for p in done if belongs(p, specification.thresholds)]
    return _carries(intervention, found, specification)


def _carries(
    intervention: Intervention, heads: Sequence[str], specification: Specification
) -> bool:
    """Whether these heads alone keep the share of the effect that sufficiency asks for."""
    share = float(intervention.kept(frozenset(map(layer_order, heads))).mean())
    least = float(specification.thresholds.sufficiency)
    return least <= share <= 2 - least


def _patch(
    intervention: Intervention, heads: Sequence[str], chosen: Chosen, specification: Specification
) -> list[PatchedHead]:
    lost = intervention.lost([frozenset([layer_order(head)]) for head in heads])
    patched = []
    for head, row in zip(heads, lost.tolist(), strict=True):
        effects = tuple(measured(value) for value in row)
        effect = mean_interval(effects, specification.bootstrap, specification.seed)
        patched.append(PatchedHead(head=head, chosen=chosen, effects=effects, effect=effect))
    return patched


def random_sets(
    intervention: Intervention,
    circuit: Sequence[str],
    necessity: SetEffect,
    specification: Specification,
) -> RandomSets | NotAssessed:
    """What random sets lose that have as many heads in each layer as the circuit, but are not it."""
    heads = frozenset(map(layer_order, circuit))
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
    interventions: Sequence[tuple[Ablation, Intervention]],
    circuit: Sequence[str],
    specification: Specification,
) -> tuple[tuple[SetEffect, ...], tuple[SetEffect, ...]]:
    """Sufficiency and necessity of a circuit on the test pairs, under each ablation."""
    heads = frozenset(layer_order(head) for head in circuit)
    sufficiency, necessity = [], []
    for ablation, intervention in interventions:
        kept = [measured(value) for value in intervention.kept(heads).tolist()]
        lost = [measured(value) for value in intervention.lost([heads])[0].tolist()]
        sufficiency.append(set_effect("sufficiency", ablation, kept, specification))
        necessity.append(set_effect("necessity", ablation, lost, specification))
    return tuple(sufficiency), tuple(necessity)
