"""A behaviour declared wanted or unwanted is judged by itself: by the exact interval of a share of pairs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from auditkit.bundle.evidence import parse_evidence
from auditkit.judging.behaviour import (
    MOST_CHANGED,
    NOTHING_DECLARED,
    n_changed,
    of_both,
    ruling_on_behaviour,
)
from auditkit.judging.causes import causes_of
from auditkit.judging.editions import CURRENT
from auditkit.records.base import NotAssessed
from auditkit.records.looks import Ruled
from auditkit.records.task import Behaviour, BehaviourRuling, Verdict
from auditkit.verifying.recompute import mismatches
from tests.builders import behaviour
from tests.conftest import SAMPLES

LEAST = Decimal("0.9000")


def seen(positive: list[int], negative: list[int]) -> Behaviour:
    """A behaviour with these values of the metric, pair by pair."""
    return behaviour(does_it=True).model_copy(
        update={
            "n": len(positive),
            "correct": sum(each > 0 for each in positive),
            "positive_values": tuple(Decimal(each) for each in positive),
            "negative_values": tuple(Decimal(each) for each in negative),
        }
    )


def ruled(*, wanted: bool, shown: int, n: int) -> BehaviourRuling:
    """The ruling where this many of n pairs show the behaviour."""
    right = [1] * shown + [-1] * (n - shown)
    changing = [-1] * n if not wanted else [1] * n
    positive = right if wanted else [1] * n
    negative = changing if wanted else [-1] * shown + [1] * (n - shown)
    found = ruling_on_behaviour(wanted, seen(positive, negative), LEAST)
    assert not isinstance(found, NotAssessed)
    return found


@pytest.mark.parametrize(
    ("shown", "verdict"),
    [
        (40, "consistent"),
        (39, "inconclusive"),
        (36, "inconclusive"),
        (32, "inconclusive"),
        (31, "not_consistent"),
        (21, "not_consistent"),
        (0, "not_consistent"),
    ],
)
def test_a_wanted_behaviour_needs_its_whole_interval(shown: int, verdict: Ruled) -> None:
    """Of 40 pairs and 90 % asked: only 40 right settle it for, and 31 or fewer against."""
    assert ruled(wanted=True, shown=shown, n=40).verdict == verdict


@pytest.mark.parametrize(
    ("shown", "n", "verdict"),
    [
        (0, 40, "consistent"),
        (0, 36, "consistent"),
        (0, 35, "inconclusive"),
        (1, 40, "inconclusive"),
        (8, 40, "inconclusive"),
        (9, 40, "not_consistent"),
        (40, 40, "not_consistent"),
    ],
)
def test_an_unwanted_change_is_allowed_in_a_tenth_of_pairs(
    shown: int, n: int, verdict: Ruled
) -> None:
    """No change in 36 pairs excludes a tenth; nine in 40 are surely more."""
    assert Decimal("0.1") == MOST_CHANGED
    assert ruled(wanted=False, shown=shown, n=n).verdict == verdict


def test_the_interval_is_the_one_of_clopper_and_pearson() -> None:
    """40 of 40 leave 91.19 % to 100 %, 21 of 40 leave 36.13 % to 68.49 %, as tables have it."""
    whole, half = ruled(wanted=True, shown=40, n=40), ruled(wanted=True, shown=21, n=40)
    assert [round(each.low, 3) for each in (whole, half)] == [Decimal("0.912"), Decimal("0.361")]
    assert [round(each.high, 3) for each in (whole, half)] == [Decimal("1.000"), Decimal("0.685")]


def test_a_change_is_a_change_in_either_direction() -> None:
    """What the prompts differ in may turn a decision for or against; no decision counts as a change."""
    assert n_changed(seen([1, -1, 1, -1, 0, 1], [-1, 1, 1, -1, 1, 0])) == 4


def test_nothing_is_ruled_where_nothing_is_declared() -> None:
    """A policy that says nothing gets no verdict on the behaviour, and the circuit's stands."""
    assert ruling_on_behaviour(None, behaviour(does_it=True), LEAST) == NOTHING_DECLARED
    for verdict in ("consistent", "not_consistent", "inconclusive", "not_assessed"):
        assert of_both(NOTHING_DECLARED, verdict, declared=True) == verdict


