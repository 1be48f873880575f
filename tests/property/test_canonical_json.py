"""Canonical JSON against the reference encoder, on whatever JSON can hold."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from auditkit.digest import Json, canonical_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NUMBER = st.integers(-(2**53) + 1, 2**53 - 1)
LEAF = st.none() | st.booleans() | NUMBER | TEXT
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
)


@given(VALUE)
def test_the_bytes_are_those_of_the_reference(value: Json) -> None:
    """Whichever way a value is encoded, the bytes are those of RFC 8785."""
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "keys", [["\ue000", "\U0001f600"], ["\ud7ff", "\uffff", "\U00010000"], ["a", "B", "é", "\r"]]
)
def test_keys_are_sorted_by_their_utf_16_units(keys: list[str]) -> None:
    """Keys beyond the basic plane stand before some of its own, as RFC 8785 says."""
    value = dict.fromkeys(keys, 1)
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [2**53, [-(2**53)], {"a": "\ud800"}, {"\udfff": 1}, {1: "a"}])
def test_what_the_reference_refuses_is_refused(value: Json) -> None:
    """Integers too large to be exact, half surrogate pairs and keys that are no text have no bytes."""
    with pytest.raises(ValueError, match=r".") as refused:
        canonical_json(value)
    with pytest.raises(type(refused.value)):
        rfc8785.dumps(value)


@pytest.mark.parametrize("value", [0.5, [1.0], {"a": (1, {"b": float("nan")})}])
def test_a_float_is_refused_wherever_it_stands(value: Json) -> None:
    """A float has no place in evidence, however deep."""
    with pytest.raises(TypeError, match="is a float"):
        canonical_json(value)
