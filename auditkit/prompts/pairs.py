"""Prompt pairs under one tokenizer: token ids, two sets that never overlap, and their digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditkit.digest import canonical_json, sha256_hex
from auditkit.errors import InputError, Problem
from auditkit.prompts.aligning import Alignment, NotAlignedError, aligned
from auditkit.prompts.asking import (
    NEXT_TOKEN,
    Asking,
    Place,
    answer_ids,
    as_encoded,
    check_masks,
    check_texts,
    texts_of,
)
from auditkit.prompts.tokens import Encoding, Tokenizer
from auditkit.records.prompts import PromptPair

_SAME = "positive and negative are the same tokens to this model"


@dataclass(frozen=True)
class ResolvedPair:
    """A pair and its token ids.

    ``alignment`` says which token of the negative stands in the place of each of the positive; it is
    empty where the prompts are aligned position by position and have the same length. ``answer_ids``
    and ``wrong_ids`` follow the order of ``pair.answers`` and ``pair.wrong`` and share no id: tokens, or
    labels of a classifier. A similarity task has ``answer_texts`` and ``wrong_texts`` for them. The
    ``types`` are the prompts' segment numbers, ``mask`` is the place of the positive's mask token.
    """

    pair: PromptPair
    positive_ids: tuple[int, ...]
    negative_ids: tuple[int, ...]
    answer_ids: tuple[int, ...]
    wrong_ids: tuple[int, ...]
    alignment: Alignment = ()
    answer_texts: tuple[Encoding, ...] = ()
    wrong_texts: tuple[Encoding, ...] = ()
    positive_types: tuple[int, ...] = ()
    negative_types: tuple[int, ...] = ()
    mask: int | None = None


def resolve(
    pairs: Sequence[PromptPair],
    tokenizer: Tokenizer,
    where: str,
    lines: Sequence[int] | None = None,
    asking: Asking = NEXT_TOKEN,
) -> tuple[ResolvedPair, ...]:
    """The pairs as token ids, in the same order. ``lines`` gives each pair's line in ``where``.

    Raises:
        InputError: every pair whose prompts differ in length and are not aligned by parts, whose
            answers are not what the kind asks for, whose right and wrong answers are the same, or
            whose prompt is written differently from another and is the same tokens.
    """
    problems: list[Problem] = []
    written = _Written()
    resolved: list[ResolvedPair] = []
    for index, pair in enumerate(pairs):
        place = Place(where, None if lines is None else lines[index], f"pairs[{index}]", problems)
        resolved.append(_resolved(pair, tokenizer, asking, written, place))
    if problems:
        raise InputError(problems)
    return tuple(resolved)


def _resolved(
    pair: PromptPair, tokenizer: Tokenizer, asking: Asking, written: _Written, place: Place
) -> ResolvedPair:
    """The pair as token ids; what is wrong with it goes to the place."""
    texts = as_encoded(pair, asking, tokenizer)
    check_texts(texts, asking, place)
    second = (
        (None, None) if texts.second is None else (texts.second.positive, texts.second.negative)
    )
    positive = tokenizer.encode(texts.positive, second[0])
    negative = tokenizer.encode(texts.negative, second[1])
    alignment = _aligned(texts, positive, negative, place)
    written.note("positive", _whole(texts, positive=True), positive, place)
    written.note("negative", _whole(texts, positive=False), negative, place)
    mask = None
    if asking.kind == "masked_token":
        if not check_masks(texts, positive, negative, tokenizer, place):
            return ResolvedPair(pair, positive.ids, negative.ids, (), ())
        mask = positive.ids.index(tokenizer.mask_id)
        if (alignment or range(len(negative.ids)))[mask] != negative.ids.index(tokenizer.mask_id):
            place.add("negative", "its mask does not stand in the place of the positive's mask")
    answered: dict[str, tuple[Encoding, ...]] = {}
    answers: list[int | None] = []
    wrong: list[int | None] = []
    if asking.kind == "similarity":
        answered = {
            "answer_texts": texts_of(texts, "answer", tokenizer, place),
            "wrong_texts": texts_of(texts, "wrong", tokenizer, place),
        }
        own, others = ([each.ids for each in side] for side in answered.values())
        _refuse_clash(texts, own, others, place)
    else:
        answers = answer_ids(texts, "answer", asking, tokenizer, place)
        wrong = answer_ids(texts, "wrong", asking, tokenizer, place)
        _refuse_clash(texts, answers, wrong, place)
    return ResolvedPair(
        pair,
        positive.ids,
        negative.ids,
        _known(answers),
        _known(wrong),
        alignment=alignment,
        positive_types=positive.types,
        negative_types=negative.types,
        mask=mask,
        **answered,
    )


def _whole(pair: PromptPair, *, positive: bool) -> str:
    """A prompt's texts as one that no prompt of other texts can be."""
    first = pair.positive if positive else pair.negative
    if pair.second is None:
        return first
    return f"{first}\0{pair.second.positive if positive else pair.second.negative}"


