"""One small TopK sparse autoencoder per attention head, many heads trained at once.

With ``x`` a head's output, standardised by the head's own centre and scale::

    f(x) = TopK_k(relu(x E + b))        x_hat = f(x) D + c

``D`` has unit rows. The loss is the mean squared error of ``x_hat`` (Gao et al., arXiv:2406.04093).
Heads of one width are one batched matrix product ``[heads, batch, d_head] x [heads, d_head, latents]``,
``HEADS_TOGETHER`` at a time: more would not fit the processor's cache, and each would cost more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auditkit.records.specification import AutoencoderSettings

HEADS_TOGETHER = 64
"""How many heads are trained in one product. A head's result depends on its place in its chunk."""

_SMALLEST_SCALE = 1e-8
_SINGLE = torch.finfo(torch.float32).eps
_SUMMED = 4 * _SINGLE  # a weighted mean of equal values differs from them by a few roundings
_SELECTED_BY_PASSES = 8  # above it, sorting each row costs less than passing over all of them


@dataclass(frozen=True)
class Reading:
    """What an autoencoder makes of head outputs, in one pass.

    ``latents`` ``[heads, n, latents]``, at least 0; ``error`` and ``variation`` are the squared
    reconstruction error and the squared variation over all heads; ``ties`` counts vectors whose k-th and
    next latent are equal and active: both stay.
    """

    latents: Tensor
    error: float
    variation: float
    ties: int


@dataclass(frozen=True)
class Autoencoder:
    """Trained autoencoders for heads of one width.

    ``centre`` ``[heads, 1, d]``, ``scale`` ``[heads, 1, 1]``, ``encoder`` ``[heads, d, latents]``,
    ``bias`` ``[heads, 1, latents]``, ``decoder`` ``[heads, latents, d]``, ``offset`` ``[heads, 1, d]``.
    """

    centre: Tensor
    scale: Tensor
    encoder: Tensor
    bias: Tensor
    decoder: Tensor
    offset: Tensor
    k: int

    def read(self, vectors: Tensor) -> Reading:
        """Latents, reconstruction error and ties of head outputs ``[heads, n, d]``."""
        standard = (vectors - self.centre) / self.scale
        latents = _top_k(torch.relu(standard @ self.encoder + self.bias), self.k)
        rebuilt = latents @ self.decoder + self.offset
        return Reading(
            latents=latents,
            error=float((standard - rebuilt).square().sum(dtype=torch.float64)),
            variation=float(standard.square().sum(dtype=torch.float64)),
            ties=int(((latents > 0).sum(-1) > self.k).sum()),
        )

    def of_head(self, place: int) -> Autoencoder:
        """The autoencoder of the one head at this place of the chunk."""
        one = slice(place, place + 1)
        return Autoencoder(
            self.centre[one],
            self.scale[one],
            self.encoder[one],
            self.bias[one],
            self.decoder[one],
            self.offset[one],
            self.k,
        )

    def directions(self) -> Tensor:
        """What one unit of each latent adds to the head's output, ``[heads, latents, d]``."""
        return self.decoder * self.scale


def from_numbers(
    heads: Sequence[Mapping[str, NDArray[np.float32]]], k: int, like: Tensor
) -> Autoencoder:
    """The autoencoders of a dictionary's heads, where and in the format that ``like`` is."""

    def stacked(part: str) -> Tensor:
        return torch.stack([torch.from_numpy(each[part]) for each in heads]).to(like)

    return Autoencoder(
        centre=stacked("centre")[:, None],
        scale=stacked("scale")[:, None],
        encoder=stacked("encoder"),
        bias=stacked("bias")[:, None],
        decoder=stacked("decoder"),
        offset=stacked("offset")[:, None],
        k=k,
    )


def to_numbers(autoencoder: Autoencoder, place: int) -> dict[str, NDArray[np.float32]]:
    """The autoencoder of the head at a place of its chunk, as a dictionary has it."""
    return {
        "centre": _numbers(autoencoder.centre[place, 0]),
        "scale": _numbers(autoencoder.scale[place, 0]),
        "encoder": _numbers(autoencoder.encoder[place]),
        "bias": _numbers(autoencoder.bias[place, 0]),
        "decoder": _numbers(autoencoder.decoder[place]),
        "offset": _numbers(autoencoder.offset[place, 0]),
    }


def _numbers(values: Tensor) -> NDArray[np.float32]:
    found: NDArray[np.float32] = values.detach().float().cpu().numpy()
    return found


def unvarying(vectors: Tensor, precision: float = _SINGLE) -> Tensor:
    """Which heads put out the same vector every time, ``[heads]``, from outputs ``[heads, n, d]``.

    ``precision`` is the relative spacing of numbers in the format the model ran in: outputs that
    differ by no more than rounding are the same, and there is nothing in them to learn.
    """
    size = vectors.square().mean((1, 2)).sqrt()
    return _spread(vectors) <= ((precision + _SUMMED) * size).clamp_min(_SMALLEST_SCALE)


