"""A second run agrees within what the record states, and differs in words where it does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from auditkit.comparing.agreement import Agreement, agreement, another_model
from auditkit.records.audit import AuditRecord
from auditkit.records.model import FileDigest
from tests.builders import MODEL_FILES, audit_record, digest
from tests.unique_codes_records import watched_record


def with_task(record: AuditRecord, **changes: Any) -> AuditRecord:  # noqa: ANN401
    """The record with its first task changed."""
    first, *others = record.tasks
    return record.model_copy(update={"tasks": (first.model_copy(update=changes), *others)})


def differing(found: Agreement) -> dict[str, tuple[str, ...]]:
    return {part.id: part.differing for part in found.parts if part.differing}


def test_a_record_agrees_with_itself() -> None:
    """Nothing differs, no condition is named, and every task was looked at."""
    record = audit_record()
    found = agreement(record, record)
    assert found.agrees
    assert found.conditions == ()
    assert [part.id for part in found.parts] == ["controls", "copying", "counting", "run"]
    assert all(part.compared for part in found.parts)


def moved(record: AuditRecord, by: str) -> AuditRecord:
    """The record whose first task has its positives' mean at ``by`` above the interval's end."""
    behaviour = record.tasks[0].behaviour
    mean = behaviour.positive.high + Decimal(by)
    interval = behaviour.positive.model_copy(update={"mean": mean})
    return with_task(record, behaviour=behaviour.model_copy(update={"positive": interval}))


@pytest.mark.parametrize(("by", "agrees"), [("0", True), ("0.0001", True), ("0.0002", False)])
def test_a_mean_agrees_within_the_recorded_interval_and_one_step(by: str, agrees: bool) -> None:
    """One step of the last digit is what rounding elsewhere may do; two are a difference."""
    record = audit_record()
    found = agreement(record, moved(record, by))
    assert found.agrees is agrees
    assert differing(found) == ({} if agrees else {"copying": ("metric on positives",)})


def test_a_band_is_that_of_the_record_and_not_of_the_second_run() -> None:
    """A second run with a wide interval of its own is not excused by it."""
    record = audit_record()
    positive = record.tasks[0].behaviour.positive
    wide = positive.model_copy(
        update={"mean": positive.high + 5, "low": positive.low - 9, "high": positive.high + 9}
    )
    behaviour = record.tasks[0].behaviour.model_copy(update={"positive": wide})
    assert not agreement(record, with_task(record, behaviour=behaviour)).agrees


def frequencies(record: AuditRecord, of_missing: str) -> AuditRecord:
    """The record in which head 0.1 was in the circuit of that share of the redrawn sets."""
    stability: Any = record.tasks[0].stability
    changed = tuple(
        each.model_copy(update={"frequency": Decimal(of_missing)}) if each.head == "0.1" else each
        for each in stability.frequencies
    )
    assert changed != stability.frequencies or of_missing == "1.0000"
    return with_task(record, stability=stability.model_copy(update={"frequencies": changed}))


@pytest.mark.parametrize(("frequency", "agrees"), [("1.0000", False), ("0.9500", True)])
def test_a_head_may_differ_only_where_the_record_leaves_it_open(
    frequency: str, *, agrees: bool
) -> None:
    """A head in every redrawn circuit is settled; one in some of them is not."""
    record = frequencies(audit_record(), frequency)
    circuit: Any = record.tasks[0].circuit
    again = with_task(record, circuit=circuit.model_copy(update={"heads": ("1.0",)}))
    found = agreement(record, again)
    assert found.agrees is agrees
    if not agrees:
        assert differing(found) == {"copying": ("heads of the circuit",)}


def test_another_verdict_is_a_difference() -> None:
    """Of the task and of the run, each named."""
    record = audit_record()
    again = with_task(record, verdict="inconclusive").model_copy(update={"verdict": "inconclusive"})
    assert differing(agreement(record, again)) == {"copying": ("verdict",), "run": ("verdict",)}


def test_other_prompts_are_a_difference() -> None:
    """Test prompts with another digest are named as the only difference."""
    record = audit_record()
    examples = record.tasks[0].examples
    other = examples.model_copy(
        update={"test": examples.test.model_copy(update={"sha256": digest("0")})}
    )
    found = agreement(record, with_task(record, examples=other))
    assert differing(found) == {"copying": ("test prompts",)}


def test_what_was_assessed_once_and_not_again_is_a_difference() -> None:
    """Absence is no agreement: the second run came to no circuit."""
    record = audit_record()
    absent = record.tasks[1].circuit
    changes = dict.fromkeys(("effect", "codes", "causal", "circuit"), absent)
    found = differing(agreement(record, with_task(record, **changes)))
    assert set(found["copying"]) == {"effect of all heads", "causal check", "circuit"}


def test_conditions_are_named_and_decide_nothing() -> None:
    """Other files beside the weights, another torch, more threads: listed, and no disagreement."""
    record = audit_record()
    again = record.model_copy(
        update={
            "environment": record.environment.model_copy(update={"torch": "3.0", "threads": 4}),
            "model": record.model.model_copy(update={"manifest_digest": digest("9")}),
            "tool": record.tool.model_copy(update={"version": "9.9"}),
        }
    )
    found = agreement(record, again)
    assert found.agrees
    assert [(each.what, each.again) for each in found.conditions] == [
        ("model files", digest("9")),
        ("tool version", "9.9"),
        ("environment torch", "3.0"),
        ("environment threads", "4"),
    ]


@pytest.mark.parametrize(
    ("path", "is_another"),
    [
        ("config.json", True),
        ("model.safetensors", True),
        ("tokenizer.json", True),
        ("README.md", False),
    ],
)
def test_weights_configuration_and_tokenizer_make_the_model(path: str, *, is_another: bool) -> None:
    """Changed or added, they make it another one; a page beside them does not."""
    other = FileDigest(path=path, size=1, sha256=digest("0"))
    files = (*(each for each in MODEL_FILES if each.path != path), other)
    assert another_model(MODEL_FILES, files) == ((path,) if is_another else ())
    assert another_model(MODEL_FILES, MODEL_FILES) == ()


def test_heads_that_are_only_counted_are_compared_too() -> None:
    """The method that observes reports heads; other ones are a difference."""
    record = watched_record()
    assert agreement(record, record).agrees
    codes: Any = record.tasks[0].codes
    again = with_task(record, codes=codes.model_copy(update={"reported": ()}))
    (named,) = differing(agreement(record, again)).values()
    assert named == ("heads reported",)


def test_it_is_the_same_as_json() -> None:
    """As JSON, the one part that differs has the one row that does, with both values and the band."""
    record = audit_record()
    said = agreement(record, moved(record, "1")).as_json()
    assert said["agrees"] is False
    (part,) = [each for each in said["parts"] if each["differing"]]
    assert part["id"] == "copying"
    (row,) = [each for each in part["compared"] if not each["agrees"]]
    assert set(row) == {"what", "recorded", "band", "again", "agrees"}
