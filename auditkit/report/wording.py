"""Words and numbers as a reader sees them. Nothing is rounded here that the record did not round.

Verdicts have four words and no others. Absence has its own words: none, not declared, not measured
and not assessed are different statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from auditkit.characters.spelling import spelled, unmasked
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
    "not_assessed": N_("No conclusion on the declared expectation was reached for this task."),
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


def as_declared(text: str, limit: int | None = None, *, note: str = "") -> str:
    """A text that others chose, in quotes, so that it cannot read as a statement of the report.

    The one way to print a declared name or text. ``limit``: the most characters of it, on one line; where
    some are left out, ``note`` stands behind the quotes.
    """
    whole = text.strip() if limit is None else " ".join(text.split())
    short = whole if limit is None else shortened(whole, limit)
    quoted = in_quotes(unmasked(short))
    return quoted if short == whole or not note else f"{quoted} {note}"


def in_quotes(text: str) -> str:
    """The text in quotes. Double quotes within become single, as in print: none ends the quotation.

    Two single ones in a row would look like a double one, so the second is spelled out; a line that begins
    within the quotation begins with a quote of its own.
    """
    quotes = _("\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}", text="\0")
    opening, _between, closing = quotes.partition("\0")
    single = _DOUBLED.sub(lambda found: spelled(found[0]), _WITHIN_WORDS.sub(_single, text))
    return opening + _NEXT_LINE.sub(rf"\g<0>{opening}", single) + closing


_SINGLE = str.maketrans(
    '"\u00ab\u00bb\u02ba\u02dd\u02ee\u05f4\u201c\u201d\u201e\u201f\u2033\u2036\u275d\u275e\u301d\u301e\u301f\u3003\uff02',
    "'\u2039\u203a\u02b9\u00b4\u02bc\u05f3\u2018\u2019\u201a\u201b\u2032\u2035\u275b\u275c\u2018\u2019\u201a\u2032\uff07",
)
"""Double quotes, and what looks like them, as single ones of their kind."""
_WITHIN_WORDS = re.compile(
    r"(?<![\u0590-\u05ff])[\"\u05f4]|[\"\u05f4](?![\u0590-\u05ff])|[^\"\u05f4]",
)
"""All but the marks of Hebrew abbreviations, which stand between two of its letters."""
_QUOTE_LIKE = (
    "['`\u00b4\u02b9\u02bb\u02bc\u02bd\u055a\u05f3\u2018-\u201b\u2032\u2035\u275b\u275c\uff07]"
)
_DOUBLED = re.compile(f"(?<={_QUOTE_LIKE}){_QUOTE_LIKE}")
_NEXT_LINE = re.compile(r"\n[ \t]*(?=\S)")


def _single(found: re.Match[str]) -> str:
    return found[0].translate(_SINGLE)


def joined_sentences(sentences: Sequence[str]) -> str:
    """Sentences in one paragraph."""
    return " ".join(sentence(part) for part in sentences if part)
