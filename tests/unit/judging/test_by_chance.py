"""How easily a declaration is met: exact shares of all sets, and a declaration that cannot fail."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.judging.by_chance import cannot_fail, enough, met_by_chance
from auditkit.records.declared import Expectation

SHARES = st.sampled_from([None, *(Decimal(n) / 10 for n in range(1, 11))])


def declared(heads: range, least: Decimal | None) -> Expectation:
    return Expectation(
        heads=tuple(f"0.{head}" for head in heads), min_precision=least, min_recall=least
    )


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 7), SHARES)
def test_the_share_is_that_of_all_sets_counted_one_by_one(
    n_heads: int, n_declared: int, found: int, least: Decimal | None
) -> None:
    """Counted set by set, whatever is asked."""
    n_declared, found = min(n_declared, n_heads), min(found, n_heads)
    expected = declared(range(n_declared), least)
    sets = list(combinations(range(n_heads), found))
    met = [
        enough(expected, sum(head < n_declared for head in each), found)
        for each in sets
        if found > 0
    ]
    assert met_by_chance(expected, found, n_heads) == Fraction(sum(met), len(sets))


@pytest.mark.parametrize(
    ("n_declared", "least", "found", "unfailing"),
    [
        (4, "0.0001", 3, True),  # every head is declared, and nearly nothing asked
        (3, "0.0001", 2, True),  # any two of four hold one of three
        (3, "0.0001", 1, False),
        (4, "1", 4, True),
        (4, "1", 3, False),  # recall is missed
        (2, "0.5", 2, False),
    ],
)
def test_a_declaration_that_every_circuit_meets_cannot_fail(
    n_declared: int, least: str, found: int, *, unfailing: bool
) -> None:
    """Of a model of four heads."""
    expected = declared(range(n_declared), Decimal(least))
    assert cannot_fail(expected, found, 4) is unfailing


def test_by_the_rule_only_all_heads_cannot_fail() -> None:
    """Where all heads are declared and all were found, no other circuit of that size exists."""
    assert cannot_fail(declared(range(4), None), 4, 4)
    assert not cannot_fail(declared(range(4), None), 3, 4)
    assert not cannot_fail(declared(range(3), None), 3, 4)


def test_a_circuit_that_shares_no_head_never_meets() -> None:
    """However little is asked."""
    assert not enough(declared(range(2), Decimal("0.0001")), 0, 2)


def test_more_heads_than_the_model_has_are_refused() -> None:
    """Found or declared."""
    with pytest.raises(ValueError, match="heads hold no"):
        met_by_chance(declared(range(2), None), 5, 4)
