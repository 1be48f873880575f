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
from auditkit.identifying.search import Searched, count_of, minimal, search
from auditkit.records.base import NotAssessed
from auditkit.records.specification import Specification
from tests.builders import specification

HEADS = [f"{layer}.{head}" for layer in range(3) for head in range(4)]
Keeps = Callable[[Heads], float]


class Paper:
    """An intervention whose kept share is a function of the heads that are left."""

    ablation = "resample"

    def __init__(self, keeps: Keeps) -> None:
        self.all_heads: Heads = frozenset((layer, head) for layer in range(3) for head in range(4))
        self._keeps = keeps
        self.patched: list[Heads] = []

    def kept(self, heads: Heads) -> Tensor:
        """The share on each of four examples."""
        return torch.full((4,), self._keeps(heads))

    def lost(self, replaced: Sequence[Heads]) -> Tensor:
        """What is lost with these heads replaced."""
        self.patched += list(replaced)
        return torch.stack([1 - self.kept(self.all_heads - heads) for heads in replaced])


def rule(patience: str = "0.1", sample: str = "0", completion: int = 4) -> Specification:
    base = specification()
    patching = base.patching.model_copy(
        update={
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
) -> Searched:
    paper = cast("Intervention", Paper(keeps))
    return search(paper, ranked, frozenset(screened), settings, lambda _done: None)


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


def test_screened_heads_are_patched_whatever_their_rank() -> None:
    """A head that was screened is patched first, although others rank before it."""
    found = run(additive({(2, 3): 1.0}), rule(), screened=["2.3"])
    assert found.patched[0].head == "2.3"
    assert found.completion.alone.state == "observed"


def test_the_ranking_is_followed_until_enough_heads_in_a_row_fail() -> None:
    """Patience 0.1 of twelve heads is two: the gap of one is crossed, the gap of two is not."""
    shares = {(0, 0): 0.4, (0, 2): 0.3, (1, 1): 0.3}
    found = run(additive(shares), rule(completion=0))
    assert [p.head for p in found.patched] == ["0.0", "0.1", "0.2", "0.3", "1.0"]


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
