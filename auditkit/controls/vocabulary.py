"""What control models read: twelve words, one sentence form, and prompt pairs made from them.

"Ada likes red and Ben likes blue and Ada likes" is followed by "red". All prompts have the same
number of tokens, and every word is one token.
"""

from __future__ import annotations

from random import Random

from auditkit.controls.planting import Asked
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.prompts import PromptPair

BEGIN = "<bos>"
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve")
COLOURS = ("red", "blue", "green", "white")
LINKS = ("likes", "and")
SORTS = {"primary": ("red", "blue"), "not primary": ("green", "white")}
"""What a classifier says of a colour: the labels in the order of their numbers."""

# Colours early on: heads are located by running the model on the first few token ids, and on names
# alone some layers would put out nothing.
VOCABULARY = (BEGIN, *LINKS, "Ada", "red", "Ben", "blue", *COLOURS[2:], *NAMES[2:])
"""Every token's text; its place is its id."""

_FORM = "{} likes {} and {} likes {} and {} likes"
LENGTH = len(_FORM.split()) + 1
"""Tokens of a prompt, the one that begins it included."""

DISCOVERY, TEST = 24, 20
"""Pairs of a control model's discovery and test set."""


def task_pairs(asked: Asked, n: int, seed: int) -> tuple[ResolvedPair, ...]:
    """``n`` pairs of the planted task, no text in two of them. The right answer is that on the positive.

    Raises:
        ValueError: so many pairs without a common text do not exist.
    """
    draw = Random(seed)  # noqa: S311 - a repeatable draw, not a secret
    seen: set[str] = set()
    pairs: list[ResolvedPair] = []
    for _ in range(200 * n):
        pair = _task_pair(asked, draw)
        if seen.isdisjoint((pair.positive, pair.negative)):
            seen |= {pair.positive, pair.negative}
            pairs.append(_resolved(pair, asked))
        if len(pairs) == n:
            break
    if len(pairs) < n:
        raise ValueError(f"there are not {n} pairs that share no text")
    return tuple(pairs)


def distinct_pairs(asked: Asked, most: int) -> tuple[ResolvedPair, ...]:
    """Pairs of the planted task, no two the same, though a text may stand in several; at most so many."""
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], ResolvedPair] = {}
    draw = Random(most)  # noqa: S311 - a repeatable draw, not a secret
    for _ in range(20 * most):
        pair = _resolved(_task_pair(asked, draw), asked)
        found.setdefault((pair.positive_ids, pair.negative_ids), pair)
        if len(found) == most:
            break
    return tuple(found.values())


def other_task_pairs(n: int, seed: int) -> tuple[ResolvedPair, ...]:
    """``n`` pairs of the other task these models may do: repeat the name asked about."""
    return tuple(
        _resolved(
            PromptPair(
                positive=pair.pair.positive,
                negative=pair.pair.negative,
                answers=(pair.pair.positive.split()[-2],),
                wrong=(pair.pair.negative.split()[-2],),
                template="the name asked about",
            ),
            Asked(),
        )
        for pair in task_pairs(Asked(), n, seed)
    )


def _task_pair(asked: Asked, draw: Random) -> PromptPair:
    first, second, stranger = draw.sample(NAMES, 3)
    colours = draw.sample(COLOURS, 2)
    if (
        asked.kind == "classification"
    ):  # of one colour of each sort, or both answers would be the same
        colours = draw.sample([draw.choice(sort) for sort in SORTS.values()], 2)
    place = draw.randrange(2)
    name, other = (first, second) if place == 0 else (second, first)
    negative = {
        "absent": (first, colours[0], second, colours[1], stranger),
        "other": (first, colours[0], second, colours[1], other),
        "swapped": (second, colours[0], first, colours[1], name),
    }[asked.negatives]
    said = [_sort_of(colour) if asked.kind == "classification" else colour for colour in colours]
    right = place if asked.whose == "own" else 1 - place
    return PromptPair(
        positive=_FORM.format(first, colours[0], second, colours[1], name),
        negative=_FORM.format(*negative),
        answers=(said[right],),
        wrong=(said[1 - right],),
        template=f"the colour {'somebody' if asked.whose == 'own' else 'the other one'} likes",
    )


def _sort_of(colour: str) -> str:
    return next(sort for sort, colours in SORTS.items() if colour in colours)


def _resolved(pair: PromptPair, asked: Asked) -> ResolvedPair:
    says = _labels if asked.kind == "classification" else _ids
    return ResolvedPair(
        pair=pair,
        positive_ids=_ids(f"{BEGIN} {pair.positive}"),
        negative_ids=_ids(f"{BEGIN} {pair.negative}"),
        answer_ids=says(*pair.answers),
        wrong_ids=says(*pair.wrong),
    )


def _ids(text: str) -> tuple[int, ...]:
    return tuple(VOCABULARY.index(word) for word in text.split())


def _labels(sort: str) -> tuple[int, ...]:
    return (list(SORTS).index(sort),)
