"""The page ``docs/benchmarks.md``, from results: means over seeds, ratios in place of times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from benchmarks.results import Benchmark, Growth, Result, mean
from benchmarks.summary import (
    COLUMNS,
    COST_COLUMNS,
    EXACT,
    cost_rows,
    groups,
    null_facts,
    number,
    ratio,
    shown_truth,
    speed_facts,
    tally,
)

_SMALL_HEADS = 144

Figure = Callable[[Result], float | None]
"""What a table shows of a result."""

_HEAD = """\
# Identification, measured beside its peers

Made by the benchmark; do not edit. To make it again:

```
python -m benchmarks.identification --quick --json identification.json
python -m benchmarks.identification --from identification.json --write docs/benchmarks.md
```

Every method gets the same 24 matched pairs, auditkit's standard first look. Figures are means over {seeds}
draws of the pairs (of the known-answer models: {control_seeds}), each draw with its own seed for autoencoders
and gates. A dash stands where a figure is undefined. Nothing here holds for other models.

## What is true, and what the figures mean
* **Truth.** *Reference model* and *stories260K*: exact single-head patching from the matched negative, on
  200 fresh pairs (stories260K: all 180). A head is true when the magnitude of its mean effect exceeds 3 %
  (or 5 %) of full minus corrupt: the metric on positives less that on negatives. *Known-answer models*:
  the heads planted to carry the task.
* **AUC, AP.** Of the method's ranking, before any set is chosen. Ties count one half in AUC and are one
  step in average precision (AP).
* **Precision, recall, F1.** Of the method's final set. `attributed-codes`: the circuit that the search ends
  with, asked for the same least effect as the truth. `eap`, `eap-ig`, `exact-patching`: heads whose
  estimate exceeds that level. `acdc`: the smallest circuit of its sweep that carries 0.9 to 1.1 of full
  minus corrupt. `subnetwork-probing`: open gates. `unique-codes`: heads with any unique code. `hisp` and
  `random` give no set.
* **CPR, CMD** (MIB, arXiv:2504.13151). With f(C) = (m(C) - m(0)) / (m(N) - m(0)), m the mean metric of
  test pairs no method saw, N the whole model, 0 every head replaced from the matched negative, C the first
  heads of the ranking: CPR is the area of f over the share of heads kept (higher is better, it may exceed
  1), CMD the area of |1 - f| (0 is best). Heads are the nodes, MLPs are left in place; the method's own
  ranking serves both (MIB ranks by signed score for CPR), sizes 0, 1, 2, 3, 4, 5, 7 and so on to all, and
  trapezoids.
* **Forwards** counts prompts run forward, the first run of both prompts of a pair included, not backward
  passes; **time** is wall time of ranking and deciding. Both are given as ratios to exact patching of the
  same pairs.
