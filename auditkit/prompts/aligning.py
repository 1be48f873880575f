"""Which token of the negative stands in the place of each token of the positive.

Prompts of one length are aligned position by position. Prompts of different length are aligned only
where their texts were written in parts, the same number in both, by this rule:

1. Part stands against part, and the tokenizer's own special tokens against each other.
2. Inside a part the last token stands against the last, the one before it against the one before it.
3. Where the positive's part is longer, its first tokens, those left over, all stand against the first
   token of the negative's part. Where the negative's is longer, its first tokens, those left over, stand
   against nothing: they are read by the negative's own run and replace nothing in the positive.

A token belongs to the part that holds its last character; it may reach back over white space only.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from auditkit.prompts.tokens import Encoding
from auditkit.records.prompts import Matched, PromptPair

Alignment = tuple[int, ...]
"""Per token of the positive, the place of the negative's token; empty where both are the same place."""

Cell = tuple[int, int]
"""A text (0 or 1; -1 before the first) and a part of it; special tokens are in part -1 behind a text."""


class NotAlignedError(ValueError):
    """Declared parts do not give every token of the positive one token of the negative."""


def aligned(pair: PromptPair, positive: Encoding, negative: Encoding) -> Alignment:
    """The alignment of a pair by its declared parts.

    Raises:
        NotAlignedError: a token lies across two parts, or a part has no token.
    """
    ours = _places(positive, _texts(pair, positive=True))
    theirs = _places(negative, _texts(pair, positive=False))
    for cell in ours.keys() ^ theirs.keys():
        side = "negative" if cell in ours else "positive"
        raise NotAlignedError(f"part {cell[1] + 1} of the {side} has no token of its own")
    found: dict[int, int] = {}
    for cell, places in ours.items():
        opposite = theirs[cell]
        excess = len(places) - len(opposite)
        for index, place in enumerate(places):
            found[place] = opposite[max(0, index - excess)]
    alignment = tuple(found[place] for place in range(len(positive.ids)))
    return () if len(alignment) == len(negative.ids) and _identical(alignment) else alignment


def _identical(alignment: Alignment) -> bool:
    return alignment == tuple(range(len(alignment)))


def _texts(pair: PromptPair, *, positive: bool) -> tuple[tuple[str, ...], ...]:
    """The parts of each text of one prompt."""

    def side(parts: Sequence[Matched]) -> tuple[str, ...]:
        return tuple(part.positive if positive else part.negative for part in parts)

    first = side(pair.parts) or (pair.positive if positive else pair.negative,)
    second = side(pair.second_parts) or (() if pair.second is None else side([pair.second]))
    return (first, second) if second else (first,)


def _places(encoding: Encoding, texts: tuple[tuple[str, ...], ...]) -> dict[Cell, list[int]]:
    """The places of the tokens in each part, and of the special tokens behind each text."""
    ends = [tuple(accumulate(len(part) for part in parts)) for parts in texts]
    found: dict[Cell, list[int]] = {}
    text = -1
    for place, span in enumerate(encoding.spans):
        if span is None:
            found.setdefault((text, -1), []).append(place)
            continue
        text, start, end = span
        part = _part_at(ends[text], max(start, end - 1))
        begins = ends[text][part - 1] if part else 0
        if "".join(texts[text])[start : max(start, begins)].strip():
            token = encoding.tokens[place]
            raise NotAlignedError(f"the token {token!r} lies across parts {part} and {part + 1}")
        found.setdefault((text, part), []).append(place)
    for number, parts in enumerate(texts):
        empty = [part for part in range(len(parts)) if (number, part) not in found]
        if empty:
            raise NotAlignedError(
                f"part {empty[0] + 1}, {parts[empty[0]]!r}, has no token of its own"
            )
    return found


def _part_at(ends: Sequence[int], character: int) -> int:
    return next((part for part, end in enumerate(ends) if character < end), len(ends) - 1)


def aligned_ids(ids: Sequence[int], alignment: Sequence[int]) -> tuple[int, ...]:
    """Token ids of a negative in the places of the positive."""
    return tuple(ids[place] for place in alignment) if alignment else tuple(ids)


def uneven_places(alignment: Sequence[int]) -> tuple[bool, ...]:
    """Per place of the positive, whether a token is left over there on either side."""
    last = len(alignment) - 1
    return tuple(
        (place < last and alignment[place + 1] == at)
        or (at - (alignment[place - 1] if place else -1) > 1)
        for place, at in enumerate(alignment)
    )
