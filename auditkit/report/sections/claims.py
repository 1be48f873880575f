"""What a task's evidence says for an item of law, and the parts of the record that the sentence uses.

One table, ``CLAIMS``: ``articles`` prints the sentences, ``matrix`` the places they rest on. Each sentence
says on which prompts, under which ablation and with which number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from auditkit.circuits.methods import method_of
from auditkit.messages import _, counted
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.task import Circuit, TaskRecord
from auditkit.report.methods import words_on
from auditkit.report.task.numbers import pairs_replaced_on
from auditkit.report.task.unique_codes import procedure
from auditkit.report.wording import (
    ABLATIONS,
    ablations_text,
    behaviour_criterion,
    listed,
    metric_text,
    percent_interval_text,
    percent_text,
    sentence,
)


@dataclass(frozen=True)
class Claim:
    """One sentence about a task, and the keys of the task's record that it uses."""

    says: Callable[[TaskRecord], str]
    rests_on: tuple[str, ...]


def _mechanism(task: TaskRecord) -> str:
    circuit, causal = task.circuit, task.causal
    if isinstance(circuit, NotAssessed):
        return _not_assessed(circuit)
    if isinstance(causal, NotAssessed):
        return _not_assessed(causal)
    if not circuit.heads:
        return _no_circuit(task, causal)
    return f"{_found(task, circuit, causal)} {_carried(task, causal)}"


def _found(task: TaskRecord, circuit: Circuit, causal: Causal) -> str:
    """The circuit was found on the pairs that find it; the test pairs only measured it."""
    return _(
        "On {pairs}, under {ablation} ablation, the method {method} found this circuit (layer.head, counted "
        "from 0): {heads}.",
        pairs=pairs_replaced_on(causal),
        ablation=_(ABLATIONS[task.specification.ablations[0]]),
        method=task.specification.method,
        heads=listed(circuit.heads),
    )


def _carried(task: TaskRecord, causal: Causal) -> str:
    if not causal.sufficiency:
        return _("What these heads carry alone was not measured.")
    shares = "; ".join(
        _(
            "{share} under {ablation} ablation of every other head",
            share=percent_interval_text(effect.share),
            ablation=_(ABLATIONS[effect.ablation]),
        )
        for effect in causal.sufficiency
    )
    return counted(
        task.examples.test.n,
        "On {n} test prompt pair these heads alone carried this share of the task effect: {shares}.",
        "On {n} test prompt pairs these heads alone carried this share of the task effect: {shares}.",
        shares=shares,
    )


def _no_circuit(task: TaskRecord, causal: Causal) -> str:
    none = counted(
        len(causal.patched),
        "No circuit was found. On {pairs}, under {ablation} ablation, {n} attention head was replaced alone; "
        "it did not change the task effect by at least {threshold} with an interval that excludes zero.",
        "No circuit was found. On {pairs}, under {ablation} ablation, {n} attention heads were replaced one "
        "at a time; none of them changed the task effect by at least {threshold} with an interval that "
        "excludes zero.",
        pairs=pairs_replaced_on(causal),
        ablation=_(ABLATIONS[task.specification.ablations[0]]),
        threshold=percent_text(task.specification.thresholds.head_effect),
    )
    left = len(causal.unpatched)
    others = counted(
        left,
        "{n} head was not replaced alone, and its single effect is unknown.",
        "{n} heads were not replaced alone, and their single effects are unknown.",
    )
    return f"{none} {others}" if left else none


def _not_assessed(part: NotAssessed) -> str:
    return _("Mechanism not assessed. {reason}", reason=sentence(part.reason))


def _behaviour(task: TaskRecord) -> str:
    seen = task.behaviour
    figures: dict[str, str | int] = {
        "correct": seen.correct,
        "n": seen.n,
        "accuracy": percent_text(seen.accuracy),
        "criterion": behaviour_criterion(task.specification),
    }
    if seen.state == "observed":
        return _(
            "The model did the task on the test prompts: the right answers scored above the wrong ones on "
            "{correct} of {n}, an accuracy of {accuracy}. Asked for: {criterion}.",
            **figures,
        )
    return _(
        "The model did not do the task on the test prompts: the right answers scored above the wrong ones "
        "on {correct} of {n}, an accuracy of {accuracy}. Asked for: {criterion}.",
        **figures,
    )


def _limits(task: TaskRecord) -> str:
    limits = [sentence(found.text) for found in task.findings if found.level != "note"]
    if limits:
        found = _("Limits found: {limits}", limits=" ".join(limits))
    else:
        found = _("No limit was recorded as a finding; limits may exist all the same.")
    return f"{_behaviour(task)} {found}"


def _method(task: TaskRecord) -> str:
    """The method, and no more of it than was done: where nothing was replaced, nothing was checked."""
    method, codes = task.specification.method, task.codes
    if isinstance(codes, NotAssessed) and isinstance(task.effect, NotAssessed):
        return _(
            "Method {method}. It was not applied to this task. {reason}",
            method=method,
            reason=sentence(codes.reason),
        )
    if isinstance(codes, NotAssessed):
        return _(
            "Method {method}. All heads together were replaced, under {ablations} ablation, and no head by "
            "itself. {reason}",
            method=method,
            ablations=ablations_text(task.specification.ablations),
            reason=sentence(codes.reason),
        )
    return words_on(task.specification).described(task.specification)


def _procedure(task: TaskRecord) -> str:
    if not method_of(task.specification).intervenes:
        done, found = procedure(task), isinstance(task.codes, NotAssessed) and task.codes
    else:
        done = _(
            "Procedure, thresholds, metric and results are in the task's section: {pairs} to find the "
            "circuit, {others} to test the behaviour and the circuit.",
            pairs=counted(task.examples.discovery.n, "{n} prompt pair", "{n} prompt pairs"),
            others=counted(task.examples.test.n, "{n} other pair", "{n} other pairs"),
        )
        found = isinstance(task.causal, NotAssessed) and task.causal
    return f"{done} {_not_assessed(found)}" if found else done


def _metric(task: TaskRecord) -> str:
    return _(
        "Metric used: {metric} between right and wrong answers.",
        metric=metric_text(task.specification.metric),
    )


def _no_comparison(_task: TaskRecord) -> str:
    return _("This is one run: nothing was compared with another version of the system.")


_BEHAVIOUR = ("examples", "behaviour", "specification")
_MECHANISM = Claim(_mechanism, ("examples", "specification", "circuit", "causal"))
_LIMITS = Claim(_limits, (*_BEHAVIOUR, "findings"))
_METHOD = Claim(_method, ("specification", "codes", "effect", "causal"))

CLAIMS: dict[str, Claim] = {
    "13(3)(b)(ii)": Claim(_behaviour, _BEHAVIOUR),
    "13(3)(b)(iv)": _MECHANISM,
    "13(3)(b)(vii)": _LIMITS,
    "13(3)(d)": _METHOD,
    "IV.2(b)": _MECHANISM,
    "IV.2(e)": _METHOD,
    "IV.2(g)": Claim(_procedure, ("specification", "examples", "behaviour", "codes", "causal")),
    "IV.3": _LIMITS,
    "IV.4": Claim(_metric, ("specification.metric",)),
    "IV.6": Claim(_no_comparison, ()),
}
"""For each item of law that evidence may be cited for: what is said, and the keys it rests on."""
