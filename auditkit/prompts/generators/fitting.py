"""Which words a tokenizer can carry, and whether a finished pair is aligned under it.

Nothing is assumed about a tokenizer: each word is tried in running text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from auditkit.prompts.generators.contract import GeneratorUnsuitable, Split
from auditkit.prompts.tokens import NotOneTokenError, Tokenizer
from auditkit.records.prompts import PromptPair

Item = TypeVar("Item")

_WORD = re.compile(r"[A-Za-z]+")


def one_token_words(tokenizer: Tokenizer, words: Iterable[str], before: str) -> tuple[str, ...]:
    """The words that are exactly one known token after ``before`` and a space, in order."""
    return tuple(word for word in words if is_one_token(tokenizer, before, f" {word}"))


def is_one_token(tokenizer: Tokenizer, before: str, text: str) -> bool:
    """Whether ``text`` adds exactly one known token when it follows ``before``."""
    return _next_tokens(tokenizer, before, (text,)) is not None


def known_words(tokenizer: Tokenizer, words: Iterable[str], before: str) -> tuple[str, ...]:
    """The words that do not vanish into the unknown token after ``before``, in order."""
    return tuple(word for word in words if _is_known(tokenizer, before, f" {word}"))


def known_templates(tokenizer: Tokenizer, templates: Iterable[str]) -> tuple[str, ...]:
    """The templates of which every fixed word is known, in order; ``{slots}`` are not looked at."""
    return tuple(
        template
        for template in templates
        if all(
            _is_known(tokenizer, ".", f" {word}")
            for word in _WORD.findall(re.sub(r"\{[^}]*\}", " ", template))
        )
    )


def half(items: Sequence[Item], split: Split) -> tuple[Item, ...]:
    """Every second item: the first, third, … for discovery; the second, fourth, … for test.

    The division depends on neither seed nor count, so no discovery text is ever a test text.
    """
    return tuple(items[0 if split == "discovery" else 1 :: 2])


def require(found: int, needed: int, what: str) -> None:
    """Raises unless ``found`` is at least ``needed``.

    Raises:
        GeneratorUnsuitable: fewer were found than are needed; ``what`` names them in the plural.
    """
    if found < needed:
        count = f"only {found}" if found else "no"
        raise GeneratorUnsuitable(f"{count} {what} with this tokenizer; {needed} are needed")


def is_aligned(tokenizer: Tokenizer, pair: PromptPair) -> bool:
    """Whether both prompts have the same number of tokens and the answers fit both.

    Each answer and wrong answer must be the same one token after the positive and after the
    negative, and no token may stand on both sides.
    """
    positive, negative = tokenizer.encode(pair.positive), tokenizer.encode(pair.negative)
    if len(positive.ids) != len(negative.ids) or positive.ids == negative.ids:
        return False
    sides = []
    for texts in (pair.answers, pair.wrong):
        after = _next_tokens(tokenizer, pair.positive, texts)
        if after is None or after != _next_tokens(tokenizer, pair.negative, texts):
            return False
        sides.append(set(after))
    return not sides[0] & sides[1]


def _next_tokens(
    tokenizer: Tokenizer, prompt: str, texts: tuple[str, ...]
) -> tuple[int, ...] | None:
    try:
        return tuple(tokenizer.next_token(prompt, text) for text in texts)
    except NotOneTokenError:
        return None


def _is_known(tokenizer: Tokenizer, before: str, text: str) -> bool:
    # A single added token that is refused is the unknown token; several tokens spell the word out.
    try:
        tokenizer.next_token(before, text)
    except NotOneTokenError as error:
        return len(error.tokens) > 1
    return True
