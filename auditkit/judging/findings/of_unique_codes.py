"""Findings on unique codes: that they only observe, their known faults, and what their null says."""

from __future__ import annotations

from collections.abc import Iterator

from auditkit.judging.findings.stating import exact, few_examples, finding
from auditkit.records.base import NotAssessed
from auditkit.records.declared import Expectation
from auditkit.records.task import Finding, NullTest
from auditkit.records.unique_codes import UniqueCodes


def about_unique_codes(
    codes: UniqueCodes, null: NullTest | NotAssessed, expected: Expectation | NotAssessed
) -> Iterator[Finding]:
    """What a reader should be told about a task that the published method was asked about."""
    if isinstance(null, NotAssessed):
        return
    declared = isinstance(expected, Expectation)
    yield finding("observational_method", "warning", expectation="declared" if declared else "none")
    prompts = 2 * len(codes.examples)
    trained = min(codes.autoencoder.prompts, prompts)
    yield finding("known_faults", "warning", trained=trained, prompts=prompts)
    if not codes.reported:
        yield finding("no_unique_code", "warning")
    # The published code of silence is also that of feature 0: how often it stands for silence.
    silent = sum(head.silent for head in codes.heads)
    if silent:
        yield finding("silent_rows", "warning", silent=silent, rows=prompts * len(codes.heads))
    yield from few_examples(null, len(codes.examples), len(codes.heads))
    yield from _against_chance(codes, null)


def _against_chance(codes: UniqueCodes, null: NullTest) -> Iterator[Finding]:
    beyond, others = (
        tuple(h.head for h in codes.heads if h.count and (h.head in null.separated) is told)
        for told in (True, False)
    )
    if beyond:
        yield finding("count_beyond_chance", "note", heads=beyond, null_level=exact(null.level))
    if others:
        yield finding("count_not_beyond_chance", "warning", heads=others)