* **`unique-codes`** is the published method (O'Neill and Bui, arXiv:2405.12522) with its faults, run on
  the same pairs as the rest; it has no null and is observational.
"""


def page(benchmark: Benchmark) -> str:
    """The whole page, in Markdown."""
    seeds = {each.seed for each in benchmark.results if not isinstance(each.truth, str)}
    control_seeds = {each.seed for each in benchmark.results if isinstance(each.truth, str)}
    parts = [
        _HEAD.format(seeds=len(seeds), control_seeds=len(control_seeds)),
        *_overview(benchmark),
        *_details(benchmark),
        *_known(benchmark),
        *_null(benchmark),
        *_costs(benchmark),
        *_speed(benchmark),
    ]
    return "\n".join(parts)


def _overview(benchmark: Benchmark) -> Iterator[str]:
    measured = [each for each in benchmark.results if not isinstance(each.truth, str)]
    for truth in dict.fromkeys(each.truth for each in measured):
        at = [each for each in measured if each.truth == truth]
        figures: dict[str, Figure] = {
            "Ranking: mean AUC": lambda each: each.auc,
            "Final set: mean F1": lambda each: each.f1,
            "Forwards / exact patching": _relative([e for e in at if e.method == EXACT]),
        }
        for title, figure in figures.items():
            yield f"## {title}, truth {shown_truth(truth)}\n"
            yield _by_task(at, figure)


def _relative(exact: Sequence[Result]) -> Figure:
    """Forward passes relative to exact patching of the same draw; undefined where that was left out."""
    passes = {(each.model, each.task, each.seed): each.forwards for each in exact}

    def figure(each: Result) -> float | None:
        whole = passes.get((each.model, each.task, each.seed))
        return each.forwards / whole if whole else None

    return figure


def _by_task(measured: Sequence[Result], figure: Figure) -> str:
    """A figure's mean per method and task, and over tasks."""
    tasks = list(dict.fromkeys((each.model, each.task) for each in measured))
    rows = []
    for method in dict.fromkeys(each.method for each in measured):
        own = [each for each in measured if each.method == method]
        means = [mean([figure(e) for e in own if (e.model, e.task) == task]) for task in tasks]
        rows.append([method, *map(number, means), number(mean(means))])
    names = [f"{model}: {task}" for model, task in tasks]
    return _table(["method", *names, "mean"], rows)


def _costs(benchmark: Benchmark) -> Iterator[str]:
    if not benchmark.costs:
        return
    yield "## What a whole audit of one task costs\n"
    yield (
        "Forward passes as ratios to exact patching of the same pairs. Attribution and search find the\n"
        "circuit; the checks ask what it does on "
        f"{benchmark.costs[0].test_pairs} other pairs, under every ablation, beside other sets of\n"
        "heads, without each of its heads, and which heads beside it are needed.\n"
    )
    yield _table(COST_COLUMNS, cost_rows(benchmark))


def _details(benchmark: Benchmark) -> Iterator[str]:
    for group in groups(benchmark.results):
        title = group.title[0].upper() + group.title[1:]
        yield f"## {title}\n"
        yield _table(["method", *COLUMNS], [[row.method, *row.cells] for row in group.rows])


def _known(benchmark: Benchmark) -> Iterator[str]:
    counted = tally(benchmark.known_answers)
    if not counted:
        return
    methods = list(next(iter(counted.values())))
    yield "## Known-answer models: planted heads named by the final answer\n"
    yield (
        "`circuit`, `tiny` and `negative` heads are to be found, and `constant role` and `backup` heads\n"
        "named as such (a dash: not assessed; for methods that know no such kinds, being in the set\n"
        "counts). All other kinds are to be left out.\n"
    )
    rows = [[kind, *(cells.get(m, "-") for m in methods)] for kind, cells in counted.items()]
    yield _table(["kind", *methods], rows)


def _null(benchmark: Benchmark) -> Iterator[str]:
    facts = null_facts(benchmark)
    if facts:
        yield "## Null\n"
        yield "Positive and negative trade places in each pair by the toss of a coin.\n"
        yield _table(["what", "result"], facts)


def _speed(benchmark: Benchmark) -> Iterator[str]:
    if benchmark.speed is None:
        return
    yield "## Speed\n"
    yield (
        "Random weights of GPT-2 small's shape, ten pairs of 20 tokens. Identification is everything before\n"
        "the causal check; `one forward-and-backward` is the pairs run once: forward on both prompts,\n"
        "backward on the positive. Exact patching runs the whole model for every head; it was timed on\n"
        f"{benchmark.speed.exact_heads_timed} heads of {_SMALL_HEADS}. Threads: {benchmark.speed.threads}.\n"
    )
    yield _table(["ratio of wall times", "measured"], speed_facts(benchmark))
    yield "### Growth, heads of one width, single gradient\n"
    yield _table(
        ["heads", "beyond the passes, relative to heads", "exact patching / identification"],
        list(_growth(benchmark.speed.growth)),
    )


def _growth(growth: Sequence[Growth]) -> Iterator[list[str]]:
    first = growth[0]
    for each in growth:
        per_head = each.beyond_passes_s / each.heads
        yield [
            f"{each.heads:,}",
            ratio(per_head, first.beyond_passes_s / first.heads),
            f"{each.exact_patching_s / each.single_gradient_s:.1f}",
        ]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
