"""Token roles: worked out by hand on short prompts, and true of any pair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.circuits.codes import CodeSpace
from auditkit.circuits.roles import ROLES, acting_heads, roles_of
from auditkit.records.task import Circuit
from tests.builders import codes, copying, model_identity

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("positive", "negative", "roles"),
    [
        # Then Lucy and Mary went . Mary gave to: Mary is replaced once, and comes again.
        (
            [1, 2, 3, 4, 5, 6, 4, 7, 8],
            [1, 2, 3, 9, 5, 6, 4, 7, 8],
            [
                *["before any difference"] * 3,
                "first difference",
                "after a difference",
                "elsewhere",
                "repeat of a difference",
                "elsewhere",
                "last",
            ],
        ),
        # Two neighbours are one difference; the one behind it holds a token of it.
        (
            [1, 2, 1, 3, 4, 5, 6, 7, 8],
            [9, 9, 1, 9, 4, 9, 6, 9, 8],
            [
                "first difference",
                "first difference",
                "repeat of a difference",
                "second difference",
                "after a difference",
                "later difference",
                "after a difference",
                "later difference",
                "last",
            ],
        ),
        ([1, 2], [1, 3], ["before any difference", "last"]),
        ([1], [2], ["last"]),
    ],
)
def test_roles_of_a_pair(positive: list[int], negative: list[int], roles: list[str]) -> None:
    """The roles are those that a reader of the two prompts would give."""
    assert list(roles_of(positive, negative)) == roles


@given(PAIRS)
def test_roles_say_what_their_names_say(pair: list[tuple[int, int]]) -> None:
    """Every position has one role; differing tokens, and only they, are differences."""
    positive, negative = zip(*pair, strict=True)
    roles = roles_of(positive, negative)
    assert len(roles) == len(pair)
    assert roles[-1] == "last"
    assert set(roles) <= set(ROLES)
    for place, role in enumerate(roles[:-1]):
        differs = positive[place] != negative[place]
        assert differs == (role in ("first difference", "second difference", "later difference"))
        before = positive[: place + 1] == negative[: place + 1]
        assert before == (role == "before any difference")
        if role == "repeat of a difference":
            replaced = [one for one, other in pair[:place] if one != other]
            assert positive[place] in replaced


def test_heads_act_that_are_in_the_signature_or_in_the_circuit() -> None:
    """Heads 0.1 and 1.0 carry codes; 1.1 is added by a circuit that holds it."""
    space = CodeSpace.of(model_identity().layers, latents=4)
    found = copying().circuit
    assert isinstance(found, Circuit)
    assert acting_heads(codes(), found, space) == ("0.1", "1.0")
    other = found.model_copy(update={"heads": ("1.1",)})
    assert acting_heads(codes(), other, space) == ("0.1", "1.0", "1.1")
