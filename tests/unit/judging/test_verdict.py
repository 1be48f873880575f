"""The verdict rules, one case each, and what the reader is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from auditkit.circuits.effects import (
    NO_BEHAVIOUR,
    NO_EFFECT,
    NO_EFFECT_BEYOND_CHANCE,
    behaviour_of,
    effect_of,
    set_effect,
    why_no_effect,
)
from auditkit.circuits.intervals import mean_interval
from auditkit.circuits.stability import code_envelope
from auditkit.judging.findings import findings_of
from auditkit.judging.measured import Assessed, Measured
from auditkit.judging.verdict import (
    NO_EXPECTATION,
    comparison_of,
    judge,
    ladder_of,
    overall,
    tolerated,
)
from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal, SetEffect, TaskEffect
from auditkit.records.codes import HeadFrequency
from auditkit.records.declared import Expectation
from auditkit.records.looks import Ruled
from auditkit.records.task import Behaviour, Circuit, Finding, Stability, TaskRecord, Verdict
from tests.builders import (
    WEIGHTS,
    causal,
    code_settings,
    codes,
    copying,
    counting,
    digest,
    null,
    specification,
)

D = Decimal


def expectation(*heads: str, **changes: object) -> Expectation:
    values: dict[str, object] = {
        "heads": heads,
        "min_precision": D("0.8"),
        "min_recall": D("0.8"),
        "declared_for": WEIGHTS,
    }
    return Expectation.model_validate(values | changes)


def circuit(*heads: str) -> Circuit:
    return Circuit(heads=heads, edges=(), pairs_tested=0)


def behaviour(correct: int, n: int = 10) -> Behaviour:
    positive = [D("1")] * correct + [D("-1")] * (n - correct)
    return behaviour_of(positive, [D("-1")] * n, specification())


def causal_with(necessity: str = "0.95", sufficiency: str = "1") -> Causal:
    def effects(claim: str, share: str) -> tuple[SetEffect, ...]:
        return tuple(
            set_effect(claim, ablation, [D(share)] * 2, specification())  # type: ignore[arg-type]
            for ablation in ("resample", "mean")
        )

    return causal().model_copy(
        update={
            "necessity": effects("necessity", necessity),
            "sufficiency": effects("sufficiency", sufficiency),
        }
    )


FOUND = ("0.1", "1.0")


@pytest.mark.parametrize(
    ("why", "verdict", "changes"),
    [
        ("all met", "consistent", {}),
        ("behaviour absent", "not_assessed", {"behaviour": behaviour(8)}),
        ("nothing expected", "not_assessed", {"expected": NO_EXPECTATION}),
        (
            "no weights named",
            "consistent",
            {"expected": expectation("0.1", "1.0", declared_for=None)},
        ),
        ("the rule was not applied", "inconclusive", {"ruled": None}),
        ("the rule refuses", "not_consistent", {"ruled": "not_consistent"}),
        (
            "the rule refuses, and too little is needed",
            "not_consistent",
            {"ruled": "not_consistent", "causal": causal_with(necessity="0.1")},
        ),
        (
            "heads not replaced, effect not carried",
            "inconclusive",
            {"causal": causal_with(sufficiency="0.1").model_copy(update={"unpatched": ("0.0",)})},
        ),
        (
            "heads not replaced, effect carried",
            "consistent",
            {"causal": causal_with().model_copy(update={"unpatched": ("0.0",)})},
        ),
        ("no head", "inconclusive", {"heads": frozenset()}),
        ("not necessary", "inconclusive", {"causal": causal_with(necessity="0.4999")}),
        ("just necessary", "consistent", {"causal": causal_with(necessity="0.5")}),
        (
            "causal check skipped",
            "inconclusive",
            {"causal": NotAssessed(code="left_out", reason="skipped")},
        ),
        ("not sufficient, not claimed", "consistent", {"causal": causal_with(sufficiency="0.1")}),
        (
            "not sufficient, claimed",
            "not_consistent",
            {
                "causal": causal_with(sufficiency="0.1"),
                "expected": expectation("0.1", "1.0", min_sufficiency=D("0.8")),
            },
        ),
        (
            "beats the model, claimed",
            "not_consistent",
            {
                "causal": causal_with(sufficiency="1.3"),
                "expected": expectation("0.1", "1.0", min_sufficiency=D("0.8")),
            },
        ),
        ("a head missing", "not_consistent", {"expected": expectation("0.1", "1.0", "1.1")}),
        ("a head extra", "not_consistent", {"expected": expectation("0.1")}),
    ],
)
def test_each_rule_gives_its_verdict(
    why: str, verdict: Verdict, changes: dict[str, object]
) -> None:
    """Starting from a consistent task, one change gives the verdict the rule says."""
    parts: dict[str, object] = {
        "behaviour": behaviour(10),
        "causal": causal_with(),
        "expected": expectation("0.1", "1.0"),
    }
    given: dict[str, object] = {"heads": frozenset(FOUND), "ruled": "inconclusive"}
    parts |= {k: v for k, v in changes.items() if k in parts}
    task = replace(Measured.of(copying()), **parts)  # type: ignore[arg-type]
    given |= {k: v for k, v in changes.items() if k in given}
    assert judge(task, **given) == verdict, why  # type: ignore[arg-type]


@pytest.mark.parametrize("ruled", ["consistent", "not_consistent", "inconclusive"])
def test_without_least_shares_the_rule_decides(ruled: Ruled) -> None:
    """Whatever was found: heads, necessity and unreplaced heads are the rule's own business."""
    expected = expectation("0.1", min_precision=None, min_recall=None)
    weak = causal_with(necessity="0.1", sufficiency="0.1")
    task = replace(Measured.of(copying()), expected=expected, causal=weak, behaviour=behaviour(10))
    assert judge(task, frozenset({"1.1"}), ruled) == ruled


