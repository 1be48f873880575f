"""A task in plain language: what was asked, what was seen, what it does not say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from auditkit.circuit import belonging
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal, SetEffect
from auditkit.records.model import ModelIdentity
from auditkit.records.specification import Ablation
from auditkit.records.task import TaskRecord
from auditkit.records.unique_codes import UniqueCodes
from auditkit.report.unique_codes import which_heads
from auditkit.report.wording import (
    OBSERVATIONS,
    counted,
    decimal_text,
    joined_sentences,
    listed,
    percent_text,
)

_REPLACEMENTS: dict[Ablation, str] = {
    "resample": "what they do on the matched prompt",
    "mean": "what they do on average",
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
    purpose = "count codes on" if observed_only else "find the heads involved"
    return (
        f"The model was given {counted(test, 'test prompt')} that call for the behaviour, and for "
        f"each one a matched prompt, meant to differ only in what the behaviour depends on. "
        f"{counted(task.examples.discovery.n, 'other pair')} served to {purpose}."
    )


def _does_it(task: TaskRecord) -> str:
    seen = task.behaviour
    least = percent_text(task.specification.thresholds.min_accuracy)
    answer = "Yes, on these prompts." if seen.state == "observed" else "No, not on these prompts."
    return (
        f"{answer} The right answer scored above the wrong ones on {seen.correct:,} of {seen.n:,} "
        f"test prompts ({percent_text(seen.accuracy)}); the policy asks for at least {least}."
    )


def _heads(task: TaskRecord, model: ModelIdentity) -> str:
    if isinstance(task.codes, UniqueCodes):
        return which_heads(task, task.codes)
    if isinstance(task.causal, NotAssessed):
        return f"Not assessed. {task.causal.reason}"
    if isinstance(task.circuit, NotAssessed):
        return f"Not assessed. {task.circuit.reason}"
    total = sum(layer.n_heads for layer in model.layers)
    threshold = percent_text(task.specification.thresholds.head_effect)
    replaced = (
        f"{len(task.causal.patched):,} of the model's {total:,} attention heads were replaced, one "
        f"at a time, by {_REPLACEMENTS[task.specification.ablations[0]]}."
    )
    if not task.circuit.heads:
        return (
            f"{replaced} None of them changed the measured effect by {threshold} or more with an "
            f"interval that excludes zero."
        )
    alone = belonging(task.causal.patched, task.specification.thresholds)
    others = [head for head in task.circuit.heads if head not in alone]
    completing = (
        f" Replaced alone, {listed(others)} did not; these heads do not carry the effect without."
        if others
        else ""
    )
    return (
        f"{replaced} {counted(len(alone), 'head')} changed the measured effect by at least "
        f"{threshold}, with an interval that excludes zero (layer.head, counted from 0): "
        f"{listed(alone)}.{completing}"
    )


def _shares(effects: tuple[SetEffect, ...]) -> str:
    return listed(
        f"{percent_text(effect.share.mean)} under {effect.ablation} ablation "
        f"({OBSERVATIONS[effect.state]})"
        for effect in effects
    )


def _together(task: TaskRecord) -> str:
    if not isinstance(task.causal, Causal):
        return f"Not assessed. {task.causal.reason}"
    kept = (
        f"With every other head replaced, these heads kept {_shares(task.causal.sufficiency)} of "
        f"the measured effect"
        if task.causal.sufficiency
        else "Whether these heads carry the effect alone was not measured"
    )
    lost = (
        f"With these heads replaced, the model lost {_shares(task.causal.necessity)} of it"
        if task.causal.necessity
        else "What the model loses without them was not measured"
    )
    return joined_sentences((kept, lost))


def _claim(least: Decimal | None) -> str:
    if least is None:
        return " The declaration does not claim that these heads carry the effect alone."
    return f" The declaration also claims that the circuit alone keeps {percent_text(least)} of it."


def _compared(task: TaskRecord) -> str:
    expected, compared = task.expected, task.comparison
    if isinstance(expected, NotAssessed):
        return f"No circuit was declared to compare with. {expected.reason}"
    if isinstance(compared, NotAssessed):
        return (
            f"The provider declared {counted(len(expected.heads), 'head')}. They were not "
            f"compared. {compared.reason}"
        )
    precision = (
        "not assessed"
        if isinstance(compared.precision, NotAssessed)
        else decimal_text(compared.precision)
    )
    return (
        f"The provider declared {counted(len(expected.heads), 'head')}: {len(compared.matched):,} "
        f"were found, {len(compared.missing):,} were not. {counted(len(compared.extra), 'head')} "
        f"were found that had not been declared. Precision {precision} (asked: at least "
        f"{decimal_text(expected.min_precision)}), recall {decimal_text(compared.recall)} (asked: "
        f"at least {decimal_text(expected.min_recall)})."
        f"{_claim(expected.min_sufficiency)}"
    )


def plain_words(task: TaskRecord, model: ModelIdentity, *, complete: bool) -> PlainWords:
    """The plain-language part of a task's section; ``complete`` where nothing was left unassessed."""
    left_open = (
        "Every part of the method was assessed for this task."
        if complete
        else "These parts were not assessed in this run. Nothing follows from that either way."
    )
    return PlainWords(
        asked=_asked(task),
        does_it=_does_it(task),
        heads=_heads(task, model),
        together=_together(task),
        compared=_compared(task),
        left_open=left_open,
    )
