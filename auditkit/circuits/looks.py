"""The verdict rule: a declared set of heads against the effects of all heads, look by look. Exact.

Every head is replaced alone on the first pairs. At each look the rule closes heads whose question is
settled, refuses the declaration where a head speaks against it, and asks for more pairs of the heads still
open. docs/verdicts.md has the rule in words and its measured error rates.

``course_of`` is the rule. Whoever calls it answers its questions: the audit by running the model, ``verify``
from a record, a redraw (``auditkit.circuits.redrawing``) from pairs drawn again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from auditkit.circuits.intervals import rounded
from auditkit.circuits.share_test import Claim, Sums, p_value, surely, there_is_effect
from auditkit.records.base import HeadId
from auditkit.records.looks import Bounds, HeadClaim, Look, OpenHead, RefusedHead, Ruled, Ruling
from auditkit.records.reasons import not_assessed

MOST_LOOKS = 5
"""The levels below are per look, so that over this many looks they add up to what is stated."""

_EFFECT = Fraction(1, 1000)
_CLOSE_OTHER = Fraction(1, 1000)
_CLOSE_DECLARED = Fraction(2, 1000)
_REFUSE = Fraction(2, 1000)

BOUNDARY = not_assessed("on_the_boundary")
NEVER_PATCHED = not_assessed("never_patched")
MOST_PAIRS = 1000
"""No more pairs than this are asked of anyone."""
TOO_CLOSE = not_assessed("too_close", most=MOST_PAIRS)


def bounds_of(threshold: Decimal) -> Bounds:
    """The threshold, half of it and twice it: a right declaration is settled between the two."""
    return Bounds(
        threshold=threshold,
        lower=rounded(Fraction(threshold) / 2),
        upper=rounded(Fraction(threshold) * 2),
    )


def looks_for(first: int, most: int) -> tuple[int, ...]:
    """After how many pairs the rule is applied: first, twice as many, and so on, and at the most there are.

    At most ``MOST_LOOKS`` of them: where there would be more, those after the first begin later.
    """
    looks = [first]
    while looks[-1] * 2 <= most:
        looks.append(looks[-1] * 2)
    if looks[-1] < most:
        looks.append(most)
    return tuple(looks) if len(looks) <= MOST_LOOKS else (first, *looks[-MOST_LOOKS + 1 :])


class Answers(Protocol):
    """What the rule asks while it goes on."""

    def prepare(self, heads: Sequence[HeadId], n: int) -> None:
        """Told which heads will be asked for on the first n pairs, so that they can be measured at once."""

    def whole(self, n: int) -> Sums:
        """The drops of all heads together on the first n pairs."""

    def alone(self, head: HeadId, n: int) -> Sums | None:
        """The drops of one head on as many of the first n pairs; ``None`` if it is never replaced."""

    def after_others(self, head: HeadId, n: int) -> Sums:
        """What a declared head adds on them after the other declared heads."""


@dataclass(frozen=True)
class Declaration:
    """The question: which of a model's heads are declared, and the bounds and looks that settle it.

    ``budget`` is how often heads may be replaced alone, one replacement on one pair counted once.
    """

    heads: tuple[HeadId, ...]
    declared: frozenset[HeadId]
    bounds: Bounds
    looks: tuple[int, ...]
    budget: int

    @property
    def n_others(self) -> int:
        """How many heads are not declared."""
        return len(set(self.heads) - self.declared)

    def claim(self, head: HeadId) -> HeadClaim:
        """What the declaration says of a head."""
        return "declared" if head in self.declared else "not_declared"


@dataclass(frozen=True)
class Course:
    """What happened: every look, the verdict, and on how many pairs each head was replaced.

    ``asked`` alone, and ``asked_after_others`` after the other declared heads.
    """

    question: Declaration
    looks: tuple[Look, ...]
    verdict: Ruled
    effect_is_sure: bool
    only_together: bool
    asked: Mapping[HeadId, int]
    asked_after_others: Mapping[HeadId, int]
    open: tuple[HeadId, ...]


def course_of(question: Declaration, answers: Answers) -> Course:
    """The rule, look by look, until the declaration is refused, every head is closed, or pairs run out.

    Nothing declared is nothing to rule on: then every head is replaced on the pairs of the first look.
    """
    rule = _Rule(question, answers)
    looks: list[Look] = []
    for n in question.looks if question.declared else question.looks[:1]:
        if looks and not rule.affords(n):
            break
        looks.append(rule.look(n))
        if looks[-1].refused or not rule.open:
            break
    verdict: Ruled = "inconclusive" if rule.open else "consistent"
    if looks[-1].refused:
        verdict = "not_consistent"
    return Course(
        question=question,
        looks=tuple(looks),
        verdict=verdict,
        effect_is_sure=rule.effect_is_sure,
        only_together=rule.only_together,
        asked=rule.asked,
        asked_after_others=rule.asked_after_others,
        open=tuple(rule.open),
    )


class _Rule:
    """The state of one course: which heads are open, and on how many pairs each was replaced."""

    def __init__(self, question: Declaration, answers: Answers) -> None:
        self._question, self._answers = question, answers
        self._last: dict[HeadId, Sums] = {}
        self.open = list(question.heads)
        self.asked: dict[HeadId, int] = {}
        self.asked_after_others: dict[HeadId, int] = {}
        self.effect_is_sure = self.only_together = False
        bounds = question.bounds
        self._threshold, self._lower, self._upper = (
            Fraction(each) for each in (bounds.threshold, bounds.lower, bounds.upper)
        )

    def affords(self, n: int) -> bool:
        """Whether the budget allows the open heads to be replaced on the first n pairs."""
        more = sum(n - self.asked[head] for head in self.open if head in self.asked)
        return sum(self.asked.values()) + more <= self._question.budget

    def look(self, n: int) -> Look:
        """The rule on the first n pairs, of which the open heads are asked for those still missing."""
        self._answers.prepare(self.open, n)
        for head in self.open:
            sums = self._answers.alone(head, n)
            if sums is not None:
                self._last[head], self.asked[head] = sums, n
        self.effect_is_sure = there_is_effect(self._answers.whole(n), _EFFECT)
        if not self._question.declared or not self.effect_is_sure:
            return Look(pairs=n, closed=(), refused=(), spared=())
        level = _REFUSE / max(1, self._question.n_others)
        above = [
            h for h in self._open("not_declared") if self._is("above", h, self._threshold, level)
        ]
        level = _REFUSE / len(self._question.declared)
        below = [h for h in self._open("declared") if self._is("below", h, self._threshold, level)]
        self.only_together = bool(below) and self._all_below(level)
        spared = [h for h in below if self.only_together or not self._adds_little(h, n, level)]
        refused = [h for h in self.open if h in above or (h in below and h not in spared)]
        closed = [] if refused else [h for h in self.open if self._closes(h)]
        self.open = [h for h in self.open if h not in closed]
        return Look(pairs=n, closed=tuple(closed), refused=tuple(refused), spared=tuple(spared))

    def _open(self, claim: HeadClaim) -> list[HeadId]:
        return [head for head in self.open if self._question.claim(head) == claim]

    def _is(self, claim: Claim, head: HeadId, share: Fraction, level: Fraction) -> bool:
        return head in self._last and surely(claim, share, self._last[head], level)

    def _all_below(self, level: Fraction) -> bool:
        """Whether every head of the model is surely below the threshold alone."""
        return all(self._is("below", head, self._threshold, level) for head in self._question.heads)

    def _adds_little(self, head: HeadId, n: int, level: Fraction) -> bool:
        """Whether a declared head is surely below the threshold after the other declared heads, too."""
        if len(self._question.declared) == 1:
            return True  # after no others it is alone
        self.asked_after_others[head] = n
        return surely("below", self._threshold, self._answers.after_others(head, n), level)

    def _closes(self, head: HeadId) -> bool:
        if head in self._question.declared:
            return self._is("above", head, self._lower, _CLOSE_DECLARED)
        return self._is("below", head, self._upper, _CLOSE_OTHER)


def ruling_of(course: Course, answers: Answers) -> Ruling:
    """A course as a record holds it, with what is left open and how many pairs would settle it."""
    question, last = course.question, course.looks[-1]
    refused = []
    for head in last.refused:
        sums = answers.alone(head, last.pairs)
        if sums is not None:
            refused.append(
                RefusedHead(
                    head=head,
                    claim=question.claim(head),
                    effect=rounded(Fraction(sums.d, sums.t)),
                    pairs=last.pairs,
                )
            )
    left = () if course.verdict == "not_consistent" else course.open
    return Ruling(
        bounds=question.bounds,
        looks=course.looks,
        refused=tuple(refused),
        open=tuple(_open(question, head, answers, last.pairs) for head in left),
        effect_is_sure=course.effect_is_sure,
        only_together=course.only_together,
        excludable=rounded(excludable(last.pairs)),
        verdict=course.verdict,
    )


def _open(question: Declaration, head: HeadId, answers: Answers, n: int) -> OpenHead:
    claim = question.claim(head)
    sums = answers.alone(head, n)
    if sums is None:
        return OpenHead(head=head, claim=claim, pairs_needed=NEVER_PATCHED)
    needed = pairs_needed(claim, question.bounds, sums)
    if needed is None:
        return OpenHead(head=head, claim=claim, pairs_needed=BOUNDARY)
    look = 2 * n  # these pairs did not settle it, whatever the estimate says
    while look < needed:
        look *= 2
    settled = look if look <= MOST_PAIRS else TOO_CLOSE
    return OpenHead(head=head, claim=claim, pairs_needed=settled)


_Z_ABOVE, _Z_BELOW, _POWER = Fraction(30, 10), Fraction(32, 10), Fraction(84, 100)


def pairs_needed(claim: HeadClaim, bounds: Bounds, sums: Sums) -> int | None:
    """About how many pairs settle an open head in 8 of 10 draws; ``None`` where none are expected to.

    What is recorded is the next look of at least so many. Normal approximation from the pairs there are. The
    estimate on the wrong side of the bound, or on it, gives none.
    """
    share = Fraction(bounds.lower if claim == "declared" else bounds.upper)
    a, b, n = share.numerator, share.denominator, sums.n
    sign = 1 if sums.d * sums.t >= 0 else -1
    total = b * sign * sums.d - a * sums.t
    squares = b * b * sums.dd - 2 * a * b * sign * sums.dt + a * a * sums.tt
    if claim == "not_declared":
        total = -total
    if total <= 0:
        return None
    mean = Fraction(total, n)
    variance = (Fraction(squares) - total * mean) / (n - 1)
    z = (_Z_ABOVE if claim == "declared" else _Z_BELOW) + _POWER
    needed = math.ceil(z * z * variance / (mean * mean))
    least = least_silent(share) if claim == "not_declared" else 2
    return max(needed, least)


def least_silent(share: Fraction) -> int:
    """The fewest pairs on which a head that does nothing is surely below a share."""
    high = 2
    while not _silence_excludes(share, high):
        high *= 2
    low = high // 2
    while high - low > 2:
        middle = (low + high) // 4 * 2
        low, high = (low, middle) if _silence_excludes(share, middle) else (middle, high)
    return high


def excludable(n: int) -> Fraction:
    """The smallest share, in thousandths, that a head silent on n pairs is surely below; 1 if there is
    none.
    """
    low, high = 0, 1000
    while high - low > 1:
        middle = (low + high) // 2
        silent = _silence_excludes(Fraction(middle, 1000), n)
        low, high = (low, middle) if silent else (middle, high)
    return Fraction(high, 1000)


def _silence_excludes(share: Fraction, n: int) -> bool:
    """Whether a head that does nothing on n pairs, where all heads drop the metric by 1, is below a share."""
    n = n // 2 * 2
    p = p_value("below", share, Sums(n=n, d=0, t=n, dd=0, dt=0, tt=n))
    return Fraction(p) <= _CLOSE_OTHER


class Recorded:
    """Answers from drops that are there: whole numbers of the record's last digit."""

    def __init__(
        self,
        whole: Sequence[int],
        heads: Mapping[HeadId, Sequence[int]],
        joint: Mapping[HeadId, Sequence[int]],
    ) -> None:
        self._whole, self._heads, self._joint = whole, heads, joint

    def prepare(self, heads: Sequence[HeadId], n: int) -> None:
        """Nothing: all is there."""

    def whole(self, n: int) -> Sums:
        """The drops of all heads together. Raises ValueError where there are not as many pairs."""
        return self._sums(self._whole, n)

    def alone(self, head: HeadId, n: int) -> Sums | None:
        """The drops of a head, ``None`` if there are none. Raises ValueError for fewer than n."""
        drops = self._heads.get(head)
        return None if drops is None else self._sums(drops, n)

    def after_others(self, head: HeadId, n: int) -> Sums:
        """What a head adds after the others. Raises ValueError where that is not there."""
        return self._sums(self._joint.get(head, ()), n)

    def _sums(self, drops: Sequence[int], n: int) -> Sums:
        return Sums.of(drops[:n], self._whole[:n])
