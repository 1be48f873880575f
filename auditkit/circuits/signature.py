"""Does a declared signature hold? A rule over measured effects of its latents. Exact, and without torch.

For each head, its declared latents replaced together are held against the whole head, pair by pair, by the
test of ``share_test`` with the head's own effect as the whole:

* surely less than the share that sufficiency asks for, or surely more than its mirror   -> refused
* surely more than three quarters of that share                                          -> carried
* else                                                                                   -> open

And each declared latent has to do some of the work. Its mean effect is in the direction of the head's with an
interval that excludes 0; one whose interval lies below 2 % of the head's effect is *idle*, and refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from auditkit.circuits.intervals import mean_interval
from auditkit.circuits.share_test import Sums, p_value, surely, there_is_effect
from auditkit.circuits.single import in_units
from auditkit.records.base import NotAssessed
from auditkit.records.looks import Ruled
from auditkit.records.reasons import not_assessed
from auditkit.records.signature import DeclaredLatents, SignatureCheck
from auditkit.records.specification import Specification

NO_SIGNATURE = not_assessed("no_signature")
NOT_KNOWN = not_assessed("signature_not_known")

_LEVEL = Fraction(2, 1000)
_EFFECT = Fraction(1, 1000)
_IDLE = Decimal("0.02")
_LOWER = Fraction(3, 4)

Effects = tuple[Decimal, ...]


def declared_latents(
    head: str,
    latents: Sequence[int],
    measured: tuple[Effects, Effects, Sequence[Effects]],
    specification: Specification,
) -> DeclaredLatents:
    """One head of a signature.

    ``measured``: what is lost with the whole head replaced, with its declared latents, and with each of them.
    """
    exact, together, alone = measured
    sign = -1 if sum(exact) < 0 else 1
    idle, unsure = [], []
    for latent, effects in zip(latents, alone, strict=True):
        worked = mean_interval(
            tuple(sign * each for each in effects), specification.bootstrap, specification.seed
        )
        if worked.high * len(exact) < _IDLE * sign * sum(exact):
            idle.append(latent)
        elif worked.low <= 0:
            unsure.append(latent)
    return DeclaredLatents(
        head=head,
        latents=tuple(latents),
        exact=exact,
        together=together,
        alone=tuple(alone),
        carries=_carries(exact, together, sign, specification.thresholds.sufficiency),
        idle=tuple(idle),
        open=tuple(unsure),
    )


def _carries(exact: Effects, together: Effects, sign: int, sufficiency: Decimal) -> Ruled:
    whole = [sign * each for each in in_units(exact)]
    sums = Sums.of([sign * each for each in in_units(together)], whole)
    least = Fraction(sufficiency)
    if not there_is_effect(Sums.of(whole, whole), _EFFECT):
        return "inconclusive"
    # Of the signed effect: latents that oppose their head do not carry it.
    too_little = Fraction(p_value("below", least, sums)) <= _LEVEL
    if too_little or surely("above", 2 - least, sums, _LEVEL):
        return "not_consistent"
    enough = Fraction(p_value("above", _LOWER * least, sums)) <= _LEVEL
    return "consistent" if enough else "inconclusive"


def checked(heads: Sequence[DeclaredLatents]) -> SignatureCheck:
    """All heads of a signature: refused where one is, open where one is."""
    return SignatureCheck(
        heads=tuple(heads), verdict=_least_favourable(_of_head(each) for each in heads)
    )


def _least_favourable(verdicts: Iterable[Ruled]) -> Ruled:
    return min(verdicts, key=("not_consistent", "inconclusive", "consistent").index)


def _of_head(head: DeclaredLatents) -> Ruled:
    if head.idle:
        return "not_consistent"
    return "inconclusive" if head.open and head.carries == "consistent" else head.carries


def with_signature(ruled: Ruled, signature: SignatureCheck | NotAssessed) -> Ruled:
    """What a ruling on heads becomes beside the signature: the less favourable of the two."""
    if isinstance(signature, NotAssessed):
        return ruled
    return _least_favourable((ruled, signature.verdict))
