"""Whether a task has examples enough for its label-swap test to tell anything from chance.

With ``n`` examples there are 2^n patterns of swapped labels, and the observed one and its mirror
image are always as large as observed: no p-value is below 2/2^n. Where the patterns are drawn instead
of counted, none is below one in the number of draws.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from auditkit.errors import Problem
from auditkit.intervals import rounded
from auditkit.null import swaps_of
from auditkit.policy.loading import LoadedPolicy
from auditkit.policy.settings import FEWEST_EXAMPLES, MOST_EXAMPLES
from auditkit.policy.source import KeyPath


def smallest_p_value(n_examples: int) -> Fraction:
    """The smallest p-value the label-swap test of so many examples can give."""
    swaps, exact = swaps_of(n_examples)
    return Fraction(2 if exact else 1, swaps)


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
    return loaded.problem(_where(loaded, index, lower_level=needed is None), message, advice)


def _where(loaded: LoadedPolicy, index: int, *, lower_level: bool) -> KeyPath:
    """The key to change: the number of examples as written, or the level where only that is written."""
    names = ("null_level",) if lower_level else ("examples", "null_level")
    blocks: tuple[KeyPath, ...] = (("tasks", index), ("defaults",))
    places: list[KeyPath] = [(*block, name) for name in names for block in blocks]
    return next(place for place in places if place in loaded.source.lines)
