"""Prompt generators: every pair fits its tokenizer, and discovery shares nothing with test.

Four tokenizers stand for four families: the reference model's (whole words), a byte-level BPE with
leading spaces as in GPT-2, a tokenizer of single characters, and, where present, a Llama one.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import get_args

import pytest
from tokenizers import Tokenizer as FastTokenizer
from tokenizers import models, pre_tokenizers, trainers

from auditkit.prompts.generators import (
    GENERATORS,
    GeneratorUnsuitable,
    Split,
    docstring,
    fitting,
    gendered_pronoun,
    generate,
    greater_than,
    induction,
    ioi,
)
from auditkit.prompts.generators.words import INITIALS, NAMES, NEUTRAL_NAMES, OBJECTS, PLACES
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair
from tests.conftest import ROOT, STORIES

SPLITS: tuple[Split, ...] = get_args(Split)

FORMS = (*ioi.TEMPLATES, *greater_than.TEMPLATES, *gendered_pronoun.TEMPLATES)
LACKING = {
    "greater_than": "two-digit year endings are not single tokens",
    "docstring": "only 1 argument names are single tokens",
}
"""What the tokenizer of the small real model has too few of, by task."""

CORPUS = (
    *(re.sub(r"\{[^}]*\}", "", form) for form in FORMS),
    docstring.write_function("run", ["a"], "", [("a", "")]),
    *(f" {word}" for word in (*NAMES, *NEUTRAL_NAMES, *PLACES, *OBJECTS)),
    *(f" {word}" for word in (*greater_than.NOUNS, *docstring.ARGUMENTS, *docstring.FUNCTIONS)),
    *(f" {word}" for word in (*gendered_pronoun.TRAITS, "She", "He", "she", "he")),
    *(f" {noun}" for pair in gendered_pronoun.NOUNS for noun in pair),
    *(f" {word}" for word in induction.ORDINARY),
)


@pytest.fixture(scope="module")
def word_level() -> Tokenizer:
    """The bundled reference model's tokenizer: whole words and digit pairs."""
    return Tokenizer.from_folder(ROOT / "policies" / "models" / "reference")


@pytest.fixture(scope="module")
def byte_pairs() -> Tokenizer:
    """A byte-level BPE with leading spaces, as in GPT-2, that knows every candidate word."""
    backend = FastTokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    years = [
        f" {century}a{ending}"
        for century in greater_than.CENTURIES
        for ending in greater_than.ENDINGS
    ]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=8000, show_progress=False, initial_alphabet=alphabet)
    # Each merge needs two sightings; years are learnt as their two halves, never as one token.
    backend.train_from_iterator([*CORPUS, *years] * 3, trainer)
    return Tokenizer(backend)


@pytest.fixture(scope="module")
def characters() -> Tokenizer:
    """One token a character."""
    vocabulary = {chr(code): code - 10 for code in range(10, 127)}
    backend = FastTokenizer(models.BPE(vocabulary, []))
    return Tokenizer(backend)


@pytest.fixture(scope="module")
def stories() -> Tokenizer:
    """The 512-token Llama tokenizer of a small real model."""
    if not STORIES.is_dir():
        pytest.skip("shared/models/stories260K is not beside the repository")
    return Tokenizer.from_folder(STORIES)


