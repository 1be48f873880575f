"""Findings: what a reader should take from a task's measurements, one honest sentence each.

Pure functions of the record. The codes are stable; the sentences may be improved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from auditkit.circuits.effects import why_no_effect
from auditkit.judging.findings.of_checks import about_checks, about_search
from auditkit.judging.findings.of_unique_codes import about_unique_codes
from auditkit.judging.findings.wording import counted, few_examples, finding, percent
from auditkit.judging.verdict import carries, meets
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal
from auditkit.records.declared import Expectation
from auditkit.records.specification import Specification
from auditkit.records.task import (
    Behaviour,
    Circuit,
    Codes,
    Comparison,
    Examples,
    Finding,
    NullTest,
    TaskRecord,
)

_ALIKE = Decimal("0.75")  # code settings that share fewer of their heads disagree
_SELDOM = Decimal("0.1")  # a head that is in fewer redrawn circuits than this is left to the table


def findings_of(task: TaskRecord, weights_digest: str) -> tuple[Finding, ...]:
    """Everything a reader should be told about a task, in the order it was measured.

    Whatever findings the task already carries are not looked at.
    """
    found: list[Finding] = [*_about_prompts(task.examples)]
    found += _about_behaviour(task.specification, task.behaviour)
    found += _about_effect(task)
    if isinstance(task.codes, Codes) and isinstance(task.causal, Causal):
        found += about_search(task.codes, task.causal)
        found += _about_null(task)
        found += _about_settings(task.codes)
        found += about_checks(task.specification, task.causal)
    if isinstance(task.circuit, Circuit):
        found += _about_circuit(task.circuit)
        found += _about_expectation(task, task.circuit)
    found += about_unique_codes(task)
    found += _about_declaration(task.expected, weights_digest)
    found += _about_stability(task)
    return tuple(found)


def _about_prompts(examples: Examples) -> Iterator[Finding]:
    sets = (("find the circuit", examples.discovery), ("test it", examples.test))
    repeated = [
        f"{each.repeated} of the {each.n} to {what}" for what, each in sets if each.repeated
    ]
    if repeated:
        yield finding(
            "repeated_prompts",
            "warning",
            f"The same prompt stands in several pairs, each time with another matched negative: "
            f"{' and '.join(repeated)} repeat an earlier one. They are counted as examples of their "
            "own, so intervals and p-values claim more than so few prompts can show.",
        )


def _about_behaviour(specification: Specification, behaviour: Behaviour) -> Iterator[Finding]:
    counts = f"{behaviour.correct} of {behaviour.n} test prompts"
    if behaviour.state == "observed":
        yield finding(
            "behaviour_observed",
            "note",
            f"The right answers score above the wrong ones on {counts}.",
        )
        return
    least = percent(specification.thresholds.min_accuracy)
    yield finding(
        "behaviour_not_observed",
        "warning",
        f"The right answers score above the wrong ones on {counts}. At least {least} are needed, with a "
        "metric above 0 and above that on the negatives; the mechanism was not assessed.",
    )
    if behaviour.positive_values == behaviour.negative_values:
        yield finding(
            "constant_metric",
            "warning",
            "On every test pair the metric is the same number on the prompt and on its matched "
            "negative: what differs between them does not reach the answers' scores, so nothing can "
            "be measured with these prompts.",
        )


def _about_effect(task: TaskRecord) -> Iterator[Finding]:
    effect = task.effect
    if isinstance(effect, NotAssessed):
        return
    if effect.state == "not_observed":
        yield finding("no_effect_of_heads", "warning", why_no_effect(effect).reason)
        return
    yield finding(
        "effect_of_heads",
        "note",
        f"Replacing every head lowers the metric on the discovery pairs by {effect.measured[0].drop.mean} "
        f"on average: more than swapped labels would give by chance (p = {effect.p_value}, "
        f"{effect.swaps} {'patterns' if effect.exact else 'random patterns'} of swaps).",
    )


def _about_null(task: TaskRecord) -> Iterator[Finding]:
    if not (isinstance(task.null, NullTest) and isinstance(task.codes, Codes)):
        return
    null, n_examples = task.null, len(task.codes.examples)
    yield from few_examples(null, n_examples, len(task.codes.heads))
    if not isinstance(task.circuit, Circuit):
        return
    beyond = [head for head in task.circuit.heads if head in null.separated]
    others = [head for head in task.circuit.heads if head not in null.separated]
    if beyond:
        yield finding(
            "beyond_chance",
            "note",
            f"Screening tells {', '.join(beyond)} from label-swap chance, at a false discovery rate "
            f"of {percent(null.level)}.",
        )
    if others:
        yield finding(
            "not_beyond_chance",
            "warning",
            f"Screening by itself does not tell {', '.join(others)} from label-swap chance. They are "
            "in the circuit because replacing each of them changes the task effect.",
        )


def _about_settings(codes: Codes) -> Iterator[Finding]:
    envelope = codes.envelope
    if isinstance(envelope, NotAssessed) or envelope.mean_jaccard >= _ALIKE:
        return
    yield finding(
        "codes_depend_on_settings",
        "warning",
        f"Which heads carry a code depends on settings: two of {len(envelope.settings)} combinations "
        f"of autoencoder seed, tau and quorum share {percent(envelope.mean_jaccard)} of their heads on "
        f"average, and less than {percent(_ALIKE)} is called low here. The verdict does not rest on "
        "codes: patching decides which heads belong to the circuit.",
    )


def _about_circuit(circuit: Circuit) -> Iterator[Finding]:
    if not circuit.heads:
        yield finding(
            "no_head_found",
            "warning",
            "No single head moves the task effect by the declared threshold.",
        )
    if circuit.pairs_tested and not circuit.edges:
        yield finding(
            "no_edge_beyond_chance",
            "note",
            f"{counted(circuit.pairs_tested, 'pair')} of heads tested: none occurs together more "
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
        f"{counted(extra, 'head')} that {'was' if extra == 1 else 'were'} not declared."
    )
    if meets(circuit.heads, expected):
        yield finding("matches_expectation", "note", counts)
    else:
        yield finding(
            "differs_from_expectation", "failure", f"{counts} {_names(comparison)}".strip()
        )
    if not carries(task.causal, expected):
        yield finding(
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
        yield finding(
            "unsure_heads",
            "warning",
            "Whether these heads belong to the circuit depends on the examples; in brackets how often "
            f"they did when the examples were drawn again: {', '.join(unsure)}.",
        )
    others = [each for each in stability.settings if not each.agrees]
    if others:
        named = "; ".join(
            f"{each.setting.replace('_', ' ')} {each.value}: {each.verdict.replace('_', ' ')}"
            for each in others
        )
        yield finding(
            "verdict_depends_on_settings",
            "warning",
            f"Other settings would give another verdict: {named}. The declared setting decides.",
        )
    agreeing = (
        f"{percent(stability.agreeing)} of {stability.draws} redrawn example sets"
        f"{'' if isinstance(stability.templates, NotAssessed) else ' and left-out templates'} give "
        "the verdict of the declared setting"
    )
    least = percent(1 - task.specification.thresholds.tolerance)
    if stability.state == "observed":
        yield finding("verdict_stable", "note", f"{agreeing}; at least {least} is asked.")
    else:
        yield finding(
            "verdict_not_stable",
            "warning",
            f"{agreeing}; at least {least} is asked. At the declared tolerance the verdict does not "
            "hold. More discovery examples make it surer.",
        )


def _about_declaration(
    expected: Expectation | NotAssessed, weights_digest: str
) -> Sequence[Finding]:
    if isinstance(expected, NotAssessed):
        return [finding("no_expectation", "warning", expected.reason)]
    if expected.declared_for is None:
        return [
            finding(
                "expectation_not_bound",
                "warning",
                "The expectation names no weights digest. Head numbers mean nothing on other "
                "weights.",
            )
        ]
    if expected.declared_for != weights_digest:
        return [
            finding(
                "expectation_for_other_weights",
                "warning",
                f"The expectation was declared for weights {expected.declared_for}, and these are "
                f"{weights_digest}: it does not apply.",
            )
        ]
    return []
