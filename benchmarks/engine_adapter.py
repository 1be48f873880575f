"""The one place where the benchmark calls auditkit's engine, with the settings of an empty policy.

The engine also wants test pairs. What a circuit does on them is no part of finding it, so it gets the
first two of the examples, under one ablation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from auditkit.activations import Captured, MeanOutputs
from auditkit.causal import Intervention
from auditkit.circuit import layer_order
from auditkit.codes import null_test
from auditkit.engine import Mechanism, find_mechanism, observe, screen
from auditkit.model.subject import Subject
from auditkit.policy.specifying import STANDARD
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.base import NotAssessed
from auditkit.records.specification import Attribution, Metric, Specification
from benchmarks.figures import Heads, Strengths

DEFAULT: Attribution = STANDARD.attribution
"""The attribution of a policy that names none."""

_TEST_PAIRS = 2


@dataclass(frozen=True)
class Found:
    """What the engine ends with: the circuit, and the heads that its further passes name as such.

    ``separated`` are the circuit's heads that the label-swap null tells from chance. ``constant_role`` and
    ``backups`` are ``None`` where the engine does not assess them. All is empty or ``None`` where it finds
    no effect of heads, and then it has not ``assessed`` the task.
    """

    assessed: bool
    circuit: Heads
    separated: Heads
    constant_role: Heads | None
    backups: Heads | None


def captured(
    subject: Subject,
    pairs: tuple[ResolvedPair, ...],
    metric: Metric,
    attribution: Attribution = DEFAULT,
) -> tuple[tuple[Captured, ...], float]:
    """The pairs run as the attribution asks, and the task effect: every pass that screening needs."""
    settings = _specification(metric, 0, attribution)
    discovery = observe(subject, pairs, settings, attributed=True)
    means = MeanOutputs.over(discovery)
    return discovery, Intervention(subject, discovery, "resample", means).task_effect


def strengths(
    subject: Subject, seen: tuple[tuple[Captured, ...], float], metric: Metric, seed: int
) -> Strengths:
    """Autoencoders, codes and ranking: minus each head's rank, ``[n_heads]``, without a further pass.

    Heads to which nothing is attributed share the last rank, for layer order is no finding.
    """
    codes, _ = screen(subject, seen[0], _specification(metric, seed, DEFAULT), seen[1])
    silent = np.array([not any(head.effects) for head in codes.heads])
    ranks = np.array([float(head.rank) for head in codes.heads])
    return -np.where(silent, len(codes.heads), ranks)


def screening(
    subject: Subject,
    pairs: tuple[ResolvedPair, ...],
    metric: Metric,
    seed: int,
    attribution: Attribution = DEFAULT,
) -> Strengths:
    """Everything before the causal check: minus each head's rank, ``[n_heads]``."""
    return strengths(subject, captured(subject, pairs, metric, attribution), metric, seed)


def identify(
    subject: Subject,
    pairs: tuple[ResolvedPair, ...],
    metric: Metric,
    seed: int,
    *,
    least: float,
    test_pairs: int = _TEST_PAIRS,
) -> Found:
    """The engine's whole search, where a head belongs when its effect reaches ``least``."""
    settings = _specification(metric, seed, DEFAULT)
    thresholds = settings.thresholds.model_copy(update={"head_effect": Decimal(str(least))})
    settings = settings.model_copy(update={"thresholds": thresholds})
    discovery = observe(subject, pairs, settings, attributed=True)
    test = observe(subject, pairs[:test_pairs], settings, attributed=False)
    mechanism = find_mechanism(subject, discovery, test, settings, lambda _done: None)
    if not isinstance(mechanism, Mechanism):
        return Found(
            assessed=False,
            circuit=frozenset(),
            separated=frozenset(),
            constant_role=None,
            backups=None,
        )
    null = null_test(mechanism.codes.heads, len(pairs), settings.null_level)
    circuit = _places(subject, mechanism.circuit.heads)
    role = mechanism.causal.constant_role
    return Found(
        assessed=True,
        circuit=circuit,
        separated=circuit & _places(subject, null.separated),
        constant_role=None if isinstance(role, NotAssessed) else _places(subject, role.heads),
        backups=None,
    )


def _places(subject: Subject, heads: Sequence[str]) -> Heads:
    place = {head: i for i, head in enumerate(subject.heads)}
    return frozenset(place[layer_order(head)] for head in heads)


def _specification(metric: Metric, seed: int, attribution: Attribution) -> Specification:
    changed = {"metric": metric, "seed": seed, "attribution": attribution}
    # Random sets and further seeds stand beside the finding: no part of the search that is compared.
    once = STANDARD.autoencoder.model_copy(update={"seeds": 1})
    beside = {"ablations": ("resample",), "random_sets": 0, "autoencoder": once}
    return STANDARD.model_copy(update={**changed, **beside})
