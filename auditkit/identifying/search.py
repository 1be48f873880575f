"""The search: which heads are the circuit. Screening says where to look, patching decides.

1. Every head is replaced alone where the budget allows that. Beyond it, every head whose whole-head code is
   in the signature and every declared head is; then the others in rank order, until enough of them in a row
   do not reach the threshold; then a random sample of the rest. A hit in the sample continues the ranking.
2. *Looks*: heads whose question the pairs leave open are replaced on further pairs (``looking``).
3. *Sufficiency*: do the heads found carry the effect when every other head is replaced?
4. If not, *completion*: heads that no single replacement can show, because another takes over, are
   restored, the likeliest first, and dropped again where they are not needed (ddmin: Zeller and Hildebrandt,
   Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28(2), 2002). An effect that is spread
   over many small heads has no short completion; then none is made, and the record says so.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from torch import Tensor

from auditkit.circuits.circuit import belonging, belongs, layer_order
from auditkit.circuits.effects import CARRIED_ALONE, NOT_COMPLETED
from auditkit.circuits.single import declaration_of, patched_heads
from auditkit.identifying.interventions import Intervention, carried, heads_of, over_pairs, patch
from auditkit.identifying.looking import Further, Looking
from auditkit.progress import Advance
from auditkit.records.base import Measure
from auditkit.records.causal import Chosen, Completion, PatchedHead
from auditkit.records.looks import Drops
from auditkit.records.specification import Specification, Thresholds

FEWEST_MISSES, FEWEST_SAMPLED = 5, 3
"""A ranking is not given up after fewer misses in a row, nor on the word of fewer heads drawn at random."""


@dataclass(frozen=True)
class Searched:
    """What the search ends with. ``unpatched`` heads were neither reached nor drawn for the sample."""

    drops: Drops
    patched: tuple[PatchedHead, ...]
    unpatched: tuple[str, ...]
    completion: Completion

    def circuit(self, thresholds: Thresholds) -> tuple[str, ...]:
        """The heads that belong, alone or completing the others, in layer order."""
        return belonging((*self.patched, *self.completion.heads), thresholds)


@dataclass(frozen=True)
class Sought:
    """What is searched, and for which question.

    ``discovery`` are the pairs of the first look, ``further`` those after them, ``n_pairs`` both together.
    ``declared`` heads are none where there is nothing to rule on.
    """

    discovery: Intervention
    further: Further
    n_pairs: int
    declared: tuple[str, ...]


def search(
    sought: Sought,
    ranked: Sequence[str],
    screened: frozenset[str],
    specification: Specification,
    advance: Advance,
) -> Searched:
    """The heads replaced alone, on as many pairs as the verdict rule asks for, and those that complete them.

    ``ranked`` is every head by screening rank, ``screened`` those whose whole-head code is in the signature.
    """
    chosen = _chosen(sought, ranked, screened, specification)
    looking = Looking(sought.discovery, sought.further, list(chosen), sought.declared, advance)
    every = sorted(ranked, key=layer_order)
    n_first = len(sought.discovery.full)
    looking.course(declaration_of(every, sought.declared, specification, n_first, sought.n_pairs))
    drops = looking.drops()
    patched = patched_heads(drops, chosen, specification.bootstrap.level, n_first)
    found = belonging(patched, specification.thresholds)
    others = [head for head in _likeliest(patched, ranked) if head not in found]
    return Searched(
        drops=drops,
        patched=patched,
        unpatched=tuple(head for head in every if head not in chosen),
        completion=_completion(sought.discovery, found, others, specification),
    )


def _chosen(
    sought: Sought, ranked: Sequence[str], screened: frozenset[str], specification: Specification
) -> dict[str, Chosen]:
    """The heads to replace alone, in layer order, and why each."""
    first = len(sought.discovery.full)
    if len(ranked) * first <= specification.patching.budget:
        return dict.fromkeys(sorted(ranked, key=layer_order), "all")
    wanted = screened | frozenset(sought.declared)
    chosen = _one_by_one(sought.discovery, ranked, wanted, specification)
    return {head: chosen[head] for head in sorted(chosen, key=layer_order)}


def _one_by_one(
    intervention: Intervention,
    ranked: Sequence[str],
    wanted: frozenset[str],
    specification: Specification,
) -> dict[str, Chosen]:
    """Heads patched alone on the first pairs, down the ranking and at random, and why each."""
    thresholds = specification.thresholds
    share = Fraction(specification.patching.sample)
    n_sample = max(FEWEST_SAMPLED, math.floor(share * len(ranked)))
    waiting = [head for head in ranked if head not in wanted]
    done = patch(intervention, [h for h in ranked if h in wanted], "ranked", specification)
    draw = random.Random(specification.seed)  # noqa: S311 - a repeatable draw, not a secret
    while True:
        done += until_patience(intervention, waiting, specification)
        waiting = [head for head in waiting if head not in {p.head for p in done}]
        sample = sorted(draw.sample(waiting, min(n_sample, len(waiting))), key=layer_order)
        sampled = patch(intervention, sample, "sampled", specification)
        done += sampled
        waiting = [head for head in waiting if head not in sample]
        if not any(belongs(each, thresholds) for each in sampled):
            return {each.head: each.chosen for each in done}


def until_patience(
    intervention: Intervention,
    ranked: Sequence[str],
    specification: Specification,
) -> list[PatchedHead]:
    """Heads patched alone in rank order, until enough of them in a row do not belong."""
    thresholds = specification.thresholds
    share = specification.patching.patience
    patience = max(FEWEST_MISSES, count_of(share, len(intervention.all_heads)))
    done: list[PatchedHead] = []
    misses = 0
    while misses < patience and len(done) < len(ranked):
        # As many at once as have to be patched anyway before the search may stop.
        group = ranked[len(done) : len(done) + patience - misses]
        for each in patch(intervention, group, "ranked", specification):
            done.append(each)
            misses = 0 if belongs(each, thresholds) else misses + 1
    return done


def count_of(share: Measure, n_heads: int) -> int:
    """A share of a model's heads as a number of heads, rounded up."""
    return math.ceil(Fraction(share) * n_heads)


