"""The stability envelope of editions 1 and 2: would other examples have given another circuit, and verdict?

``auditkit.circuits.redrawing`` is that of today. Nothing is run again. The recorded effects of every
patched head on every discovery example are
drawn again with replacement, and once without each prompt template; each draw gives a circuit by the
rule of ``auditkit.circuits.circuit`` and a verdict on it. A finding that flips under such draws is not one to
rely on (Efron and Tibshirani 1993; Mahale, arXiv:2608.13754: a finding is filed at a tolerance only
when its modal share is at least one less that tolerance). Integers throughout, as in
``auditkit.circuits.intervals``; heads that were not patched stay out of every circuit.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from auditkit.circuits.circuit import belonging, grounds, layer_order
from auditkit.circuits.codes import carries_code, quorum_count
from auditkit.circuits.intervals import in_units, percentile_places, resamples, rounded
from auditkit.records.base import UNIT, NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.codes import CodeEnvelope, CodeSetting, HeadFrequency
from auditkit.records.reasons import not_assessed
from auditkit.records.specification import Specification
from auditkit.records.task import OtherSetting, ScreenedHead, Stability, Verdict, VerdictShare

_FEWEST_TEMPLATES = 3
_FACTORS = (Decimal("0.8"), Decimal("1.25"))
"""The threshold of a circuit head is a choice: a fifth less, and as much more."""

Judged = Callable[[Causal, frozenset[str]], Verdict]
"""The verdict on a set of heads as the circuit, given what interventions say."""

Heads = frozenset[str]
Draw = NDArray[np.int64]


def envelope(
    causal: Causal,
    templates: Sequence[str],
    specification: Specification,
    judged: Judged,
    reported: Verdict,
) -> Stability:
    """How the circuit and its verdict hold when the discovery examples are drawn again.

    A draw changes which heads are in the circuit, and nothing else: sufficiency and necessity stay those
    measured of the reported circuit, since another circuit's would take new runs of the model.

    ``templates`` names the form of each discovery example, empty where it is not known. ``judged``
    judges a set of heads, with what interventions say of the circuit, as the reported circuit was.
    """
    patched, verdict_of = grounds(causal), partial(judged, causal)
    heads = [each.head for each in patched]
    # One row per measurement, not per head: a head that was patched alone and restored has two.
    units = in_units([each.effects for each in patched])
    again = _redraws(units.shape[1], specification.stability_draws, specification.seed)
    drawn = [_circuit(heads, units[:, draw], specification) for draw in again]
    left_out = [
        _circuit(
            heads,
            units[:, [i for i, name in enumerate(templates) if name != template]],
            specification,
        )
        for template in templates_known(templates)
    ]
    circuits = drawn + left_out
    verdicts = [verdict_of(circuit) for circuit in circuits]
    agreeing = Fraction(verdicts.count(reported), len(verdicts))
    holds = agreeing >= 1 - Fraction(specification.thresholds.tolerance)
    return Stability(
        draws=len(drawn),
        templates=len(left_out) if left_out else why_no_templates(templates),
        frequencies=frequencies(drawn),
        mean_jaccard=rounded(mean_jaccard(drawn)),
        verdicts=verdict_shares(verdicts),
        agreeing=rounded(agreeing),
        settings=tuple(_other_settings(causal, specification, judged, reported)),
        state="observed" if holds else "not_observed",
    )


def _other_settings(
    causal: Causal, specification: Specification, judged: Judged, reported: Verdict
) -> Iterator[OtherSetting]:
    """What each declared ablation alone, and a lower and a higher threshold, would have given."""
    thresholds, declared = specification.thresholds, specification.ablations
    heads = belonging(grounds(causal), thresholds)
    for place, ablation in enumerate(declared if len(declared) > 1 else ()):
        alone = causal.model_copy(
            update={
                "sufficiency": causal.sufficiency[place : place + 1],
                "necessity": causal.necessity[place : place + 1],
            }
        )
        verdict = judged(alone, frozenset(heads))
        yield OtherSetting(
            setting="ablation",
            value=ablation,
            heads=heads,
            verdict=verdict,
            agrees=verdict == reported,
        )
    for factor in _FACTORS:
        least = rounded(Fraction(thresholds.head_effect) * Fraction(factor))
        other = thresholds.model_copy(update={"head_effect": least})
        others = belonging(grounds(causal), other)
        verdict = judged(causal, frozenset(others))
        yield OtherSetting(
            setting="head_effect",
            value=format(least, "f"),
            heads=others,
            verdict=verdict,
            agrees=verdict == reported,
        )


def _redraws(n: int, draws: int, seed: int) -> list[Draw]:
    """Example indices drawn with replacement, ``draws`` times."""
    # Another seed than the intervals', so that the draws are not the resamples that the intervals rest on.
    generator = random.Random(seed + 1)  # noqa: S311 - a repeatable draw, not a secret
    return [
        np.array([int(generator.random() * n) for _ in range(n)], dtype=np.int64)
        for _ in range(draws)
    ]


def templates_known(templates: Sequence[str]) -> list[str]:
    """The templates that can be left out: known for all examples, and at least three of them.

    With two, leaving one out halves the examples, which is another question.
    """
    known = sorted(set(templates))
    return known if len(known) >= _FEWEST_TEMPLATES and "" not in known else []


def why_no_templates(templates: Sequence[str]) -> NotAssessed:
    """Why no template can be left out."""
    if "" in templates:
        return not_assessed("templates_unknown")
    return not_assessed("few_templates")


def _circuit(heads: Sequence[str], units: Draw, specification: Specification) -> Heads:
    """The heads that belong on these examples: mean effect and interval by the rule of the circuit."""
    n = units.shape[1]
    settings = specification.bootstrap
    # The rule is ``circuit.belongs`` on ``intervals.mean_interval``, for all heads at once: the sums of all
    # resamples are one matrix product. Here sums are compared as they are, there means as recorded: within
    # half of the last digit of the threshold, or of 0, the two may differ.
    counts = _counts(n, settings.resamples, specification.seed)
    # Products of small integers: exact in floating point far beyond these sizes, and fast.
    sums = np.sort((units.astype(np.float64) @ counts).astype(np.int64), axis=1)
    low, high = (sums[:, place] for place in percentile_places(settings))
    least = Fraction(specification.thresholds.head_effect) / Fraction(UNIT) * n
    total = np.abs(units.sum(axis=1))
    return frozenset(
        head
        for i, head in enumerate(heads)
        if int(total[i]) >= least and (int(low[i]) > 0 or int(high[i]) < 0)
    )


def _counts(n: int, draws: int, seed: int) -> NDArray[np.float64]:
    """How often each example is in each resample of the intervals, ``[n, resamples]``."""
    drawn = resamples(n, draws, seed)
    counts = np.zeros((n, draws))
    for column in range(n):
        np.add.at(counts, (drawn[:, column], np.arange(draws)), 1.0)
    return counts


def frequencies(circuits: Sequence[Heads]) -> tuple[HeadFrequency, ...]:
    """How often each head was in a circuit, for those that ever were, in layer order."""
    seen = Counter(head for circuit in circuits for head in circuit)
    return tuple(
        HeadFrequency(head=head, frequency=rounded(Fraction(seen[head], len(circuits))))
        for head in sorted(seen, key=layer_order)
    )


def mean_jaccard(circuits: Sequence[Heads]) -> Fraction:
    """Mean overlap of all pairs of circuits; two empty ones overlap wholly."""
    # Draws give few different circuits, many times each: pairs of the different ones are enough.
    sizes = Counter(circuits)
    total = Fraction(0)
    pairs = len(circuits) * (len(circuits) - 1) // 2
    for n in sizes.values():
        total += n * (n - 1) // 2  # equal circuits overlap wholly, empty ones too
    for (a, n), (b, m) in combinations(sizes.items(), 2):
        total += n * m * Fraction(len(a & b), len(a | b))
    return total / pairs


def verdict_shares(verdicts: Sequence[Verdict]) -> tuple[VerdictShare, ...]:
    """Every verdict given with its share, the most frequent first; of equal ones, the first by name."""
    seen = Counter(verdicts)
    return tuple(
        VerdictShare(verdict=verdict, share=rounded(Fraction(seen[verdict], len(verdicts))))
        for verdict in sorted(seen, key=lambda each: (-seen[each], each))
    )


ONE_SEED = not_assessed("one_seed")
DICTIONARY_NAMED = not_assessed("dictionary_named")


_TAU_FACTORS = (Decimal(1), Decimal("0.5"), Decimal(2))
_QUORUM_STEPS = (Decimal(0), Decimal("-0.2"), Decimal("0.2"))
_LEAST_QUORUM = Decimal("0.01")  # a quorum is a share above 0

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
    for step in _QUORUM_STEPS:
        moved = min(max(declared.quorum + step, _LEAST_QUORUM), Decimal(1))
        quorums += [] if step == 0 or moved in quorums else [moved]
    taus = dict.fromkeys(declared.tau * factor for factor in _TAU_FACTORS)
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
