"""The verdict rule on drops that are written down: what it settles, refuses, asks for and leaves open."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import pytest

from auditkit.circuits.looks import (
    BOUNDARY,
    NEVER_PATCHED,
    Course,
    Declaration,
    Recorded,
    bounds_of,
    course_of,
    excludable,
    least_silent,
    looks_for,
    pairs_needed,
    ruling_of,
)
from auditkit.circuits.share_test import Sums

WHOLE = 1000
LOOKS = (24, 48, 96, 192)


class Asked(Recorded):
    """Recorded answers that note how many drops of each head were asked for."""

    def __init__(
        self,
        whole: Sequence[int],
        heads: Mapping[str, Sequence[int]],
        joint: Mapping[str, Sequence[int]],
    ) -> None:
        super().__init__(whole, heads, joint)
        self.most: dict[str, int] = {}

    def alone(self, head: str, n: int) -> Sums | None:
        """The drops of a head, and that they were asked for."""
        self.most[head] = n
        return super().alone(head, n)


def question(
    heads: Sequence[str],
    declared: Sequence[str],
    looks: tuple[int, ...] = LOOKS,
    budget: int = 10**6,
) -> Declaration:
    return Declaration(tuple(heads), frozenset(declared), bounds_of(Decimal("0.05")), looks, budget)


def noisy(share: float, seed: int, n: int = 384, noise: float = 0.05) -> list[int]:
    """Drops of a head of this effect, in thousandths of the whole."""
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return [int(WHOLE * (share + draw.gauss(0, noise))) for _ in range(n)]


def ran(
    drops: Mapping[str, Sequence[int]],
    declared: Sequence[str],
    joint: Mapping[str, Sequence[int]] | None = None,
    looks: tuple[int, ...] = LOOKS,
    budget: int = 10**6,
) -> tuple[Course, Asked]:
    answers = Asked([WHOLE] * 384, drops, joint or {})
    return course_of(question(list(drops), declared, looks, budget), answers), answers


@pytest.mark.parametrize(
    ("first", "most", "looks"),
    [
        (24, 192, (24, 48, 96, 192)),
        (24, 384, (24, 48, 96, 192, 384)),
        (24, 60, (24, 48, 60)),
        (24, 24, (24,)),
        (6, 192, (6, 24, 48, 96, 192)),
        (100, 150, (100, 150)),
    ],
)
def test_looks_double_up_to_the_pairs_there_are(
    first: int, most: int, looks: tuple[int, ...]
) -> None:
    """At most five of them, the first and the last always: the levels allow for five."""
    assert looks_for(first, most) == looks


def test_a_right_declaration_is_settled_head_by_head() -> None:
    """Declared heads of 30 % and 8 %, others of nothing: all settled by 96 pairs, and none refused."""
    drops = {"0.0": noisy(0.3, 1), "0.1": noisy(0.08, 2), "0.2": noisy(0, 3), "0.3": noisy(0, 4)}
    course, _ = ran(drops, ["0.0", "0.1"])
    assert course.verdict == "consistent"
    assert course.open == ()
    assert [look.pairs for look in course.looks] == list(LOOKS[: len(course.looks)])
    settled = [head for look in course.looks for head in look.closed]
    assert sorted(settled) == sorted(drops)


def test_a_settled_head_is_asked_for_no_further_pairs() -> None:
    """Later values of a head that is settled change nothing, however wild: nobody asks for them."""
    drops = {"0.0": noisy(0.3, 1), "0.1": noisy(0, 2)}
    drops["0.0"][24:] = [-(10**6)] * len(drops["0.0"][24:])
    course, answers = ran(drops, ["0.0"])
    assert course.verdict == "consistent"
    assert course.looks[0].closed == ("0.0",)
    assert answers.most["0.0"] == 24
    assert course.asked == {"0.0": 24, "0.1": answers.most["0.1"]}


def test_a_head_that_refuses_ends_the_course() -> None:
    """One head refuses at the first look while another is open: no further pair is asked for."""
    drops = {"0.0": noisy(0.3, 1), "0.1": noisy(0.4, 2), "0.2": noisy(0, 3)}
    course, answers = ran(drops, ["0.0"])
    assert (course.verdict, len(course.looks)) == ("not_consistent", 1)
    assert course.looks[0].refused == ("0.1",)
    assert course.looks[0].closed == ()
    assert set(answers.most.values()) == {24}
    ruling = ruling_of(course, answers)
    assert [(each.head, each.claim, each.pairs) for each in ruling.refused] == [
        ("0.1", "not_declared", 24)
    ]
    assert ruling.open == ()


@pytest.mark.parametrize("declared", [1, 2, 5])
def test_an_inert_declared_head_refuses_by_96_pairs(declared: int) -> None:
    """One head too many, beside true ones: its silence is shown, alone and after the others."""
    drops = {f"0.{i}": noisy(0.2, i) for i in range(declared)} | {"1.0": noisy(0, 9, noise=0.005)}
    joint = {"1.0": noisy(0, 10, noise=0.005)}
    course, _ = ran(drops, list(drops), joint)
    assert course.verdict == "not_consistent"
    assert course.looks[-1].refused == ("1.0",)
    assert course.looks[-1].pairs <= 96


def test_interchangeable_declared_heads_never_refuse() -> None:
    """Each does nothing alone and everything once the other is replaced."""
    drops = {"0.0": noisy(0, 1), "0.1": noisy(0, 2), "0.2": noisy(0.5, 3)}
    joint = {"0.0": noisy(1, 4), "0.1": noisy(1, 5)}
    course, _ = ran(drops, ["0.0", "0.1", "0.2"], joint)
    assert course.verdict == "inconclusive"
    assert course.looks[-1].spared == ("0.0", "0.1")
    assert not course.only_together
    assert course.asked_after_others.keys() == {"0.0", "0.1"}


def test_heads_that_carry_the_effect_only_together_never_refuse() -> None:
    """Every head of the model is surely below the threshold alone: nothing is said of any of them."""
    silent = {"0.0": noisy(0, 1, noise=0.005), "0.1": noisy(0, 2, noise=0.005)}
    both, answers = ran(silent, ["0.0", "0.1"], {})
    assert both.verdict == "inconclusive"
    assert both.only_together
    assert both.looks[-1].spared == ("0.0", "0.1")
    assert both.asked_after_others == {}
    assert ruling_of(both, answers).only_together


def test_a_head_that_opposes_the_task_counts_by_its_size() -> None:
    """Declared, it is settled; undeclared, it refuses."""
    drops = {"0.0": noisy(0.5, 1), "0.1": noisy(-0.3, 2)}
    assert ran(drops, ["0.0", "0.1"])[0].verdict == "consistent"
    course, _ = ran(drops, ["0.0"])
    assert course.looks[-1].refused == ("0.1",)


def test_a_head_that_was_never_replaced_stays_open() -> None:
    """No silence is read into a measurement that was not made."""
    answers = Recorded([WHOLE] * 384, {"0.0": noisy(0.4, 1)}, {})
    course = course_of(question(["0.0", "0.1"], ["0.0"]), answers)
    assert course.verdict == "inconclusive"
    assert course.open == ("0.1",)
    assert ruling_of(course, answers).open[0].pairs_needed == NEVER_PATCHED


def test_without_a_sure_effect_nothing_is_settled() -> None:
    """As many pairs lose as gain: no head has a share of that."""
    whole = [WHOLE, -WHOLE] * 192
    answers = Recorded(whole, {"0.0": whole, "0.1": [0] * 384}, {})
    course = course_of(question(["0.0", "0.1"], ["0.0"]), answers)
    assert (course.verdict, course.effect_is_sure) == ("inconclusive", False)
    assert all(look.closed == look.refused == () for look in course.looks)


def test_nothing_declared_is_one_look() -> None:
    """Every head is replaced on the first pairs, and nothing is ruled on."""
    course, answers = ran({"0.0": noisy(0.4, 1), "0.1": noisy(0, 2)}, [])
    assert [look.pairs for look in course.looks] == [24]
    assert answers.most == {"0.0": 24, "0.1": 24}


def test_the_budget_ends_the_looks() -> None:
    """Three heads on 24 pairs are 72; two open ones on 24 more are 48: one less than that is refused."""
    drops = {"0.0": noisy(0.4, 1), "0.1": noisy(0, 2), "0.2": noisy(0, 3)}
    course, _ = ran(drops, ["0.0"], budget=72 + 48 - 1)
    assert [look.pairs for look in course.looks] == [24]
    assert course.verdict == "inconclusive"
    assert len(ran(drops, ["0.0"], budget=72 + 48)[0].looks) == 2


def test_what_silence_excludes() -> None:
    """The least pairs for a share, and the least share for pairs, as the rule's table has them."""
    shares = [least_silent(Fraction(share)) for share in ("0.3", "0.2", "0.1")]
    assert shares == [16, 22, 42]
    told = {16: "0.276", 20: "0.217", 24: "0.179", 32: "0.133", 40: "0.106", 48: "0.088"}
    told |= {96: "0.044", 192: "0.022"}
    assert {n: format(Decimal(int(excludable(n) * 1000)) / 1000, "f") for n in told} == told


