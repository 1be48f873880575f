"""The rule on pairs drawn again: nested, repeatable, and blind to nothing but what was never measured."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from auditkit.circuits.looks import Declaration, bounds_of
from auditkit.circuits.redrawing import Drawn, Pool, on_pairs, redraws, without_templates
from auditkit.circuits.share_test import Sums
from auditkit.circuits.single import effect_interval
from auditkit.records.base import UNIT
from auditkit.records.looks import Drops, HeadDrops
from tests.builders import specification

WHOLE = 1000


def drops(heads: Mapping[str, Sequence[int]], n: int = 96) -> Drops:
    def decimals(values: Sequence[int]) -> tuple[Decimal, ...]:
        return tuple(value * UNIT for value in values)

    return Drops(
        whole=decimals([WHOLE] * n),
        heads=tuple(HeadDrops(head=head, drops=decimals(v)) for head, v in heads.items()),
        joint=(),
    )


def noisy(share: float, seed: int, n: int = 96, noise: float = 0.1) -> list[int]:
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return [int(WHOLE * (share + draw.gauss(0, noise))) for _ in range(n)]


def question(declared: Sequence[str], most: int = 96) -> Declaration:
    looks = tuple(n for n in (24, 48, 96) if n <= most)
    return Declaration(
        ("0.0", "0.1"), frozenset(declared), bounds_of(Decimal("0.05")), looks, 10**6
    )


SETTINGS = specification().model_copy(update={"stability_draws": 40})


def test_a_quiet_verdict_comes_back_in_every_redraw() -> None:
    """A head of 40 % and one of nothing, hardly any noise: every draw says so."""
    pool = Pool.of(drops({"0.0": noisy(0.4, 1, 24), "0.1": noisy(0.0, 2, noise=0.02)}))
    found = redraws(pool, question(["0.0"]), SETTINGS)
    assert {each.course.verdict for each in found} == {"consistent"}
    assert {each.circuit for each in found} == {frozenset({"0.0"})}
    assert found == redraws(pool, question(["0.0"]), SETTINGS)


def test_a_verdict_at_the_boundary_does_not_always_come_back() -> None:
    """An undeclared head whose estimate is near 10 % is settled in some draws and open in others."""
    pool = Pool.of(drops({"0.0": noisy(0.4, 1), "0.1": noisy(0.065, 2)}))
    verdicts = [each.course.verdict for each in redraws(pool, question(["0.0"]), SETTINGS)]
    assert len(set(verdicts)) > 1


def test_a_head_settled_early_lends_its_own_pairs() -> None:
    """Its first pairs stand in for late ones, in turn, each beside its own drop of all heads."""
    pool = Pool.of(drops({"0.0": [10, 20, 30, 40], "0.1": [0] * 8}, n=8))
    drawn = Drawn(pool, np.array([0, 5, 6, 3], dtype=np.int64))
    assert drawn.alone("0.0", 4) == Sums.of([10, 20, 30, 40], [WHOLE] * 4)
    assert drawn.alone("0.1", 4) == Sums.of([0] * 4, [WHOLE] * 4)
    assert drawn.alone("9.9", 4) is None


def test_numbers_too_large_for_64_bits_are_summed_exactly() -> None:
    """A metric in the millions loses no digit."""
    big = 10**9
    pool = Pool.of(drops({"0.0": [big + i for i in range(8)], "0.1": [0] * 8}, n=8))
    drawn = Drawn(pool, np.arange(8, dtype=np.int64))
    sums = drawn.alone("0.0", 8)
    assert sums is not None
    assert sums.dd == sum((big + i) ** 2 for i in range(8))


def test_each_template_is_left_out_once() -> None:
    """The pairs of the others give a rule of their own, with looks that fit their number."""
    pool = Pool.of(drops({"0.0": noisy(0.4, 1), "0.1": noisy(0.0, 2)}))
    templates = ["a", "b", "c", "d"] * 24
    found = without_templates(pool, templates, question(["0.0"]), SETTINGS)
    assert len(found) == 4
    assert {each.course.question.looks for each in found} == {(24, 48, 72)}
    assert without_templates(pool, ["a", "b"] * 48, question(["0.0"]), SETTINGS) == []
    assert without_templates(pool, [""] * 96, question(["0.0"]), SETTINGS) == []


@pytest.mark.parametrize("seed", range(20))
def test_a_head_is_in_the_circuit_of_the_pairs_as_its_printed_interval_says(seed: int) -> None:
    """Mean at least the threshold, interval without zero: on the pairs as they are, draw and page agree."""
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    values = noisy(draw.choice([0.0, 0.04, 0.06, 0.1, -0.1]), seed)
    pool = Pool.of(drops({"0.0": noisy(0.4, 99), "0.1": values}))
    found = on_pairs(Drawn(pool, np.arange(96, dtype=np.int64)), question([], most=24), SETTINGS)
    effect = effect_interval(values[:24], [WHOLE] * 24, SETTINGS.bootstrap.level)
    sure = effect.low > 0 or effect.high < 0
    reaches = abs(Fraction(sum(values[:24]), 24 * WHOLE)) >= Fraction(1, 20)
    assert ("0.1" in found.circuit) == (sure and reaches)
