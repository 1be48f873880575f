"""A task in plain language: what was asked, what was seen, what it does not say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from auditkit.circuits.circuit import belonging
from auditkit.messages import N_, _, counted
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal, SetEffect
from auditkit.records.declared import Expectation
from auditkit.records.model import ModelIdentity
from auditkit.records.specification import Ablation
from auditkit.records.task import Comparison, TaskRecord
from auditkit.records.unique_codes import UniqueCodes
from auditkit.report.task.unique_codes import which_heads
from auditkit.report.wording import (
    ABLATIONS,
    OBSERVATIONS,
    absent_text,
    decimal_text,
    joined_sentences,
    listed,
    percent_text,
)

_REPLACEMENTS: dict[Ablation, str] = {
    "resample": N_("what they do on the matched prompt"),
    "mean": N_("what they do on average"),
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
    test = task.examples.test.n
    observed_only = task.specification.method == "unique-codes"
    given = counted(
        test,
        "The model was given {n} test prompt that call for the behaviour, and for each one a matched "
        "prompt, meant to differ only in what the behaviour depends on.",
        "The model was given {n} test prompts that call for the behaviour, and for each one a matched "
        "prompt, meant to differ only in what the behaviour depends on.",
    )
    others = task.examples.discovery.n
    served = (
        counted(
            others,
            "{n} other pair served to count codes on.",
            "{n} other pairs served to count codes on.",
        )
        if observed_only
        else counted(
            others,
            "{n} other pair served to find the heads involved.",
            "{n} other pairs served to find the heads involved.",
        )
    )
    return f"{given} {served}"


def _does_it(task: TaskRecord) -> str:
    seen = task.behaviour
    least = percent_text(task.specification.thresholds.min_accuracy)
    answer = (
        _("Yes, on these prompts.") if seen.state == "observed" else _("No, not on these prompts.")
    )
    figures = _(
        "The right answer scored above the wrong ones on {correct} of {n} test prompts ({accuracy}); "
        "the policy asks for at least {least}.",
        correct=seen.correct,
        n=seen.n,
        accuracy=percent_text(seen.accuracy),
        least=least,
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
    replaced = _(
        "{patched} of the model's {total} attention heads were replaced, one at a time, by "
        "{replacement}.",
        patched=len(task.causal.patched),
        total=total,
        replacement=_(_REPLACEMENTS[task.specification.ablations[0]]),
    )
    if not task.circuit.heads:
        none = _(
            "None of them changed the measured effect by {threshold} or more with an interval that "
            "excludes zero.",
            threshold=threshold,
        )
        return f"{replaced} {none}"
    alone = belonging(task.causal.patched, task.specification.thresholds)
    others = [head for head in task.circuit.heads if head not in alone]
    completing = _(
        "Replaced alone, {heads} did not; these heads do not carry the effect without.",
        heads=listed(others),
    )
    changed = counted(
        len(alone),
        "{n} head changed the measured effect by at least {threshold}, with an interval that excludes "
        "zero (layer.head, counted from 0): {heads}.",
        "{n} heads changed the measured effect by at least {threshold}, with an interval that excludes "
        "zero (layer.head, counted from 0): {heads}.",
        threshold=threshold,
        heads=listed(alone),
    )
    return " ".join((replaced, changed, *((completing,) if others else ())))


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
    kept = (
        _(
            "With every other head replaced, these heads kept {shares} of the measured effect",
            shares=_shares(task.causal.sufficiency),
        )
        if task.causal.sufficiency
        else _("Whether these heads carry the effect alone was not measured")
    )
    lost = (
        _(
            "With these heads replaced, the model lost {shares} of it",
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
        "The declaration also claims that the circuit alone keeps {share} of it.",
        share=percent_text(least),
    )


def _compared(task: TaskRecord) -> str:
    expected, compared = task.expected, task.comparison
    if isinstance(expected, NotAssessed):
        return _("No circuit was declared to compare with. {reason}", reason=expected.reason)
    if isinstance(compared, NotAssessed):
        return counted(
            len(expected.heads),
            "The provider declared {n} head. They were not compared. {reason}",
            "The provider declared {n} heads. They were not compared. {reason}",
            reason=compared.reason,
        )
    declared = counted(
        len(expected.heads),
        "The provider declared {n} head: {matched} were found, {missing} were not.",
        "The provider declared {n} heads: {matched} were found, {missing} were not.",
        matched=len(compared.matched),
        missing=len(compared.missing),
    )
    extra = counted(
        len(compared.extra),
        "{n} head were found that had not been declared.",
        "{n} heads were found that had not been declared.",
    )
    return " ".join(
        (declared, extra, _figures(expected, compared), _claim(expected.min_sufficiency))
    )


def _figures(expected: Expectation, compared: Comparison) -> str:
    precision = compared.precision
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
        _("Every part of the method was assessed for this task.")
        if complete
        else _("These parts were not assessed in this run. Nothing follows from that either way.")
    )
    return PlainWords(
        asked=_asked(task),
        does_it=_does_it(task),
        heads=_heads(task, model),
        together=_together(task),
        compared=_compared(task),
        left_open=left_open,
    )