def settled_by_the_look_named(seed: int) -> bool:
    """Whether a head that 48 pairs leave open is settled by the look that they name."""
    share, noise = (0.0, 0.2) if seed % 2 else (0.07, 0.06)
    drops = noisy(share, seed, n=1024, noise=noise)
    sums = Sums.of(drops[:48], [WHOLE] * 48)
    needed = pairs_needed(
        "not_declared" if seed % 2 else "declared", bounds_of(Decimal("0.05")), sums
    )
    look = 96
    while needed is not None and look < needed:
        look *= 2
    answers = Recorded([WHOLE] * 1024, {"0.0": drops, "0.1": [WHOLE] * 1024}, {})
    declared = ["0.1"] if seed % 2 else ["0.0", "0.1"]
    course = course_of(question(["0.0", "0.1"], declared, looks=(min(look, 1024),)), answers)
    return "0.0" in course.looks[0].closed


def test_the_pairs_named_settle_the_head_in_most_draws() -> None:
    """Eight in ten are aimed at: of forty heads of two kinds, at least thirty are settled."""
    assert sum(map(settled_by_the_look_named, range(40))) >= 30


def test_an_estimate_on_the_wrong_side_names_no_number_of_pairs() -> None:
    """More pairs are not expected to settle it."""
    answers = Recorded([WHOLE] * 48, {"0.0": [600, -380] * 24, "0.1": [WHOLE] * 48}, {})
    course = course_of(question(["0.0", "0.1"], ["0.1"], looks=(24, 48)), answers)
    (left,) = ruling_of(course, answers).open
    assert (left.head, left.pairs_needed) == ("0.0", BOUNDARY)


