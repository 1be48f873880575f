"""Circuits of latents: what measured effects of single latents come to. Exact, and without torch.

The codes of ``circuits.codes`` come from attributed effects, which only estimate. Here a latent has a code on
a pair when replacing its direction alone was measured to move the task effect by more than tau.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from auditkit.circuits.codes import CodeSpace, carries_code, quorum_count
from auditkit.circuits.effects import EMPTY_CIRCUIT
from auditkit.circuits.intervals import mean_interval
from auditkit.records.base import NotAssessed
from auditkit.records.latents import HeadLatents, PairCodes, TriedLatent, VerifiedLatents
from auditkit.records.reasons import not_assessed
from auditkit.records.specification import Specification

NOT_CARRIED = not_assessed("not_carried_by_latents")
NO_LATENTS_SOUGHT = not_assessed("no_latents_sought")
NOT_KNOWN = not_assessed("latents_not_known")

Effects = tuple[Decimal, ...]


@dataclass(frozen=True)
class Candidate:
    """A latent that is to be replaced alone, and the attributed effect it was chosen for."""

    latent: int
    attributed: Decimal


def first_by_work(singles: Mapping[int, Effects], exact: Effects) -> list[int]:
    """Latents by their mean effect in the direction of their head's, the largest first."""
    sign = -1 if sum(exact) < 0 else 1
    return sorted(singles, key=lambda latent: (-sign * sum(singles[latent]), latent))


def tried_latent(
    head: str,
    candidate: Candidate,
    effects: Effects,
    space: CodeSpace,
    specification: Specification,
) -> TriedLatent:
    """A latent with the interval of what replacing it alone loses."""
    return TriedLatent(
        code=space.latent_code(head, candidate.latent),
        latent=candidate.latent,
        attributed=candidate.attributed,
        effects=effects,
        effect=mean_interval(effects, specification.bootstrap, specification.seed),
    )


def carrying(
    tried: Sequence[TriedLatent],
    together: Sequence[Effects],
    exact: Effects,
    sufficiency: Decimal,
) -> tuple[int, ...] | NotAssessed:
    """The codes of the fewest first latents that carry a head's effect: neither less than asked nor far more.

    ``exact`` and ``together`` are shares of the task effect per pair; ``sufficiency`` is a share of the
    head's effect, and its mirror is the most that counts.
    """
    whole = Fraction(sum(exact))
    least = Fraction(sufficiency)
    for n, lost in enumerate(together, start=1):
        share = Fraction(sum(lost)) / whole if whole else Fraction(0)
        if least <= share <= 2 - least:
            return tuple(sorted(each.code for each in tried[:n]))
    return NOT_CARRIED


def verified(heads: Sequence[HeadLatents], specification: Specification) -> VerifiedLatents:
    """The heads with their pairs as sets of integers, and what enough of these have in common."""
    tau = specification.thresholds.tau
    n = len(heads[0].exact)
    carried: list[set[int]] = [set() for _ in range(n)]
    for each in (latent for head in heads for latent in head.tried):
        for pair, carries in enumerate(carries_code(each.effects, tau)):
            if carries:
                carried[pair].add(each.code)
    count = quorum_count(specification.thresholds.quorum, n)
    counts = Counter(code for codes in carried for code in codes)
    return VerifiedLatents(
        heads=tuple(heads),
        pairs=tuple(
            PairCodes(pair=pair, codes=tuple(sorted(codes))) for pair, codes in enumerate(carried)
        ),
        quorum_count=count,
        signature=tuple(sorted(code for code, seen in counts.items() if seen >= count)),
    )


def why_none(circuit: Sequence[str], specification: Specification) -> NotAssessed | None:
    """Why no latents are replaced, where that follows from the settings or the circuit."""
    if not specification.patching.latents:
        return NO_LATENTS_SOUGHT
    return EMPTY_CIRCUIT if not circuit else None
