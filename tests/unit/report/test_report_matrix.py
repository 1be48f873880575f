"""Claims and what they rest on: every key leads somewhere, every state is the record's."""

from __future__ import annotations

import json
import re

import pytest

from auditkit.law import ARTICLE_13_ITEMS, EVIDENCE_HOOKS, load_law
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import Calibration
from auditkit.records.causal import Causal
from auditkit.records.task import Circuit
from auditkit.report.sections.claims import CLAIMS as CLAIMS_ON_LAW
from auditkit.report.sections.matrix import (
    NO_COMPARISON,
    ClaimView,
    MatrixView,
    matrix_view,
)
from auditkit.report.wording import OBSERVATIONS
from tests.builders import D, audit_record, calibration, digest, set_effects
from tests.pages import rendered, with_first_task
from tests.unique_codes_records import watched_record

CLAIMS = ["Behaviour", "Association", "Causal", "Stable", "Declaration", "Calibration"]


def matrix(record: AuditRecord) -> MatrixView:
    return matrix_view(record, load_law())


def claims(record: AuditRecord, task: int = 0) -> dict[str, ClaimView]:
    return {claim.name: claim for claim in matrix(record).tasks[task].claims}


def at(value: object, key: str) -> object:
    """What stands at a key of ``evidence.json``.

    Raises:
        KeyError, IndexError, TypeError: nothing does.
    """
    for part in re.findall(r"[a-z_0-9]+", key):
        value = value[int(part)] if isinstance(value, list) else value[part]  # type: ignore[index]
    return value


def keys_of(view: MatrixView) -> list[str]:
    keys = [key for task in view.tasks for claim in task.claims for key in claim.keys]
    for item in view.items:
        for pointer in item.pointers:
            keys += [] if pointer.keys == NO_COMPARISON else pointer.keys.split(", ")
    return keys


@pytest.mark.parametrize(
    "record", [audit_record(), watched_record("0.25")], ids=["codes", "unique"]
)
def test_every_key_named_is_a_place_in_the_evidence(record: AuditRecord) -> None:
    """No key leads nowhere, or to a part that was not assessed."""
    everything = record.tasks[0].model_copy(update={"evidence_for": EVIDENCE_HOOKS})
    changed = record.model_copy(update={"tasks": (everything, *record.tasks[1:])})
    evidence = json.loads(changed.model_dump_json())
    claimed = [key for t in matrix(changed).tasks for c in t.claims for key in c.keys]
    assert len(claimed) >= 5
    for key in claimed:
        place = at(evidence, key)
        assert not (isinstance(place, dict) and place.get("state") == "not_assessed"), key
    for key in keys_of(matrix(changed)):
        at(evidence, key)


def test_every_claim_of_every_task_has_its_state_and_its_refutation() -> None:
    """Six claims per task; the ladder's states are those of the record."""
    record = audit_record()
    for index, task in enumerate(record.tasks):
        found = claims(record, index)
        assert list(found) == CLAIMS
        for rung in ("behaviour", "association", "causal", "stable"):
            assert found[rung.capitalize()].state == OBSERVATIONS[getattr(task.ladder, rung)]
        for claim in found.values():
            assert claim.refuted_by
            assert claim.keys or claim.note.startswith("none. ")


def test_refutations_name_the_thresholds_of_the_task() -> None:
    """A reader sees at which figure each claim would have failed."""
    found = claims(audit_record())
    specification = audit_record().tasks[0].specification
    assert specification.thresholds.min_accuracy == D("0.9")
    assert "On the test pairs: accuracy below 90 %" in found["Behaviour"].refuted_by
    assert "resample, mean" in found["Causal"].refuted_by
    assert found["Causal"].refuted_by.startswith("On the test pairs, ")
    assert (
        found["Declaration"].refuted_by
        == "A declared head surely below the threshold of a circuit head, or another one surely above it. "
        "No head found; or precision below 80 %, or recall below 80 %."
    )


def test_a_claim_that_was_not_assessed_names_no_evidence_but_the_reason() -> None:
    """Where the model does not do the task, what rests on it has no key and says why."""
    found = claims(audit_record(), 1)
    assert (found["Behaviour"].state, found["Causal"].keys) == ("not observed", ())
    assert found["Causal"].note.startswith("none. The model does not do this task")
    assert (
        found["Declaration"].note == "none. The policy declares no expected circuit for this task."
    )
    assert found["Declaration"].state == "not assessed"


