"""The two sets never share a text, whatever the pairs, the sizes and the seed."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.prompts.pairs import split
from auditkit.records.prompts import PromptPair

Pairs = tuple[PromptPair, ...]

texts = st.integers(0, 12).map(lambda number: f"text {number}")
pairs = (
    st.tuples(texts, texts)
    .filter(lambda both: both[0] != both[1])
    .map(lambda both: PromptPair(positive=both[0], negative=both[1], answers=("a",), wrong=("b",)))
)
sets_of_pairs = st.lists(pairs, max_size=14, unique=True)
sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


def texts_of(side: Pairs) -> set[str]:
    return {text for pair in side for text in (pair.positive, pair.negative)}


def attempt(given_pairs: list[PromptPair], n: int, m: int, seed: int) -> tuple[Pairs, Pairs] | None:
    try:
        return split(given_pairs, n, m, seed)
    except InputError:
        return None


def groups_of(given_pairs: list[PromptPair]) -> list[list[PromptPair]]:
    """The slow obvious way: merge groups until no two share a text."""
    groups = [[pair] for pair in given_pairs]
    while True:
        for i, j in product(range(len(groups)), repeat=2):
            if i < j and texts_of(tuple(groups[i])) & texts_of(tuple(groups[j])):
                groups[i] += groups.pop(j)
                break
        else:
            return groups


def possible(given_pairs: list[PromptPair], n: int, m: int) -> bool:
    """Whether any way of giving whole groups to the two sides fills both."""
    groups_sizes = [len(group) for group in groups_of(given_pairs)]
    return any(
        sum(size for size, left in zip(groups_sizes, sides, strict=True) if left) >= n
        and sum(size for size, left in zip(groups_sizes, sides, strict=True) if not left) >= m
        for sides in product((True, False), repeat=len(groups_sizes))
    )


@given(sets_of_pairs, sizes, sizes, seeds)
def test_the_sets_share_no_text_and_have_the_sizes_asked_for(
    given_pairs: list[PromptPair], n: int, m: int, seed: int
) -> None:
    """Whatever the pairs, no prompt stands in both sets, none is invented and none comes twice."""
    found = attempt(given_pairs, n, m, seed)
    if found is not None:
        discovery, test = found
        assert (len(discovery), len(test)) == (n, m)
        assert not texts_of(discovery) & texts_of(test)
        assert set(discovery) | set(test) <= set(given_pairs)
        assert len({*discovery, *test}) == n + m


@given(sets_of_pairs, sizes, sizes, seeds)
def test_a_split_is_found_whenever_there_is_one(
    given_pairs: list[PromptPair], n: int, m: int, seed: int
) -> None:
    """The split is refused exactly where trying all ways finds none."""
    assert (attempt(given_pairs, n, m, seed) is not None) == possible(given_pairs, n, m)


@given(sets_of_pairs, sizes, sizes, seeds, st.randoms(use_true_random=False))
def test_the_same_pairs_and_seed_give_the_same_split_in_any_order(
    given_pairs: list[PromptPair], n: int, m: int, seed: int, order: object
) -> None:
    """The order in which pairs are given does not move one of them to the other set."""
    shuffled = list(given_pairs)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert attempt(shuffled, n, m, seed) == attempt(given_pairs, n, m, seed)
