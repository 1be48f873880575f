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
from dataclasses import dataclass

import torch
from torch import Tensor

from auditkit.activations import Captured, in_order
from auditkit.circuit import belongs, layer_order
from auditkit.intervals import mean_interval
from auditkit.model.subject import HeadIndex, Outputs, Patch, Subject
from auditkit.records.base import measured
from auditkit.records.specification import Ablation, Specification
from auditkit.records.task import PatchedHead, SetEffect
from auditkit.verdict import set_effect

_ROWS = 256  # prompts per forward pass: bounds memory, does not change results beyond rounding
_SMALLEST_EFFECT = 1e-3  # in units of the metric: below it a share is a division by noise

Heads = frozenset[HeadIndex]


@dataclass(frozen=True)
class MeanOutputs:
    """Mean head outputs over the discovery prompts, per layer ``[positions, n_heads, d_head]``.

    Row ``-1`` is the last position. Prompts longer than any seen use the overall mean, ``beyond``.
    """

    aligned: Outputs
    beyond: Outputs

    @classmethod
    def over(cls, captured: Sequence[Captured]) -> MeanOutputs:
        """Means over both prompts of every pair, aligned at the end of the prompt."""
        longest = max(item.positive[0].shape[1] for item in captured)
        aligned, beyond = [], []
        for layer in range(len(captured[0].positive)):
            total = torch.zeros(longest, *captured[0].positive[layer].shape[2:])
            count = torch.zeros(longest, 1, 1)
            for item in captured:
                for z in (item.positive[layer], item.negative[layer]):
                    total[longest - z.shape[1] :] += z.float().sum(0)
                    count[longest - z.shape[1] :] += z.shape[0]
            aligned.append(total / count)
            beyond.append(total.sum(0) / count.sum())
        return cls(tuple(aligned), tuple(beyond))

    def at(self, like: Outputs) -> Outputs:
        """The means laid out as these head outputs ``[batch, position, n_heads, d_head]``."""
        filled = []
        for z, aligned, beyond in zip(like, self.aligned, self.beyond, strict=True):
            missing = max(0, z.shape[1] - aligned.shape[0])
            rows = torch.cat([beyond.expand(missing, *beyond.shape), aligned[-z.shape[1] :]])
            filled.append(rows.to(z.dtype).expand_as(z))
        return tuple(filled)


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

    def patch(heads: Sequence[str], chosen: str) -> list[PatchedHead]:
        advance(len(heads))
        return _patch(intervention, heads, chosen, specification)

    done: list[PatchedHead] = []
    place = 0
    while place < len(ranked):
        group = ranked[place : place + rule.patience]
        found = patch(group, "ranked")
        done, place = done + found, place + len(group)
        if not screened.intersection(group) and not any(belongs(p, thresholds) for p in found):
            break
    rest = list(ranked[place:])
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


def _sufficient(
    intervention: Intervention, done: Sequence[PatchedHead], specification: Specification
) -> bool:
    found = frozenset(layer_order(p.head) for p in done if belongs(p, specification.thresholds))
    share = float(intervention.kept(found).mean())
    least = float(specification.thresholds.sufficiency)
    return least <= share <= 2 - least


def _patch(
    intervention: Intervention, heads: Sequence[str], chosen: str, specification: Specification
) -> list[PatchedHead]:
    lost = intervention.lost([frozenset([layer_order(head)]) for head in heads])
    patched = []
    for head, row in zip(heads, lost.tolist(), strict=True):
        effects = tuple(measured(value) for value in row)
        effect = mean_interval(effects, specification.bootstrap, specification.seed)
        patched.append(
            PatchedHead.model_validate(
                {"head": head, "chosen": chosen, "effects": effects, "effect": effect}
            )
        )
    return patched


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
