"""Findings: what a reader should take from a task's measurements, one honest statement each.

Pure functions of the record. Codes and parameters are what an edition of the rules states; the
sentences are in ``words``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from auditkit.circuits.effects import why_no_effect
from auditkit.judging.by_chance import cannot_fail, enough, n_heads_of
from auditkit.judging.findings.of_checks import about_checks, about_search
from auditkit.judging.findings.of_ruling import about_ruling, about_signature
from auditkit.judging.findings.of_unique_codes import about_unique_codes
from auditkit.judging.findings.stating import Level, exact, few_examples, finding
from auditkit.judging.measured import Assessed
from auditkit.judging.verdict import carries, meets
from auditkit.records.base import NotAssessed, Parameter, Row
from auditkit.records.causal import Causal, HeadsEffect
from auditkit.records.declared import Expectation
from auditkit.records.looks import Ruled
from auditkit.records.specification import Specification
from auditkit.records.task import (
    Behaviour,
    BehaviourRuling,
    Circuit,
    Codes,
    Comparison,
    Examples,
    Finding,
    NullTest,
)
from auditkit.records.unique_codes import UniqueCodes

_ALIKE = Decimal("0.75")  # code settings that share fewer of their heads disagree
_SELDOM = Decimal("0.1")  # a head that is in fewer redrawn circuits than this is left to the table


def findings_of(task: Assessed, weights_digest: str) -> tuple[Finding, ...]:
    """Everything a reader should be told about a task, in the order it was measured."""
    seen = task.measured
    found: list[Finding] = [*_about_prompts(seen.specification, seen.examples)]
    found += _about_behaviour(seen.specification, seen.behaviour)
    found += _about_what_is_wanted(task.behaviour_ruling)
    found += _about_effect(seen.effect)
    if isinstance(seen.codes, Codes) and isinstance(seen.causal, Causal):
        found += about_search(seen.specification, seen.codes, seen.causal)
        found += _about_null(seen.codes, seen.circuit, task.null)
        found += _about_settings(seen.codes)
        found += about_checks(seen.specification, seen.causal)
    if isinstance(seen.circuit, Circuit):
        found += _about_circuit(seen.specification, seen.causal, seen.circuit)
        found += about_ruling(task.ruling)
        found += about_signature(seen.causal)
        found += _about_expectation(task, seen.circuit)
    if isinstance(seen.codes, UniqueCodes):
        found += about_unique_codes(seen.codes, task.null, seen.expected)
    found += _about_declaration(seen.expected, weights_digest)
    found += _about_stability(task, seen.specification.thresholds.tolerance)
    return tuple(found)


def _about_prompts(specification: Specification, examples: Examples) -> Iterator[Finding]:
    discovery, test = examples.discovery, examples.test
    if discovery.repeated or test.repeated:
        yield finding(
            "repeated_prompts",
            "warning",
            method=specification.method,
            discovery=discovery.repeated,
            discovery_n=discovery.n,
            test=test.repeated,
            test_n=test.n,
        )


def _about_behaviour(specification: Specification, behaviour: Behaviour) -> Iterator[Finding]:
    correct, n = behaviour.correct, behaviour.n
    if behaviour.state == "observed":
        yield finding("behaviour_observed", "note", correct=correct, n=n)
        return
    least = exact(specification.thresholds.min_accuracy)
    yield finding("behaviour_not_observed", "warning", correct=correct, n=n, least=least)
    if behaviour.positive_values == behaviour.negative_values:
        yield finding("constant_metric", "warning")


_WEIGHS: Mapping[Ruled, Level] = {
    "consistent": "note",
    "inconclusive": "warning",
    "not_consistent": "failure",
}


def _about_what_is_wanted(ruling: BehaviourRuling | NotAssessed) -> Iterator[Finding]:
    if isinstance(ruling, NotAssessed):
        return
    yield finding(
        "wanted_behaviour" if ruling.wanted else "unwanted_behaviour",
        _WEIGHS[ruling.verdict],
        shown=ruling.shown,
        n=ruling.n,
        low=exact(ruling.low),
        high=exact(ruling.high),
        bound=exact(ruling.bound),
        verdict=ruling.verdict,
    )


def _about_effect(effect: HeadsEffect | NotAssessed) -> Iterator[Finding]:
    if isinstance(effect, NotAssessed):
        return
    if effect.state == "not_observed":
        yield finding("no_effect_of_heads", "warning", reason=why_no_effect(effect).code)
        return
    yield finding(
        "effect_of_heads",
        "note",
        ablation=effect.measured[0].ablation,
        drop=exact(effect.measured[0].drop.mean),
        p_value=exact(effect.p_value),
        swaps=effect.swaps,
        patterns="all" if effect.exact else "random",
    )


def _about_null(
    codes: Codes, circuit: Circuit | NotAssessed, null: NullTest | NotAssessed
) -> Iterator[Finding]:
    if isinstance(null, NotAssessed):
        return
    yield from few_examples(null, len(codes.examples), len(codes.heads))
    if isinstance(circuit, NotAssessed):
        return
    beyond = tuple(head for head in circuit.heads if head in null.separated)
    others = tuple(head for head in circuit.heads if head not in null.separated)
    if beyond:
        yield finding("beyond_chance", "note", heads=beyond, null_level=exact(null.level))
    if others:
        yield finding("not_beyond_chance", "warning", heads=others)


def _about_settings(codes: Codes) -> Iterator[Finding]:
    envelope = codes.envelope
    if isinstance(envelope, NotAssessed) or envelope.mean_jaccard >= _ALIKE:
        return
    yield finding(
        "codes_depend_on_settings",
        "warning",
        settings=len(envelope.settings),
        mean_jaccard=exact(envelope.mean_jaccard),
        low_below=exact(_ALIKE),
    )


def _about_circuit(
    specification: Specification, causal: Causal | NotAssessed, circuit: Circuit
) -> Iterator[Finding]:
    if not circuit.heads:
        yield finding(
            "no_head_found",
            "warning",
            patched=0 if isinstance(causal, NotAssessed) else len(causal.patched),
            threshold=exact(specification.thresholds.head_effect),
        )
    if circuit.pairs_tested and not circuit.edges:
        yield finding("no_edge_beyond_chance", "note", pairs=circuit.pairs_tested)


def _about_expectation(task: Assessed, circuit: Circuit) -> Iterator[Finding]:
    expected, causal = task.measured.expected, task.measured.causal
    comparison = task.comparison
    if not (
        isinstance(expected, Expectation)
        and isinstance(comparison, Comparison)
        and isinstance(causal, Causal)
        and circuit.heads
    ):
        return
    if expected.min_precision is not None:
        alone = (*comparison.matched, *comparison.extra)
        found = alone if _knows_the_rule(task) else circuit.heads
        met = _met(task, found, expected)
        yield finding(
            "matches_expectation" if met else "differs_from_expectation",
            "note" if met else "failure",
            declared=len(expected.heads),
            matched=comparison.matched,
            missing=comparison.missing,
            extra=comparison.extra,
        )
    size, n_heads = len(comparison.matched) + len(comparison.extra), n_heads_of(causal)
    if _knows_the_rule(task) and cannot_fail(expected, size, n_heads):
        yield finding(
            "declaration_cannot_fail",
            "warning",
            declared=len(set(expected.heads)),
            found=size,
            heads=n_heads,
        )
    if not carries(causal, expected):
        least = exact(expected.min_sufficiency or Decimal(0))
        yield finding("sufficiency_below_expectation", "failure", least=least)


def _met(task: Assessed, found: Sequence[str], expected: Expectation) -> bool:
    """Whether precision and recall are reached, by the edition that judges the task."""
    if not _knows_the_rule(task):
        return meets(found, expected)
    return enough(expected, len(set(found) & set(expected.heads)), len(found))


def _about_stability(task: Assessed, tolerance: Decimal) -> Iterator[Finding]:
    stability = task.stability
    if isinstance(stability, NotAssessed):
        return
    unsure: tuple[Row, ...] = tuple(
        {"head": each.head, "frequency": exact(each.frequency)}
        for each in stability.frequencies
        if _SELDOM < each.frequency < 1 - tolerance
    )
    if unsure:
        yield finding("unsure_heads", "warning", heads=unsure)
    others: tuple[Row, ...] = tuple(
        {"setting": each.setting, "value": each.value, "verdict": each.verdict}
        for each in stability.settings
        if not each.agrees
    )
    if others:
        yield finding("verdict_depends_on_settings", "warning", settings=others)
    templates = stability.templates
    said: dict[str, Parameter] = {
        "agreeing": exact(stability.agreeing),
        "draws": stability.draws,
        "least": exact(1 - tolerance),
    }
    if not isinstance(templates, NotAssessed):
        said["templates"] = templates
    if _redrawn_by_rule(task):
        del said["least"]
        holds = stability.state == "observed"
        code = "redraws_agree" if holds else "redraws_disagree"
        yield finding(code, "note" if holds else "warning", **said)
    elif stability.state == "observed":
        yield finding("verdict_stable", "note", **said)
    else:
        yield finding("verdict_not_stable", "warning", **said)


def _knows_the_rule(task: Assessed) -> bool:
    """Whether the edition that judges the task has the verdict rule."""
    return not (isinstance(task.ruling, NotAssessed) and task.ruling.code == "rule_not_known")


def _redrawn_by_rule(task: Assessed) -> bool:
    """Whether the verdict rule decides, whose verdict no redraw changes."""
    expected = task.measured.expected
    return _knows_the_rule(task) and (
        isinstance(expected, NotAssessed) or expected.min_precision is None
    )


def _about_declaration(
    expected: Expectation | NotAssessed, weights_digest: str
) -> Iterator[Finding]:
    if isinstance(expected, NotAssessed):
        yield finding("no_expectation", "warning")
    elif expected.declared_for is None:
        yield finding("expectation_not_bound", "warning")
    elif expected.declared_for != weights_digest:
        yield finding(
            "expectation_for_other_weights",
            "warning",
            declared_for=expected.declared_for,
            weights=weights_digest,
        )
