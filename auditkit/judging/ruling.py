"""The verdict rule applied to a task: its course on the recorded drops, and on those drawn again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import numpy as np

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.intervals import rounded
from auditkit.circuits.looks import Course, Declaration, bounds_of, course_of, ruling_of
from auditkit.circuits.redrawing import Drawn, Pool, Redrawn, on_pairs, redraws, without_templates
from auditkit.circuits.single import answers_from, declaration_of
from auditkit.circuits.stability import (
    frequencies,
    mean_jaccard,
    verdict_shares,
    why_no_templates,
)
from auditkit.judging.measured import Measured
from auditkit.records.base import HeadId, NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.declared import Expectation
from auditkit.records.looks import Drops, Ruled, Ruling
from auditkit.records.reasons import not_assessed
from auditkit.records.specification import Specification
from auditkit.records.task import OtherSetting, Stability, Verdict

NOTHING_TO_RULE_ON = not_assessed("nothing_to_rule_on")

JudgedOn = Callable[[frozenset[HeadId], Ruled], Verdict]
"""The verdict on a task, had these heads been found and had the rule said this."""

_FACTORS = (Decimal("0.8"), Decimal("1.25"))
"""The threshold of a circuit head is a choice: a fifth less, and as much more."""


def declared_heads(expected: Expectation | NotAssessed, weights_digest: str) -> tuple[HeadId, ...]:
    """The heads that are declared for these weights, in layer order; none where nothing is."""
    if isinstance(expected, NotAssessed) or expected.declared_for not in (None, weights_digest):
        return ()
    return tuple(sorted(set(expected.heads), key=layer_order))


def signature_for(
    expected: Expectation | NotAssessed, weights_digest: str
) -> Mapping[HeadId, Sequence[int]]:
    """The latents that are declared for these weights, by head; none where nothing is."""
    if isinstance(expected, NotAssessed) or not declared_heads(expected, weights_digest):
        return {}
    return expected.signature or {}


def question_of(task: Measured, causal: Causal, weights_digest: str) -> Declaration:
    """What the rule is asked of a task: its declared heads against every head of the model."""
    further = task.examples.further
    n_first = task.examples.discovery.n
    n_pairs = n_first + (0 if isinstance(further, NotAssessed) else further.n)
    heads = sorted([*(each.head for each in causal.patched), *causal.unpatched], key=layer_order)
    declared = declared_heads(task.expected, weights_digest)
    return declaration_of(heads, declared, task.specification, n_first, n_pairs)


def course_on(task: Measured, causal: Causal, drops: Drops, weights_digest: str) -> Course:
    """The rule on a task's recorded drops.

    Raises:
        ValueError: drops that the rule asks for are not recorded.
    """
    return course_of(question_of(task, causal, weights_digest), answers_from(drops))


def ruling_on(task: Measured, weights_digest: str) -> Ruling | NotAssessed:
    """What the rule says of a task, or why it says nothing."""
    causal = task.causal
    if isinstance(causal, NotAssessed) or not declared_heads(task.expected, weights_digest):
        return NOTHING_TO_RULE_ON
    if isinstance(causal.drops, NotAssessed):
        return causal.drops
    course = course_on(task, causal, causal.drops, weights_digest)
    return ruling_of(course, answers_from(causal.drops))


def redrawn(
    task: Measured, causal: Causal, drops: Drops, weights_digest: str, judged: JudgedOn
) -> Stability:
    """How circuit and verdict hold on pairs drawn again, without one template, and under other thresholds."""
    specification, pool = task.specification, Pool.of(drops)
    question = question_of(task, causal, weights_digest)
    drawn, reduced = _again(drops, task.examples.templates, question, specification)

    def verdict(each: Redrawn) -> Verdict:
        return judged(each.circuit, each.course.verdict)

    as_it_is = Drawn(pool, np.arange(len(pool.whole), dtype=np.int64))
    reported = verdict(on_pairs(as_it_is, question, specification))
    verdicts = [verdict(each) for each in (*drawn, *reduced)]
    agreeing = Fraction(verdicts.count(reported), len(verdicts))
    circuits = [each.circuit for each in drawn]
    holds = agreeing >= 1 - Fraction(specification.thresholds.tolerance)
    return Stability(
        draws=len(drawn),
        templates=len(reduced) if reduced else why_no_templates(task.examples.templates),
        frequencies=frequencies(circuits),
        mean_jaccard=rounded(mean_jaccard(circuits)),
        verdicts=verdict_shares(verdicts),
        agreeing=rounded(agreeing),
        settings=tuple(_other_thresholds(task, as_it_is, question, judged, reported)),
        state="observed" if holds else "not_observed",
    )


@lru_cache(maxsize=16)
def _again(
    drops: Drops, templates: tuple[str, ...], question: Declaration, specification: Specification
) -> tuple[list[Redrawn], list[Redrawn]]:
    """The rule on pairs drawn again, and without one template at a time.

    Verification concludes twice, on values and on sentences: what takes longest is kept in between.
    """
    pool = Pool.of(drops)
    return (
        redraws(pool, question, specification),
        without_templates(pool, templates, question, specification),
    )


def _other_thresholds(
    task: Measured, drawn: Drawn, question: Declaration, judged: JudgedOn, reported: Verdict
) -> Iterator[OtherSetting]:
    """What a lower and a higher threshold would have given on the same drops."""
    specification = task.specification
    for factor in _FACTORS:
        least = rounded(Fraction(specification.thresholds.head_effect) * Fraction(factor))
        thresholds = specification.thresholds.model_copy(update={"head_effect": least})
        found = on_pairs(
            drawn,
            replace(question, bounds=bounds_of(least)),
            specification.model_copy(update={"thresholds": thresholds}),
        )
        verdict = judged(found.circuit, found.course.verdict)
        yield OtherSetting(
            setting="head_effect",
            value=format(least, "f"),
            heads=tuple(sorted(found.circuit, key=layer_order)),
            verdict=verdict,
            agrees=verdict == reported,
        )
