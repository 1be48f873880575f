"""How many examples the label-swap test needs, against the test itself."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from auditkit.circuits.null import DRAWS, smallest_p_value, swap_test
from auditkit.policy.asked import fewest_examples


@pytest.mark.parametrize("n", range(1, 11))
def test_the_smallest_p_value_is_that_of_effects_that_all_agree(n: int) -> None:
    """No effects give a smaller one than equal effects, and those give exactly it."""
    assert swap_test([[Decimal("0.3")] * n], 0).p_values == (smallest_p_value(n),)


def test_drawn_patterns_have_a_floor_of_their_own() -> None:
    """Above the exact sizes more examples do not lower it: the observed pattern is one of the draws."""
    assert smallest_p_value(15) == smallest_p_value(200) == Fraction(1, DRAWS)
    assert min(swap_test([[Decimal("0.3")] * 15], 0).p_values) >= smallest_p_value(15)


@pytest.mark.parametrize(
    ("level", "fewest"),
    [("0.1", 5), ("0.0625", 5), ("0.05", 6), ("0.001", 11), ("0.0001", 15), ("0.00009", None)],
)
def test_the_fewest_examples_just_reach_the_level(level: str, fewest: int | None) -> None:
    """One fewer does not; below the floor of the drawn test no number does; 5 are always asked."""
    assert fewest_examples(Decimal(level)) == fewest
