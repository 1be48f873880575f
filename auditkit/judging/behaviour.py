"""Whether a behaviour that is declared wanted is shown, and one that is declared unwanted is not.

The circuit has no part in it. A share of pairs is held against what is asked by its exact interval: a share
surely on the right side is ``consistent``, one surely on the wrong side ``not_consistent``, and where the
interval holds the bound the pairs settle nothing.
"""

from __future__ import annotations

from decimal import Decimal

from auditkit.circuits.sampling import share_range
from auditkit.records.base import NotAssessed
from auditkit.records.looks import Ruled
from auditkit.records.reasons import not_assessed
from auditkit.records.task import Behaviour, BehaviourRuling, Verdict

MOST_CHANGED = Decimal("0.1000")
"""The largest share of pairs in which an unwanted change of the decision is allowed."""

NOTHING_DECLARED = not_assessed("wanted_not_declared")

_WORST_FIRST: tuple[Verdict, ...] = (
    "not_consistent",
    "inconclusive",
    "not_assessed",
    "consistent",
)


def worst(*verdicts: Verdict) -> Verdict:
    """The least favourable of some verdicts."""
    return min(verdicts, key=_WORST_FIRST.index)


def n_changed(behaviour: Behaviour) -> int:
    """In how many test pairs the decision changes between the two prompts."""
    both = zip(behaviour.positive_values, behaviour.negative_values, strict=True)
    return sum(positive * negative <= 0 for positive, negative in both)


def ruling_on_behaviour(
    wanted: bool | None, behaviour: Behaviour, least: Decimal
) -> BehaviourRuling | NotAssessed:
    """What the test pairs say of a declared behaviour; ``least`` is the accuracy asked of a wanted one."""
    if wanted is None:
        return NOTHING_DECLARED
    shown = behaviour.correct if wanted else n_changed(behaviour)
    bound = least if wanted else MOST_CHANGED
    low, high = share_range(shown, behaviour.n, Decimal("0.95"))
    above: Ruled = "consistent" if wanted else "not_consistent"
    below: Ruled = "not_consistent" if wanted else "consistent"
    surely_above = low >= bound if wanted else low > bound
    surely_below = high < bound if wanted else high <= bound
    return BehaviourRuling(
        wanted=wanted,
        shown=shown,
        n=behaviour.n,
        low=low,
        high=high,
        bound=bound,
        verdict=above if surely_above else below if surely_below else "inconclusive",
    )


def of_both(
    ruling: BehaviourRuling | NotAssessed, mechanism: Verdict, *, declared: bool
) -> Verdict:
    """The verdict on a task: the less favourable of behaviour and mechanism, as far as each was declared.

    ``declared``: a circuit was. No mechanism is looked for in an unwanted behaviour that is not there, and
    nothing is missing without it.
    """
    if isinstance(ruling, NotAssessed):
        return mechanism
    nothing_there = not ruling.wanted and ruling.verdict == "consistent"
    if not declared or (nothing_there and mechanism == "not_assessed"):
        return ruling.verdict
    return worst(ruling.verdict, mechanism)
