"""Autoencoders of two heads, trained on random outputs in a moment."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from auditkit.sae.per_head import to_numbers, train
from tests.builders import specification

WEIGHTS = "sha256:" + "1" * 64
"""The weights that they are said to be of."""


def outputs() -> torch.Tensor:
    """What two heads of width 3 put out at 40 positions."""
    return torch.randn(2, 40, 3, generator=torch.Generator().manual_seed(0))


def trained_heads() -> dict[str, dict[str, NDArray[np.float32]]]:
    """Heads 0.0 and 0.1, with 4 latents of which 2 are active."""
    autoencoder = train(outputs(), specification().autoencoder, seed=0)
    return {f"0.{place}": to_numbers(autoencoder, place) for place in range(2)}
