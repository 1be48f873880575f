"""The search on models that exist only on paper: what each set of heads keeps is written down."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import combinations
from typing import cast

import pytest
import torch
from torch import Tensor

from auditkit.identifying.interventions import Heads, Intervention
from auditkit.identifying.search import Searched, Sought, count_of, minimal, search
from auditkit.records.base import NotAssessed
from auditkit.records.specification import Specification
from tests.builders import specification

HEADS = [f"{layer}.{head}" for layer in range(3) for head in range(4)]
Keeps = Callable[[Heads], float]


class Paper:
    """An intervention whose kept share is a function of the heads that are left, of an effect of 1."""

    ablation = "resample"

    def __init__(self, keeps: Keeps) -> None:
        self.all_heads: Heads = frozenset((layer, head) for layer in range(3) for head in range(4))
        self._keeps = keeps
        self.patched: list[Heads] = []
        self.full = torch.ones(4)
        self.drops = self.lost([self.all_heads])[0]

    def kept(self, heads: Heads) -> Tensor:
        """The share on each of four examples."""
        return torch.full((4,), self._keeps(heads))

    def lost(self, replaced: Sequence[Heads]) -> Tensor:
        """What is lost with these heads replaced."""
        self.patched += list(replaced)
        return torch.stack([1 - self.kept(self.all_heads - heads) for heads in replaced])

    def metrics(self, replaced: Sequence[Heads]) -> Tensor:
        """What is left of the metric with these heads replaced."""
        return self.full - self.lost(replaced)


def rule(
    patience: str = "0.5", sample: str = "0", completion: int = 4, budget: int = 1
) -> Specification:
    """Settings under a budget that does not allow every head to be replaced, unless a larger one is given."""
    base = specification()
    patching = base.patching.model_copy(
        update={
            "budget": budget,
            "patience": Decimal(patience),
            "sample": Decimal(sample),
            "completion": completion,
        }
    )
    return base.model_copy(update={"patching": patching})


def run(
    keeps: Keeps,
    settings: Specification,
    *,
    ranked: Sequence[str] = tuple(HEADS),
    screened: Sequence[str] = (),
    declared: tuple[str, ...] = (),
) -> Searched:
    paper = cast("Intervention", Paper(keeps))

    def no_more(_start: int, _end: int) -> Intervention:
        raise AssertionError("there are no further pairs")

    sought = Sought(paper, no_more, 4, declared)
    return search(sought, ranked, frozenset(screened), settings, lambda _done: None)


def additive(shares: dict[tuple[int, int], float]) -> Keeps:
    return lambda heads: sum(shares.get(head, 0.0) for head in heads)


def test_every_head_is_patched_at_most_once() -> None:
    """Whatever the effects, each head is either patched once or listed as not patched."""
    for seed in range(20):
        draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
        shares = {(la, h): draw.choice([0.0, 0.1, 0.3]) for la in range(3) for h in range(4)}
        settings = rule(draw.choice(["0.05", "0.2", "1"]), draw.choice(["0", "0.1", "0.5"]))
        found = run(additive(shares), settings, screened=draw.sample(HEADS, 3))
        together = [p.head for p in found.patched] + list(found.unpatched)
        assert sorted(together) == sorted(HEADS)


def test_every_head_is_patched_where_the_budget_allows_it() -> None:
    """Twelve heads on four pairs are 48 patched prompts: not one fewer will do."""
    shares = {(0, 0): 1.0}
    assert run(additive(shares), rule(budget=48)).unpatched == ()
    assert {p.chosen for p in run(additive(shares), rule(budget=48)).patched} == {"all"}
    assert run(additive(shares), rule(budget=47)).unpatched != ()


def test_a_declared_head_is_patched_whatever_its_rank() -> None:
    """What a policy declares is never left unmeasured for having a low rank."""
    assert "2.3" in [p.head for p in run(additive({}), rule(), declared=("2.3",)).patched]


def test_screened_heads_are_patched_whatever_their_rank() -> None:
    """A head that was screened is patched, although enough others rank before it to end the search."""
    found = run(additive({(2, 3): 1.0}), rule(), screened=["2.3"])
    assert "2.3" in [p.head for p in found.patched]
    assert found.completion.alone.state == "observed"


def test_the_ranking_is_followed_until_enough_heads_in_a_row_fail() -> None:
    """Patience is never below five: the gap of three is crossed, that of five and more is not."""
    shares = {(0, 0): 0.4, (1, 0): 0.6}
    found = run(additive(shares), rule(patience="0.1", completion=0))
    ranked = {p.head for p in found.patched if p.chosen == "ranked"}
    assert ranked == {"0.0", "0.1", "0.2", "0.3", "1.0", "1.1", "1.2", "1.3", "2.0", "2.1"}
    assert len(found.patched) == len(HEADS)  # and three more are drawn, of the two that are left


def test_a_hit_in_the_sample_continues_the_ranking() -> None:
    """With every remaining head sampled, the last one is found and nothing is left."""
    found = run(additive({(0, 0): 0.5, (2, 3): 0.5}), rule(sample="1"))
    chosen = {p.head: p.chosen for p in found.patched}
    assert chosen["2.3"] == "sampled"
    assert found.unpatched == ()


def either(heads: Heads) -> float:
    """1.0 and 1.1 do the same work: replacing one shows nothing, replacing both loses all."""
    return 1.0 if heads & {(1, 0), (1, 1)} and (0, 0) in heads else 0.0


def test_heads_that_only_show_together_are_found_by_completion() -> None:
    """A head that shows only when another is replaced too is found by completion, not alone."""
    found = run(either, rule(), ranked=["0.0", "1.0", "1.1", *HEADS[1:4], *HEADS[6:]])
    assert [p.head for p in found.patched if p.effect.mean > 0] == ["0.0"]
    assert found.completion.alone.state == "not_observed"
    assert [p.head for p in found.completion.heads] == ["1.0"]
    assert found.completion.heads[0].effect.mean == 1
    assert not isinstance(found.completion.completed, NotAssessed)


def test_an_effect_spread_over_many_heads_is_not_completed() -> None:
    """Twelve heads of one twelfth each, none of which reaches a threshold of a tenth."""
    settings = rule()
    thresholds = settings.thresholds.model_copy(update={"head_effect": Decimal("0.1")})
    spread = {(la, h): 1 / 12 for la in range(3) for h in range(4)}
    found = run(additive(spread), settings.model_copy(update={"thresholds": thresholds}))
    assert found.completion.heads == ()
    assert isinstance(found.completion.completed, NotAssessed)


def test_no_completion_is_made_where_the_policy_wants_none() -> None:
    """With a completion of 0 heads, none is added."""
    found = run(either, rule(completion=0), ranked=["0.0", "1.0", "1.1", *HEADS[1:4], *HEADS[6:]])
    assert found.completion.heads == ()


@pytest.mark.parametrize("seed", range(30))
def test_nothing_can_be_dropped_from_what_is_left(seed: int) -> None:
    """Against the definition: sufficient, and without any one of its items no longer."""
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    items = [str(i) for i in range(draw.randint(1, 9))]
    enough = [set(draw.sample(items, draw.randint(1, len(items)))) for _ in range(3)]

    def sufficient(chosen: Sequence[str]) -> bool:
        return any(each <= set(chosen) for each in enough)

    left = minimal(items, sufficient)
    assert sufficient(left)
    assert not any(sufficient(fewer) for fewer in combinations(left, len(left) - 1) if fewer)


def test_shares_of_heads_are_rounded_up() -> None:
    """A share of the heads is a whole number of them, at least one where there is any."""
    assert [count_of(Decimal("0.025"), n) for n in (0, 1, 40, 41, 144)] == [0, 1, 1, 2, 4]
