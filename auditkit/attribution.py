"""Attribution: how much of the task effect each head, and each latent of it, would account for.

To first order, replacing a head's output on the positive by its output on the negative changes the
metric by ``(z_pos - z_neg) . slope``; through the head's autoencoder the same change splits over
latents as ``(f_pos - f_neg) (direction . slope)``. What the slope is, ``auditkit.activations`` says.
Both are summed over positions and divided by the mean task effect. Attribution patching: Nanda 2023;
Syed et al., arXiv:2310.10348. Screening only ranks: a saturated attention pattern has no gradient, so
exact patching decides (``auditkit.causal``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from auditkit.activations import Captured, MeanOutputs, in_order
from auditkit.autoencoder import Autoencoder, train, unvarying
from auditkit.codes import Effects
from auditkit.model.subject import Outputs
from auditkit.records.specification import AutoencoderSettings


@dataclass(frozen=True)
class Attribution:
    """Attributed effects as shares of the task effect, heads in layer order.

    ``latents``: ``[n_examples, n_heads, latents]``. ``heads``: ``[n_examples, n_heads]``, exact to
    first order, so it includes what the autoencoder does not reconstruct. ``unvarying``
    ``[n_heads]``: heads that put out the same at every position of every prompt.
    """

    latents: Effects
    heads: Effects
    unvarying: tuple[bool, ...]
    unexplained_variance: float
    ties: int


def attribute(
    captured: Sequence[Captured], settings: AutoencoderSettings, seed: int, task_effect: float
) -> Attribution:
    """Train every head's autoencoder on the captured outputs and attribute the task effect to latents."""
    layers = range(len(captured[0].positive))
    groups: dict[int, list[int]] = defaultdict(list)
    for layer in layers:
        groups[captured[0].positive[layer].shape[-1]].append(layer)
    precision = torch.finfo(captured[0].positive[0].dtype).eps
    latents: dict[int, Tensor] = {}
    still: dict[int, Tensor] = {}
    error = variation = 0.0
    ties = 0
    for group in groups.values():
        vectors = _vectors(captured, group)
        autoencoder = train(vectors, settings, seed, precision)
        errors, variations = autoencoder.unexplained_variance(vectors)
        error, variation = error + float(errors.sum()), variation + float(variations.sum())
        ties += autoencoder.ties(vectors)
        latents |= _latent_effects(captured, group, autoencoder)
        still |= _by_layer(captured, group, unvarying(vectors, precision))
    batches = [item.batch for item in captured]
    heads = in_order(
        [head_effects(item.positive, item.negative, item.slope) for item in captured], batches
    )
    return Attribution(
        latents=_shares(torch.cat([latents[layer] for layer in layers]), task_effect),
        heads=_shares(heads, task_effect),
        unvarying=tuple(bool(each) for layer in layers for each in still[layer]),
        unexplained_variance=error / variation if variation > 0 else 0.0,
        ties=ties,
    )


def _shares(effects: Tensor, task_effect: float) -> Effects:
    """Effects with examples along the last axis, as shares with examples along the first."""
    shares = np.moveaxis(effects.double().numpy(), -1, 0) / task_effect
    return np.ascontiguousarray(shares)


def _vectors(captured: Sequence[Captured], layers: Sequence[int]) -> Tensor:
    """Head outputs of these layers ``[heads, n, d]``: every position of every prompt of every pair."""
    return torch.cat(
        [
            torch.cat(
                [_flat(z[layer]) for item in captured for z in (item.positive, item.negative)], 1
            )
            for layer in layers
        ]
    )


def _flat(z: Tensor) -> Tensor:
    """``[batch, position, head, d]`` to ``[head, batch * position, d]``, in single precision.

    A model may run in half precision; sums over its outputs do not.
    """
    return z.flatten(0, 1).transpose(0, 1).float()


def _latent_effects(
    captured: Sequence[Captured], layers: Sequence[int], autoencoder: Autoencoder
) -> dict[int, Tensor]:
    """Per layer, each latent's effect on the metric, ``[heads, latents, n_examples]``."""
    batches = [item.batch for item in captured]
    per_batch = [_batch_latent_effects(item, layers, autoencoder) for item in captured]
    return _by_layer(captured, layers, in_order(per_batch, batches))


def _by_layer(
    captured: Sequence[Captured], layers: Sequence[int], values: Tensor
) -> dict[int, Tensor]:
    """Values with the heads of these layers along the first axis, per layer."""
    sizes = [captured[0].positive[layer].shape[2] for layer in layers]
    return dict(zip(layers, torch.split(values, sizes), strict=True))


def _batch_latent_effects(
    item: Captured, layers: Sequence[int], autoencoder: Autoencoder
) -> Tensor:
    n, positions = item.positive[0].shape[:2]
    difference = autoencoder.encode(_of(item.positive, layers))
    difference = difference - autoencoder.encode(_of(item.negative, layers))
    slope = _of(item.slope, layers) @ autoencoder.directions().transpose(1, 2)
    heads, _, latents = difference.shape
    effect = (difference * slope).reshape(heads, n, positions, latents).sum(2)
    return torch.transpose(effect, 1, 2)


def _of(z: Outputs, layers: Sequence[int]) -> Tensor:
    return torch.cat([_flat(z[layer]) for layer in layers])


def head_effects(outputs: Outputs, others: Outputs, slopes: Outputs) -> Tensor:
    """What the metric loses to first order when heads put out ``others`` for ``outputs``.

    ``[n_heads, n_pairs]``, heads in layer order.
    """
    return torch.cat(
        [
            ((ours.float() - theirs.float()) * slope.float()).sum((1, 3)).transpose(0, 1)
            for ours, theirs, slope in zip(outputs, others, slopes, strict=True)
        ]
    )


def against_means(captured: Sequence[Captured], means: MeanOutputs) -> list[float]:
    """Each head's attributed effect of being replaced by its mean output, heads in layer order.

    In units of the metric, averaged over pairs: it only ranks.
    """
    effects = [
        head_effects(item.positive, means.at(item.positive), item.slope) for item in captured
    ]
    joined = in_order(effects, [item.batch for item in captured])
    return [float(value) for value in joined.mean(1)]
