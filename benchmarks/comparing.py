"""Every method on one draw of a task: figures, forward passes and wall time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.figures import (
    Faithfulness,
    Heads,
    average_precision,
    cpr_and_cmd,
    roc_auc,
    set_figures,
)
from benchmarks.peers.problem import Answer, Method, Problem
from benchmarks.results import Result
from benchmarks.tasks import Task, Truth, level_of

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """A result, and the final set it is about; ``None`` where the method gives none."""

    result: Result
    found: Heads | None


@dataclass(frozen=True)
class Cost:
    """Prompts run forward, and wall seconds."""

    forwards: int
    seconds: float


def compare(task: Task, methods: Mapping[str, Method], seed: int, n_test: int) -> Iterator[Outcome]:
    """One outcome per method and truth on one seed's examples; CPR and CMD on ``n_test`` other pairs."""
    examples, test = task.draw(seed)
    problem = task.problem(examples, seed)
    faithfulness = Faithfulness(problem.model, task.batches(test[:n_test]))
    for name, method in methods.items():
        answer, ranking = _costed(problem, method, problem)
        areas = cpr_and_cmd(faithfulness, answer.strength, seed)
        for truth in task.truths:
            found, deciding = _costed(problem, _decide, answer, level_of(truth))
            cost = Cost(
                deciding.forwards + (0 if answer.anew else ranking.forwards),
                deciding.seconds + (0 if answer.anew else ranking.seconds),
            )
            yield Outcome(_result(task, name, truth, seed, answer, found, areas, cost), found)


def _decide(answer: Answer, least: float) -> Heads | None:
    return None if answer.decide is None else answer.decide(least)


def _costed(problem: Problem, work: Callable[..., T], *arguments: object) -> tuple[T, Cost]:
    """What some work gives, and what it costs by both faces of a problem's model."""
    forwards, start = problem.model.forwards + problem.subject.forwards, time.perf_counter()
    done = work(*arguments)
    seconds = time.perf_counter() - start
    return done, Cost(problem.model.forwards + problem.subject.forwards - forwards, seconds)


def _result(
    task: Task,
    method: str,
    truth: Truth,
    seed: int,
    answer: Answer,
    found: Heads | None,
    areas: tuple[float | None, float | None],
    cost: Cost,
) -> Result:
    heads = task.truths[truth]
    figures = set_figures(found, heads)
    return Result(
        model=task.model,
        task=task.name,
        method=method,
        truth=truth,
        seed=seed,
        auc=roc_auc(answer.strength, heads),
        average_precision=average_precision(answer.strength, heads),
        precision=figures.precision,
        recall=figures.recall,
        f1=figures.f1,
        cpr=areas[0],
        cmd=areas[1],
        forwards=cost.forwards,
        seconds=cost.seconds,
    )
