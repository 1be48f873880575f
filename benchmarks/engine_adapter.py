"""The one place where the benchmark calls auditkit's engine, with the settings of an empty policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.codes import RankedCodes, null_test
from auditkit.circuits.effects import effect_of
from auditkit.circuits.methods import Mechanism
from auditkit.identifying.activations import Captured, MeanOutputs
from auditkit.identifying.interventions import Intervention, task_effect
from auditkit.identifying.mechanism import Question, find_circuit, investigate, observe
from auditkit.identifying.screening import screen
from auditkit.identifying.search import Sought
from auditkit.model.subject import Subject
from auditkit.policy.specifying import STANDARD
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Forwards
from auditkit.records.specification import Attribution, Metric, Specification
from auditkit.records.task import Codes
from benchmarks.figures import Heads, Strengths

DEFAULT: Attribution = STANDARD.attribution
"""The attribution of a policy that names none."""


@dataclass(frozen=True)
class Found:
    """What the engine ends with: the circuit, and the heads that its further passes name as such.

    ``separated`` are the circuit's heads that the label-swap null tells from chance. ``constant_role`` and
    ``backups`` are ``None`` where the engine does not assess them. All is empty or ``None`` where it finds
    no effect of heads, and then it has not ``assessed`` the task.
    """

    assessed: bool
    circuit: Heads = frozenset()
    separated: Heads = frozenset()
    constant_role: Heads | None = None
    backups: Heads | None = None


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
    subject: Subject, pairs: tuple[ResolvedPair, ...], metric: Metric, seed: int, *, least: float
) -> Found:
    """The circuit that the engine's search ends with, where heads count from an effect of ``least``.

    Screening and search on the discovery pairs, as an audit makes them. What the circuit then does on
    other pairs, and which heads beside it are needed, changes no head of it: ``investigated`` has that.
    """
    settings = _at(least, metric, seed)
    discovery = observe(subject, pairs, settings, attributed=True)
    intervention = Intervention(subject, discovery, "resample", MeanOutputs.over(discovery))
    effect = effect_of([task_effect(intervention, "discovery", settings)], settings)
    if effect.state == "not_observed":
        return Found(assessed=False)
    codes, screened = screen(subject, discovery, settings, intervention.task_effect)
    sought = Sought(intervention, _no_further, len(pairs), declared=())
    found = find_circuit(codes, screened.space, sought, settings, lambda _done: None)
    return _found(subject, codes, found.circuit(settings.thresholds), settings)


def investigated(
    subject: Subject,
    pairs: tuple[ResolvedPair, ...],
    test: tuple[ResolvedPair, ...],
    metric: Metric,
    seed: int,
    *,
    least: float,
) -> tuple[Found, Forwards | None]:
    """All that the engine does for one task after its behaviour, and the forward passes of each part."""
    settings = _at(least, metric, seed)
    seen = observe(subject, test, settings, attributed=False)
    question = Question(discovery=pairs, further=(), test=test, declared=())
    mechanism = investigate(subject, question, seen, settings, lambda _done: None).mechanism
    if not isinstance(mechanism, Mechanism):
        return Found(assessed=False), None
    causal = mechanism.causal
    found = _found(subject, mechanism.codes, mechanism.circuit.heads, settings)
    role, joint = causal.constant_role, causal.joint_ablation
    return replace(
        found,
        constant_role=None if isinstance(role, NotAssessed) else _places(subject, role.heads),
        backups=None if isinstance(joint, NotAssessed) else _places(subject, joint.backups),
    ), causal.forwards


def _no_further(start: int, end: int) -> Intervention:
    """Nothing is declared, so no further pairs are asked for. Raises ValueError."""
    raise ValueError(f"pairs {start} to {end} were asked for")


def _found(
    subject: Subject, codes: Codes | RankedCodes, heads: Sequence[str], settings: Specification
) -> Found:
    null = null_test(codes.heads, len(codes.examples), settings.null_level)
    circuit = _places(subject, heads)
    separated = circuit & _places(subject, null.separated)
    return Found(assessed=True, circuit=circuit, separated=separated)


def _at(least: float, metric: Metric, seed: int) -> Specification:
    """The standard specification, where codes and heads count from this effect."""
    settings = _specification(metric, seed, DEFAULT)
    level = {"head_effect": Decimal(str(least)), "tau": Decimal(str(least))}
    return settings.model_copy(update={"thresholds": settings.thresholds.model_copy(update=level)})


def _places(subject: Subject, heads: Sequence[str]) -> Heads:
    place = {head: i for i, head in enumerate(subject.heads)}
    return frozenset(place[layer_order(head)] for head in heads)


def _specification(metric: Metric, seed: int, attribution: Attribution) -> Specification:
    # Further seeds stand beside the finding: no part of the search that is compared.
    once = STANDARD.autoencoder.model_copy(update={"seeds": 1})
    changed = {"metric": metric, "seed": seed, "attribution": attribution, "autoencoder": once}
    return STANDARD.model_copy(update=changed)
