"""The prompts of a task as facts: their origin, the two sets, and one pair to look at."""

from __future__ import annotations

from auditkit.records.base import NotAssessed
from auditkit.records.prompts import PromptPair
from auditkit.records.task import Examples
from auditkit.report.facts import Fact, recorded
from auditkit.report.wording import counted, listed


def example_facts(shown: PromptPair | NotAssessed) -> tuple[Fact, ...]:
    """One pair for the reader to see, or the reason why none is printed."""
    if isinstance(shown, NotAssessed):
        return (Fact("One pair", f"not shown: {shown.reason}"),)
    return (
        Fact("Prompt", shown.positive, code=True),
        Fact("Matched prompt", shown.negative, code=True),
        Fact(
            "Right answers",
            listed(
                f"\N{LEFT DOUBLE QUOTATION MARK}{a}\N{RIGHT DOUBLE QUOTATION MARK}"
                for a in shown.answers
            ),
        ),
        Fact(
            "Compared against",
            listed(
                f"\N{LEFT DOUBLE QUOTATION MARK}{a}\N{RIGHT DOUBLE QUOTATION MARK}"
                for a in shown.wrong
            ),
        ),
        Fact("Template", shown.template or "none: read from a file", code=bool(shown.template)),
    )


def prompt_facts(examples: Examples) -> tuple[Fact, ...]:
    """Where the prompts come from, the two sets by digest, and how many repeat a prompt."""
    found, test = examples.discovery, examples.test
    return (
        Fact("Origin", examples.origin, code=True),
        recorded("To find the circuit", f"{counted(found.n, 'pair')}, {found.sha256}", code=True),
        recorded("To test it", f"{counted(test.n, 'pair')}, {test.sha256}", code=True),
        recorded(
            "Pairs whose prompt is that of an earlier pair",
            f"{found.repeated:,} to find the circuit, {test.repeated:,} to test it",
        ),
    )
