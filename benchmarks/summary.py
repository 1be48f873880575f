"""The tables a run prints, and the rows they share with the page: means over seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table

from benchmarks.results import Benchmark, KnownAnswer, Result, mean

EXACT = "exact-patching"
UNKNOWN = "-"

COLUMNS = (
    "AUC", "AP", "precision", "recall", "F1", "CPR", "CMD", "forwards / exact", "time / exact",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One method on one task and truth: the shown means over seeds, in the order of ``COLUMNS``."""

    method: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """All methods on one task and truth."""

    title: str
    rows: tuple[Row, ...]


def groups(results: Sequence[Result]) -> list[Group]:
    """Results by task and truth, in the order in which they were measured."""
    by_place: dict[tuple[str, str, float | str], dict[str, list[Result]]] = {}
    for result in results:
        methods = by_place.setdefault((_family(result), result.task, result.truth), {})
        methods.setdefault(result.method, []).append(result)
    return [
        Group(
            f"{model}, {task}, truth {shown_truth(truth)}",
            tuple(
                Row(method, _cells(each, methods.get(EXACT, [])))
                for method, each in methods.items()
            ),
        )
        for (model, task, truth), methods in by_place.items()
    ]


def _family(result: Result) -> str:
    return "known-answer models" if isinstance(result.truth, str) else result.model


def shown_truth(truth: float | str) -> str:
    """A truth level in words."""
    return truth if isinstance(truth, str) else f"{truth:.0%}"


def _cells(results: Sequence[Result], exact: Sequence[Result]) -> tuple[str, ...]:
    figures = [
        number(mean([getattr(each, name) for each in results]))
        for name in ("auc", "average_precision", "precision", "recall", "f1", "cpr", "cmd")
    ]
    costs = [
        ratio(sum(getattr(e, name) for e in results), sum(getattr(e, name) for e in exact))
        for name in ("forwards", "seconds")
    ]
    return (*figures, *costs)


def number(value: float | None) -> str:
    """Three digits after the point, or a dash where undefined."""
    return UNKNOWN if value is None else f"{value:.3f}"


def ratio(part: float, whole: float) -> str:
    """A ratio with two digits, or a dash where there is nothing to divide by."""
    return UNKNOWN if whole <= 0 else f"{part / whole:.2f}"


def tally(answers: Sequence[KnownAnswer]) -> dict[str, dict[str, str]]:
    """Per kind and method, heads found of heads planted; a dash where not assessed."""
    planted, found, assessed = Counter[tuple[str, str]](), Counter[tuple[str, str]](), set()
    for each in answers:
        key = (each.kind, each.method)
        planted[key] += 1
        found[key] += bool(each.found)
        if each.found is not None:
            assessed.add(key)
    table: dict[str, dict[str, str]] = {}
    for kind, method in planted:
        shown = f"{found[kind, method]} of {planted[kind, method]}"
        table.setdefault(kind, {})[method] = shown if (kind, method) in assessed else UNKNOWN
    return table


def tables(benchmark: Benchmark) -> Iterator[Table]:
    """Everything measured, as tables for a terminal."""
    for group in groups(benchmark.results):
        table = _table(group.title, ("method", *COLUMNS))
        for row in group.rows:
            table.add_row(row.method, *row.cells)
        yield table
    counted = tally(benchmark.known_answers)
    if counted:
        methods = list(next(iter(counted.values())))
        table = _table("planted heads named", ("kind", *methods))
        for kind, cells in counted.items():
            table.add_row(kind, *(cells.get(method, UNKNOWN) for method in methods))
        yield table
    if benchmark.costs:
        table = _table("forward passes of an audit / exact patching", COST_COLUMNS)
        for cost in cost_rows(benchmark):
            table.add_row(*cost)
        yield table
    facts = [*null_facts(benchmark), *speed_facts(benchmark)]
    if facts:
        table = _table("null and speed", ("what", "value"))
        for what, value in facts:
            table.add_row(what, value)
        yield table


def cost_rows(benchmark: Benchmark) -> list[list[str]]:
    """Forward passes of whole audits as ratios to exact patching: finding the circuit, then checking it."""
    return [
        [
            f"{each.model}: {each.task}",
            ratio(each.attribution, each.exact),
            ratio(each.search, each.exact),
            ratio(each.attribution + each.search, each.exact),
            ratio(each.checks, each.exact),
        ]
        for each in benchmark.costs
    ]


COST_COLUMNS = ("task", "attribution", "search", "both", "checks")


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=not place)
    return table


def null_facts(benchmark: Benchmark) -> list[tuple[str, str]]:
    """What audits of swapped labels found."""
    null = benchmark.null
    if null is None:
        return []
    counts = {
        "audits of swapped labels with a head in the circuit": null.with_false_head,
        "of these, with one that the label-swap null separates": null.with_separated_head,
        "audits in which heads had an effect beyond chance to search for": null.with_effect,
    }
    return [
        (what, f"{count} of {null.audits} ({ratio(count, null.audits)})")
        for what, count in counts.items()
    ]


def speed_facts(benchmark: Benchmark) -> list[tuple[str, str]]:
    """Ratios of wall times at GPT-2-small size: they depend on the machine less than the times."""
    speed = benchmark.speed
    if speed is None:
        return []
    unit = speed.forward_backward_s
    beyond = speed.default_s - speed.default_passes_s
    return [
        ("single gradient / exact patching", f"1/{speed.exact_patching_s / speed.single_gradient_s:.0f}"),
        ("single gradient / one forward-and-backward", ratio(speed.single_gradient_s, unit)),
        ("default / exact patching", f"1/{speed.exact_patching_s / speed.default_s:.1f}"),
        ("gradients the default takes", str(speed.steps)),
        ("default beyond its passes / one forward-and-backward", ratio(beyond, unit)),
    ]  # fmt: skip
