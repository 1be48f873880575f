"""Attribution: how much of the task effect each head, and each latent of it, would account for.

To first order, replacing a head's output on the positive by its output on the negative changes the
metric by ``(z_pos - z_neg) . gradient``; through the head's autoencoder the same change splits over
latents as ``(f_pos - f_neg) (direction . gradient)``; ``auditkit.identifying.activations`` says which
gradient. Both are summed over positions and divided by the mean task effect. Attribution patching: Nanda
2023; Syed et al., arXiv:2310.10348. Screening only ranks: a saturated attention pattern has no gradient, so
exact patching decides (``auditkit.identifying.interventions``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from auditkit.circuits.codes import Effects
from auditkit.identifying.activations import Captured, MeanOutputs
from auditkit.identifying.batches import in_order
from auditkit.model.cached import Outputs
from auditkit.model.devices import give_back_unused
from auditkit.records.specification import AutoencoderSettings
from auditkit.sae.dictionary import Dictionary
from auditkit.sae.per_head import HEADS_TOGETHER, Autoencoder, from_numbers, train, unvarying

_ROWS_TOGETHER = 1 << 10
"""Positions whose latents are held at once. Fixed: what is summed in which order never depends on memory."""

HeadAt = tuple[int, int, int]
"""A head's place in layer order, its layer and its number there."""


@dataclass(frozen=True)
class HeadVectors:
    """What some heads of one width did at every position of every pair, one row per position.

    ``places`` are the heads' places in layer order, ``heads`` their layers and numbers. ``positive``,
    ``negative`` and ``gradient`` are ``[heads, rows, d]``; ``example`` ``[rows]`` says which pair a row
    belongs to, and ``from_end`` how far it is from the end of its prompt, -1 for the last position. ``chunk``
    is the group's number among those of its width.
    """

    places: tuple[int, ...]
    heads: tuple[tuple[int, int], ...]
    positive: Tensor
    negative: Tensor
    gradient: Tensor
    example: Tensor
    from_end: Tensor
    chunk: int


@dataclass(frozen=True)
class Attribution:
    """Attributed effects as shares of the task effect, heads in layer order.

    ``latents``: ``[n_examples, n_heads, latents]``. ``heads``: ``[n_examples, n_heads]``, exact to
    first order, so it includes what the autoencoder does not reconstruct. ``unvarying``
    ``[n_heads]``: heads that put out the same at every position of every prompt. ``trained`` are the
    autoencoders of the groups of ``head_vectors``, in that order, and ``groups`` the places of their heads.
    """

    latents: Effects
    heads: Effects
    unvarying: tuple[bool, ...]
    unexplained_variance: float
    ties: int
    trained: tuple[Autoencoder, ...]
    groups: tuple[tuple[int, ...], ...]

    def autoencoder_of(self, place: int) -> Autoencoder:
        """The autoencoder of the head at a place in layer order."""
        (found,) = (
            autoencoder.of_head(group.index(place))
            for group, autoencoder in zip(self.groups, self.trained, strict=True)
            if place in group
        )
        return found


def attribute(
    captured: Sequence[Captured],
    settings: AutoencoderSettings,
    seed: int,
    task_effect: float,
    dictionary: Dictionary | None = None,
) -> Attribution:
    """Train every head's autoencoder on the captured outputs and attribute the task effect to latents.

    With a dictionary its autoencoders are used, and none is trained.

    Effects of whole heads come from the outputs themselves, those of latents from what the autoencoders
    rebuild: the whole of a head is therefore not the sum of its latents.
    """
    heads = in_order(
        [head_effects(item.positive, item.negative, item.gradient) for item in captured],
        [item.batch for item in captured],
    )
    n_heads, n_examples = heads.shape
    # Of the format the model ran in, asked before everything is turned to single precision: rounding in
    # half precision must not pass for something to encode.
    precision = torch.finfo(captured[0].positive[0].dtype).eps
    give_back_unused()  # glibc keeps what capturing freed, and training would be laid beside it
    latents = np.empty((n_examples, n_heads, settings.latents))
    still = np.zeros(n_heads, dtype=np.bool_)
    trained: list[Autoencoder] = []
    groups: list[tuple[int, ...]] = []
    error = variation = 0.0
    ties = 0
    for vectors in head_vectors(captured):
        outputs = torch.cat([vectors.positive, vectors.negative], 1)
        autoencoder = (
            train(outputs, settings, seed, vectors.chunk, precision)
            if dictionary is None
            else _given(dictionary, vectors, outputs)
        )
        still[list(vectors.places)] = unvarying(outputs, precision).cpu().numpy()
        del outputs  # both halves are still in ``vectors``: they need not be held twice
        effects = vectors.gradient.new_zeros(len(vectors.places), n_examples, settings.latents)
        for part in _parts(vectors):
            reading = autoencoder.read(torch.cat([part.positive, part.negative], 1))
            # Rows are positions: summed into the pair they belong to, wherever the part ends.
            effects.index_add_(1, part.example, _latent_effects(part, autoencoder, reading.latents))
            # Of standardised outputs: heads that vary count alike, whatever the size of their output.
            error, variation = error + reading.error, variation + reading.variation
            ties += reading.ties
        latents[:, list(vectors.places)] = _shares(effects.movedim(1, -1), task_effect)
        trained.append(autoencoder)
        groups.append(vectors.places)
    return Attribution(
        latents=latents,
        heads=_shares(heads, task_effect),
        unvarying=tuple(still.tolist()),
        # Where nothing varies at all, nothing is left unexplained.
        unexplained_variance=error / variation if variation > 0 else 0.0,
        ties=ties,
        trained=tuple(trained),
        groups=tuple(groups),
    )


