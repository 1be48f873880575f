"""Error rates of the verdict rule on tasks that it was not made on, and what verified latents carry.

    python -m benchmarks.verdicts [--quick] [--json out.json]
    python -m benchmarks.verdicts --from out.json --write docs/benchmarks-verdicts.md

Each task's pool gives every head's true effect. A *draw* takes 192 pairs of it (fewer where the pool has
fewer), and the rule is asked of five declarations: the true circuit, and four that are wrong about a head
of at least 10 %, or name a head that does nothing. A *false accept* is a wrong declaration that is called
consistent.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.looks import Course, Declaration, bounds_of, course_of, looks_for
from auditkit.circuits.methods import Mechanism
from auditkit.circuits.redrawing import Drawn, Pool, on_pairs, redraws
from auditkit.identifying.mechanism import Question, investigate, observe
from auditkit.policy.specifying import STANDARD
from auditkit.records.latents import VerifiedLatents
from auditkit.records.specification import Specification
from benchmarks.verdict_tasks import VerdictTask, accuracy, verdict_tasks
from benchmarks.verdicts_page import page

MOST, TEST = 192, 40
"""Pairs of a draw, and test pairs of a whole audit."""

LEAST, STRONG, NOTHING = 0.05, 0.10, 0.01
"""Effects of a head that belongs, of one that may not be left out, and of one that does nothing."""

LATENT_TASKS = ("stories260K/then_she_he", "reference/ioi", "reference/gendered_pronoun")
SEEDS = (0, 1, 2)

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Amounts:
    """How much is drawn: draws of pairs, and how many of them are drawn again for the stability share."""

    draws: int
    redrawn: int


QUICK, FULL = Amounts(200, 10), Amounts(1000, 40)


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="200 draws of each task, not 1,000")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--from", type=Path, dest="source", help="results of an earlier run")
    parser.add_argument("--write", type=Path, help="the page to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.source:
        results = json.loads(arguments.source.read_text("utf-8"))
    else:
        results = measured(QUICK if arguments.quick else FULL)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = page(results)
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")
    else:
        print(text)


def measured(amounts: Amounts) -> dict[str, Any]:
    """Every figure, by kind of figure."""
    found: dict[str, list[dict[str, Any]]] = {
        "tasks": [],
        "rates": [],
        "stability": [],
        "misses": [],
        "latents": [],
    }
    began = time.monotonic()
    for task in verdict_tasks():
        declarations = declared(task)
        draws = list(drawn(task, amounts.draws))
        courses = {name: _courses(task, heads, draws) for name, heads in declarations.items()}
        found["rates"] += [
            _rates(task, name, courses[name], amounts.draws) for name in declarations
        ]
        if "truth" in declarations:
            found["stability"].append(
                _stability(task, declarations["truth"], draws, courses, amounts)
            )
        found["misses"].append(_misses(task, draws))
        found["tasks"].append(_audited(task, declarations))
        if task.key in LATENT_TASKS:
            found["latents"] += [row for seed in SEEDS for row in _latents(task, seed)]
        print(f"{task.key}: {time.monotonic() - began:.0f} s", flush=True)
    return {"pairs": MOST, "draws": amounts.draws, "redrawn": amounts.redrawn, **found}


def declared(task: VerdictTask) -> dict[str, frozenset[str]]:
    """The declarations asked of a task: the truth, and those wrong ones that the task allows.

    Where the model has no head that does nothing, none can be swapped in.
    """
    sizes = {head: abs(effect) for head, effect in task.effects.items()}
    truth = frozenset(head for head, size in sizes.items() if size >= LEAST)
    strong = sorted((h for h in truth if sizes[h] >= STRONG), key=lambda head: sizes[head])
    inert = sorted((h for h in sizes if sizes[h] < NOTHING), key=lambda head: sizes[head])
    found = {"truth": truth} if truth else {}
    if strong and inert:
        found["strongest swapped"] = truth - {strong[-1]} | {inert[0]}
        found["weakest swapped"] = truth - {strong[0]} | {inert[0]}
    if strong and len(truth) > 1:
        found["one left out"] = truth - {strong[0]}
    if truth and inert:
        found["inert added"] = truth | {inert[0]}
    return found


def drawn(task: VerdictTask, n: int) -> Iterator[Places]:
    """Draws of pairs without replacement, by their places in the pool."""
    generator = np.random.default_rng(20261126)
    most = min(MOST, len(task.pairs) // 2)
    for _ in range(n):
        yield generator.permutation(len(task.pairs))[:most].astype(np.int64)


def _question(task: VerdictTask, heads: frozenset[str], n: int) -> Declaration:
    return Declaration(
        heads=tuple(sorted(task.heads, key=layer_order)),
        declared=heads,
        bounds=bounds_of(STANDARD.thresholds.head_effect),
        looks=looks_for(STANDARD.examples, n),
        budget=STANDARD.patching.budget,
    )


def _courses(task: VerdictTask, heads: frozenset[str], draws: Sequence[Places]) -> list[Course]:
    pool = task.pool(heads)
    return [course_of(_question(task, heads, len(each)), Drawn(pool, each)) for each in draws]


def _rates(task: VerdictTask, name: str, courses: Sequence[Course], draws: int) -> dict[str, Any]:
    counts = Counter(course.verdict for course in courses)
    pairs = [course.looks[-1].pairs for course in courses]
    return {
        "model": task.model,
        "task": task.name,
        "declared": name,
        "verdicts": {
            verdict: counts[verdict] / draws
            for verdict in ("consistent", "not_consistent", "inconclusive")
        },
        "draws": draws,
        "pairs_used": float(np.mean(pairs)),
        "open": _left_open(task, courses),
    }


def _left_open(task: VerdictTask, courses: Sequence[Course]) -> list[dict[str, Any]]:
    """The heads that inconclusive draws leave open, in what share of all draws, with their true effects."""
    counts = Counter(
        head for course in courses if course.verdict == "inconclusive" for head in course.open
    )
    return [
        {"head": head, "effect": task.effects[head], "share": n / len(courses)}
        for head, n in counts.most_common(3)
    ]


def _stability(
    task: VerdictTask,
    heads: frozenset[str],
    draws: Sequence[Places],
    courses: Mapping[str, Sequence[Course]],
    amounts: Amounts,
) -> dict[str, Any]:
    """The printed share beside that of fresh draws, for draws whose pairs are drawn again."""
    verdicts = Counter(course.verdict for course in courses["truth"])
    printed, fresh = [], []
    for places, course in list(zip(draws, courses["truth"], strict=True))[: amounts.redrawn]:
        pool = _recorded(task.pool(heads), places, course)
        question = _question(task, heads, len(places))
        again = redraws(pool, question, STANDARD)
        agreeing = sum(each.course.verdict == course.verdict for each in again)
        printed.append(agreeing / len(again))
        fresh.append(verdicts[course.verdict] / len(draws))
    return {"task": task.key, "printed": float(np.mean(printed)), "fresh": float(np.mean(fresh))}


def _recorded(pool: Pool, places: Places, course: Course) -> Pool:
    """What a record of this draw would hold: as many pairs of each head as the rule asked for."""
    return Pool(
        pool.whole[places[: course.looks[-1].pairs]],
        {head: pool.heads[head][places[:n]] for head, n in course.asked.items()},
        {head: pool.joint[head][places[:n]] for head, n in course.asked_after_others.items()},
    )


def _misses(task: VerdictTask, draws: Sequence[Places]) -> dict[str, Any]:
    """How often a head of at least 10 % is not in the circuit found on the first look, and its mean F1."""
    sizes = {head: abs(effect) for head, effect in task.effects.items()}
    strong = {head for head, size in sizes.items() if size >= STRONG}
    truth = {head for head, size in sizes.items() if size >= LEAST}
    pool = task.pool(frozenset(truth))
    missed, f1 = 0, []
    for places in draws:
        question = _question(task, frozenset(truth), len(places))
        circuit = on_pairs(Drawn(pool, places), question, STANDARD).circuit
        missed += not strong <= circuit
        both = len(circuit & truth)
        f1.append(2 * both / (len(circuit) + len(truth)) if circuit or truth else 1.0)
    return {
        "task": task.key,
        "draws": len(draws),
        "missed": missed / len(draws),
        "strong": len(strong),
        "f1": float(np.mean(f1)),
    }


def _audited(
    task: VerdictTask,
    declarations: Mapping[str, frozenset[str]],
) -> dict[str, Any]:
    """What a task is, and the forward passes of one whole audit beside exact patching of as many pairs."""
    mechanism = _investigated(task, declarations.get("truth", frozenset()), 0)
    row: dict[str, Any] = {
        "task": task.key,
        "heads": len(task.heads),
        "pool": len(task.pairs),
        "accuracy": accuracy(task),
        "truth": sorted(declarations.get("truth", ()), key=layer_order),
    }
    if mechanism is not None:
        spent = mechanism.causal.forwards
        drops = mechanism.causal.drops
        pairs = len(getattr(drops, "whole", ()))
        row |= {
            "forwards": spent.model_dump(),
            "pairs": pairs,
            "exact": pairs * (2 + len(task.heads)),
        }
    return row


def _investigated(task: VerdictTask, heads: frozenset[str], seed: int) -> Mechanism | None:
    """One whole audit after the behaviour; ``None`` where it observes no effect of heads."""
    settings = _settings(task, seed)
    places = np.random.default_rng(seed).permutation(len(task.pairs)).tolist()
    chosen = [task.pairs[place] for place in places[: MOST + TEST]]
    test, pairs = chosen[:TEST], chosen[TEST:]
    first = settings.examples
    question = Question(pairs[:first], pairs[first:], test, tuple(sorted(heads, key=layer_order)))
    seen = observe(task.subject, test, settings, attributed=False, positives=False)
    found = investigate(task.subject, question, seen, settings, lambda _done: None).mechanism
    return found if isinstance(found, Mechanism) else None


def _settings(task: VerdictTask, seed: int) -> Specification:
    return STANDARD.model_copy(
        update={
            "metric": task.metric,
            "kind": task.subject.reading.kind,
            "seed": seed,
            "autoencoder": STANDARD.autoencoder.model_copy(update={"seeds": 1}),
        }
    )


def _latents(task: VerdictTask, seed: int) -> Iterator[dict[str, Any]]:
    """Each circuit head's exact effect, and what its first latents carry together, 1, 2, and so on."""
    mechanism = _investigated(task, declared(task)["truth"], seed)
    latents = None if mechanism is None else mechanism.causal.latents
    if not isinstance(latents, VerifiedLatents):
        return
    for head in latents.heads:
        yield {
            "task": task.key,
            "seed": seed,
            "head": head.head,
            "exact": _mean(head.exact),
            "cumulative": [_mean(each) for each in head.together],
            "all": _mean(head.all_latents),
            "unexplained": _mean(head.unexplained),
            "carrying": list(head.carrying) if isinstance(head.carrying, tuple) else None,
        }


def _mean(values: Sequence[Decimal]) -> float:
    return math.fsum(map(float, values)) / len(values)


if __name__ == "__main__":
    main()
