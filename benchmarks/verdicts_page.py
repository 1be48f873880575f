"""The page of the verdicts' error rates, from results: every share with its interval."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_HEAD = """\
# Error rates of verdicts

Made by the benchmark; do not edit. To make it again:

```
python -m benchmarks.verdicts --quick --json verdicts.json
python -m benchmarks.verdicts --from verdicts.json --write docs/benchmarks-verdicts.md
```

The verdict rule (`docs/verdicts.md`) on {n} tasks that it was not made on, {draws} draws of at most {pairs}
pairs each. A head's true effect is its exact effect on the task's whole pool of pairs. *Truth* declares every
head of at least 5 %. A false declaration is one of: the strongest head, or the weakest of at least 10 %,
swapped for one that does nothing; the weakest of at least 10 % left out; a head that does nothing added.
Where a model has no head below 1 %, none can be swapped in. Intervals are Wilson's at 95 %. Nothing here
holds for other models.
"""

_FALSE = ("strongest swapped", "weakest swapped", "one left out", "inert added")
_Z = 1.959964
_MANY = 1000
_OFTEN = 0.9


def page(results: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    rates: list[dict[str, Any]] = results["rates"]
    head = _HEAD.format(n=len(results["tasks"]), draws=results["draws"], pairs=results["pairs"])
    parts = [
        head,
        _summary(rates),
        _by_task(rates),
        _stability(results["stability"]),
        _found(results["misses"], results["tasks"]),
        _latents(results["latents"]),
    ]
    return "\n".join(parts)


def _share(share: float, n: int) -> str:
    """A share with its Wilson interval."""
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    digits = 3 if n <= _MANY else 4
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return f"{share:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""])


def _summary(rates: Sequence[Mapping[str, Any]]) -> str:
    false = [each for each in rates if each["declared"] in _FALSE]
    truth = [each for each in rates if each["declared"] == "truth"]

    def pooled(rows: Sequence[Mapping[str, Any]], verdict: str) -> str:
        n = sum(row["draws"] for row in rows)
        return _share(sum(row["verdicts"][verdict] * row["draws"] for row in rows) / n, n)

    worst = max(false, key=lambda each: float(each["verdicts"]["consistent"]))
    least = min(truth, key=lambda each: float(each["verdicts"]["consistent"]))
    rows = [
        ("false declarations accepted", pooled(false, "consistent")),
        (
            f"the most on one task ({_name(worst)}, {worst['declared']})",
            _share(worst["verdicts"]["consistent"], worst["draws"]),
        ),
        ("false declarations refused", pooled(false, "not_consistent")),
        ("truth refused", pooled(truth, "not_consistent")),
        ("truth accepted", pooled(truth, "consistent")),
        (
            f"the least on one task ({_name(least)})",
            _share(least["verdicts"]["consistent"], least["draws"]),
        ),
    ]
    return "## In all\n\n" + _table(("share of draws", "measured"), rows) + "\n" + _why(truth)


def _why(truth: Sequence[Mapping[str, Any]]) -> str:
    """For each task whose truth is accepted too seldom, the heads that stay open, with their true effects."""
    lines = []
    for each in truth:
        if each["verdicts"]["consistent"] < _OFTEN:
            heads = ", ".join(
                f"{one['head']} (true effect {one['effect']:.3f}) in {one['share']:.2f} of draws"
                for one in each["open"]
            )
            lines.append(f"* {_name(each)}: open stay {heads}.")
    if not lines:
        return ""
    return (
        "The truth is accepted in fewer than 0.9 of draws where a head lies close to a bound for the number "
        "of pairs:\n\n" + "\n".join(lines) + "\n"
    )


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['model']}/{row['task']}"


def _by_task(rates: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            _name(each),
            each["declared"],
            *(
                f"{each['verdicts'][verdict]:.3f}"
                for verdict in ("consistent", "inconclusive", "not_consistent")
            ),
            f"{each['pairs_used']:.0f}",
        )
        for each in rates
    ]
    titles = ("task", "declared", "consistent", "inconclusive", "not consistent", "pairs used")
    return "## By task\n\n" + _table(titles, rows)


def _stability(stability: Sequence[Mapping[str, Any]]) -> str:
    away = [abs(each["printed"] - each["fresh"]) for each in stability]
    rows = [(each["task"], f"{each['printed']:.2f}", f"{each['fresh']:.2f}") for each in stability]
    said = (
        f"The share of redraws that agree, as a report prints it, beside the share of fresh draws that do. "
        f"Mean distance {sum(away) / len(away):.3f}, largest {max(away):.3f}.\n\n"
    )
    return "## Stability, printed and fresh\n\n" + said + _table(("task", "printed", "fresh"), rows)


def _found(misses: Sequence[Mapping[str, Any]], tasks: Sequence[Mapping[str, Any]]) -> str:
    by_task = {each["task"]: each for each in tasks}
    rows = []
    for each in misses:
        task = by_task[each["task"]]
        spent = task.get("forwards")
        all_spent = "no effect observed" if spent is None else str(sum(spent.values()))
        checks = "" if spent is None else str(spent["checks"])
        ratio = "" if spent is None else f"{spent['search'] / task['exact']:.2f}"
        rows.append(
            (
                each["task"],
                f"{task['heads']}",
                f"{len(task['truth'])}",
                f"{task['accuracy']:.2f}",
                _share(each["missed"], each["draws"]) if each["strong"] else "no such head",
                f"{each['f1']:.2f}",
                all_spent,
                checks,
                ratio,
            )
        )
    titles = (
        "task",
        "heads",
        "heads of 5 % and more",
        "accuracy",
        "draws that miss a head of 10 %",
        "F1",
        "forwards of an audit",
        "of them checks",
        "search / exact patching of as many pairs",
    )
    return "## Heads found, and what an audit costs\n\n" + _table(titles, rows)


def _latents(latents: Sequence[Mapping[str, Any]]) -> str:
    by_head: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for each in latents:
        by_head[each["task"], each["head"]].append(each)
    rows = []
    for (task, head), seeds in by_head.items():
        curves = [
            _ranged([each["cumulative"][n - 1] for each in seeds if len(each["cumulative"]) >= n])
            for n in (1, 2, 4, 8)
        ]
        rows.append(
            (
                task,
                head,
                str(len(seeds)),
                _ranged([each["exact"] for each in seeds]),
                *curves,
                _ranged([each["all"] for each in seeds]),
                _ranged([each["unexplained"] for each in seeds]),
            )
        )
    titles = (
        *("task", "head", "seeds", "whole head", "1 latent", "2", "4", "8", "all latents"),
        "not reconstructed",
    )
    said = (
        "Share of the task effect lost when only these latents of a head are replaced; least and most over "
        "the seeds in which the head is in the circuit. Which latents they are differs by seed.\n\n"
    )
    return "## Latents that carry a head\n\n" + said + _table(titles, rows)


def _ranged(values: Sequence[float]) -> str:
    if not values:
        return "none"
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"