def _given(dictionary: Dictionary, vectors: HeadVectors, outputs: Tensor) -> Autoencoder:
    parts = [dictionary.heads[f"{layer}.{head}"] for layer, head in vectors.heads]
    return from_numbers(parts, dictionary.k, outputs)


def _shares(effects: Tensor, task_effect: float) -> Effects:
    """Effects with examples along the last axis, as shares with examples along the first."""
    shares = np.moveaxis(effects.double().cpu().numpy(), -1, 0) / task_effect
    return np.ascontiguousarray(shares)


def head_vectors(captured: Sequence[Captured]) -> Iterator[HeadVectors]:
    """All heads, those of one width together in layer order, as many at a time as are trained together.

    One group after the other is laid out: all of them at once would hold every output twice.
    """
    by_width: dict[int, list[HeadAt]] = defaultdict(list)
    place = 0
    for layer, z in enumerate(captured[0].positive):
        for head in range(z.shape[2]):
            by_width[z.shape[-1]].append((place, layer, head))
            place += 1
    example, from_end = rows_of(captured)
    for heads in by_width.values():
        for chunk, start in enumerate(range(0, len(heads), HEADS_TOGETHER)):
            part = heads[start : start + HEADS_TOGETHER]
            yield HeadVectors(
                places=tuple(place for place, _, _ in part),
                heads=tuple((layer, head) for _, layer, head in part),
                positive=_stacked([item.positive for item in captured], part, example.device),
                negative=_stacked([item.negative for item in captured], part, example.device),
                gradient=_stacked([item.gradient for item in captured], part, example.device),
                example=example,
                from_end=from_end,
                chunk=chunk,
            )


def _parts(vectors: HeadVectors) -> Iterator[HeadVectors]:
    """The same heads, so many rows at a time that their latents fit: however much memory there is."""
    for start in range(0, len(vectors.example), _ROWS_TOGETHER):
        rows = slice(start, start + _ROWS_TOGETHER)
        yield replace(
            vectors,
            positive=vectors.positive[:, rows],
            negative=vectors.negative[:, rows],
            gradient=vectors.gradient[:, rows],
            example=vectors.example[rows],
            from_end=vectors.from_end[rows],
        )


def rows_of(captured: Sequence[Captured]) -> tuple[Tensor, Tensor]:
    """Each row's pair, and its distance from the end of the prompt."""
    example, from_end = [], []
    for item in captured:
        n, positions = item.batch.positive.shape
        at = item.batch.positive.device
        places = torch.tensor(item.batch.places, device=at)
        example.append(places.repeat_interleave(positions))
        from_end.append(torch.arange(-positions, 0, device=at).repeat(n))
    return torch.cat(example), torch.cat(from_end)


def _stacked(outputs: Sequence[Outputs], heads: Sequence[HeadAt], device: torch.device) -> Tensor:
    """Per batch and layer ``[n, position, head, d]``, as ``[heads, rows, d]`` in single precision.

    A model may run in half precision; sums over its outputs do not.
    """
    rows = []
    for layer, of_layer in groupby(heads, key=lambda each: each[1]):
        numbers = [head for _, _, head in of_layer]
        part = slice(numbers[0], numbers[-1] + 1)
        pieces = [each[layer][:, :, part].to(device).flatten(0, 1).float() for each in outputs]
        rows.append(torch.cat(pieces))
    return torch.cat(rows, 1).movedim(1, 0)


def _latent_effects(vectors: HeadVectors, autoencoder: Autoencoder, latents: Tensor) -> Tensor:
    """Each latent's effect on the metric at each row, ``[heads, rows, latents]``.

    ``latents`` are those of the positives' rows, then those of the negatives'.
    """
    positive, negative = latents.tensor_split(2, dim=1)
    return (positive - negative) * (vectors.gradient @ autoencoder.directions().transpose(1, 2))


def head_effects(outputs: Outputs, others: Outputs, gradients: Outputs) -> Tensor:
    """What the metric loses to first order when heads put out ``others`` for ``outputs``.

    ``[n_heads, n_pairs]``, heads in layer order.
    """
    return torch.cat(
        [
            ((ours.float() - theirs.to(ours.device).float()) * gradient.to(ours.device).float())
            .sum((1, 3))
            .transpose(0, 1)
            for ours, theirs, gradient in zip(outputs, others, gradients, strict=True)
        ]
    )


def against_means(captured: Sequence[Captured], means: MeanOutputs) -> list[float]:
    """Each head's attributed effect of being replaced by its mean output, heads in layer order.

    In units of the metric, averaged over pairs: it only ranks.
    """
    effects = [
        head_effects(item.positive, means.for_batch(item), item.gradient) for item in captured
    ]
    joined = in_order(effects, [item.batch for item in captured])
    return [float(value) for value in joined.mean(1)]