def _likeliest(patched: Sequence[PatchedHead], ranked: Sequence[str]) -> list[str]:
    """Heads in the order in which to restore them: sure helpers by their effect, the others by rank."""
    helping = [each for each in patched if each.effect.low > 0]
    first = [each.head for each in sorted(helping, key=lambda each: -each.effect.mean)]
    return [*first, *(head for head in ranked if head not in first)]


def _completion(
    intervention: Intervention,
    found: Sequence[str],
    others: Sequence[str],
    specification: Specification,
) -> Completion:
    alone = carried(intervention, found, specification)
    if alone.state == "observed":
        return Completion(alone=alone, heads=(), completed=CARRIED_ALONE)

    def sufficient(restored: Sequence[str]) -> bool:
        return carried(intervention, (*found, *restored), specification).state == "observed"

    next_ranked = others[: specification.patching.completion]
    if not (next_ranked and sufficient(next_ranked)):
        return Completion(alone=alone, heads=(), completed=NOT_COMPLETED)
    needed = sorted(minimal(next_ranked, sufficient), key=layer_order)
    return Completion(
        alone=alone,
        heads=tuple(_needed(intervention, found, needed, head, specification) for head in needed),
        completed=carried(intervention, (*found, *needed), specification),
    )


def minimal(items: Sequence[str], sufficient: Callable[[Sequence[str]], bool]) -> list[str]:
    """Items of a sufficient list of which none can be dropped: what is left of it is sufficient."""
    left, parts = list(items), 2
    while len(left) > 1:
        size = math.ceil(len(left) / parts)
        chunks = [left[i : i + size] for i in range(0, len(left), size)]
        without = [[each for each in left if each not in chunk] for chunk in chunks]
        chunk = next((each for each in chunks if sufficient(each)), None)
        rest = None if chunk else next((each for each in without if sufficient(each)), None)
        if chunk is not None:
            left, parts = chunk, 2
        elif rest is not None:
            left, parts = rest, max(2, parts - 1)
        elif size == 1:
            return left
        else:
            parts = min(len(left), 2 * parts)
    return left


def _needed(
    intervention: Intervention,
    found: Sequence[str],
    restored: Sequence[str],
    head: str,
    specification: Specification,
) -> PatchedHead:
    """What the completed set loses without one of the heads restored."""
    together: Tensor = intervention.kept(heads_of((*found, *restored)))
    without = intervention.kept(heads_of((*found, *restored)) - heads_of((head,)))
    effects, effect = over_pairs(together - without, specification)
    return PatchedHead(head=head, chosen="completed", effects=effects, effect=effect)