def test_an_association_that_too_few_examples_leave_open_says_so() -> None:
    """Two examples were looked at, and cannot settle it: the keys stand, with the reason beside them."""
    claim = claims(audit_record())["Association"]
    assert (claim.state, claim.keys[0]) == ("not assessed", "tasks[0].codes.signature")
    assert claim.note.startswith("Too few examples for one head to be told from chance: at least")


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "observed"),
        ({"heads": ("0.0",)}, "not observed"),
        ({"declared_for": digest("9")}, "not assessed"),
        ({"declared_for": None}, "observed"),
        ({"min_sufficiency": D("0.9")}, "observed"),
    ],
)
def test_agreement_with_the_declaration_is_by_the_declared_thresholds(
    changes: dict[str, object], state: str
) -> None:
    """The figures decide, and nothing is said of heads declared for other weights."""
    expected = audit_record().tasks[0].expected
    changed = with_first_task(expected=expected.model_copy(update=changes))
    assert claims(changed)["Declaration"].state == state


def test_a_sufficiency_that_was_declared_can_refute_the_declaration() -> None:
    """Heads that match but carry too little alone do not agree with what was declared of them."""
    task = audit_record().tasks[0]
    assert isinstance(task.causal, Causal)
    expected = task.expected.model_copy(update={"min_sufficiency": D("0.9")})
    causal = task.causal.model_copy(
        update={
            "sufficiency": set_effects("0.4000"),
            "constant_role": NotAssessed(code="left_out", reason="x"),
        }
    )
    claim = claims(with_first_task(expected=expected, causal=causal))["Declaration"]
    assert claim.state == "not observed"
    assert "tasks[0].causal.sufficiency" in claim.keys
    assert "below 90 %" in claim.refuted_by


def test_an_empty_circuit_does_not_agree_with_a_declared_one() -> None:
    """No head found is no agreement, and no division by nothing."""
    task = audit_record().tasks[0]
    assert not isinstance(task.comparison, NotAssessed)
    nothing = task.comparison.model_copy(update={"matched": (), "missing": ("0.1", "1.0")})
    empty = with_first_task(circuit=Circuit(heads=(), edges=(), pairs_tested=0), comparison=nothing)
    assert claims(empty)["Declaration"].state == "not observed"


def test_calibration_is_that_of_the_tasks_own_settings() -> None:
    """Recovered controls are observed, missed ones not, and settings without controls not assessed."""
    record = audit_record()
    assert claims(record)["Calibration"].state == "observed"

    def under(made: Calibration) -> ClaimView:
        return claims(record.model_copy(update={"calibration": made}))["Calibration"]

    planted = calibration().settings[0].models[0]
    lost = f"{planted.name}/{next(h.head for h in planted.heads if h.kind == 'circuit')}"
    assert under(calibration(lost=(lost,))).state == "not observed"
    missing = under(calibration(tasks=("counting",)))
    assert (missing.state, missing.keys) == ("not assessed", ())


def test_every_item_that_may_be_pointed_at_is_there_once() -> None:
    """Twelve items of Article 13(3) and the points of Annex IV that evidence may be cited for."""
    items = matrix(audit_record()).items
    annex = [hook for hook in EVIDENCE_HOOKS if hook.startswith("IV.")]
    assert [item.id for item in items] == [*ARTICLE_13_ITEMS, *annex]
    assert set(CLAIMS_ON_LAW) == set(EVIDENCE_HOOKS)


def test_an_item_points_to_the_tasks_the_policy_names_and_says_why_else_to_none() -> None:
    """Named, not named, and never to be named are three different answers."""
    items = {item.id: item for item in matrix(audit_record()).items}
    assert [p.number for p in items["13(3)(b)(iv)"].pointers] == ["1"]
    assert [p.number for p in items["13(3)(b)(ii)"].pointers] == ["2"]
    assert items["13(3)(d)"].absent == "none: the policy names no task for this item"
    assert items["13(3)(a)"].absent.startswith("none: evidence about circuits is not cited")


def test_the_section_prints_all_of_it() -> None:
    """Every claim, key, refutation and reason is on the page, as text."""
    record = audit_record()
    text = rendered(record).text
    section = text[text.rindex("12 Claims and what they rest on") :]
    for task in matrix(record).tasks:
        for claim in task.claims:
            for part in (claim.name, claim.says, *claim.keys, claim.note, claim.refuted_by):
                assert part in section
    for item in matrix(record).items:
        assert f"{item.id} {item.title}" in section
