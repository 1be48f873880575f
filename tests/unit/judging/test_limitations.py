"""Limitations: what page 1 says follows from what was done, and nothing else."""

from __future__ import annotations

import pytest

from auditkit.judging.limitations import limitations_of
from auditkit.law import load_law
from auditkit.records.declared import Expectation
from auditkit.records.specification import TaskKind
from auditkit.records.task import TaskRecord
from tests.builders import copying, counting


def codes_of(tasks: list[TaskRecord], committed_at: str | None = None) -> list[str]:
    return [each.code for each in limitations_of(tasks, committed_at)]


def test_the_first_limitation_is_what_the_report_is_not() -> None:
    """The law's own notice comes first, word for word."""
    first = limitations_of([copying()], None)[0]
    assert (first.code, first.text) == ("supporting_evidence", load_law().notices.not_this)


def test_stability_is_said_to_be_assessed_only_where_it_was() -> None:
    """A run without a mechanism has no stability to speak of."""
    assert "stability_partly_assessed" in codes_of([copying(), counting()])
    assert "stability_not_assessed" in codes_of([counting()])
    assert "stability_partly_assessed" not in codes_of([counting()])


def test_criteria_that_were_committed_are_not_called_undated() -> None:
    """The limitation goes when the record shows when the criteria were fixed."""
    assert "criteria_not_committed" in codes_of([copying()])
    dated = codes_of([copying()], "2026-11-01T00:00:00Z")
    assert "criteria_not_committed" not in dated
    assert "criteria_older_than_run" in dated  # and not than its result, by whoever's clock
    assert "criteria_older_than_run" not in codes_of([copying()])


def test_an_expectation_without_weights_is_a_limitation() -> None:
    """Head numbers that name no weights are said so on page 1."""
    task = copying()
    assert isinstance(task.expected, Expectation)
    unbound = task.expected.model_copy(update={"declared_for": None})
    assert "expectation_not_bound" not in codes_of([task])
    assert "expectation_not_bound" in codes_of([task.model_copy(update={"expected": unbound})])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("next_token", False),
        ("classification", False),
        ("masked_token", True),
        ("similarity", True),
    ],
)
def test_a_kind_without_controls_of_its_own_is_a_limitation(kind: TaskKind, said: bool) -> None:
    """A classifier is calibrated on classifiers; of two kinds no model with a known circuit exists."""
    asked = copying().specification.model_copy(update={"kind": kind})
    task = copying().model_copy(update={"specification": asked})
    assert ("controls_are_next_token" in codes_of([task])) is said


def test_page_one_says_what_calibration_on_small_models_does_not_show() -> None:
    """That controls were run is no reason to be silent about them: they are small and written."""
    limits = {each.code: each.text for each in limitations_of([copying()], None)}
    assert "calibration_not_assessed" not in limits
    assert "does not show that it finds everything" in limits["controls_are_small"]
