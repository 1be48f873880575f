"""Records: decimals stay exact, floats cannot enter, absence keeps its reason."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from pydantic import ValidationError

from auditkit.bundle.evidence import evidence_bytes, parse_evidence, stored_bytes
from auditkit.digest import canonical_json
from auditkit.errors import EvidenceError
from auditkit.records.base import Interval, NotAssessed, measured
from tests.builders import audit_record, interval


def test_a_record_survives_its_bytes() -> None:
    """Parsing the bytes of a record gives the record, and its bytes again."""
    record = audit_record()
    content = evidence_bytes(record)
    assert parse_evidence(content) == record
    assert evidence_bytes(parse_evidence(content)) == content


def test_the_store_keeps_the_record_without_its_checkpoint() -> None:
    """A record cannot contain the tree it is a leaf of."""
    stored = parse_evidence(stored_bytes(audit_record()))
    assert stored.checkpoint is None
    assert stored == audit_record().model_copy(update={"checkpoint": None})


def test_decimals_keep_their_digits() -> None:
    """Trailing zeros are part of what was measured."""
    assert b'"mean":"0.5000"' in canonical_json(
        interval("0.5000", "0.4000", "0.6000").model_dump(mode="json")
    )


@pytest.mark.parametrize("value", [0.5, True, None, "half", "NaN", "Infinity", ""])
def test_what_is_not_a_decimal_string_is_refused(value: object) -> None:
    """A binary float, a word, or something infinite never becomes a measurement."""
    with pytest.raises(ValidationError):
        Interval.model_validate({"mean": value, "low": "0", "high": "1", "level": "0.95", "n": 1})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_measurement_that_is_not_finite_is_refused(value: float) -> None:
    """NaN and infinity are findings, not numbers to print."""
    with pytest.raises(ValueError, match="came out as"):
        measured(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.1234"), (-0.00001, "0.0000"), (2, "2.0000"), (1e6, "1000000.0000")],
)
def test_a_float_is_rounded_once_on_its_way_in(value: float, text: str) -> None:
    """Four digits after the point, half to even, and no negative zero."""
    assert format(measured(value), "f") == text


def test_floats_cannot_be_encoded() -> None:
    """The canonical encoder names the place of a float instead of printing it."""
    with pytest.raises(TypeError, match=r"\$\.a\[1\]"):
        canonical_json({"a": [1, 0.5]})


def test_absence_needs_a_reason() -> None:
    """ "Not assessed" without a reason is refused."""
    with pytest.raises(ValidationError):
        NotAssessed(code="left_out", reason="")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content + b"\n",
        lambda content: content.replace(b'{"calibration"', b'{ "calibration"', 1),
        lambda content: content.replace(b'"n":2', b'"n":2.0', 1),
        lambda content: content.replace(b'"seed":0', b'"seed":99999999999999999999', 1),
        lambda content: content[:-1],
        lambda content: content.replace(b'"schema_version":"3"', b'"schema_version":"2"'),
        lambda content: content[:0],
    ],
)
def test_only_canonical_bytes_of_a_record_are_evidence(spoil: object) -> None:
    """White space, another spelling of a number, another schema: none is evidence."""
    assert callable(spoil)
    with pytest.raises(EvidenceError):
        parse_evidence(spoil(evidence_bytes(audit_record())))


def test_values_are_decimals_in_memory() -> None:
    """What the verdict computes with is exact."""
    task = audit_record().tasks[0]
    assert isinstance(task.specification.thresholds.tau, Decimal)
