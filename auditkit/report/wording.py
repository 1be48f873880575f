"""Words and numbers as a reader sees them. Nothing is rounded here that the record did not round.

Verdicts have four words and no others. Absence has its own words: none, not declared, not measured
and not assessed are different statements.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

from auditkit.messages import N_, _, counted, number_text
from auditkit.records.base import Interval, NotAssessed
from auditkit.records.specification import Ablation, Metric, Specification
from auditkit.records.task import Observation, Verdict

MINUS = "\N{MINUS SIGN}"
DECLARED = N_("declared by the provider, not verified")
MEASURED = N_("measured")
RECORDED = N_("recorded by the tool")

VERDICTS: dict[Verdict, str] = {
    "consistent": N_("consistent with the declared expectation"),
    "not_consistent": N_("not consistent with the declared expectation"),
    "inconclusive": N_("inconclusive"),
    "not_assessed": N_("not assessed"),
}
SHORT_VERDICTS: dict[Verdict, str] = {
    "consistent": N_("consistent"),
    "not_consistent": N_("not consistent"),
    "inconclusive": N_("inconclusive"),
    "not_assessed": N_("not assessed"),
}
"""For drawings, where the whole words would not fit."""
VERDICT_MEANINGS: dict[Verdict, str] = {
    "consistent": N_(
        "What was observed on these prompts, under the specification below, is consistent with what "
        "the provider declared."
    ),
    "not_consistent": N_(
        "What was observed on these prompts, under the specification below, is not consistent with "
        "what the provider declared."
    ),
    "inconclusive": N_("What was observed does not settle the question either way."),
    "not_assessed": N_(
        "No conclusion on the declared expectation was reached for this task. That is neither a good "
        "nor a bad result."
    ),
}
OBSERVATIONS: dict[Observation, str] = {
    "observed": N_("observed"),
    "not_observed": N_("not observed"),
    "not_assessed": N_("not assessed"),
}
LEVELS = {"note": N_("Note"), "warning": N_("Warning"), "failure": N_("Failure")}
METRICS: dict[Metric, str] = {
    "logit_difference": N_("logit difference"),
    "probability_difference": N_("probability difference"),
    "cosine_difference": N_("cosine difference"),
}
ABLATIONS: dict[Ablation, str] = {"resample": N_("resample"), "mean": N_("mean")}


def decimal_text(number: Decimal) -> str:
    """A decimal with every digit it has, and a minus sign that screen readers say."""
    return format(number, "f").replace("-", MINUS)


def percent_text(share: Decimal) -> str:
    """A share as a percentage, exact: ``0.7543`` is ``75.43 %``."""
    scaled = format(share.scaleb(2), "f")
    if "." in scaled:
        scaled = scaled.rstrip("0").rstrip(".")
    return f"{scaled} %".replace("-", MINUS)


def range_text(interval: Interval) -> str:
    """The two ends of an interval: ``0.70 to 0.80``."""
    return _("{low} to {high}", low=decimal_text(interval.low), high=decimal_text(interval.high))


def interval_text(interval: Interval) -> str:
    """A mean with its interval, the nominal coverage and the number of examples."""
    return _(
        "{mean} ({level} interval {range}, {examples})",
        mean=decimal_text(interval.mean),
        level=percent_text(interval.level),
        range=range_text(interval),
        examples=counted(interval.n, "{n} example", "{n} examples"),
    )


def percent_interval_text(interval: Interval) -> str:
    """A share with its interval as percentages, for running text."""
    return _(
        "{mean} ({level} interval {low} to {high})",
        mean=percent_text(interval.mean),
        level=percent_text(interval.level),
        low=percent_text(interval.low),
        high=percent_text(interval.high),
    )


def number_or_reason(value: Decimal | int | NotAssessed) -> str:
    """The number, or that it was not assessed and why."""
    if isinstance(value, NotAssessed):
        return absent_text(value)
    return decimal_text(value) if isinstance(value, Decimal) else number_text(value)


def absent_text(part: object) -> str:
    """That a part was not assessed and why, or nothing where it was. Every absence is said with this."""
    if not isinstance(part, NotAssessed):
        return ""
    return _("Not assessed. {reason}", reason=sentence(part.reason))


def behaviour_criterion(specification: Specification) -> str:
    """What is asked for behaviour to count as observed: the rule of ``auditkit.circuits.effects``."""
    return _(
        "accuracy of at least {least}; a mean {metric} above 0 with its whole interval, and above the mean "
        "on the matched prompts",
        least=percent_text(specification.thresholds.min_accuracy),
        metric=metric_text(specification.metric),
    )


def listed(words: Iterable[str], nothing: str | None = None) -> str:
    """Words joined by commas; for an empty list ``nothing``, or else that there are none."""
    return ", ".join(words) or (_("none") if nothing is None else nothing)


def metric_text(metric: Metric) -> str:
    """How answers are compared, in words."""
    return _(METRICS[metric])


def ablations_text(ablations: Iterable[Ablation]) -> str:
    """The ways of replacing a head, in words."""
    return listed(_(ABLATIONS[each]) for each in ablations)


def instant_text(instant: str) -> str:
    """``2026-11-20T09:30:00Z`` as ``2026-11-20 09:30:00 UTC``."""
    return instant.replace("T", " ").removesuffix("Z") + " UTC"


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters, ending in an ellipsis when something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def sentence(text: str) -> str:
    """The text with a full stop, unless it ends in punctuation already."""
    return text if text.endswith((".", "!", "?")) else text + "."


def is_hidden(character: str) -> bool:
    """Whether a character would not be seen, or would rearrange what is seen around it."""
    if character in "\n\t":
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str, drawable: frozenset[int] | None = None) -> str:
    """The text with every hidden character, and every one outside ``drawable``, spelled out.

    A right-to-left override becomes ``[U+202E]``: it is shown, and has no effect.
    """
    return "".join(
        f"[U+{ord(character):04X}]"
        if is_hidden(character)
        or (drawable is not None and character not in "\n\t" and ord(character) not in drawable)
        else character
        for character in text.replace("\r\n", "\n")
    )


def joined_sentences(sentences: Sequence[str]) -> str:
    """Sentences in one paragraph."""
    return " ".join(sentence(part) for part in sentences if part)
