"""The residual stream of a control model: named slots that no two signals share, under a linear LayerNorm.

A signal is a direction whose coordinates sum to zero. LayerNorm subtracts the mean, which such a signal
does not have, and divides by ``sqrt(variance + epsilon)``; with ``epsilon`` far above any variance and a
gain of ``sqrt(epsilon)`` it is the identity on signals up to ``variance / (2 epsilon)``. Any orthonormal
basis of the vectors that sum to zero serves: a rotation that keeps the all-ones vector in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from auditkit.controls.vocabulary import COLOURS, LENGTH, LINKS, NAMES

EPSILON = 1e8
"""LayerNorm's epsilon. Variances here stay below 100, so LayerNorm is linear to about 1e-6."""

WIDTHS: Mapping[str, int] = {
    "begin": 1,
    "name": len(NAMES),
    "colour": len(COLOURS),
    "link": len(LINKS),
    "position": LENGTH,
    "subject": len(NAMES),
    "owner": len(NAMES),
    "recall": len(COLOURS),
    "answer": len(COLOURS),
    "other answer": len(NAMES),
    "unread": 8,
}
"""Signals per slot. The first five are what is read, then what heads write; nothing reads ``unread``."""

N_SIGNALS = sum(WIDTHS.values())


@dataclass(frozen=True)
class Residual:
    """The directions of all signals, ``[n_signals, d_model]``, orthonormal, each summing to zero."""

    basis: Tensor

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return int(self.basis.shape[1])

    def slot(self, name: str) -> Tensor:
        """The directions of one slot, ``[width, d_model]``."""
        ends = dict(zip(WIDTHS, accumulate(WIDTHS.values()), strict=True))
        return self.basis[ends[name] - WIDTHS[name] : ends[name]]


def paired(d_model: int) -> Residual:
    """Each signal as (+v, -v) in two neighbouring coordinates of its own."""
    basis = torch.zeros(N_SIGNALS, d_model)
    for signal in range(N_SIGNALS):
        basis[signal, 2 * signal] = 0.5**0.5
        basis[signal, 2 * signal + 1] = -(0.5**0.5)
    return Residual(basis)


def rotated(d_model: int, generator: torch.Generator) -> Residual:
    """The paired signals under a random rotation that keeps the all-ones vector in place.

    Any orthonormal set that sums to zero row by row is such a rotation of any other.
    """
    drawn = torch.randn(d_model, N_SIGNALS + 1, generator=generator, dtype=torch.float64)
    drawn[:, 0] = 1.0
    orthonormal, _ = torch.linalg.qr(drawn)
    return Residual(orthonormal[:, 1:].T.float().contiguous())
