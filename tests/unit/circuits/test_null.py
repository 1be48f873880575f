"""The label-swap test and its correction, against counting every case."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.circuits.codes import null_test
from auditkit.circuits.null import (
    DRAWS,
    EXACT_UP_TO,
    false_discovery_rates,
    least_examples,
    needed,
    swap_test,
    too_few,
)
from auditkit.records.base import NotAssessed
from auditkit.records.task import NullTest, ScreenedHead
from tests.builders import screened

EFFECTS = st.lists(
    st.integers(-9_999, 9_999).map(lambda units: Decimal(units) / 10_000), min_size=1, max_size=7
)


@given(EFFECTS)
def test_the_p_value_is_the_share_of_swaps_as_large(effects: list[Decimal]) -> None:
    """Turning the sign of every subset of pairs, one after another, gives the same share."""
    patterns = list(itertools.product((1, -1), repeat=len(effects)))
    size = abs(sum(effects, Decimal(0)))
    slow = sum(
        abs(sum((s * value for s, value in zip(pattern, effects, strict=True)), Decimal(0))) >= size
        for pattern in patterns
    )
    test = swap_test([effects], seed=0)
    assert test.p_values == (Fraction(slow, len(patterns)),)
    assert (test.swaps, test.exact) == (len(patterns), True)


@given(EFFECTS, st.integers(0, 6))
def test_swapping_the_labels_of_a_pair_does_not_change_the_p_value(
    effects: list[Decimal], place: int
) -> None:
    """The test does not know which of a pair was called positive, if all of them are swapped."""
    swapped = [-value for value in effects]
    assert swap_test([effects], 0).p_values == swap_test([swapped], 0).p_values
    assert place >= 0


def test_ten_equal_effects_are_as_rare_as_can_be() -> None:
    """All pluses and all minuses: 2 of 1,024."""
    assert swap_test([[Decimal("0.1")] * 10], 0).p_values == (Fraction(2, 1024),)


def test_a_head_without_effect_is_never_rare() -> None:
    """Every pattern of nothing is as large as nothing."""
    assert swap_test([[Decimal(0)] * 10], 0).p_values == (Fraction(1),)


def test_many_examples_are_drawn_and_counted_with_the_observed_one() -> None:
    """Beyond the exact limit the p-value is never 0, and the seed repeats it."""
    effects = [[Decimal("0.5")] * (EXACT_UP_TO + 20)]
    test = swap_test(effects, seed=1)
    assert (test.swaps, test.exact) == (DRAWS, False)
    assert test.p_values[0] >= Fraction(1, DRAWS)
    assert swap_test(effects, seed=1) == test


def test_a_test_of_nothing_is_refused() -> None:
    """No heads or no examples: there is nothing to test."""
    no_examples: list[list[Decimal]] = [[]]
    for nothing in (no_examples[:0], no_examples):
        with pytest.raises(ValueError, match="at least one"):
            swap_test(nothing, 0)


@given(st.lists(st.fractions(0, 1), min_size=1, max_size=7))
def test_q_values_are_those_of_the_definition(p_values: list[Fraction]) -> None:
    """q of a p-value is the least of p' m / rank(p') over all p' at least as large."""
    m = len(p_values)
    slow = [
        min(
            [Fraction(1)]
            + [
                other * m / sum(each <= other for each in p_values)
                for other in p_values
                if other >= p
            ]
        )
        for p in p_values
    ]
    assert false_discovery_rates(p_values) == slow


@pytest.mark.parametrize(
    ("heads", "level", "least"), [(32, "0.05", 11), (1, "0.5", 2), (144, "0.05", 13)]
)
def test_the_least_number_of_examples_is_the_first_that_can_do(
    heads: int, level: str, least: int
) -> None:
    """One head with the smallest possible p-value is separated with so many, not with one less."""
    assert least_examples(heads, Decimal(level)) == least
    assert isinstance(least, int)
    for n, separated in ((least, True), (least - 1, False)):
        rest = [Fraction(1)] * (heads - 1)
        q = false_discovery_rates([min(Fraction(1), Fraction(2, 2**n)), *rest])[0]
        assert (q <= Fraction(level)) is separated


def test_separated_heads_are_those_at_most_at_the_level() -> None:
    """A q-value equal to the level separates."""

    def head(name: str, q: str) -> ScreenedHead:
        return screened(name, 1, "0.1", 2).model_copy(update={"q_value": Decimal(q)})

    heads = [head("0.0", "0.0500"), head("0.1", "0.0501")]
    assert null_test(heads, 10, Decimal("0.05")).separated == ("0.0",)


def test_drawn_swaps_cannot_tell_one_head_from_chance_among_too_many() -> None:
    """A p-value of one in ten thousand, times 501 heads, is over 0.05 whatever the number of examples."""
    assert least_examples(500, Decimal("0.05")) == 15
    assert isinstance(least_examples(501, Decimal("0.05")), NotAssessed)
    test = NullTest(
        swaps=10_000,
        exact=False,
        level=Decimal("0.05"),
        separated=(),
        least_examples=least_examples(501, Decimal("0.05")),
    )
    assert too_few(test, 200)
    assert "whatever the number of examples" in needed(test)
