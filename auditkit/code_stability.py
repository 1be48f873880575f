"""The envelope over codes: would other autoencoder seeds or thresholds have named other heads?

Nothing is run again: the autoencoders are trained on the activations already captured. The verdict
does not rest on codes, for patching decides; this says how far the codes can be relied on.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import product

from auditkit.circuit import layer_order
from auditkit.codes import carries_code, quorum_count
from auditkit.intervals import rounded
from auditkit.records.base import NotAssessed
from auditkit.records.codes import CodeEnvelope, CodeSetting
from auditkit.records.specification import Specification
from auditkit.records.task import ScreenedHead
from auditkit.stability import frequencies, mean_jaccard

ONE_SEED = NotAssessed(reason="The policy asks for one autoencoder seed, so there is no envelope.")

_FACTORS = (Decimal(1), Decimal("0.5"), Decimal(2))
_STEPS = (Decimal(0), Decimal("-0.2"), Decimal("0.2"))
_LEAST_QUORUM = Decimal("0.01")

Setting = tuple[int, Decimal, Decimal]
"""A seed, a tau and a quorum."""


def settings_of(specification: Specification) -> tuple[Setting, ...]:
    """Every combination of seed, tau and quorum, the declared one first.

    tau is halved and doubled; the quorum is moved by 0.2 either way and stays above 0 and up to 1.
    """
    first = specification.seed
    seeds = range(first, first + specification.autoencoder.seeds)
    declared = specification.thresholds
    quorums = [declared.quorum]
    for step in _STEPS:
        moved = min(max(declared.quorum + step, _LEAST_QUORUM), Decimal(1))
        quorums += [] if step == 0 or moved in quorums else [moved]
    taus = dict.fromkeys(declared.tau * factor for factor in _FACTORS)
    return tuple(product(seeds, taus, quorums))


def whole_heads(heads: Sequence[ScreenedHead], tau: Decimal, quorum: Decimal) -> frozenset[str]:
    """The heads whose whole-head code would be in the signature at these thresholds."""
    return frozenset(
        head.head
        for head in heads
        if sum(carries_code(head.effects, tau)) >= quorum_count(quorum, len(head.effects))
    )


def setting_of(
    setting: Setting, by_latent: frozenset[str], heads: Sequence[ScreenedHead]
) -> CodeSetting:
    """One setting's heads: those with a latent's code, and those whose whole effect reaches tau."""
    seed, tau, quorum = setting
    selected = whole_heads(heads, tau, quorum) | by_latent
    return CodeSetting(
        seed=seed,
        tau=tau,
        quorum=quorum,
        heads=tuple(sorted(selected, key=layer_order)),
        latent_heads=tuple(sorted(by_latent, key=layer_order)),
    )


def code_envelope(settings: Sequence[CodeSetting]) -> CodeEnvelope:
    """What the settings come to, the declared one first."""
    declared, *_ = settings
    seeds = [s for s in settings if (s.tau, s.quorum) == (declared.tau, declared.quorum)]
    thresholds = [s for s in settings if s.seed == declared.seed]
    everywhere = [frozenset(s.heads) for s in settings]
    return CodeEnvelope(
        settings=tuple(settings),
        frequencies=frequencies(everywhere),
        mean_jaccard=rounded(mean_jaccard(everywhere)),
        over_seeds=rounded(mean_jaccard([frozenset(s.heads) for s in seeds])),
        over_seeds_latents=rounded(mean_jaccard([frozenset(s.latent_heads) for s in seeds])),
        over_thresholds=rounded(mean_jaccard([frozenset(s.heads) for s in thresholds])),
    )
