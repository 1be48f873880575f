"""Examples as sets of integers, and the integers most of them share.

Each head owns ``latents + 2`` consecutive codes, heads in layer order:

====================  =========================================================================
``0``                 silence: no latent of the head and not the head as a whole has an effect
``1 .. latents``      that latent's attributed effect on the example exceeds tau
``latents + 1``       the whole head's attributed effect exceeds tau
====================  =========================================================================

Silence has a code of its own, so that "nothing happened" is never mistaken for the first latent.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from auditkit.records.base import measured
from auditkit.records.model import AttentionLayer
from auditkit.records.task import ExampleCodes, ScreenedHead

Effects = NDArray[np.float64]


@dataclass(frozen=True)
class CodeSpace:
    """The numbering of codes for a model's heads and a number of latents per head."""

    head_ids: tuple[str, ...]
    latents: int

    @classmethod
    def of(cls, layers: Sequence[AttentionLayer], latents: int) -> CodeSpace:
        """The code space of a model's attention layers, heads in layer order."""
        ids = tuple(f"{at.index}.{head}" for at in layers for head in range(at.n_heads))
        return cls(ids, latents)

    @property
    def stride(self) -> int:
        """How many codes each head owns."""
        return self.latents + 2

    def head_of(self, code: int) -> str:
        """The head that owns a code."""
        return self.head_ids[code // self.stride]

    def is_silence(self, code: int) -> bool:
        """Whether the code says that its head had no effect."""
        return code % self.stride == 0

    def whole_head(self, head: str) -> int:
        """The code of a head's effect as a whole."""
        return self.head_ids.index(head) * self.stride + self.latents + 1


def discretise(
    latent_effects: Effects, head_effects: Effects, tau: Decimal
) -> tuple[ExampleCodes, ...]:
    """Each example's codes, from attributed effects as shares of the task effect.

    ``latent_effects`` is ``[n_examples, n_heads, latents]``, ``head_effects`` ``[n_examples, n_heads]``.
    """
    latent = np.abs(latent_effects) > float(tau)
    whole = np.abs(head_effects) > float(tau)
    silent = ~(latent.any(axis=2) | whole)
    slots = np.concatenate([silent[:, :, None], latent, whole[:, :, None]], axis=2)
    return tuple(
        ExampleCodes(example=i, codes=tuple(np.flatnonzero(row.reshape(-1)).tolist()))
        for i, row in enumerate(slots)
    )


def quorum_count(quorum: Decimal, n_examples: int) -> int:
    """The least number of examples that is at least ``quorum`` of all, and at least one."""
    return max(1, math.ceil(Fraction(quorum) * n_examples))


def signature(examples: Sequence[ExampleCodes], count: int, space: CodeSpace) -> tuple[int, ...]:
    """The codes carried by at least ``count`` examples, silence left out, ascending."""
    carried = Counter(code for example in examples for code in example.codes)
    return tuple(
        sorted(code for code, n in carried.items() if n >= count and not space.is_silence(code))
    )


def screened_heads(
    head_effects: Effects, examples: Sequence[ExampleCodes], space: CodeSpace
) -> tuple[ScreenedHead, ...]:
    """Every head with its mean attributed effect, in layer order, ranked by magnitude."""
    attributed = [measured(value) for value in head_effects.mean(axis=0)]
    ranks = ranking(dict(zip(space.head_ids, attributed, strict=True)))
    return tuple(
        ScreenedHead(
            head=head,
            rank=ranks.index(head) + 1,
            attributed=value,
            support=support(head, examples, space),
        )
        for head, value in zip(space.head_ids, attributed, strict=True)
    )


def ranking(attributed: dict[str, Decimal]) -> list[str]:
    """Heads by descending magnitude of attributed effect; equal ones keep layer order."""
    return sorted(attributed, key=lambda head: -abs(attributed[head]))


def support(head: str, examples: Sequence[ExampleCodes], space: CodeSpace) -> int:
    """The number of examples that carry the head's whole-head code."""
    code = space.whole_head(head)
    return sum(code in example.codes for example in examples)
