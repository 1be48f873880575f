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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from auditkit.circuits.intervals import in_units, rounded
from auditkit.circuits.null import (
    false_discovery_rates,
    least_examples,
    swap_test,
    swaps_of,
)
from auditkit.records.base import UNIT, measured
from auditkit.records.codes import Latent, TopExample
from auditkit.records.model import AttentionLayer
from auditkit.records.task import ExampleCodes, NullTest, ScreenedHead

Effects = NDArray[np.float64]


@dataclass(frozen=True)
class RankedCodes:
    """The examples as sets of integers with every head's rank: what is known before any intervention.

    The fields are those of the same names in the record of the codes (``records.task.Codes``).
    """

    stride: int
    quorum_count: int
    examples: tuple[ExampleCodes, ...]
    signature: tuple[int, ...]
    heads: tuple[ScreenedHead, ...]
    unexplained_variance: Decimal
    ties: int
    unvarying: tuple[str, ...]


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

    def latent_of(self, code: int) -> int | None:
        """The latent of its head that a code stands for, or ``None`` where it stands for none."""
        latent = code % self.stride - 1
        return latent if 0 <= latent < self.latents else None

    def is_silence(self, code: int) -> bool:
        """Whether the code says that its head had no effect."""
        return code % self.stride == 0

    def whole_head(self, head: str) -> int:
        """The code of a head's effect as a whole."""
        return self.whole_code(self.head_ids.index(head))

    def latent_code(self, head: str, latent: int) -> int:
        """The code of a head's latent."""
        return self.head_ids.index(head) * self.stride + latent + 1

    def whole_code(self, place: int) -> int:
        """The code of the effect as a whole of the head at a place in layer order."""
        return place * self.stride + self.latents + 1


def discretise(
    latent_effects: Effects, head_effects: Sequence[Sequence[Decimal]], tau: Decimal
) -> tuple[ExampleCodes, ...]:
    """Each example's codes, from attributed effects as shares of the task effect.

    ``latent_effects`` is ``[n_examples, n_heads, latents]``; ``head_effects`` are the recorded ones,
    ``[n_heads][n_examples]``, so that a head's own code can be checked from the record.
    """
    latent = exceed(latent_effects, tau)
    whole = np.array([carries_code(head, tau) for head in head_effects]).T
    silent = ~(latent.any(axis=2) | whole)
    slots = np.concatenate([silent[:, :, None], latent, whole[:, :, None]], axis=2)
    return tuple(
        ExampleCodes(example=i, codes=tuple(np.flatnonzero(row.reshape(-1)).tolist()))
        for i, row in enumerate(slots)
    )


def exceed(effects: Effects, tau: Decimal) -> NDArray[np.bool_]:
    """Which attributed effects, as a record would hold them, exceed tau in magnitude."""
    size = np.abs(effects)
    above: NDArray[np.bool_] = size > float(tau)
    # Rounding can change the answer only next to tau; zeros stay zeros.
    near = (size > 0) & (np.abs(size - float(tau)) <= float(UNIT))
    for place in zip(*np.nonzero(near), strict=True):
        above[place] = abs(measured(float(effects[place]))) > tau
    return above


def quorum_count(quorum: Decimal, n_examples: int) -> int:
    """The least number of examples that is at least ``quorum`` of all, and at least one."""
    return max(1, math.ceil(Fraction(quorum) * n_examples))


def signature(examples: Sequence[ExampleCodes], count: int, space: CodeSpace) -> tuple[int, ...]:
    """The codes carried by at least ``count`` examples, silence left out, ascending."""
    carried = Counter(code for example in examples for code in example.codes)
    return tuple(
        sorted(code for code, n in carried.items() if n >= count and not space.is_silence(code))
    )


def carries_code(effects: Sequence[Decimal], tau: Decimal) -> list[bool]:
    """Per example, whether a head's recorded effect gives it its whole-head code."""
    return [abs(effect) > tau for effect in effects]


def recorded_effects(head_effects: Effects) -> tuple[tuple[Decimal, ...], ...]:
    """Attributed effects as the record holds them, ``[n_heads][n_examples]``, from the transposed."""
    return tuple(tuple(measured(value) for value in head) for head in head_effects.T.tolist())


def screened_heads(
    effects: Sequence[tuple[Decimal, ...]],
    examples: Sequence[ExampleCodes],
    space: CodeSpace,
    seed: int,
) -> tuple[ScreenedHead, ...]:
    """Every head with its effects, rank, support and label-swap test, in layer order."""
    ranked = ranking(dict(zip(space.head_ids, effects, strict=True)))
    ranks = {head: place + 1 for place, head in enumerate(ranked)}
    carried = Counter(code for example in examples for code in example.codes)
    p_values = swap_test(effects, seed).p_values
    q_values = false_discovery_rates(p_values)
    return tuple(
        ScreenedHead(
            head=head,
            rank=ranks[head],
            effects=effects[i],
            attributed=rounded(_mean(effects[i])),
            support=carried[space.whole_code(i)],
            p_value=rounded(p_values[i]),
            q_value=rounded(q_values[i]),
        )
        for i, head in enumerate(space.head_ids)
    )


def ranking(effects: Mapping[str, Sequence[Decimal]]) -> list[str]:
    """Heads by descending geometric mean of |mean effect| and its root mean square; equal ones in order.

    The mean alone would lose a head that acts in both directions, the mean square alone would rank
    noise. The product of the squares orders as the geometric mean does, and is exact.
    """
    rows = in_units(list(effects.values())).tolist()
    sizes = [sum(row) ** 2 * sum(each * each for each in row) for row in rows]
    size = dict(zip(effects, sizes, strict=True))
    return sorted(effects, key=lambda head: -size[head])


def by_size(heads: Sequence[str], effects: Sequence[float]) -> list[str]:
    """Heads by descending magnitude of one number each; equal ones keep their order."""
    sizes = dict(zip(heads, effects, strict=True))
    return sorted(heads, key=lambda head: -abs(sizes[head]))


def null_test(heads: Sequence[ScreenedHead], n_examples: int, level: Decimal) -> NullTest:
    """What the heads' label-swap tests come to at a false discovery rate."""
    swaps, exact = swaps_of(n_examples)
    return NullTest(
        swaps=swaps,
        exact=exact,
        level=level,
        separated=tuple(head.head for head in heads if head.q_value <= level),
        least_examples=least_examples(len(heads), level),
    )


def _mean(values: Sequence[Decimal]) -> Fraction:
    return sum((Fraction(value) for value in values), Fraction(0)) / len(values)


def latent_codes(signature: Sequence[int], space: CodeSpace) -> tuple[int, ...]:
    """The codes of a signature that stand for a latent, not for a head as a whole."""
    return tuple(code for code in signature if space.latent_of(code) is not None)


def latent_of(
    code: int,
    effects: tuple[Decimal, ...],
    top: tuple[TopExample, ...],
    tau: Decimal,
    space: CodeSpace,
) -> Latent:
    """One latent with what its recorded effects come to."""
    return Latent(
        code=code,
        head=space.head_of(code),
        latent=space.latent_of(code) or 0,
        effects=effects,
        support=sum(carries_code(effects, tau)),
        mean_effect=rounded(sum(map(Fraction, effects), Fraction(0)) / len(effects)),
        top=top,
    )