def test_a_claimed_sufficiency_that_is_not_reached_refuses_what_the_rule_accepts() -> None:
    """What is left open stays open: the rule has not accepted the heads that should carry it."""
    expected = expectation(
        "0.1", "1.0", min_precision=None, min_recall=None, min_sufficiency=D("0.8")
    )
    task = replace(Measured.of(copying()), expected=expected, causal=causal_with(sufficiency="0.1"))
    assert judge(task, frozenset(FOUND), "consistent") == "not_consistent"
    assert judge(task, frozenset(FOUND), "inconclusive") == "inconclusive"


def test_thresholds_are_met_exactly_or_not() -> None:
    """4 of 5 is 0.8 exactly: no binary float can round it below the threshold."""
    declared = expectation("0.0", "0.1", "0.2", "0.3", "0.4")
    found = frozenset({"0.0", "0.1", "0.2", "0.3"})
    for least, verdict in (("0.8", "consistent"), ("0.80000000000000001", "not_consistent")):
        expected = declared.model_copy(update={"min_recall": D(least)})
        task = replace(Measured.of(copying()), expected=expected)
        assert judge(task, found, "inconclusive") == verdict


@pytest.mark.parametrize(
    ("correct", "state"),
    [(10, "observed"), (9, "observed"), (8, "not_observed"), (0, "not_observed")],
)
def test_behaviour_needs_its_accuracy(correct: int, state: str) -> None:
    """9 of 10 reach 0.9; 8 do not."""
    assert behaviour(correct).state == state


def test_a_model_as_right_on_the_negatives_does_not_do_the_task() -> None:
    """When the negatives give the same metric, the prompts do not isolate the task."""
    same = behaviour_of([D("1")] * 10, [D("1")] * 10, specification())
    assert same.state == "not_observed"


def test_a_metric_of_zero_is_not_a_right_answer() -> None:
    """Answer and wrong answer scored alike is not knowing."""
    assert behaviour_of([D("0")] * 10, [D("-1")] * 10, specification()).correct == 0