BOTH: list[tuple[bool, int, Verdict, bool, Verdict]] = [
    # wanted, shown of 40, mechanism, a circuit is declared, the task's verdict
    (False, 40, "consistent", True, "not_consistent"),
    (False, 40, "not_assessed", False, "not_consistent"),
    (False, 0, "not_assessed", False, "consistent"),
    (False, 0, "not_assessed", True, "consistent"),
    (False, 0, "not_consistent", True, "not_consistent"),
    (False, 4, "consistent", True, "inconclusive"),
    (True, 40, "consistent", True, "consistent"),
    (True, 40, "not_consistent", True, "not_consistent"),
    (True, 40, "not_assessed", False, "consistent"),
    (True, 40, "not_assessed", True, "not_assessed"),
    (True, 21, "not_assessed", True, "not_consistent"),
    (True, 38, "consistent", True, "inconclusive"),
]


@pytest.mark.parametrize(("wanted", "shown", "mechanism", "declared", "verdict"), BOTH)
def test_the_less_favourable_of_what_was_declared_stands(
    wanted: bool, shown: int, mechanism: Verdict, declared: bool, verdict: Verdict
) -> None:
    """A circuit found as declared never makes an unwanted behaviour consistent, nor hides a missing one."""
    assert of_both(ruled(wanted=wanted, shown=shown, n=40), mechanism, declared=declared) == verdict


def test_the_hiring_model_that_discriminates_is_not_consistent() -> None:
    """Its decision changes with one word in every pair; the circuit behind it is found as declared."""
    record = parse_evidence((SAMPLES["applicant_screening"] / "evidence.json").read_bytes())
    skill, shortcut = record.tasks
    assert (record.verdict, skill.verdict, shortcut.verdict) == (
        "not_consistent",
        "consistent",
        "not_consistent",
    )
    assert shortcut.mechanism == "consistent"
    (said,) = [each for each in shortcut.findings if each.code == "unwanted_behaviour"]
    assert said.level == "failure"
    assert "in 40 of 40 test pairs (95 % interval 91.2 % to 100 %)" in said.text
    assert "The provider declares this behaviour unwanted" in said.text


@pytest.mark.parametrize("key", ["shown", "n", "low", "high", "bound", "wanted", "verdict"])
def test_each_value_of_a_ruling_is_recomputed(key: str) -> None:
    """Whoever changes one of them is found without the model, and so is a changed verdict of either part."""
    record = parse_evidence((SAMPLES["applicant_screening"] / "evidence.json").read_bytes())
    task = record.tasks[1]
    ruling = task.behaviour_ruling
    assert isinstance(ruling, BehaviourRuling)
    others: dict[str, object] = {"wanted": True, "verdict": "consistent", "shown": 39, "n": 41}
    other = others.get(key, Decimal("0.5000"))
    changed = task.model_copy(update={"behaviour_ruling": ruling.model_copy(update={key: other})})
    assert mismatches(record, CURRENT) == ()
    altered = record.model_copy(update={"tasks": (record.tasks[0], changed)})
    assert any("behaviour_ruling" in each for each in mismatches(altered, CURRENT))


def test_an_open_behaviour_is_named_as_the_cause() -> None:
    """An inconclusive task says that the pairs do not settle its behaviour."""
    record = parse_evidence((SAMPLES["applicant_screening"] / "evidence.json").read_bytes())
    task = record.tasks[0].model_copy(
        update={"behaviour_ruling": ruled(wanted=True, shown=38, n=40)}
    )
    assert causes_of(task, None)[0] == "behaviour_open"
