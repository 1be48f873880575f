"""The prompts of a task as facts: their origin, the two sets, and one pair to look at."""

from __future__ import annotations

from auditkit.messages import N_, _, counted
from auditkit.records.base import NotAssessed
from auditkit.records.prompts import PromptPair
from auditkit.records.task import PromptSet, TaskRecord
from auditkit.report.facts import Fact, recorded_fact
from auditkit.report.methods import words_on
from auditkit.report.wording import listed


def example_facts(shown: PromptPair | NotAssessed) -> tuple[Fact, ...]:
    """One pair for the reader to see, or the reason why none is printed."""
    if isinstance(shown, NotAssessed):
        return (Fact(_("One pair"), _("not shown: {reason}", reason=shown.reason)),)
    return (
        Fact(_("Prompt"), shown.positive, code=True),
        Fact(_("Matched prompt"), shown.negative, code=True),
        *_second(shown),
        Fact(_("Right answers"), listed(map(_quoted, shown.answers))),
        Fact(_("Compared against"), listed(map(_quoted, shown.wrong))),
        Fact(
            _("Template"),
            shown.template or _("none: read from a file"),
            code=bool(shown.template),
        ),
    )


def _second(shown: PromptPair) -> tuple[Fact, ...]:
    if shown.second is None:
        return ()
    return (
        Fact(_("Second text of the prompt"), shown.second.positive, code=True),
        Fact(_("Second text of the matched prompt"), shown.second.negative, code=True),
    )


UNEVEN = N_(
    "The prompts of such a pair are aligned by the parts they were written in. Inside a part, tokens are "
    "matched from the end: the last with the last, the one before with the one before. Where the prompt's "
    "part is longer, all its tokens left over at the start are matched with the first token of the matched "
    "prompt's part. Where the matched prompt's part is longer, its tokens left over at the start replace "
    "nothing."
)
"""How pairs of prompts of different length are aligned (``auditkit.prompts.aligning``)."""


def _quoted(answer: str) -> str:
    return _("\N{LEFT DOUBLE QUOTATION MARK}{answer}\N{RIGHT DOUBLE QUOTATION MARK}", answer=answer)


def _further(further: PromptSet | NotAssessed) -> tuple[Fact, ...]:
    """The pairs for heads that the discovery pairs leave open."""
    label = _("Further pairs, for heads that the discovery pairs leave open")
    if isinstance(further, NotAssessed):
        return (Fact(label, _("none: {reason}", reason=further.reason)),)
    pairs = counted(further.n, "{n} pair", "{n} pairs")
    return (recorded_fact(label, f"{pairs}, {further.sha256}", code=True),)


def prompt_facts(task: TaskRecord) -> tuple[Fact, ...]:
    """Where the prompts come from, the two sets by digest, and how many repeat a prompt."""
    examples = task.examples
    found, test = examples.discovery, examples.test
    purposes = words_on(task.specification).prompt_sets
    return (
        recorded_fact(_("Origin"), examples.origin, code=True),
        *(
            recorded_fact(
                _(purpose),
                f"{counted(pairs.n, '{n} pair', '{n} pairs')}, {pairs.sha256}",
                code=True,
            )
            for purpose, pairs in zip(purposes, (found, test), strict=True)
        ),
        *_further(examples.further),
        recorded_fact(
            _("Pairs whose prompt is that of an earlier pair"),
            _(
                "{first} of the first set, {second} of the second",
                first=found.repeated,
                second=test.repeated,
            ),
        ),
        recorded_fact(
            _("Pairs whose prompts differ in length"),
            _(
                "{first} of the first set, {second} of the second",
                first=found.uneven,
                second=test.uneven,
            ),
        ),
        *(
            (recorded_fact(_("How they are aligned"), _(UNEVEN)),)
            if found.uneven or test.uneven
            else ()
        ),
    )