def _spread(vectors: Tensor) -> Tensor:
    """The root mean squared distance from the mean per head and dimension, ``[heads]``."""
    return (vectors - vectors.mean(1, keepdim=True)).square().mean((1, 2)).sqrt()


def train(
    vectors: Tensor,
    settings: AutoencoderSettings,
    seed: int,
    chunk: int = 0,
    precision: float = _SINGLE,
) -> Autoencoder:
    """Autoencoders for one chunk of heads of one width, from their outputs ``[heads, n, d]``. Seeded.

    Adam on the mean squared error over random batches; decoder rows are kept at unit length. A head's
    autoencoder depends on the seed, the chunk's number and the head's place in it, not on the heads
    that follow. A head that does not vary keeps its own scale: its rounding errors are not blown up to
    size 1.

    Raises:
        ValueError: there are more heads than are trained together.
    """
    heads, n, width = vectors.shape
    if heads > HEADS_TOGETHER:
        raise ValueError(f"at most {HEADS_TOGETHER} heads are trained together, not {heads}")
    generator = _generator(seed, chunk)
    centre = vectors.mean(1, keepdim=True)
    # One scale per head, not per dimension: angles between outputs stay what they are.
    spread = _spread(vectors)
    scale = torch.where(unvarying(vectors, precision), torch.ones_like(spread), spread)[
        :, None, None
    ]
    standard = (vectors - centre) / scale
    # Drawn for a full chunk whatever its heads, so that what is drawn next does not depend on them.
    drawn = torch.randn(HEADS_TOGETHER, settings.latents, width, generator=generator, device="cpu")
    decoder = _unit_rows(drawn[:heads].to(vectors))
    # The encoder starts as the decoder's transpose, so that fewer latents die in training (Gao et al.).
    parameters = [
        decoder.transpose(1, 2).contiguous(),
        vectors.new_zeros(heads, 1, settings.latents),
        decoder,
        vectors.new_zeros(heads, 1, width),
    ]
    for parameter in parameters:
        parameter.requires_grad = True
    encoder, bias, decoder, offset = parameters
    k = min(settings.k, settings.latents)
    optimiser = torch.optim.Adam(parameters, lr=float(settings.learning_rate))
    for _ in range(settings.steps):
        rows = torch.randint(n, (min(settings.batch, n),), generator=generator, device="cpu")
        batch = standard[:, rows.to(standard.device)]
        latents = _top_k(torch.relu(batch @ encoder + bias), k)
        # Summed over heads: each head's autoencoder has its own gradient and its own optimum.
        loss = (latents @ decoder + offset - batch).square().mean((1, 2)).sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        with torch.no_grad():
            # Else the loss could be met by small latents and long rows, and a latent's size mean nothing.
            decoder.copy_(_unit_rows(decoder))
    encoder, bias, decoder, offset = (parameter.detach() for parameter in parameters)
    return Autoencoder(centre, scale, encoder, bias, decoder, offset, k)


def _generator(seed: int, chunk: int) -> torch.Generator:
    """Draws of one chunk's own. torch takes 32 bits of a seed, so both numbers are mixed into those.

    Adding them would give chunk 1 of seed 0 the draws of chunk 0 of seed 1.
    """
    (mixed,) = np.random.SeedSequence((seed, chunk)).generate_state(1)
    return torch.Generator(device="cpu").manual_seed(int(mixed))


def _unit_rows(decoder: Tensor) -> Tensor:
    return torch.nn.functional.normalize(decoder, dim=-1, eps=_SMALLEST_SCALE)


def _top_k(dense: Tensor, k: int) -> Tensor:
    """The k largest entries of each row, and those equal to the k-th; the others 0."""
    with torch.no_grad():
        kept = dense >= _kth_largest(dense, k)
    return dense * kept  # a product, so that gradients reach what is kept and nothing else


def _kth_largest(dense: Tensor, k: int) -> Tensor:
    """The k-th largest entry of each row of ``[heads, n, latents]``, the last axis kept at size 1.

    For a small k all rows are gone over together, one latent at a time: each latent is carried down a
    list of the k largest so far. That uses the processor's vector units, which sorting rows does not.
    """
    if k > _SELECTED_BY_PASSES:
        return dense.topk(k, dim=-1).values[..., -1:]
    largest = [torch.full_like(dense[..., 0], -torch.inf) for _ in range(k)]
    for latent in dense.movedim(-1, 0).contiguous():
        carried = latent
        for place, held in enumerate(largest):
            largest[place] = torch.maximum(held, carried)
            carried = torch.minimum(held, carried)
    return largest[-1].unsqueeze(-1)
