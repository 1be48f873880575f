"""Why a verdict is open: each cause by itself, and none where the verdict is not open."""

from __future__ import annotations

import pytest

from auditkit.circuits.looks import NEVER_PATCHED
from auditkit.controls.outcomes import setting_for
from auditkit.judging.causes import causes_of
from auditkit.judging.findings.stating import finding
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import CalibratedSetting
from auditkit.records.causal import Causal
from auditkit.records.declared import Expectation
from auditkit.records.looks import OpenHead, Ruling
from auditkit.records.reasons import not_assessed
from auditkit.records.task import TaskRecord
from auditkit.report.task.comparison import CAUSES, because
from tests.builders import calibration, copying, set_effects

CONTROLS = setting_for("copying", calibration(tasks=("copying",)))


def opened(**changes: object) -> TaskRecord:
    """A task that the rule judges and leaves open, with changes to its ruling."""
    task = copying()
    assert isinstance(task.expected, Expectation)
    assert isinstance(task.ruling, Ruling)
    by_rule = task.expected.model_copy(update={"min_precision": None, "min_recall": None})
    ruling = task.ruling.model_copy(update={"effect_is_sure": True, **changes})
    return task.model_copy(
        update={"expected": by_rule, "ruling": ruling, "mechanism": "inconclusive"}
    )


def by_shares(**changes: object) -> TaskRecord:
    """A task that least shares judge and leave open."""
    return copying().model_copy(update={"mechanism": "inconclusive", **changes})


def test_a_verdict_that_says_something_has_no_cause_to_be_open() -> None:
    """The same measurements, closed: nothing is said."""
    for verdict in ("consistent", "not_consistent", "not_assessed"):
        assert causes_of(opened().model_copy(update={"mechanism": verdict}), CONTROLS) == ()


def test_open_heads_are_the_cause_where_the_rule_leaves_them_open() -> None:
    """Two pairs settle no head of the hand-made record."""
    assert causes_of(opened(), CONTROLS) == ("heads_open",)


def test_a_head_that_was_not_replaced_is_another_cause_than_one_left_open() -> None:
    """Each is said where it holds."""
    never = OpenHead(head="1.1", claim="not_declared", pairs_needed=NEVER_PATCHED)
    left = OpenHead(head="0.0", claim="not_declared", pairs_needed=48)
    assert causes_of(opened(open=(never,)), CONTROLS) == ("heads_not_replaced",)
    assert causes_of(opened(open=(never, left)), CONTROLS) == ("heads_not_replaced", "heads_open")


def test_an_effect_that_is_not_sure_is_the_only_cause() -> None:
    """There is then nothing that heads could have shares of."""
    assert causes_of(opened(effect_is_sure=False), CONTROLS) == ("effect_not_sure",)


def test_replaceable_heads_and_heads_that_act_together_are_told_apart() -> None:
    """Both are spared: one by the other declared heads, one because no head carries anything alone."""
    task = opened()
    assert isinstance(task.ruling, Ruling)
    spared = task.ruling.looks[-1].model_copy(update={"spared": ("0.1",)})
    left = tuple(each for each in task.ruling.open if each.head == "0.1")
    assert causes_of(opened(looks=(spared,), open=left), CONTROLS) == ("heads_replaceable",)
    together = opened(looks=(spared,), open=left, only_together=True)
    assert causes_of(together, CONTROLS) == ("heads_only_together",)


def test_a_method_that_observes_other_weights_and_no_effect_are_causes_by_themselves() -> None:
    """Before anything is ruled on."""
    task = opened()
    observing = task.specification.model_copy(update={"method": "unique-codes"})
    changed = task.model_copy(update={"specification": observing})
    assert causes_of(changed, CONTROLS) == ("method_observes",)
    absent = NotAssessed(code="no_effect", reason="x")
    assert causes_of(task.model_copy(update={"causal": absent}), CONTROLS) == (
        "no_effect_of_heads",
    )
    elsewhere = task.model_copy(update={"ruling": not_assessed("nothing_to_rule_on")})
    assert causes_of(elsewhere, CONTROLS) == ("other_weights",)


def test_least_shares_have_causes_of_their_own() -> None:
    """No head, too little lost without it, heads unknown, redraws that disagree."""
    task = by_shares()
    assert isinstance(task.causal, Causal)
    none = task.causal.model_copy(update={"patched": ()})
    assert causes_of(by_shares(causal=none), CONTROLS) == ("no_head_found",)
    weak = tuple(
        each.model_copy(update={"state": "not_observed"}) for each in set_effects("0.1000")
    )
    assert causes_of(
        by_shares(causal=task.causal.model_copy(update={"necessity": weak})), CONTROLS
    ) == ("necessity_not_observed",)
    unknown = task.causal.model_copy(update={"unpatched": ("1.1",), "sufficiency": weak})
    assert causes_of(by_shares(causal=unknown), CONTROLS) == ("heads_not_replaced",)
    assert not isinstance(task.stability, NotAssessed)
    unstable = task.stability.model_copy(update={"state": "not_observed"})
    assert causes_of(by_shares(stability=unstable), CONTROLS) == ("redraws_disagree",)
    unfailing = finding("declaration_cannot_fail", "warning", declared=4, found=3, heads=4)
    told = by_shares(findings=(unfailing,))
    assert causes_of(told, CONTROLS) == ("declaration_cannot_fail",)


@pytest.mark.parametrize("controls", [None, CONTROLS])
def test_controls_that_were_missed_or_not_run_are_a_cause(
    controls: CalibratedSetting | None,
) -> None:
    """Beside whatever else is open."""
    missed = controls and controls.model_copy(update={"state": "not_observed"})
    assert causes_of(opened(), missed) == ("heads_open", "controls_not_recovered")


def test_every_cause_has_its_words() -> None:
    """In a line, in the order of the causes."""
    assert because(("heads_open", "controls_not_recovered")) == (
        "the pairs leave heads open; the known-answer controls were not recovered"
    )
    assert because(()) == ""
    assert all(CAUSES.values())