@pytest.fixture(params=["word_level", "byte_pairs"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    """Each tokenizer that carries every task."""
    found: Tokenizer = request.getfixturevalue(request.param)
    return found


def _texts(pairs: tuple[PromptPair, ...]) -> set[str]:
    return {text for pair in pairs for text in (pair.positive, pair.negative)}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _differences(tokenizer: Tokenizer, pair: PromptPair) -> list[int]:
    positive, negative = tokenizer.encode(pair.positive).ids, tokenizer.encode(pair.negative).ids
    return [
        at for at, (one, other) in enumerate(zip(positive, negative, strict=True)) if one != other
    ]


class TestEveryGenerator:
    """Promises that hold for all tasks."""

    def test_descriptions_are_filed_under_their_own_names(self) -> None:
        """The mapping's key is the generator's name, and nothing is left unsaid."""
        for name, info in GENERATORS.items():
            assert name == info.name
            assert all([info.title, info.summary.endswith("."), info.source])

    def test_the_readme_names_each_generator(self) -> None:
        """Who writes a policy finds what there is to choose from."""
        readme = (ROOT / "README.md").read_text("utf-8")
        assert [name for name in GENERATORS if f"`{name}`" not in readme] == []

    @pytest.mark.parametrize("name", GENERATORS)
    @pytest.mark.parametrize("split", SPLITS)
    def test_the_same_arguments_give_the_same_pairs(
        self, tokenizer: Tokenizer, name: str, split: Split
    ) -> None:
        """Nothing but the arguments decides the pairs."""
        assert generate(name, tokenizer, 12, 3, split) == generate(name, tokenizer, 12, 3, split)

    @pytest.mark.parametrize("name", GENERATORS)
    def test_another_seed_gives_other_pairs(self, tokenizer: Tokenizer, name: str) -> None:
        """The seed is used."""
        assert generate(name, tokenizer, 12, 3, "test") != generate(name, tokenizer, 12, 4, "test")

    @pytest.mark.parametrize("name", GENERATORS)
    def test_more_pairs_begin_with_the_fewer(self, tokenizer: Tokenizer, name: str) -> None:
        """A larger count only adds pairs."""
        assert generate(name, tokenizer, 30, 0, "test")[:9] == generate(
            name, tokenizer, 9, 0, "test"
        )

    @pytest.mark.parametrize("name", GENERATORS)
    @pytest.mark.parametrize("split", SPLITS)
    def test_each_pair_is_aligned_and_its_answers_are_single_tokens(
        self, tokenizer: Tokenizer, name: str, split: Split
    ) -> None:
        """Same length, different prompts, and disjoint answers that are one token after both."""
        for pair in generate(name, tokenizer, 60, 1, split):
            assert _differences(tokenizer, pair)
            answers = {tokenizer.next_token(pair.positive, text) for text in pair.answers}
            wrong = {tokenizer.next_token(pair.positive, text) for text in pair.wrong}
            assert len(answers) == len(pair.answers)
            assert len(wrong) == len(pair.wrong)
            assert not answers & wrong
            assert answers == {tokenizer.next_token(pair.negative, text) for text in pair.answers}

    @pytest.mark.parametrize("name", GENERATORS)
    @pytest.mark.parametrize("split", SPLITS)
    def test_pairs_are_different_and_none_mirrors_another(
        self, tokenizer: Tokenizer, name: str, split: Split
    ) -> None:
        """No positive comes twice, or comes back as a negative."""
        pairs = generate(name, tokenizer, 100, 2, split)
        positives = {pair.positive for pair in pairs}
        assert len(positives) == 100
        assert not positives & {pair.negative for pair in pairs}

    @pytest.mark.parametrize("name", GENERATORS)
    def test_discovery_and_test_share_no_text_and_no_template(
        self, tokenizer: Tokenizer, name: str
    ) -> None:
        """Whatever the seeds, the splits are apart."""
        discovery = generate(name, tokenizer, 80, 0, "discovery")
        for seed in range(2):
            test = generate(name, tokenizer, 80, seed, "test")
            assert not _texts(discovery) & _texts(test)
            assert not {_form(pair) for pair in discovery} & {_form(pair) for pair in test}

    @pytest.mark.parametrize("name", GENERATORS)
    def test_no_two_pairs_are_the_same_tokens(self, tokenizer: Tokenizer, name: str) -> None:
        """What differs as text differs to the model: within a split, and from one to the other."""
        seen = [
            tokenizer.encode(pair.positive).ids
            for split in SPLITS
            for pair in generate(name, tokenizer, 80, 5, split)
        ]
        assert len(set(seen)) == 160

    def test_an_unknown_name_is_refused_with_the_known_ones(self, word_level: Tokenizer) -> None:
        """The message lists what there is."""
        with pytest.raises(ValueError, match="docstring, gendered_pronoun, induction"):
            generate("acrostics", word_level, 1, 0, "test")

    def test_no_pairs_cannot_be_asked_for(self, word_level: Tokenizer) -> None:
        """Zero pairs are not an empty success."""
        with pytest.raises(ValueError, match="at least one pair"):
            generate("ioi", word_level, 0, 0, "test")

    @pytest.mark.parametrize("name", ["ioi", "greater_than", "docstring", "induction"])
    def test_single_characters_are_unsuitable_and_the_message_counts(
        self, characters: Tokenizer, name: str
    ) -> None:
        """The refusal says what was missing and how much is needed."""
        with pytest.raises(GeneratorUnsuitable, match=r"with this tokenizer.* needed$"):
            generate(name, characters, 5, 0, "discovery")

    def test_more_pairs_than_exist_are_refused_with_their_number(
        self, word_level: Tokenizer
    ) -> None:
        """A shortfall is a refusal, not a shorter answer."""
        with pytest.raises(GeneratorUnsuitable, match=r"only \d+ different aligned pairs"):
            generate("gendered_pronoun", word_level, 5000, 0, "test")

    @pytest.mark.parametrize("name", GENERATORS)
    @pytest.mark.parametrize("split", SPLITS)
    def test_a_small_real_tokenizer_carries_a_task_or_is_told_what_it_lacks(
        self, stories: Tokenizer, name: str, split: Split
    ) -> None:
        """Of 512 tokens most tasks can be made; the others name what is not among them."""
        if name in LACKING:
            with pytest.raises(GeneratorUnsuitable, match=LACKING[name]):
                generate(name, stories, 50, 0, split)
        else:
            assert len(generate(name, stories, 50, 0, split)) == 50


def _form(pair: PromptPair) -> str:
    return re.sub(r"-(ABBA|BABA)$", "", pair.template)


class TestIndirectObject:
    """Two people, one repeated; in the negative, three."""

    @pytest.mark.parametrize("split", SPLITS)
    def test_the_negative_has_three_names_once_each(
        self, tokenizer: Tokenizer, split: Split
    ) -> None:
        """Only the subject's first mention is replaced; answer and wrong occur once each."""
        for pair in generate("ioi", tokenizer, 80, 0, split):
            recipient, giver = pair.answers[0].strip(), pair.wrong[0].strip()
            positive, negative = _words(pair.positive), _words(pair.negative)
            assert (positive.count(recipient), positive.count(giver)) == (1, 2)
            assert (negative.count(recipient), negative.count(giver)) == (1, 1)
            changed = [(a, b) for a, b in zip(positive, negative, strict=True) if a != b]
            assert len(changed) == 1
            assert changed[0][0] == giver
            assert changed[0][1] not in positive
            assert positive.index(giver) < negative.index(giver)
            assert len(_differences(tokenizer, pair)) == 1

    def test_both_orders_and_every_template_of_the_split_occur(self, tokenizer: Tokenizer) -> None:
        """Fifteen forms in two orders, eight for discovery and seven for test."""
        seen = {
            split: {pair.template for pair in generate("ioi", tokenizer, 400, 0, split)}
            for split in SPLITS
        }
        assert {split: len(templates) for split, templates in seen.items()} == {
            "discovery": 16,
            "test": 14,
        }

    def test_the_splits_share_no_name(self, tokenizer: Tokenizer) -> None:
        """Nobody met in discovery comes back in the test."""
        people = {
            split: {
                word
                for text in _texts(generate("ioi", tokenizer, 300, 0, split))
                for word in _words(text)
                if word in NAMES
            }
            for split in SPLITS
        }
        assert people["discovery"] & people["test"] == set()
        assert min(map(len, people.values())) >= 25

    def test_a_small_vocabulary_falls_back_to_initials(self, stories: Tokenizer) -> None:
        """Three names are single tokens there; with initials there are enough people."""
        assert fitting.one_token_words(stories, NAMES, "gave it to") == ("Lily", "Tim", "Timmy")
        for split in SPLITS:
            pairs = generate("ioi", stories, 100, 0, split)
            shown = {pair.answers[0].strip() for pair in pairs}
            assert shown <= {"Lily", "Tim", "Timmy", *INITIALS}
            assert len(shown) == 5

    def test_initials_are_not_used_where_names_suffice(self, tokenizer: Tokenizer) -> None:
        """A larger vocabulary never sees an initial."""
        pairs = generate("ioi", tokenizer, 200, 0, "discovery")
        assert {pair.answers[0].strip() for pair in pairs} <= set(NAMES)


class TestGreaterThan:
    """An end year above the start year."""

    @pytest.mark.parametrize("split", SPLITS)
    def test_answers_are_the_endings_above_the_start_and_wrong_the_rest(
        self, tokenizer: Tokenizer, split: Split
    ) -> None:
        """Every single-token ending stands on exactly one side, in order."""
        for pair in generate("greater_than", tokenizer, 60, 0, split):
            century, start = re.findall(r"\b(\d\d)(\d\d)\b", pair.positive)[0]
            assert pair.positive.endswith(f" {century}")
            assert pair.negative == pair.positive.replace(century + start, f"{century}01")
            endings = pair.wrong + pair.answers
            assert all(one < other for one, other in pairwise(endings))
            assert max(pair.wrong) == start
            assert len(_differences(tokenizer, pair)) == 1

    def test_digits_taken_one_by_one_are_unsuitable(self, stories: Tokenizer) -> None:
        """A tokenizer without two-digit tokens cannot carry the task."""
        with pytest.raises(GeneratorUnsuitable, match="at most 0 of 100 follow a century"):
            generate("greater_than", stories, 5, 0, "test")


class TestDocstring:
    """The next documented argument is the next defined one."""

    @pytest.mark.parametrize("split", SPLITS)
    def test_the_answer_follows_the_documented_arguments(
        self, tokenizer: Tokenizer, split: Split
    ) -> None:
        """Fifth of six arguments, after the third and the fourth have been documented."""
        for pair in generate("docstring", tokenizer, 60, 0, split):
            defined, documented = _arguments(pair.positive)
            assert documented == defined[2:4]
            assert pair.answers == (f" {defined[4]}",)
            assert {text.strip() for text in pair.wrong} == set(defined) - {defined[4]}

    @pytest.mark.parametrize("split", SPLITS)
    def test_the_negative_names_none_of_the_positive_arguments(
        self, tokenizer: Tokenizer, split: Split
    ) -> None:
        """Six other arguments, two yet others documented, and every other word as before."""
        for pair in generate("docstring", tokenizer, 60, 0, split):
            names = [name for part in _arguments(pair.positive) for name in part]
            others = [name for part in _arguments(pair.negative) for name in part]
            assert len(set(others)) == len(others) == 8
            assert not set(names) & set(others)
            assert len(_differences(tokenizer, pair)) == 8

    def test_the_splits_share_no_argument_name(self, tokenizer: Tokenizer) -> None:
        """Half of the names each."""
        names = {
            split: {
                name
                for text in _texts(generate("docstring", tokenizer, 100, 0, split))
                for part in _arguments(text)
                for name in part
            }
            for split in SPLITS
        }
        assert names["discovery"] & names["test"] == set()

    def test_no_argument_name_is_a_description_word(self) -> None:
        """A description never gives the answer away, and no name is listed twice."""
        assert not set(docstring.ARGUMENTS) & set(docstring.NOTES)
        assert len(set(docstring.ARGUMENTS)) == len(docstring.ARGUMENTS)


def _arguments(text: str) -> tuple[list[str], list[str]]:
    definition, described = text.split(":\n", 1)
    defined = definition[definition.index("self, ") + len("self, ") : -1].split(", ")
    return defined, re.findall(r":param (\w+):", described)


class TestGenderedPronoun:
    """She for her, he for him, under any name."""

    @pytest.mark.parametrize("split", SPLITS)
    def test_the_pronoun_agrees_with_the_noun_and_the_negative_swaps_it(
        self, tokenizer: Tokenizer, split: Split
    ) -> None:
        """One word differs, and the other pronoun is right after it."""
        feminine = {noun for noun, _ in gendered_pronoun.NOUNS}
        for pair in generate("gendered_pronoun", tokenizer, 80, 0, split):
            positive, negative = _words(pair.positive), _words(pair.negative)
            changed = [(a, b) for a, b in zip(positive, negative, strict=True) if a != b]
            assert len(changed) == 1
            assert changed[0] in {(a, b) for noun in gendered_pronoun.NOUNS for a, b in _both(noun)}
            pronoun = "she" if changed[0][0] in feminine else "he"
            assert pair.answers[0].strip().lower() == pronoun
            assert pair.answers[0].strip()[0].isupper() == pair.positive.endswith(".")

    def test_both_genders_are_positives_about_equally(self, tokenizer: Tokenizer) -> None:
        """Neither pronoun is the answer more than two times in three."""
        pairs = generate("gendered_pronoun", tokenizer, 200, 0, "discovery")
        feminine = sum(pair.answers[0].strip().lower() == "she" for pair in pairs)
        assert 67 < feminine < 133

    def test_the_splits_share_no_name(self, tokenizer: Tokenizer) -> None:
        """Half of the names each."""
        named = {
            split: {
                re.findall(r"(?:named|called) (\w+)", pair.positive)[0]
                for pair in generate("gendered_pronoun", tokenizer, 200, 0, split)
            }
            for split in SPLITS
        }
        assert named["discovery"] | named["test"] == set(NEUTRAL_NAMES)
        assert named["discovery"] & named["test"] == set()

    def test_a_real_story_tokenizer_carries_the_task(self, stories: Tokenizer) -> None:
        """Names of several tokens do no harm: they are the same in both prompts."""
        for split in SPLITS:
            for pair in generate("gendered_pronoun", stories, 100, 0, split):
                assert fitting.is_aligned(stories, pair)
                assert pair.answers[0] in {" She", " He", " she", " he"}


class TestInduction:
    """What followed the last word before follows it again."""

    @pytest.mark.parametrize("split", SPLITS)
    def test_the_rule_gives_the_answer_on_the_positive_and_nothing_on_the_negative(
        self, tokenizer: Tokenizer, split: Split
    ) -> None:
        """Looking for the last word earlier in the prompt is enough on one side, and fails on the other."""
        for pair in generate("induction", tokenizer, 80, 0, split):
            assert _followers(pair.positive) == [pair.answers[0].strip()]
            assert _followers(pair.negative) == []

    @pytest.mark.parametrize("split", SPLITS)
    def test_one_word_differs_and_answer_and_wrong_occur_alike(
        self, tokenizer: Tokenizer, split: Split
    ) -> None:
        """Copying any word seen, or the word seen most often, does not tell the answer from the wrong."""
        for pair in generate("induction", tokenizer, 80, 0, split):
            positive, negative = pair.positive.split(), pair.negative.split()
            assert sum(a != b for a, b in zip(positive, negative, strict=True)) == 1
            assert len(_differences(tokenizer, pair)) == 1
            compared = [text.strip() for text in (*pair.answers, *pair.wrong)]
            assert {positive.count(word) for word in compared} == {1}
            assert {negative.count(word) for word in compared} == {1}
            assert len(set(negative)) == len(negative)
            assert len(compared) >= 3

    def test_the_splits_share_no_word_and_every_layout_occurs(self, tokenizer: Tokenizer) -> None:
        """Held-out words in held-out layouts."""
        words, templates = {}, {}
        for split in SPLITS:
            pairs = generate("induction", tokenizer, 200, 0, split)
            words[split] = {word for text in _texts(pairs) for word in text.split()}
            templates[split] = {pair.template for pair in pairs}
        assert words["discovery"] & words["test"] == set()
        assert templates["discovery"] & templates["test"] == set()
        assert {len(each) for each in templates.values()} == {len(induction.LAYOUTS) // 2}

    def test_no_word_is_listed_twice(self) -> None:
        """Two words that are one could repeat where nothing should."""
        assert len(set(induction.WORDS)) == len(induction.WORDS)


def _followers(text: str) -> list[str]:
    """The words that came after an earlier occurrence of the last word."""
    words = text.split()
    return [after for word, after in pairwise(words) if word == words[-1]]


def _both(noun: tuple[str, str]) -> tuple[tuple[str, str], tuple[str, str]]:
    return noun, (noun[1], noun[0])
