"""Right and wrong declarations of control models: which they are, and what the verdict rule says of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest

from auditkit.circuits.share_test import Sums
from auditkit.controls.construction import build
from auditkit.controls.declaring import NOTHING_REPLACED, ControlPool, declared_controls
from auditkit.controls.family import FAMILY
from auditkit.policy.specifying import STANDARD
from auditkit.records.calibration import DeclaredControls
from auditkit.records.specification import Ablation
from tests.builders import D

TWO = [each for each in FAMILY if each.name in ("lookup-hard", "redundant-hard")]


@cache
def pools(ablation: Ablation) -> Sequence[ControlPool]:
    return [ControlPool.of(build(plan), ablation) for plan in TWO]


@pytest.mark.parametrize("ablation", ["resample", "mean"])
def test_what_is_declared_is_right_or_wrong_by_what_was_planted(ablation: Ablation) -> None:
    """The right heads carry the task under the ablation; wrong ones lack one of them or have a null head."""
    for pool in pools(ablation):
        roles = {each.head: each.role for each in pool.control.planted}
        (right,) = pool.right(STANDARD)
        carrying = {roles[head] for head in right}
        if pool.control.specification.name == "lookup-hard":
            constant = {"owner"} if ablation == "mean" else set()
            assert carrying == {"subject", "recall", "opposing"} | constant
        for wrong in pool.wrong(STANDARD):
            (head,) = wrong ^ right
            assert (head in right) or roles[head] in ("inert", "noisy", "decoy", "unrelated")
        assert len(list(pool.wrong(STANDARD))) > len(right)


def test_the_rule_accepts_the_right_and_refuses_the_wrong() -> None:
    """With the standard settings every verdict on these models is right."""
    found = declared_controls(pools, STANDARD)
    assert isinstance(found, DeclaredControls)
    assert (found.right.not_consistent, found.wrong.consistent) == (0, 0)
    assert found.right.consistent == found.right.asked == 4
    assert found.wrong.not_consistent == found.wrong.asked > 20


def test_fewer_pairs_leave_declarations_open_and_are_drawn_more_often() -> None:
    """24 pairs cannot settle that a head does nothing; no pair is in two draws."""
    few = STANDARD.model_copy(update={"max_examples": 24})
    found = declared_controls(pools, few)
    assert isinstance(found, DeclaredControls)
    assert (found.pairs, found.right.asked) == (24, 8)
    assert found.right.inconclusive == 8


def test_a_head_added_after_the_others_is_measured_so() -> None:
    """What a declared head adds is the metric without the others less that without all of them."""
    pool = next(iter(pools("resample")))
    (right,) = pool.right(STANDARD)
    for head in right:
        drops = pool.adds(right, head)
        others = pool.intervention.metrics(
            [frozenset(tuple(map(int, h.split("."))) for h in right - {head})]  # type: ignore[misc]
        )[0]
        together = pool.intervention.metrics(
            [frozenset(tuple(map(int, h.split("."))) for h in right)]  # type: ignore[misc]
        )[0]
        assert abs(drops - (others - together).numpy() * 10_000).max() <= 1
        assert isinstance(Sums.of(drops.tolist(), pool.whole.tolist()), Sums)


def test_a_method_that_replaces_nothing_has_no_rule_to_ask() -> None:
    """Absent for a reason, and nothing is measured."""
    observing = STANDARD.model_copy(update={"method": "unique-codes"})
    assert declared_controls(lambda _: pytest.fail("measured"), observing) == NOTHING_REPLACED


def test_settings_that_no_head_reaches_leave_nothing_to_ask() -> None:
    """A threshold beyond every effect declares nothing."""
    above = STANDARD.thresholds.model_copy(update={"head_effect": D("5")})
    found = declared_controls(pools, STANDARD.model_copy(update={"thresholds": above}))
    assert isinstance(found, DeclaredControls)
    assert (found.right.asked, found.wrong.asked) == (0, 0)
