"""Fitting words to a tokenizer: what counts as known, as one token, and as aligned."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as FastTokenizer
from tokenizers import models

from auditkit.prompts.generators import GENERATORS, Split, fitting, generate
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def word_level() -> Tokenizer:
    """The bundled reference model's tokenizer: whole words and digit pairs."""
    return Tokenizer.from_folder(ROOT / "policies" / "models" / "reference")


@pytest.fixture(scope="module")
def characters() -> Tokenizer:
    """One token a character."""
    vocabulary = {chr(code): code - 10 for code in range(10, 127)}
    return Tokenizer(FastTokenizer(models.BPE(vocabulary, [])))


def test_an_unknown_word_is_neither_known_nor_one_token(word_level: Tokenizer) -> None:
    """The unknown token stands for no word."""
    assert fitting.known_words(word_level, ["Mary", "Zebulon"], "to") == ("Mary",)
    assert fitting.one_token_words(word_level, ["Mary", "Zebulon"], "to") == ("Mary",)


def test_a_word_spelt_out_is_known_but_not_one_token(characters: Tokenizer) -> None:
    """Several tokens carry a word, but not an answer."""
    assert fitting.known_words(characters, ["Mary"], "to") == ("Mary",)
    assert fitting.one_token_words(characters, ["Mary"], "to") == ()


def test_a_template_with_an_unknown_word_is_left_out(word_level: Tokenizer) -> None:
    """Slots are not looked at; every other word is."""
    templates = ("The {noun} lasted", "The {noun} perdured")
    assert fitting.known_templates(word_level, templates) == templates[:1]


@given(st.lists(st.integers(), max_size=30))
def test_the_halves_partition_the_items(items: list[int]) -> None:
    """Each item is in exactly one half, whichever it is."""
    discovery, test = fitting.half(items, "discovery"), fitting.half(items, "test")
    assert sorted([*discovery, *test]) == sorted(items)
    assert len(discovery) - len(test) in (0, 1)


@pytest.mark.parametrize(
    ("positive", "negative", "answers", "wrong"),
    [
        ("The war lasted", "The big war lasted", (" a",), (" the",)),
        ("The war lasted", "The war lasted", (" a",), (" the",)),
        ("The war lasted", "The tour lasted", (" a", " the"), (" the",)),
        ("The war lasted", "The tour lasted", (" Zebulon",), (" the",)),
        ("The war lasted", "The tour lasted", (" the war",), (" the",)),
    ],
    ids=["length", "equal", "both sides", "unknown", "two tokens"],
)
def test_each_way_of_not_being_aligned_is_seen(
    word_level: Tokenizer,
    positive: str,
    negative: str,
    answers: tuple[str, ...],
    wrong: tuple[str, ...],
) -> None:
    """Lengths, equal prompts, a shared answer, an unknown answer, an answer of two tokens."""
    pair = PromptPair(positive=positive, negative=negative, answers=answers, wrong=wrong)
    assert not fitting.is_aligned(word_level, pair)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    name=st.sampled_from(sorted(GENERATORS)),
    split=st.sampled_from(["discovery", "test"]),
)
def test_any_seed_gives_aligned_pairs(
    word_level: Tokenizer, seed: int, name: str, split: Split
) -> None:
    """Alignment does not hang on a lucky seed."""
    assert all(
        fitting.is_aligned(word_level, pair) for pair in generate(name, word_level, 3, seed, split)
    )
