"""The latents of the signature: which they are, and what follows from their recorded effects."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from auditkit.codes import CodeSpace, carries_code
from auditkit.intervals import rounded
from auditkit.records.codes import Latent, TopExample


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
