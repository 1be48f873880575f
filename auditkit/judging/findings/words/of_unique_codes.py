"""Sentences about the published method."""

from __future__ import annotations

from collections.abc import Callable

from auditkit.judging.findings.words.phrases import Parameters, listed


def _observational_method(p: Parameters) -> str:
    unjudged = (
        " The declared heads were therefore neither confirmed nor refuted."
        if p["expectation"] == "declared"
        else ""
    )
    return (
        "This task was examined by unique-codes, a published method that only observes. No head was "
        "replaced, so a head it reports need not do anything for the task, and a head it does not report "
        f"may.{unjudged}"
    )


def _known_faults(p: Parameters) -> str:
    return (
        "Known faults of the published method, kept as described: it has no null of its own, and in other "
        "experiments its count reached 20 to 29 where positives and negatives were drawn in the same way; "
        f"silence and feature 0 share the code 0; and it scores prompts it was trained on, here "
        f"{p['trained']} of {p['prompts']}. The label-swap test printed beside each count is not part of it."
    )


def _no_unique_code(_: Parameters) -> str:
    return (
        "No head shows a code on positives that it never shows on negatives, so the published method "
        "reports none."
    )


def _silent_rows(p: Parameters) -> str:
    return (
        f"In {p['silent']:,} of {p['rows']:,} combinations of head and prompt no feature answered. The "
        "published method gives them the code of feature 0."
    )


def _count_beyond_chance(p: Parameters) -> str:
    return (
        f"The label-swap test tells the counts of {listed(p['heads'])} from chance, with a q-value of at "
        f"most {p['null_level']}. That is an association, not an effect."
    )


def _count_not_beyond_chance(p: Parameters) -> str:
    return (
        "The label-swap test does not tell the counts of these reported heads from chance: "
        f"{listed(p['heads'])}."
    )


WORDS: dict[str, Callable[[Parameters], str]] = {
    "observational_method": _observational_method,
    "known_faults": _known_faults,
    "no_unique_code": _no_unique_code,
    "silent_rows": _silent_rows,
    "count_beyond_chance": _count_beyond_chance,
    "count_not_beyond_chance": _count_not_beyond_chance,
}
"""The sentence of each of these findings, from its parameters."""
