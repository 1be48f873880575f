"""Measure identification beside every peer, and write the results down.

    python -m benchmarks.identification --quick --json identification.json
    python -m benchmarks.identification --from identification.json --write docs/benchmarks.md

``--quick`` takes under five minutes on two cores; without it, more test pairs are behind CPR and CMD, the
known-answer models are run on every seed, and exact patching is timed on every head.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import chance, speed
from benchmarks.answers import audit_cost, known_answers
from benchmarks.comparing import Outcome, compare
from benchmarks.page import page
from benchmarks.peers import METHODS
from benchmarks.peers.problem import Method
from benchmarks.results import Benchmark, KnownAnswer, Null, Result, Speed, read, write
from benchmarks.summary import tables
from benchmarks.tasks import Task, control_tasks, reference_tasks, stories_tasks

_WIDE = 132  # columns of a file or a pipe, which have no width of their own

PARTS = ("results", "known-answers", "null", "costs", "speed")


@dataclass(frozen=True)
class Plan:
    """What to measure and how much of it. ``n_test``: pairs behind CPR and CMD."""

    methods: Mapping[str, Method]
    seeds: int
    parts: Sequence[str]
    audits: int
    quick: bool

    @property
    def n_test(self) -> int:
        """Test pairs behind CPR and CMD."""
        return 10 if self.quick else 20

    @property
    def control_seeds(self) -> int:
        """Draws of the known-answer models."""
        return 1 if self.quick else self.seeds


def measure(plan: Plan, progress: Progress) -> Benchmark:
    """Every part of the plan, one after the other: nothing else runs while a method is timed."""
    results: list[Result] = []
    answers: list[KnownAnswer] = []
    with_null, with_speed = "null" in plan.parts, "speed" in plan.parts
    wanted = {"results", "null", "costs"} & set(plan.parts)
    tasks = _tasks(progress) if wanted else []
    if "results" in plan.parts:
        results += [outcome.result for task in tasks for outcome in _outcomes(task, plan, progress)]
    if "known-answers" in plan.parts:
        for outcomes, found in _controls(plan, progress):
            results += [outcome.result for outcome in outcomes]
            answers += found
    null = _null(tasks, plan, progress) if with_null else None
    costs = [audit_cost(task) for task in tasks] if "costs" in plan.parts else []
    timed = _speed(plan, progress) if with_speed else None
    return Benchmark(
        tuple(results), timed, null, tuple(answers), tuple(each for each in costs if each)
    )


def _tasks(progress: Progress) -> list[Task]:
    stage = progress.add_task("truth by exact patching", total=None)
    tasks = []
    for each in (*reference_tasks(), *stories_tasks()):
        tasks.append(each)
        progress.advance(stage)
    progress.update(stage, total=len(tasks))
    return tasks


def _outcomes(task: Task, plan: Plan, progress: Progress) -> list[Outcome]:
    outcomes: list[Outcome] = []
    stage = progress.add_task(task.key, total=plan.seeds)
    for seed in range(plan.seeds):
        outcomes += compare(task, plan.methods, seed, plan.n_test)
        progress.advance(stage)
    return outcomes


def _controls(plan: Plan, progress: Progress) -> list[tuple[list[Outcome], list[KnownAnswer]]]:
    measured = []
    stage = progress.add_task("known-answer models", total=None)
    for control, task in control_tasks():
        own = list(compare(task, plan.methods, 0, plan.n_test))
        more = [
            outcome
            for seed in range(1, plan.control_seeds)
            for outcome in compare(task, plan.methods, seed, plan.n_test)
        ]
        measured.append((own + more, list(known_answers(control, task, own))))
        progress.advance(stage)
    progress.update(stage, total=len(measured))
    return measured


def _null(tasks: Sequence[Task], plan: Plan, progress: Progress) -> Null:
    stage = progress.add_task("null: swapped labels", total=plan.audits)
    return chance.measure(tasks, plan.audits, lambda: progress.advance(stage))


def _speed(plan: Plan, progress: Progress) -> Speed:
    stage = progress.add_task("speed", total=speed.STAGES)
    return speed.measure(quick=plan.quick, advance=lambda: progress.advance(stage))


def main() -> None:
    """Measure or read results; print the tables, and write what was asked for."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    if arguments.read is not None:
        benchmark = read(arguments.read)
    else:
        columns = (
            TextColumn("{task.description}"),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            benchmark = measure(_plan(arguments), progress)
    if arguments.json is not None:
        write(benchmark, arguments.json)
    if arguments.write is not None:
        arguments.write.write_text(page(benchmark), "utf-8")
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    for table in tables(benchmark):
        console.print(table)


def _plan(arguments: argparse.Namespace) -> Plan:
    names = arguments.methods or list(METHODS)
    return Plan(
        methods={name: METHODS[name] for name in names},
        seeds=arguments.seeds,
        parts=arguments.parts or PARTS,
        audits=arguments.audits,
        quick=arguments.quick,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.identification", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="less of everything that is repeated")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the results here")
    parser.add_argument("--from", dest="read", type=Path, metavar="PATH", help="read, not measure")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the page of tables here")
    parser.add_argument("--seeds", type=_count, default=5, help="draws of each task (5)")
    parser.add_argument("--audits", type=_count, default=chance.AUDITS, help="of the null (200)")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), help="only these")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="only these")
    parser.add_argument("--threads", type=_count, default=1, help="threads of torch (1)")
    return parser.parse_args()


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: at least 1 is needed")
    return number


if __name__ == "__main__":
    main()
