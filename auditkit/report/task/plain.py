"""A task in plain language: what was asked, what was seen, what it does not say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from auditkit.circuits.circuit import belonging
from auditkit.judging.findings.words import of_ruling
from auditkit.messages import N_, _, counted
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal, SetEffect
from auditkit.records.declared import Expectation
from auditkit.records.model import ModelIdentity
from auditkit.records.specification import Ablation
from auditkit.records.task import Circuit, Comparison, TaskRecord
from auditkit.records.unique_codes import UniqueCodes
from auditkit.report.methods import words_on
from auditkit.report.task.numbers import pairs_replaced_on
from auditkit.report.task.unique_codes import which_heads
from auditkit.report.wording import (
    ABLATIONS,
    OBSERVATIONS,
    absent_text,
    behaviour_criterion,
    decimal_text,
    joined_sentences,
    listed,
    percent_text,
    sentence,
)

_REPLACEMENTS: dict[Ablation, str] = {
    "resample": N_("its output on the matched prompt"),
    "mean": N_("its average output"),
}


@dataclass(frozen=True)
class PlainWords:
    """One short paragraph per question a reader without a technical background would ask."""

    asked: str
    does_it: str
    heads: str
    together: str
    compared: str
    left_open: str


def _asked(task: TaskRecord) -> str:
    given = counted(
        task.examples.test.n,
        "The model was given {n} test prompt that calls for the behaviour, and a matched prompt, meant to "
        "differ only in what the behaviour depends on.",
        "The model was given {n} test prompts that call for the behaviour, and for each one a matched "
        "prompt, meant to differ only in what the behaviour depends on.",
    )
    return f"{given} {_discovery(task)}"


def _discovery(task: TaskRecord) -> str:
    """What the discovery pairs were used for: nothing, where the behaviour was not observed."""
    others = task.examples.discovery.n
    if not isinstance(task.codes, NotAssessed):
        return words_on(task.specification).served(others)
    if isinstance(task.effect, NotAssessed):
        return counted(
            others,
            "{n} other pair, the discovery pair, was set aside and not used.",
            "{n} other pairs, the discovery pairs, were set aside and not used.",
        )
    return counted(
        others,
        "{n} other pair, the discovery pair, served to measure what replacing all heads together takes "
        "away; no single heads were looked for.",
        "{n} other pairs, the discovery pairs, served to measure what replacing all heads together takes "
        "away; no single heads were looked for.",
    )


def _does_it(task: TaskRecord) -> str:
    seen = task.behaviour
    answer = (
        _("Yes, on these prompts.") if seen.state == "observed" else _("No, not on these prompts.")
    )
    figures = counted(
        seen.n,
        "The right answers scored above the wrong ones on {correct} of {n} test prompt, an accuracy of "
        "{accuracy}. Asked for: {criterion}.",
        "The right answers scored above the wrong ones on {correct} of {n} test prompts, an accuracy of "
        "{accuracy}. Asked for: {criterion}.",
        correct=seen.correct,
        accuracy=percent_text(seen.accuracy),
        criterion=behaviour_criterion(task.specification),
    )
    return f"{answer} {figures}"


def _heads(task: TaskRecord, model: ModelIdentity) -> str:
    if isinstance(task.codes, UniqueCodes):
        return which_heads(task, task.codes)
    if isinstance(task.causal, NotAssessed):
        return absent_text(task.causal)
    if isinstance(task.circuit, NotAssessed):
        return absent_text(task.circuit)
    total = sum(layer.n_heads for layer in model.layers)
    threshold = percent_text(task.specification.thresholds.head_effect)
    replaced = counted(
        len(task.causal.patched),
        "On {pairs}, {n} of the model's {total} attention heads was replaced alone, by {replacement}.",
        "On {pairs}, {n} of the model's {total} attention heads were replaced, one at a time, each by "
        "{replacement}.",
        pairs=pairs_replaced_on(task.causal),
        total=total,
        replacement=_(_REPLACEMENTS[task.specification.ablations[0]]),
    )
    alone = belonging(task.causal.patched, task.specification.thresholds)
    changed = counted(
        len(alone),
        "{n} head changed the task effect by at least {threshold}, with an interval that excludes zero "
        "(layer.head, counted from 0): {heads}.",
        "{n} heads changed the task effect by at least {threshold}, with an interval that excludes zero "
        "(layer.head, counted from 0): {heads}.",
        threshold=threshold,
        heads=listed(alone),
    )
    if not alone:
        changed = _(
            "None of them changed the task effect by {threshold} or more with an interval that excludes "
            "zero.",
            threshold=threshold,
        )
    others = [head for head in task.circuit.heads if head not in alone]
    return " ".join((replaced, changed, *_completing(others, task.causal, threshold)))


def _completing(heads: list[str], causal: Causal, threshold: str) -> tuple[str, ...]:
    """Circuit heads that complete those found one by one; not all of them were replaced alone."""
    if not heads:
        return ()
    patched = {each.head for each in causal.patched}
    below = [head for head in heads if head in patched]
    untried = [head for head in heads if head not in patched]
    by_themselves = (
        _("Replaced alone, these stay below that: {heads}.", heads=listed(below)) if below else "",
        _("These were not replaced alone: {heads}.", heads=listed(untried)) if untried else "",
    )
    needed = _(
        "The circuit also holds heads that complete it: {heads}. They are one set among several that may do "
        "as well. On the discovery pairs, with every head "
        "outside the completed set replaced, what the set carries changes by at least {threshold} of the "
        "task effect without each of them.",
        heads=listed(heads),
        threshold=threshold,
    )
    return (needed, *filter(None, by_themselves))


def _shares(effects: tuple[SetEffect, ...]) -> str:
    return listed(
        _(
            "{share} under {ablation} ablation ({state})",
            share=percent_text(effect.share.mean),
            ablation=_(ABLATIONS[effect.ablation]),
            state=_(OBSERVATIONS[effect.state]),
        )
        for effect in effects
    )


def _together(task: TaskRecord) -> str:
    if not isinstance(task.causal, Causal):
        return absent_text(task.causal)
    if isinstance(task.circuit, Circuit) and not task.circuit.heads:
        return _("No circuit was found, so there are no heads to replace or to keep together.")
    kept = (
        _(
            "On the test pairs, with every other head replaced, the heads of the circuit kept this share of "
            "the task effect: {shares}",
            shares=_shares(task.causal.sufficiency),
        )
        if task.causal.sufficiency
        else _("What the heads of the circuit carry alone was not measured")
    )
    lost = (
        _(
            "On the test pairs, with the heads of the circuit replaced, the model lost this share of it: "
            "{shares}",
            shares=_shares(task.causal.necessity),
        )
        if task.causal.necessity
        else _("What the model loses without them was not measured")
    )
    return joined_sentences((kept, lost))


def _claim(least: Decimal | None) -> str:
    if least is None:
        return _("The declaration does not claim that these heads carry the effect alone.")
    return _(
        "The declaration also claims that the circuit alone carries at least {share} of the task effect.",
        share=percent_text(least),
    )


def _compared(task: TaskRecord) -> str:
    expected, compared = task.expected, task.comparison
    if isinstance(expected, NotAssessed):
        return _(
            "No circuit was declared to compare with. {reason}", reason=sentence(expected.reason)
        )
    if isinstance(compared, NotAssessed):
        return counted(
            len(expected.heads),
            "The provider declared {n} head. It was not compared. {reason}",
            "The provider declared {n} heads. They were not compared. {reason}",
            reason=sentence(compared.reason),
        )
    declared = counted(
        len(expected.heads),
        "The provider declared {n} head; {matched} of {n} was found.",
        "The provider declared {n} heads; {matched} of {n} were found.",
        matched=len(compared.matched),
    )
    extra = counted(
        len(compared.extra),
        "{n} head was found that had not been declared.",
        "{n} heads were found that had not been declared.",
    )
    if not compared.extra:
        extra = _("No head was found that had not been declared.")
    judged = _figures(expected, compared) or _ruled(task)
    return joined_sentences((declared, extra, judged, _claim(expected.min_sufficiency)))


def _ruled(task: TaskRecord) -> str:
    """What the verdict rule says, in the words of its findings."""
    return joined_sentences([each.text for each in task.findings if each.code in of_ruling.WORDS])


def _figures(expected: Expectation, compared: Comparison) -> str:
    """Precision and recall beside what is asked; nothing where the declaration asks for neither."""
    precision = compared.precision
    if expected.min_precision is None or expected.min_recall is None:
        return ""
    return _(
        "Precision {precision} (asked: at least {min_precision}), recall {recall} (asked: at least "
        "{min_recall}).",
        precision=_("not assessed")
        if isinstance(precision, NotAssessed)
        else decimal_text(precision),
        min_precision=decimal_text(expected.min_precision),
        recall=decimal_text(compared.recall),
        min_recall=decimal_text(expected.min_recall),
    )


def plain_words(task: TaskRecord, model: ModelIdentity, *, complete: bool) -> PlainWords:
    """The plain-language part of a task's section; ``complete`` where nothing was left unassessed."""
    left_open = (
        _("No check of the method was left out for this task.")
        if complete
        else _(
            "These parts were not assessed in this run. Nothing follows from that, for or against."
        )
    )
    return PlainWords(
        asked=_asked(task),
        does_it=_does_it(task),
        heads=_heads(task, model),
        together=_together(task),
        compared=_compared(task),
        left_open=left_open,
    )