@pytest.mark.parametrize(
    ("declared", "state", "verdict"),
    [
        ("consistent", "observed", "consistent"),
        ("consistent", "not_observed", "inconclusive"),
        ("not_consistent", "not_observed", "inconclusive"),
        ("not_assessed", "not_observed", "not_assessed"),
        ("inconclusive", "observed", "inconclusive"),
    ],
)
def test_a_verdict_that_does_not_hold_is_inconclusive(
    declared: Verdict, state: str, verdict: Verdict
) -> None:
    """Either way: agreement and disagreement are both withdrawn, and nothing is made of nothing."""
    stability = copying().stability
    assert isinstance(stability, Stability)
    held = stability.model_copy(update={"state": state})
    assert tolerated(declared, held, expectation("0.1")) == verdict
    by_rule = expectation("0.1", min_precision=None, min_recall=None)
    assert tolerated(declared, held, by_rule) == declared  # redraws never change the rule's verdict


def test_the_comparison_lists_heads_in_layer_order() -> None:
    """Matched, missing and extra, and shares as exact fractions rounded once."""
    comparison = comparison_of(("0.1", "10.0", "9.0"), expectation("9.0", "0.1", "2.2", "1.1"), 40)
    assert not isinstance(comparison, NotAssessed)
    assert comparison.matched == ("0.1", "9.0")
    assert comparison.missing == ("1.1", "2.2")
    assert comparison.extra == ("10.0",)
    assert (comparison.precision, comparison.recall) == (D("0.6667"), D("0.5000"))


def test_precision_of_nothing_is_not_zero() -> None:
    """An empty circuit has no precision to state."""
    comparison = comparison_of((), expectation("0.1"), 4)
    assert not isinstance(comparison, NotAssessed)
    assert isinstance(comparison.precision, NotAssessed)


def test_the_ladder_states_each_rung_by_itself() -> None:
    """A rung that was not looked at is not assessed, whatever the rungs below say."""
    separated = null().model_copy(update={"separated": ("0.1",)})
    full = ladder_of(
        specification(),
        behaviour(10),
        codes(),
        separated,
        causal_with(necessity="0.1"),
        NO_BEHAVIOUR,
    )
    assert (full.behaviour, full.association, full.causal, full.stable) == (
        "observed",
        "observed",
        "not_observed",
        "not_assessed",
    )
    assert ladder_of(specification(), behaviour(0), *[NO_BEHAVIOUR] * 4).causal == "not_assessed"


def test_finding_no_association_with_too_few_examples_says_nothing() -> None:
    """Two examples cannot tell a head from chance; twenty could have, and then it is not observed."""
    few = ladder_of(specification(), behaviour(10), codes(), null(), causal_with(), NO_BEHAVIOUR)
    many = ladder_of(
        specification(),
        behaviour(10),
        codes(),
        null().model_copy(update={"least_examples": 2}),
        causal_with(),
        NO_BEHAVIOUR,
    )
    assert (few.association, many.association) == ("not_assessed", "not_observed")


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        (["consistent", "consistent"], "consistent"),
        (["consistent", "not_assessed"], "not_assessed"),
        (["inconclusive", "not_assessed"], "inconclusive"),
        (["not_consistent", "inconclusive", "consistent"], "not_consistent"),
    ],
)
def test_a_run_is_as_good_as_its_least_favourable_task(
    verdicts: list[Verdict], verdict: Verdict
) -> None:
    """No task's result can hide another's."""
    assert overall(verdicts) == verdict


def test_a_run_without_tasks_has_no_verdict() -> None:
    """Nothing asked is not everything passed."""
    with pytest.raises(ValueError, match="without tasks"):
        overall([])


