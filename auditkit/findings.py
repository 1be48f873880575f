"""Findings: what a reader should take from a task's measurements, one honest sentence each.

Pure functions of the record. The codes are stable; the sentences may be improved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

from auditkit.records.base import NotAssessed
from auditkit.records.declared import Expectation
from auditkit.records.specification import Specification
from auditkit.records.task import (
    Behaviour,
    Causal,
    Circuit,
    Codes,
    Comparison,
    Finding,
    NullTest,
    SetEffect,
    TaskRecord,
)
from auditkit.unique_findings import about_unique_codes
from auditkit.verdict import NO_EFFECT, carries, meets

_RARE = Decimal("0.05")  # the largest p-value at which the circuit stands out from random sets
_SELDOM = Decimal("0.1")  # a head that is in fewer redrawn circuits than this is left to the table


def percent(share: Decimal) -> str:
    """A share as a percentage with at most one digit: ``72.5 %``, ``90 %``."""
    return f"{(share * 100).quantize(Decimal('0.1'))} %".replace(".0 %", " %")


def findings_of(task: TaskRecord, weights_digest: str) -> tuple[Finding, ...]:
    """Everything a reader should be told about a task, in the order it was measured.

    Whatever findings the task already carries are not looked at.
    """
    found: list[Finding] = [*_about_behaviour(task.specification, task.behaviour)]
    if task.causal == NO_EFFECT:
        found.append(_finding("no_effect_of_heads", "warning", NO_EFFECT.reason))
    if isinstance(task.codes, Codes) and isinstance(task.causal, Causal):
        found += _about_screening(task.codes, task.causal)
        found += _about_null(task)
        found += _about_sets(task.specification, task.causal)
        found += _about_random_sets(task.causal)
        found += _about_constant_role(task.causal)
    if isinstance(task.circuit, Circuit):
        found += _about_circuit(task.circuit)
        found += _about_expectation(task, task.circuit)
    found += about_unique_codes(task)
    found += _about_declaration(task.expected, weights_digest)
    found += _about_stability(task)
    return tuple(found)


def _counted(n: int, noun: str) -> str:
    return f"{n or 'no'} {noun}{'' if n == 1 else 's'}"


def _finding(code: str, level: Literal["note", "warning", "failure"], text: str) -> Finding:
    return Finding(code=code, level=level, text=text)


def _about_behaviour(specification: Specification, behaviour: Behaviour) -> Iterator[Finding]:
    counts = f"{behaviour.correct} of {behaviour.n} test prompts"
    if behaviour.state == "observed":
        yield _finding(
            "behaviour_observed",
            "note",
            f"The right answers score above the wrong ones on {counts}.",
        )
        return
    least = percent(specification.thresholds.min_accuracy)
    yield _finding(
        "behaviour_not_observed",
        "warning",
        f"The right answers score above the wrong ones on {counts}. At least {least} are needed, with a "
        "metric above 0 and above that on the negatives; the mechanism was not assessed.",
    )


def _about_screening(codes: Codes, causal: Causal) -> Iterator[Finding]:
    if not codes.signature:
        yield _finding(
            "empty_signature",
            "warning",
            "No code is shared by enough examples to form a signature.",
        )
    beyond = [p.head for p in causal.patched if p.chosen == "completed"]
    if beyond:
        yield _finding(
            "ranking_incomplete",
            "warning",
            "The heads found in rank order were not sufficient on the discovery pairs, or a head drawn "
            "at random from the rest reached the threshold; so every head was patched.",
        )
    if causal.unpatched:
        yield _finding(
            "unpatched_heads",
            "note",
            f"{_counted(len(causal.patched), 'head')} were patched one by one, "
            f"{len(causal.unpatched)} ranked lower were not. Of those ranked lower, a random "
            "sample was patched and none reached the threshold.",
        )


def _about_null(task: TaskRecord) -> Iterator[Finding]:
    if not (isinstance(task.null, NullTest) and isinstance(task.codes, Codes)):
        return
    null, n_examples = task.null, len(task.codes.examples)
    if n_examples < null.least_examples:
        yield _finding(
            "few_examples_for_null",
            "note",
            f"With {n_examples} examples the label-swap test cannot tell one head alone from "
            f"chance among {len(task.codes.heads)}; {null.least_examples} would be needed.",
        )
    if not isinstance(task.circuit, Circuit):
        return
    beyond = [head for head in task.circuit.heads if head in null.separated]
    others = [head for head in task.circuit.heads if head not in null.separated]
    if beyond:
        yield _finding(
            "beyond_chance",
            "note",
            f"Screening tells {', '.join(beyond)} from label-swap chance, at a false discovery rate "
            f"of {percent(null.level)}.",
        )
    if others:
        yield _finding(
            "not_beyond_chance",
            "warning",
            f"Screening by itself does not tell {', '.join(others)} from label-swap chance. They are "
            "in the circuit because replacing each of them changes the task effect.",
        )


def _about_sets(specification: Specification, causal: Causal) -> Iterator[Finding]:
    thresholds = specification.thresholds
    for effect in causal.necessity:
        text = (
            f"Under {effect.ablation} ablation, replacing the circuit's heads removes "
            f"{_share(effect)} of the task effect; at least {percent(thresholds.necessity)} is "
            "asked."
        )
        if effect.state == "observed":
            yield _finding("necessity_observed", "note", text)
        else:
            yield _finding("necessity_not_observed", "warning", f"{text} That was not reached.")
    for effect in causal.sufficiency:
        yield _about_sufficiency(effect, thresholds.sufficiency)


def _share(effect: SetEffect) -> str:
    share = effect.share
    return f"{percent(share.mean)} ({percent(share.low)} to {percent(share.high)})"


def _about_sufficiency(effect: SetEffect, least: Decimal) -> Finding:
    text = (
        f"Under {effect.ablation} ablation of every other head, the circuit alone carries "
        f"{_share(effect)} of the task effect."
    )
    if effect.state == "observed":
        return _finding("sufficiency_observed", "note", text)
    if effect.share.mean > 1:
        return _finding(
            "sufficiency_exceeded",
            "warning",
            f"{text} That is more than the whole model carries: under this ablation the circuit does "
            "not work as it does inside the model.",
        )
    return _finding(
        "sufficiency_not_observed",
        "warning",
        f"{text} Below {percent(least)} the circuit alone is incomplete under this ablation.",
    )


def _about_random_sets(causal: Causal) -> Iterator[Finding]:
    yardstick = causal.random_sets
    if isinstance(yardstick, NotAssessed):
        return
    middle = sorted(yardstick.shares)[len(yardstick.shares) // 2]
    text = (
        f"Of {len(yardstick.shares)} random sets with as many heads in each layer, "
        f"{yardstick.at_least} lose as much of the task effect as the circuit; the middle one loses "
        f"{percent(middle)}."
    )
    seldom = yardstick.p_value <= _RARE
    yield _finding(
        "beyond_random_sets" if seldom else "not_beyond_random_sets",
        "note" if seldom else "warning",
        text,
    )


def _about_constant_role(causal: Causal) -> Iterator[Finding]:
    role = causal.constant_role
    if isinstance(role, NotAssessed) or not role.heads:
        return
    together = (
        ""
        if isinstance(role.with_circuit, NotAssessed)
        else f" Together with the circuit they carry {_share(role.with_circuit)} of the task effect "
        "under mean ablation of every other head."
    )
    yield _finding(
        "constant_role",
        "note",
        f"Outside the circuit, {', '.join(role.heads)} "
        f"{'is' if len(role.heads) == 1 else 'are'} missed when an average output takes the place, "
        "though the output on the matched prompt does: needed, but not shown to tell the prompts "
        f"apart.{together}",
    )


def _about_circuit(circuit: Circuit) -> Iterator[Finding]:
    if not circuit.heads:
        yield _finding(
            "no_head_found",
            "warning",
            "No single head moves the task effect by the declared threshold.",
        )
    if circuit.pairs_tested and not circuit.edges:
        yield _finding(
            "no_edge_beyond_chance",
            "note",
            f"{_counted(circuit.pairs_tested, 'pair')} of heads tested: none occurs together more "
            "often than chance allows. Where heads are present in almost every example, this test "
            "cannot show anything.",
        )


def _about_expectation(task: TaskRecord, circuit: Circuit) -> Iterator[Finding]:
    expected, comparison = task.expected, task.comparison
    if not (
        isinstance(expected, Expectation)
        and isinstance(comparison, Comparison)
        and isinstance(task.causal, Causal)
        and circuit.heads
    ):
        return
    extra = len(comparison.extra)
    counts = (
        f"{len(comparison.matched)} of {len(expected.heads)} declared heads were found, and "
        f"{_counted(extra, 'head')} that {'was' if extra == 1 else 'were'} not declared."
    )
    if meets(circuit.heads, expected):
        yield _finding("matches_expectation", "note", counts)
    else:
        yield _finding(
            "differs_from_expectation", "failure", f"{counts} {_names(comparison)}".strip()
        )
    if not carries(task.causal, expected):
        yield _finding(
            "sufficiency_below_expectation",
            "failure",
            "The expectation declares that these heads alone carry at least "
            f"{percent(expected.min_sufficiency or Decimal(0))} of the task effect; the circuit "
            "found does not, or goes as far beyond.",
        )


def _names(comparison: Comparison) -> str:
    parts = [
        f"{label}: {', '.join(heads)}."
        for label, heads in (("Missing", comparison.missing), ("Not declared", comparison.extra))
        if heads
    ]
    return " ".join(parts)


def _about_stability(task: TaskRecord) -> Iterator[Finding]:
    stability = task.stability
    if isinstance(stability, NotAssessed):
        return
    unsure = [
        f"{each.head} ({percent(each.frequency)})"
        for each in stability.frequencies
        if _SELDOM < each.frequency < 1 - task.specification.thresholds.tolerance
    ]
    if unsure:
        yield _finding(
            "unsure_heads",
            "warning",
            "Whether these heads belong to the circuit depends on the examples; in brackets how often "
            f"they did when the examples were drawn again: {', '.join(unsure)}.",
        )
    agreeing = (
        f"{percent(stability.agreeing)} of {stability.draws} redrawn example sets"
        f"{'' if isinstance(stability.templates, NotAssessed) else ' and left-out templates'} give "
        "the verdict of the declared setting"
    )
    least = percent(1 - task.specification.thresholds.tolerance)
    if stability.state == "observed":
        yield _finding("verdict_stable", "note", f"{agreeing}; at least {least} is asked.")
    else:
        yield _finding(
            "verdict_not_stable",
            "warning",
            f"{agreeing}; at least {least} is asked. At the declared tolerance the verdict does not "
            "hold. More discovery examples make it surer.",
        )


def _about_declaration(
    expected: Expectation | NotAssessed, weights_digest: str
) -> Sequence[Finding]:
    if isinstance(expected, NotAssessed):
        return [_finding("no_expectation", "warning", expected.reason)]
    if expected.declared_for is None:
        return [
            _finding(
                "expectation_not_bound",
                "warning",
                "The expectation names no weights digest. Head numbers mean nothing on other "
                "weights.",
            )
        ]
    if expected.declared_for != weights_digest:
        return [
            _finding(
                "expectation_for_other_weights",
                "warning",
                f"The expectation was declared for weights {expected.declared_for}, and these are "
                f"{weights_digest}: it does not apply.",
            )
        ]
    return []
