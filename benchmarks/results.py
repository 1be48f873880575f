"""The results as they are written: one JSON document, undefined values as null."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """One method on one draw of one task, held against one truth.

    ``forwards`` counts prompts run forward, the first run of both prompts of every pair included.
    ``seconds`` is the wall time of ranking and deciding on the set.
    """

    model: str
    task: str
    method: str
    truth: float | str
    seed: int
    auc: float | None
    average_precision: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    cpr: float | None
    cmd: float | None
    forwards: int
    seconds: float


@dataclass(frozen=True)
class Growth:
    """Wall times on a random-weights model of one size, in seconds.

    ``exact_patching_s`` is that of all heads, from ``exact_heads_timed`` of them; ``beyond_passes_s`` is
    what the single gradient costs beyond the passes themselves.
    """

    heads: int
    layers: int
    width: int
    forward_backward_s: float
    single_gradient_s: float
    beyond_passes_s: float
    exact_patching_s: float
    exact_heads_timed: int


@dataclass(frozen=True)
class Speed:
    """Wall times at GPT-2-small size: 12 x 12 heads, 10 pairs of 20 tokens, random weights.

    ``forward_backward_s``: the pairs run once, forward on both prompts and backward on the positive.
    ``steps``: how many gradients the default attribution takes; ``default_passes_s`` is the time of its
    passes by themselves. ``exact_patching_s`` is that of all heads, from ``exact_heads_timed`` of them.
    ``growth``: other sizes.
    """

    single_gradient_s: float
    default_s: float
    steps: int
    exact_patching_s: float
    forward_backward_s: float
    growth: tuple[Growth, ...]
    default_passes_s: float
    exact_heads_timed: int
    threads: int


@dataclass(frozen=True)
class Null:
    """Audits of pairs whose labels were swapped by chance, and how many found a head all the same.

    ``with_separated_head``: those in whose circuit the label-swap null separates a head. ``with_effect``:
    those in which replacing all heads lowered the metric, without which there is no search.
    """

    audits: int
    with_false_head: int
    with_separated_head: int
    with_effect: int


@dataclass(frozen=True)
class KnownAnswer:
    """A planted head and whether a method's final answer names it; ``None`` where not assessed.

    For constant-role and backup heads it must be named as such.
    """

    model: str
    method: str
    head: str
    kind: str
    found: bool | None


@dataclass(frozen=True)
class AuditCost:
    """Forward passes of one audited task, beside ``exact``: patching every head on the same pairs.

    ``attribution`` and ``search`` find the circuit; ``checks`` are everything that is then asked of it
    on ``test_pairs`` other pairs, under every ablation.
    """

    model: str
    task: str
    attribution: int
    search: int
    checks: int
    exact: int
    test_pairs: int


@dataclass(frozen=True)
class Benchmark:
    """Everything one run measured. Parts that were left out are ``None`` or empty."""

    results: tuple[Result, ...]
    speed: Speed | None
    null: Null | None
    known_answers: tuple[KnownAnswer, ...]
    costs: tuple[AuditCost, ...]


def write(benchmark: Benchmark, path: Path) -> None:
    """Write the document; a value that is not finite is a fault and refused."""
    text = json.dumps(asdict(benchmark), indent=1, allow_nan=False)
    path.write_text(text + "\n", "utf-8")


def read(path: Path) -> Benchmark:
    """A document written by ``write``."""
    document = json.loads(path.read_text("utf-8"))
    speed, null = document["speed"], document["null"]
    if speed is not None:
        speed = Speed(**{**speed, "growth": tuple(Growth(**each) for each in speed["growth"])})
    return Benchmark(
        results=tuple(Result(**each) for each in document["results"]),
        speed=speed,
        null=None if null is None else Null(**null),
        known_answers=tuple(KnownAnswer(**each) for each in document["known_answers"]),
        costs=tuple(AuditCost(**each) for each in document["costs"]),
    )


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of the defined values, or nothing when there are none."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None