def codes_of(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def told(task: TaskRecord, **changes: object) -> list[str]:
    return codes_of(findings_of(Assessed.of(task.model_copy(update=changes)), WEIGHTS))


def test_the_reader_is_told_what_was_not_reached() -> None:
    """Each shortfall is a finding of its own."""
    assert "sufficiency_not_observed" in told(copying(), causal=causal_with(sufficiency="0.1"))
    assert "sufficiency_exceeded" in told(copying(), causal=causal_with(sufficiency="1.3"))
    assert "necessity_not_observed" in told(copying(), causal=causal_with(necessity="0.1"))
    assert "no_head_found" in told(copying(), circuit=circuit())
    assert "empty_signature" in told(copying(), codes=codes().model_copy(update={"signature": ()}))
    assert "unvarying_heads" in told(
        copying(), codes=codes().model_copy(update={"unvarying": ("1.1",)})
    )
    assert "expectation_not_bound" in told(
        copying(), expected=expectation("0.1", "1.0", declared_for=None)
    )
    assert "expectation_for_other_weights" in codes_of(
        findings_of(Assessed.of(copying()), digest("0"))
    )
    assert "few_examples_for_null" in told(copying())
    stability = copying().stability
    assert isinstance(stability, Stability)
    unstable = stability.model_copy(
        update={
            "state": "not_observed",
            "frequencies": (HeadFrequency(head="0.1", frequency=D("0.5")),),
        }
    )
    assert {"unsure_heads", "verdict_not_stable"} <= set(told(copying(), stability=unstable))
    assert "verdict_stable" in told(copying())
    assert "codes_depend_on_settings" not in told(copying())
    settings = code_settings()
    unlike = [each.model_copy(update={"heads": (f"0.{i}",)}) for i, each in enumerate(settings)]
    unsure = codes().model_copy(update={"envelope": code_envelope(unlike)})
    assert "codes_depend_on_settings" in told(copying(), codes=unsure)
    assert "not_beyond_chance" in told(copying())
    assert "beyond_chance" in told(
        copying(), null=null().model_copy(update={"separated": ("0.1", "1.0")})
    )
    assert "unpatched_heads" in told(
        copying(), causal=causal().model_copy(update={"unpatched": ("1.1",)})
    )


def test_a_differing_circuit_names_the_heads() -> None:
    """What is missing and what was not declared is said in words."""
    expected = expectation("0.1", "1.1")
    task = copying().model_copy(
        update={"expected": expected, "comparison": comparison_of(FOUND, expected, 4)}
    )
    (text,) = [
        finding.text
        for finding in findings_of(Assessed.of(task), WEIGHTS)
        if finding.code == "differs_from_expectation"
    ]
    assert "Missing: 1.1." in text
    assert "Not declared: 1.0." in text


def test_an_absent_behaviour_is_told_before_anything_else() -> None:
    """The first thing a reader learns is that the model does not do the task."""
    assert told(counting()) == ["behaviour_not_observed", "no_expectation"]


def measured_drops(values: Sequence[str]) -> TaskEffect:
    drops_ = tuple(map(D, values))
    settings = specification()
    return TaskEffect(
        pairs="discovery",
        ablation="resample",
        drops=drops_,
        drop=mean_interval(drops_, settings.bootstrap, settings.seed),
    )


@pytest.mark.parametrize(
    ("values", "p_value", "state", "reason"),
    [
        (["2.0"] * 6, "0.0312", "observed", None),
        (["2.0"] * 5, "0.0625", "not_observed", NO_EFFECT_BEYOND_CHANCE),
        (["2.0", "-1.0"] * 3, "0.6250", "not_observed", NO_EFFECT_BEYOND_CHANCE),
        (["0.0002"] * 6, "0.0312", "not_observed", NO_EFFECT),
        (["-2.0"] * 6, "0.0312", "not_observed", NO_EFFECT),
    ],
)
def test_heads_are_looked_for_only_in_an_effect_beyond_chance(
    values: Sequence[str], p_value: str, state: str, reason: NotAssessed | None
) -> None:
    """Six pairs with one sign are 2 of 64 patterns. Less, or of no size, or the wrong way, is not enough."""
    settings = specification().model_copy(update={"null_level": D("0.05")})
    effect = effect_of([measured_drops(values)], settings)
    assert (str(effect.p_value), effect.state) == (p_value, state)
    if reason is not None:
        assert why_no_effect(effect) == reason


def test_one_ablation_without_an_effect_is_enough_to_stop() -> None:
    """The test pairs must lose the task under every ablation, or shares would be of nothing."""
    settings = specification().model_copy(update={"null_level": D("0.05")})
    effects = [measured_drops(["2.0"] * 6), measured_drops(["0.0"] * 6)]
    assert effect_of(effects, settings).state == "not_observed"
