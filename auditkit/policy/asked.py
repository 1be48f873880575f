"""What does not go together with a task's kind: generators, metrics, attributions, prompts of two lengths."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from auditkit.circuits.intervals import rounded
from auditkit.circuits.methods import method_of
from auditkit.circuits.null import smallest_p_value
from auditkit.errors import Problem
from auditkit.policy.loading import LoadedPolicy
from auditkit.policy.settings import FEWEST_EXAMPLES, MOST_EXAMPLES
from auditkit.policy.source import KeyPath
from auditkit.policy.specifying import STANDARD
from auditkit.prompts.kinds import CALLED, METRICS


def kind_problems(loaded: LoadedPolicy, index: int) -> list[Problem]:
    """Every setting of a task that its kind does not allow."""
    task = loaded.policy.tasks[index]
    specification = loaded.policy.specification(task)
    kind, found = specification.kind, []
    if task.prompts.generator is not None and kind != "next_token":
        found.append(
            loaded.problem(
                ("tasks", index, "prompts"),
                f"generators make prompts of next token tasks, and this is a {CALLED[kind]} task",
                "name a file of pairs instead: `file: <pairs.jsonl>`",
            )
        )
    if specification.metric not in METRICS[kind]:
        found.append(
            loaded.problem(
                _where(loaded, index, "metric"),
                f"a {CALLED[kind]} task is not measured by {specification.metric}",
                f"write {' or '.join(METRICS[kind])}",
            )
        )
    return found


def uneven_problem(loaded: LoadedPolicy, index: int, uneven: int) -> Problem | None:
    """The problem of pairs of two lengths under a setting that needs prompts of one."""
    specification = loaded.policy.specification(loaded.policy.tasks[index])
    if not uneven:
        return None
    what = f"{uneven} pairs have prompts of different length, aligned by their parts, and "
    if method_of(specification).needs_one_length:
        message = f"{what}{specification.method} averages over all positions of both prompts alike"
        return loaded.problem(
            _where(loaded, index, "method"), message, "write prompts of one length"
        )
    if specification.attribution == "input_ig":
        message = f"{what}input_ig goes along a line between the inputs, which then have no line"
        return loaded.problem(
            _where(loaded, index, "attribution"), message, "write halfway, or single"
        )
    return None


def _where(loaded: LoadedPolicy, index: int, key: str) -> KeyPath:
    """The key as the task or the defaults wrote it, or else the task."""
    places: list[KeyPath] = [("tasks", index, key), ("defaults", key)]
    return next((place for place in places if place in loaded.source.lines), ("tasks", index))


def fewest_examples(level: Decimal) -> int | None:
    """The fewest examples whose smallest p-value reaches a level; ``None`` where no number does."""
    numbers = range(FEWEST_EXAMPLES, MOST_EXAMPLES + 1)
    return next((n for n in numbers if smallest_p_value(n) <= Fraction(level)), None)


def too_few_examples(loaded: LoadedPolicy, index: int) -> Problem | None:
    """The problem of a task whose number of examples can never reach its ``null_level``, if it is one."""
    specification = loaded.policy.specification(loaded.policy.tasks[index])
    n, level = specification.examples, specification.null_level
    smallest = smallest_p_value(n)
    if smallest <= Fraction(level):
        return None
    message = (
        f"with {n} examples nothing can be told from chance at the null_level {level}: the label-swap"
        f" test gives no p-value below {rounded(smallest)}"
    )
    needed = fewest_examples(level)
    least = rounded(smallest_p_value(MOST_EXAMPLES))
    advice = (
        f"write a null_level of at least {least}: more examples do not help"
        if needed is None
        else f"write at least {needed} examples, or a larger null_level"
    )
    return loaded.problem(_null_key(loaded, index, lower_level=needed is None), message, advice)


def small_budget(loaded: LoadedPolicy, index: int, n_heads: int) -> Problem | None:
    """The problem of a task whose budget does not hold one pair for each head of the model, if it is one."""
    budget = loaded.policy.specification(loaded.policy.tasks[index]).patching.budget
    place = _written_at(loaded, index, (("patching", "budget"),))
    if budget >= n_heads or place is None:  # the standard budget is no fault of the policy
        return None
    return loaded.problem(
        place,
        f"a budget of {budget} prompts does not hold one pair for each of the model's {n_heads} heads",
        f"write at least {n_heads}; the standard budget is {STANDARD.patching.budget}",
    )


def _null_key(loaded: LoadedPolicy, index: int, *, lower_level: bool) -> KeyPath:
    """The key to change: the number of examples as written, or the level where only that is written."""
    names: tuple[KeyPath, ...] = (
        (("null_level",),)
        if lower_level
        else (("examples", "first"), ("examples",), ("null_level",))
    )
    return _written_at(loaded, index, names) or names[0]


def _written_at(loaded: LoadedPolicy, index: int, names: tuple[KeyPath, ...]) -> KeyPath | None:
    """Where the first of these settings that is written stands: in the task, else under the defaults."""
    blocks: tuple[KeyPath, ...] = (("tasks", index), ("defaults",))
    places: list[KeyPath] = [(*block, *name) for name in names for block in blocks]
    return next((place for place in places if place in loaded.source.lines), None)
