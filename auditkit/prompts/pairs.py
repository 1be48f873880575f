"""Prompt pairs under one tokenizer: token ids, two sets that never overlap, and their digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditkit.digest import canonical_json, sha256_hex
from auditkit.errors import InputError, Problem
from auditkit.records.prompts import PromptPair
from auditkit.tokens import Encoding, NotOneTokenError, Tokenizer


@dataclass(frozen=True)
class ResolvedPair:
    """A pair and its token ids. ``positive_ids`` and ``negative_ids`` have the same length.

    ``answer_ids`` and ``wrong_ids`` follow the order of ``pair.answers`` and ``pair.wrong``, and
    share no id.
    """

    pair: PromptPair
    positive_ids: tuple[int, ...]
    negative_ids: tuple[int, ...]
    answer_ids: tuple[int, ...]
    wrong_ids: tuple[int, ...]


def resolve(
    pairs: Sequence[PromptPair],
    tokenizer: Tokenizer,
    where: str,
    lines: Sequence[int] | None = None,
) -> tuple[ResolvedPair, ...]:
    """The pairs as token ids, in the same order. ``lines`` gives each pair's line in ``where``.

    Raises:
        InputError: every pair whose prompts differ in length, whose answers are not one token each,
            whose right and wrong answers share a token, or whose prompt is written differently from
            another and is the same tokens.
    """
    problems: list[Problem] = []
    written = _Written()
    resolved: list[ResolvedPair] = []
    for index, pair in enumerate(pairs):
        place = _Place(where, None if lines is None else lines[index], f"pairs[{index}]", problems)
        positive, negative = tokenizer.encode(pair.positive), tokenizer.encode(pair.negative)
        _check_alignment(positive, negative, place)
        written.note("positive", pair.positive, positive, place)
        written.note("negative", pair.negative, negative, place)
        answers = _answer_ids(pair.positive, pair.answers, "answer", tokenizer, place)
        wrong = _answer_ids(pair.positive, pair.wrong, "wrong", tokenizer, place)
        for text, token in zip(pair.answers, answers, strict=True):
            if token is not None and token in wrong:
                clash = pair.wrong[wrong.index(token)]
                place.add("wrong", f"answer {text!r} and wrong answer {clash!r} are the same token")
        resolved.append(
            ResolvedPair(pair, positive.ids, negative.ids, _known(answers), _known(wrong))
        )
    if problems:
        raise InputError(problems)
    return tuple(resolved)


@dataclass(frozen=True)
class _Place:
    """Where a pair stands, and the list its problems go to."""

    where: str
    line: int | None
    key: str
    problems: list[Problem]

    def add(self, key: str, message: str, advice: str = "") -> None:
        self.problems.append(Problem(self.where, self.line, f"{self.key}.{key}", message, advice))


class _Written:
    """How each sequence of tokens was first written, and where.

    Two sets that share no text could share tokens, and examples that look different be one example.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[int, ...], tuple[str, _Place]] = {}

    def note(self, key: str, text: str, encoding: Encoding, place: _Place) -> None:
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


def _check_alignment(positive: Encoding, negative: Encoding, place: _Place) -> None:
    if not positive.ids:
        place.add("positive", "the prompt has no tokens")
    elif len(positive.ids) != len(negative.ids):
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
            "choose words with the same number of tokens",
        )
    elif positive.ids == negative.ids:
        place.add("negative", "positive and negative are the same tokens to this model")


def _around(encoding: Encoding, at: int) -> str:
    shown = encoding.tokens[max(0, at - 2) : at + 4]
    return "[" + " ".join(repr(token) for token in shown) + "]"


def _answer_ids(
    prompt: str, answers: tuple[str, ...], key: str, tokenizer: Tokenizer, place: _Place
) -> list[int | None]:
    ids: list[int | None] = []
    for text in answers:
        try:
            token = tokenizer.next_token(prompt, text)
        except NotOneTokenError as error:
            shown = " ".join(repr(each) for each in error.tokens) or "no token"
            place.add(
                key,
                f"{text!r} is not one token of this model after its prompt: it adds {shown}",
                "choose an answer that is one token; most need the space before the word",
            )
            ids.append(None)
            continue
        if token in ids:
            place.add(key, f"{text!r} is the same token as {answers[ids.index(token)]!r}")
        ids.append(token)
    return ids


def _known(ids: list[int | None]) -> tuple[int, ...]:
    return tuple(token for token in ids if token is not None)


def digest_of(pairs: Sequence[PromptPair]) -> str:
    """``sha256:`` and the SHA-256 of the canonical JSON of the pairs, in order."""
    return "sha256:" + sha256_hex(canonical_json([pair.model_dump(mode="json") for pair in pairs]))


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


def _draw(pair: PromptPair, seed: int) -> str:
    # A digest as the source of chance: the same on every Python, blind to the order of the file.
    return sha256_hex(canonical_json([str(seed), pair.model_dump(mode="json")]))


def _groups(pairs: Sequence[PromptPair]) -> list[list[PromptPair]]:
    """The pairs in groups linked by a shared text; groups and members keep the order given."""
    parent: dict[str, str] = {}

    def root(text: str) -> str:
        while parent.setdefault(text, text) != text:
            parent[text] = parent[parent[text]]
            text = parent[text]
        return text

    for pair in pairs:
        parent[root(pair.negative)] = root(pair.positive)
    groups: dict[str, list[PromptPair]] = {}
    for pair in pairs:
        groups.setdefault(root(pair.positive), []).append(pair)
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
