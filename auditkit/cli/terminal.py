"""What people see: progress bars, the summary table, and plain words for states."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from auditkit.cli.interruption import StoppableProgress
from auditkit.errors import ExitCode
from auditkit.progress import Advance, NoProgress, Progress
from auditkit.records.base import NotAssessed
from auditkit.records.task import Circuit, TaskRecord, Verdict

EXIT_CODE_OF: dict[Verdict, ExitCode] = {
    "consistent": ExitCode.CONSISTENT,
    "not_consistent": ExitCode.NOT_CONSISTENT,
    "inconclusive": ExitCode.INCONCLUSIVE,
    "not_assessed": ExitCode.INCONCLUSIVE,
}
_STYLES: dict[str, str] = {
    "consistent": "green",
    "observed": "green",
    "not_consistent": "bold red",
    "inconclusive": "yellow",
    "not_observed": "yellow",
    "not_assessed": "dim",
}


_PIPE_WIDTH = 120


class BarProgress:
    """Progress bars on standard error: stage name, bar, count, time."""

    def __init__(self) -> None:
        self._bars = Bars(
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Advance]:
        """One bar. A stage that ends early, because its rule says so, ends full."""
        bar = self._bars.add_task(Text(name).plain, total=total)
        yield lambda done: self._bars.advance(bar, done)
        self._bars.update(bar, completed=total)


@contextmanager
def progress_shown(*, quiet: bool) -> Iterator[Progress]:
    """Progress as bars, or unseen; either way it ends at the next step once somebody asks to stop."""
    if quiet:
        yield StoppableProgress(NoProgress())
        return
    with BarProgress() as bars:
        yield StoppableProgress(bars)


def print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """A JSON document on standard output, indented."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def say(line: str) -> None:
    """One line on standard output."""
    click.echo(line)


def warn(line: str) -> None:
    """One line on standard error."""
    click.echo(f"auditkit: {line}", err=True)


def state(word: str) -> Text:
    """A verdict or state as words, coloured; the words alone carry the meaning."""
    return Text(word.replace("_", " "), style=_STYLES.get(word, ""))


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    whole: Sequence[str] = (),
) -> None:
    """A table on standard output, as wide as the terminal. Columns in ``whole`` are never broken."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)
    table = Table(
        title=Text(title),
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    console.print(table)


def print_tasks(tasks: Sequence[TaskRecord]) -> None:
    """The summary of a run, one line per task."""
    print_table(
        "Findings",
        ["task", "behaviour", "heads found", "expected", "missing", "extra", "causal", "verdict"],
        [_row(task) for task in tasks],
        whole=("task", "behaviour", "causal", "verdict"),
    )


def _row(task: TaskRecord) -> list[str | Text]:
    comparison = None if isinstance(task.comparison, NotAssessed) else task.comparison
    answered = f"\n{task.behaviour.correct} of {task.behaviour.n}"
    ruling = task.behaviour_ruling
    if not isinstance(ruling, NotAssessed):
        wanted = "wanted" if ruling.wanted else "unwanted, changes the decision in"
        answered = f"\n{wanted}: {ruling.shown} of {ruling.n}\n{ruling.verdict.replace('_', ' ')}"
    return [
        task.id,
        Text.assemble(state(task.behaviour.state), answered),
        _heads(task.circuit.heads) if isinstance(task.circuit, Circuit) else state("not_assessed"),
        Text("none declared", style="dim")
        if isinstance(task.expected, NotAssessed)
        else _heads(task.expected.heads),
        _heads(comparison.missing) if comparison else Text("-"),
        _heads(comparison.extra) if comparison else Text("-"),
        state(task.ladder.causal),
        state(task.verdict),
    ]


def _heads(heads: Sequence[str]) -> str:
    return " ".join(heads) if heads else "none"


def task_summary(task: TaskRecord, causes: tuple[str, ...]) -> dict[str, Any]:
    """What ``--json`` says of a task; absent results are ``null`` with the state beside them.

    ``causes`` are those of an inconclusive verdict (``auditkit.judging.causes``), none of any other.
    """
    circuit = task.circuit.heads if isinstance(task.circuit, Circuit) else None
    expected = None if isinstance(task.expected, NotAssessed) else task.expected.heads
    comparison = None if isinstance(task.comparison, NotAssessed) else task.comparison
    return {
        "id": task.id,
        "behaviour": task.behaviour.state,
        "wanted": task.wanted,
        "behaviour_verdict": None
        if isinstance(task.behaviour_ruling, NotAssessed)
        else task.behaviour_ruling.verdict,
        "mechanism_verdict": task.mechanism,
        "heads_found": circuit,
        "heads_expected": expected,
        "missing": comparison.missing if comparison else None,
        "extra": comparison.extra if comparison else None,
        "causal": task.ladder.causal,
        "inconclusive_because": list(causes),
        "mechanism": "assessed" if circuit is not None else "not_assessed",
        "verdict": task.verdict,
    }
