"""Findings on unique codes: that they only observe, their known faults, and what their null says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditkit.judging.findings.wording import few_examples
from auditkit.records.declared import Expectation
from auditkit.records.task import Finding, NullTest, TaskRecord
from auditkit.records.unique_codes import CountedHead, UniqueCodes


def about_unique_codes(task: TaskRecord) -> Iterator[Finding]:
    """What a reader should be told about a task that the published method was asked about."""
    if not (isinstance(task.codes, UniqueCodes) and isinstance(task.null, NullTest)):
        return
    codes, null = task.codes, task.null
    yield _observational(judged=not isinstance(task.expected, Expectation))
    yield _known_faults(codes)
    if not codes.reported:
        yield Finding(
            code="no_unique_code",
            level="warning",
            text="No head shows a code on positives that it never shows on negatives, so the "
            "published method reports none.",
        )
    yield from _silence(codes)
    yield from few_examples(null, len(codes.examples), len(codes.heads))
    yield from _against_chance(codes, null)


def _observational(*, judged: bool) -> Finding:
    unjudged = "" if judged else " The declared heads were therefore neither confirmed nor refuted."
    return Finding(
        code="observational_method",
        level="warning",
        text="This task was examined by unique-codes, a published method that only observes. No head "
        "was replaced, so a head it reports need not do anything for the task, and a head it does not "
        f"report may.{unjudged}",
    )


def _known_faults(codes: UniqueCodes) -> Finding:
    prompts = 2 * len(codes.examples)
    trained = min(codes.autoencoder.prompts, prompts)
    return Finding(
        code="known_faults",
        level="warning",
        text="Known faults of the published method, kept as described: it has no null of its own, and "
        "elsewhere its count has reached 20 to 29 where positives and negatives were drawn alike; "
        "silence and feature 0 share the code 0; and it scores prompts it was trained on, here "
        f"{trained} of {prompts}. The label-swap test printed beside each count is not part of it.",
    )


def _silence(codes: UniqueCodes) -> Iterator[Finding]:
    """How many codes 0 stand for silence; nothing where every head answered on every prompt."""
    silent = sum(head.silent for head in codes.heads)
    if silent:
        rows = 2 * len(codes.examples) * len(codes.heads)
        yield Finding(
            code="silent_rows",
            level="warning",
            text=f"In {silent:,} of {rows:,} combinations of head and prompt no feature answered. The "
            "published method gives them the code of feature 0.",
        )


def _against_chance(codes: UniqueCodes, null: NullTest) -> Iterator[Finding]:
    beyond, others = (
        [head for head in codes.heads if head.count and (head.head in null.separated) is told]
        for told in (True, False)
    )
    if beyond:
        yield Finding(
            code="count_beyond_chance",
            level="note",
            text=f"The label-swap test tells the counts of {_names(beyond)} from chance, with a "
            f"q-value of at most {null.level}. That is an association, not an effect.",
        )
    if others:
        yield Finding(
            code="count_not_beyond_chance",
            level="warning",
            text=f"The label-swap test does not tell the counts of these reported heads from chance: "
            f"{_names(others)}.",
        )


def _names(heads: Sequence[CountedHead]) -> str:
    return ", ".join(head.head for head in heads)