@pytest.mark.parametrize(("looks", "most"), [((24, 48), 26), ((24, 48, 96, 192, 384), 40)])
def test_an_effect_in_every_tenth_pair_is_seldom_overlooked(
    looks: tuple[int, ...], most: int
) -> None:
    """Of 2,000 draws: silence by luck has a chance of .9^48 = .64 %, over all looks 1.2 %."""
    draw = random.Random(7)  # noqa: S311 - repeatable, not secret
    overlooked = 0
    for _ in range(2000):
        rare = [WHOLE * (draw.random() < 0.1) for _ in range(looks[-1])]
        answers = Recorded([WHOLE] * looks[-1], {"0.0": rare, "0.1": [WHOLE] * looks[-1]}, {})
        course = course_of(question(["0.0", "0.1"], ["0.1"], looks), answers)
        overlooked += any("0.0" in look.closed for look in course.looks)
    assert overlooked <= most


def test_the_order_of_pairs_inside_a_look_does_not_matter() -> None:
    """Nor does the unit of the metric."""
    drops = {"0.0": noisy(0.12, 1, noise=0.3), "0.1": noisy(0.03, 2, noise=0.1)}
    order = [*random.Random(3).sample(range(24), 24), *range(24, 384)]  # noqa: S311 - repeatable
    shuffled = {head: [values[i] for i in order] for head, values in drops.items()}
    scaled = {head: [7 * value for value in values] for head, values in drops.items()}
    course, _ = ran(drops, ["0.0"])
    assert ran(shuffled, ["0.0"])[0].looks == course.looks
    answers = Recorded([7 * WHOLE] * 384, scaled, {})
    assert course_of(question(list(drops), ["0.0"]), answers).looks == course.looks