def _refuse_clash(
    pair: PromptPair, answers: Sequence[object], wrong: Sequence[object], place: Place
) -> None:
    for text, token in zip(pair.answers, answers, strict=True):
        if token is not None and token in wrong:
            clash = pair.wrong[wrong.index(token)]
            place.add("wrong", f"answer {text!r} and wrong answer {clash!r} are the same token")


class _Written:
    """How each sequence of tokens was first written, and where.

    Two sets that share no text could share tokens, and examples that look different be one example.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[int, ...], tuple[str, Place]] = {}

    def note(self, key: str, text: str, encoding: Encoding, place: Place) -> None:
        """Note a prompt, or the problem that it is another one of the same tokens."""
        first, at = self._first.setdefault(encoding.ids, (text, place))
        if text == first or at is place:
            return  # a pair whose two prompts are the same tokens is told by its alignment
        where = at.key if at.line is None else f"line {at.line}"
        place.add(
            key,
            f"to this model the {key} is the same tokens as a prompt of {where}, written differently",
            "remove one of the pairs, or use words that this model's tokenizer knows",
        )


def _aligned(pair: PromptPair, positive: Encoding, negative: Encoding, place: Place) -> Alignment:
    """The alignment of a pair; notes why there is none."""
    if not positive.ids:
        place.add("positive", "the prompt has no tokens")
        return ()
    if pair.parts or pair.second_parts:
        try:
            alignment = aligned(pair, positive, negative)
        except NotAlignedError as error:
            place.add("positive", str(error), "write parts that are whole words with their spaces")
            return ()
        if not alignment and positive.ids == negative.ids:
            place.add("negative", _SAME)
        return alignment
    if len(positive.ids) != len(negative.ids):
        at = next(
            (
                index
                for index, (one, other) in enumerate(zip(positive.ids, negative.ids, strict=False))
                if one != other
            ),
            min(len(positive.ids), len(negative.ids)),
        )
        place.add(
            "negative",
            f"the positive has {len(positive.ids)} tokens and the negative {len(negative.ids)}; "
            f"they part at token {at + 1}: {_around(positive, at)} against {_around(negative, at)}",
            "choose words with the same number of tokens, or write both texts as lists of aligned parts",
        )
    elif positive.ids == negative.ids:
        place.add("negative", _SAME)
    return ()


def _around(encoding: Encoding, at: int) -> str:
    shown = encoding.tokens[max(0, at - 2) : at + 4]
    return "[" + " ".join(repr(token) for token in shown) + "]"


def _known(ids: list[int | None]) -> tuple[int, ...]:
    return tuple(token for token in ids if token is not None)


def digest_of(pairs: Sequence[PromptPair]) -> str:
    """``sha256:`` and the SHA-256 of the canonical JSON of the pairs, in order."""
    return "sha256:" + sha256_hex(canonical_json([_content(pair) for pair in pairs]))


def _content(pair: PromptPair) -> dict[str, object]:
    """What was written of a pair: second texts and parts only where it has any."""
    unused = {name for name in ("second", "parts", "second_parts") if not getattr(pair, name)}
    return pair.model_dump(mode="json", exclude=unused)


def split(
    pairs: Sequence[PromptPair],
    n_examples: int,
    n_test: int,
    seed: int,
    *,
    fewest_test: int | None = None,
    where: str = "the prompt pairs",
) -> tuple[tuple[PromptPair, ...], tuple[PromptPair, ...]]:
    """A discovery set of ``n_examples`` pairs and a test set of ``n_test`` that share no text.

    Pairs that share a positive or negative text, in either role, are never in different sets. The
    choice depends on the pairs and the seed, not on the order of the pairs. With ``fewest_test``
    the test set may be smaller than ``n_test``, down to that number.

    Raises:
        InputError: there are too few pairs, or too many of them share texts; says what it takes.
    """
    least = n_test if fewest_test is None else min(fewest_test, n_test)
    ordered = sorted(set(pairs), key=lambda pair: _draw(pair, seed))
    groups = _groups(ordered)
    chosen = _groups_to_discover([len(group) for group in groups], n_examples)
    discovery = [pair for index in chosen for pair in groups[index]]
    taken = set(chosen)
    rest = [pair for index, group in enumerate(groups) if index not in taken for pair in group]
    if len(discovery) < n_examples or len(rest) < least:
        raise InputError([_too_few(len(ordered), groups, n_examples, least, where)])
    return tuple(discovery[:n_examples]), tuple(rest[:n_test])


@dataclass(frozen=True)
class Wanted:
    """How many pairs a task asks for.

    ``first`` find the circuit, and up to ``most`` settle what those leave open; ``test`` test it.
    ``fewer``: there may be fewer than ``most``. With ``fewest_test`` there may be fewer than ``test``, too.
    """

    first: int
    most: int
    test: int
    fewer: bool = False
    fewest_test: int | None = None


def split_as_wanted(
    pairs: Sequence[PromptPair], wanted: Wanted, seed: int, where: str = "the prompt pairs"
) -> tuple[tuple[PromptPair, ...], tuple[PromptPair, ...]]:
    """The pairs to find the circuit, first and further ones, and the test pairs; they share no text.

    Where the numbers are not written, a third of the pairs beyond the first are test pairs, up to the number
    wanted; the others are further pairs.

    Raises:
        InputError: there are too few pairs, or too many of them share texts; says what it takes.
    """
    n_test, fewest_test = wanted.test, wanted.fewest_test
    beyond = len(set(pairs)) - wanted.first
    if fewest_test is not None:
        n_test = min(n_test, max(fewest_test, beyond // 3))
    if not wanted.fewer:
        return split(pairs, wanted.most, n_test, seed, fewest_test=fewest_test, where=where)
    most = min(
        wanted.most, wanted.first + max(0, beyond - n_test) // 2 * 2
    )  # a look is at pairs of pairs
    if fewest_test is not None:
        n_test = max(n_test, min(wanted.test, beyond - (most - wanted.first)))
    for n in range(most, wanted.first, -_STEP):
        try:
            return split(pairs, n, n_test, seed, where=where)
        except InputError:
            continue  # pairs that share a text stay on one side: try with fewer
    return split(pairs, wanted.first, wanted.test, seed, fewest_test=fewest_test, where=where)


_STEP = 4
"""How many pairs fewer are tried where pairs that share a text do not let a file be split as wanted."""


def _draw(pair: PromptPair, seed: int) -> str:
    # A digest as the source of chance: the same on every Python, blind to the order of the file.
    return sha256_hex(canonical_json([str(seed), _content(pair)]))


def _groups(pairs: Sequence[PromptPair]) -> list[list[PromptPair]]:
    """The pairs in groups linked by a shared text; groups and members keep the order given."""
    parent: dict[str, str] = {}

    def root(text: str) -> str:
        while parent.setdefault(text, text) != text:
            parent[text] = parent[parent[text]]
            text = parent[text]
        return text

    for pair in pairs:
        parent[root(_whole(pair, positive=False))] = root(_whole(pair, positive=True))
    groups: dict[str, list[PromptPair]] = {}
    for pair in pairs:
        groups.setdefault(root(_whole(pair, positive=True)), []).append(pair)
    return list(groups.values())


def _groups_to_discover(sizes: Sequence[int], wanted: int) -> list[int]:
    """Indices of groups that together hold ``wanted`` pairs, or as few more as any choice allows.

    The early groups come first among equals. Empty when all the groups together hold too few.
    """
    reached: dict[int, tuple[int, int]] = {
        0: (-1, 0)
    }  # pairs held -> (last group, pairs before it)
    best: tuple[int, int, int] | None = None  # pairs held, last group, pairs before it
    for index, size in enumerate(sizes):
        for held in sorted(reached, reverse=True):
            total = held + size
            if total < wanted:
                reached.setdefault(total, (index, held))
            elif best is None or total < best[0]:
                best = (total, index, held)
        if best is not None and best[0] == wanted:
            break
    if best is None:
        return []
    chosen = [best[1]]
    held = best[2]
    while held:
        last, held = reached[held]
        chosen.append(last)
    return sorted(chosen)


def _too_few(
    n_pairs: int, groups: list[list[PromptPair]], n_examples: int, n_test: int, where: str
) -> Problem:
    needed = n_examples + n_test
    asked = f"{n_examples} to find the circuit and {n_test} to test it: {needed} pairs are needed"
    if n_pairs < needed:
        return Problem(
            where,
            None,
            "",
            f"{asked}, and there are {n_pairs}",
            f"add {needed - n_pairs} pairs, or lower `examples` or `test_examples`",
        )
    largest = max(len(group) for group in groups)
    return Problem(
        where,
        None,
        "",
        f"{asked}; there are {n_pairs}, but pairs that share a prompt must stay on one side, and "
        f"they form {len(groups)} groups, the largest of {largest}",
        f"add pairs whose prompts are new: {needed} pairs that share none are always enough",
    )
