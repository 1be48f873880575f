"""One small TopK sparse autoencoder per attention head, all heads trained at once.

With ``x`` a head's output, standardised by the head's own centre and scale::

    f(x) = TopK_k(relu(x E + b))        x_hat = f(x) D + c

``D`` has unit rows. The loss is the mean squared error of ``x_hat`` (Gao et al., arXiv:2406.04093).
Heads of one width are one batched matrix product ``[heads, batch, d_head] x [heads, d_head, latents]``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from auditkit.records.specification import AutoencoderSettings

_SMALLEST_SCALE = 1e-8
_SINGLE = torch.finfo(torch.float32).eps
_SUMMED = 4 * _SINGLE  # a weighted mean of equal values differs from them by a few roundings


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

    def encode(self, vectors: Tensor) -> Tensor:
        """Latent activations ``[heads, n, latents]`` of head outputs ``[heads, n, d]``; at least 0."""
        return _top_k(self._dense((vectors - self.centre) / self.scale), self.k)

    def directions(self) -> Tensor:
        """What one unit of each latent adds to the head's output, ``[heads, latents, d]``."""
        return self.decoder * self.scale

    def unexplained_variance(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Per head, the squared reconstruction error and the squared variation, each ``[heads]``."""
        standard = (vectors - self.centre) / self.scale
        rebuilt = _top_k(self._dense(standard), self.k) @ self.decoder + self.offset
        return (standard - rebuilt).square().sum((1, 2)), standard.square().sum((1, 2))

    def ties(self, vectors: Tensor) -> int:
        """How many vectors had the k-th and the next latent equal and active: a choice by position."""
        dense = self._dense((vectors - self.centre) / self.scale)
        if self.k >= dense.shape[-1]:
            return 0
        top = dense.topk(self.k + 1, dim=-1).values
        return int(((top[..., -1] == top[..., -2]) & (top[..., -1] > 0)).sum())

    def _dense(self, standard: Tensor) -> Tensor:
        return torch.relu(standard @ self.encoder + self.bias)


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
    vectors: Tensor, settings: AutoencoderSettings, seed: int, precision: float = _SINGLE
) -> Autoencoder:
    """Autoencoders for heads of one width, from their outputs ``[heads, n, d]``. Seeded.

    A head that does not vary keeps its own scale: its rounding errors are not blown up to size 1.
    Adam on the mean squared error over random batches; decoder rows are kept at unit length.
    """
    heads, n, width = vectors.shape
    generator = torch.Generator(device="cpu").manual_seed(seed)
    centre = vectors.mean(1, keepdim=True)
    spread = _spread(vectors)
    scale = torch.where(unvarying(vectors, precision), torch.ones_like(spread), spread)[
        :, None, None
    ]
    standard = (vectors - centre) / scale
    decoder = torch.randn(heads, settings.latents, width, generator=generator).to(vectors)
    decoder = _unit_rows(decoder)
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
        rows = torch.randint(n, (min(settings.batch, n),), generator=generator)
        batch = standard[:, rows.to(standard.device)]
        latents = _top_k(torch.relu(batch @ encoder + bias), k)
        # Summed over heads: each head's autoencoder has its own gradient and its own optimum.
        loss = (latents @ decoder + offset - batch).square().mean((1, 2)).sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        with torch.no_grad():
            decoder.copy_(_unit_rows(decoder))
    encoder, bias, decoder, offset = (parameter.detach() for parameter in parameters)
    return Autoencoder(centre, scale, encoder, bias, decoder, offset, k)


def _unit_rows(decoder: Tensor) -> Tensor:
    return torch.nn.functional.normalize(decoder, dim=-1, eps=_SMALLEST_SCALE)


def _top_k(dense: Tensor, k: int) -> Tensor:
    """The k largest entries of each row, the others 0."""
    top = dense.topk(k, dim=-1)
    return torch.zeros_like(dense).scatter(-1, top.indices, top.values)
