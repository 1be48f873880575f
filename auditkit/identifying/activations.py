"""Activations: what every head put out on each prompt of a pair, and how the task metric depends on it.

Two forward passes per pair (positive, negative) and one backward pass (positive), and more where the
attribution asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from auditkit.errors import ModelError
from auditkit.identifying.batches import PairBatch, batches_for
from auditkit.model.cached import Outputs, room_for
from auditkit.model.counting import bytes_of_prompt
from auditkit.model.devices import give_back_at_once, give_back_unused
from auditkit.model.memory import Plan
from auditkit.model.subject import Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.specification import Attribution, Metric

_NEAR_WEIGHT = 0.8


@dataclass(frozen=True)
class Captured:
    """A batch with what the model did on it: metric per pair, and head outputs on either prompt.

    ``negative`` is laid out in the places of the positive. ``gradient`` estimates how the metric on the
    positive changes with each head output: a gradient, or a mean of gradients, as the specification's
    ``attribution`` says; empty where none was asked for. ``positive`` is empty where only the negatives'
    outputs were to be kept.
    """

    batch: PairBatch
    positive_metric: Tensor
    negative_metric: Tensor
    positive: Outputs
    negative: Outputs
    gradient: Outputs

    @property
    def outputs(self) -> tuple[Outputs, Outputs, Outputs]:
        """All that is kept per layer."""
        return self.positive, self.negative, self.gradient


def capture(
    subject: Subject,
    batches: Sequence[PairBatch],
    attribution: Attribution | None = None,
    steps: int = 1,
    called: str = "pair",
    *,
    positives: bool = True,
) -> tuple[Captured, ...]:
    """Run both prompts of every pair and keep what the heads did, with the gradient asked for.

    As many pairs run at once as the subject's memory plan says, and what is kept is where it says.
    Without ``positives`` the outputs on the positive are looked at and not kept.

    Without an attribution the gradient is empty and nothing is differentiated. ``single`` takes two
    forward passes and one backward pass, ``halfway`` one more of each per layer but the last,
    ``input_ig`` one more of each per step.

    Raises:
        ModelError: the model produced a value that is not a finite number. ``called`` says what the
            pairs are called where it names the first that shows it.
    """
    captured = tuple(
        _joined(
            subject,
            batch,
            (
                _capture(subject, part, attribution, steps, called, positives)
                for part in batch.parts(_at_once(subject, batch, attribution))
            ),
        )
        for batch in batches
    )
    give_back_unused()
    return captured


def first_pairs(captured: Sequence[Captured], n: int) -> tuple[Captured, ...]:
    """What was captured of the first n pairs of a prompt set, and nothing run again."""
    found = []
    for item in captured:
        k = sum(place < n for place in item.batch.places)
        if k:
            (batch, *_) = item.batch.parts(k)
            positive, negative, gradient = (tuple(z[:k] for z in each) for each in item.outputs)
            found.append(
                Captured(
                    batch,
                    item.positive_metric[:k],
                    item.negative_metric[:k],
                    positive,
                    negative,
                    gradient,
                )
            )
    return tuple(found)


def _at_once(subject: Subject, batch: PairBatch, attribution: Attribution | None) -> int:
    return subject.memory.prompts(batch.positions, gradient=attribution is not None)


def _joined(subject: Subject, batch: PairBatch, parts: Iterable[Captured]) -> Captured:
    """The parts of a batch, in order, as the one batch; a batch in one part as it is."""
    folder, n = subject.memory.spill, len(batch.places)
    metrics: list[tuple[Tensor, Tensor]] = []
    kept: list[Outputs] = []
    done = 0
    for part in parts:
        rows = slice(done, done + len(part.batch.places))
        if rows == slice(0, n) and folder is None:
            return part
        metrics.append((part.positive_metric, part.negative_metric))
        kept = kept or [room_for(each, n, folder) for each in part.outputs]
        for whole, piece in zip(kept, part.outputs, strict=True):
            for layer, z in enumerate(piece):
                whole[layer][rows] = z
        done = rows.stop
    positive_metric, negative_metric = (torch.cat(each) for each in zip(*metrics, strict=True))
    positive, negative, gradient = kept
    return Captured(batch, positive_metric, negative_metric, positive, negative, gradient)


def _capture(
    subject: Subject,
    batch: PairBatch,
    attribution: Attribution | None,
    steps: int,
    called: str,
    positives: bool,
) -> Captured:
    logits, seen = subject.capture(batch.negative, batch.negative_types)
    negative, negative_metric = batch.aligned(seen), batch.measure(logits)
    types = batch.positive_types
    gradient: Outputs = ()
    if attribution in ("single", "halfway"):
        metric, positive, gradient = subject.capture_with_gradient(
            batch.positive, batch.measure, types=types
        )
        if attribution == "halfway":
            gradient = _halfway(subject, batch, gradient, positive, negative)
    else:
        logits, positive = subject.capture(batch.positive, types)
        metric = batch.measure(logits)
        if attribution == "input_ig":
            gradient = _along_the_input(subject, batch, steps)
    captured = Captured(batch, metric, negative_metric, positive, negative, gradient)
    _refuse_not_finite(captured, called)
    return captured if positives else replace(captured, positive=())


def _refuse_not_finite(captured: Captured, called: str) -> None:
    """Raises unless every value is a finite number.

    Raises:
        ModelError: a value is not; names the prompt and the head, in the earliest layer: what is not
            finite there spreads to the layers after it.
    """
    for what, values in _in_order_of_origin(captured):
        wrong = (~torch.isfinite(values)).flatten(2).any(2)
        if not bool(wrong.any()):
            continue
        row, head = (int(at) for at in wrong.nonzero()[0])
        raise ModelError(
            "the model produced values that are not finite numbers (NaN or infinity): first in "
            f"{what.format(head=head)} of {called} {captured.batch.places[row] + 1}",
            advice="check the weights, or declare model.dtype: float32",
        )


def _in_order_of_origin(captured: Captured) -> Iterator[tuple[str, Tensor]]:
    """What was measured, and its values with pairs and heads first, in the order the model makes them."""
    for layer, (positive, negative) in enumerate(
        zip(captured.positive, captured.negative, strict=True)
    ):
        yield f"head {layer}.{{head}} on the positive", positive.transpose(1, 2)
        yield f"head {layer}.{{head}} on the negative", negative.transpose(1, 2)
    yield "the scores after the positive", captured.positive_metric[:, None, None]
    yield "the scores after the negative", captured.negative_metric[:, None, None]
    for layer, gradient in enumerate(captured.gradient):
        yield f"the gradient at head {layer}.{{head}} on the positive", gradient.transpose(1, 2)


def _halfway(
    subject: Subject, batch: PairBatch, gradient: Outputs, positive: Outputs, negative: Outputs
) -> Outputs:
    """Four parts gradient at the positive, one part gradient where the layer's heads are half replaced.

    One layer at a time is half replaced, with all of its heads, so that later layers respond as they do in
    the model. The second gradient serves where a saturated attention pattern in a later layer makes the
    first one 0. No attention follows the last layer, so its heads keep the first gradient. docs/decisions
    says why 4:1; docs/benchmarks.md compares the ranking with other methods.
    """
    mixed = [
        _NEAR_WEIGHT * near.float()
        + (1 - _NEAR_WEIGHT)
        * subject.gradient_at_layer(
            batch.positive, batch.measure, layer, (pos + neg) / 2, batch.positive_types
        ).float()
        for layer, (near, pos, neg) in enumerate(
            zip(gradient[:-1], positive[:-1], negative[:-1], strict=True)
        )
    ]
    return (*mixed, gradient[-1].float())


def _along_the_input(subject: Subject, batch: PairBatch, steps: int) -> Outputs:
    """The mean gradient along the straight line between the prompts' input embeddings.

    Integrated gradients (Sundararajan et al., arXiv:1703.01365) by the midpoint rule, along the input
    as in Hanna et al., arXiv:2403.17806.
    """
    total: Outputs = ()
    for step in range(steps):
        share = (step + 0.5) / steps
        gradients = subject.gradient_between(
            batch.positive, batch.negative, share, batch.measure, batch.positive_types
        )
        single = [gradient.float() for gradient in gradients]
        total = [one + other for one, other in zip(total, single, strict=True)] if total else single
    return tuple(summed / steps for summed in total)


def within(budget: int, subject: Subject, pairs: Sequence[ResolvedPair], metric: Metric) -> Plan:
    """The subject's memory plan; where memory bounds the batches, with the longest prompt counted.

    Then memory that is freed is given back at once from here on, on a processor.

    Raises:
        EnvironmentUnavailableError: the budget does not hold the longest pair.
    """
    plan = subject.memory
    if plan.working is not None and subject.device.type == "cpu":
        give_back_at_once()
    if not plan.to_count:
        return plan
    pair = max(pairs, key=lambda each: max(len(each.positive_ids), len(each.negative_ids)))
    (batch,) = batches_for(subject, [pair], metric)
    both = ((batch.positive, batch.positive_types), (batch.negative, batch.negative_types))
    ids, types = max(both, key=lambda each: each[0].shape[1])
    return plan.with_count(bytes_of_prompt(subject, ids, batch.measure, types), budget)


@dataclass(frozen=True)
class MeanOutputs:
    """Mean head outputs over the discovery prompts, per layer ``[positions, n_heads, d_head]``.

    Row ``before`` is the position the answer is read off (the first where it is read off several).
    Positions further from it than any seen use the overall mean, ``beyond``.
    """

    aligned: Outputs
    beyond: Outputs
    before: int

    @classmethod
    def over(cls, captured: Sequence[Captured]) -> MeanOutputs:
        """Means over both prompts of every pair, at the same distance from where the answer is read."""
        anchors = [_anchor(item.batch) for item in captured]
        before = max(anchors)
        after = max(
            item.batch.positive.shape[1] - anchor
            for item, anchor in zip(captured, anchors, strict=True)
        )
        aligned, beyond = [], []
        for layer in range(len(captured[0].positive)):
            shape, at = captured[0].positive[layer].shape[2:], captured[0].positive_metric.device
            total = torch.zeros(before + after, *shape, device=at)
            count = torch.zeros(before + after, 1, 1, device=at)
            for item, anchor in zip(captured, anchors, strict=True):
                for z in (item.positive[layer], item.negative[layer]):
                    rows = slice(before - anchor, before - anchor + z.shape[1])
                    total[rows] += z.float().sum(0).to(at)
                    count[rows] += z.shape[0]
            aligned.append(total / count)
            beyond.append(total.sum(0) / count.sum())
        return cls(tuple(aligned), tuple(beyond), before)

    def at(self, prompts: int, positions: int, anchor: int, dtype: torch.dtype) -> Outputs:
        """The means laid out as the head outputs of so many prompts of this length and anchor."""
        filled = []
        for aligned, beyond in zip(self.aligned, self.beyond, strict=True):
            places = torch.arange(positions, device=aligned.device) - anchor + self.before
            known = (places >= 0) & (places < aligned.shape[0])
            rows = torch.where(
                known[:, None, None], aligned[places.clamp(0, aligned.shape[0] - 1)], beyond
            )
            filled.append(rows.to(dtype).expand(prompts, *rows.shape))
        return tuple(filled)

    def for_batch(self, item: Captured) -> Outputs:
        """The means laid out as the outputs on a batch's positives ``[n, position, n_heads, d_head]``."""
        prompts, positions = item.batch.positive.shape
        return self.at(prompts, positions, _anchor(item.batch), item.negative[0].dtype)


def _anchor(batch: PairBatch) -> int:
    """The position that prompts have in common, counted from the first."""
    return batch.anchor % batch.positive.shape[1]
