"""Gendered pronoun: the pronoun agrees with the noun that introduced the character.

"Once upon a time, there was a little girl named Kit." is followed by " She". After Mathwin et al.
2023, "Identifying a preliminary circuit for predicting gendered pronouns in GPT-2 small", who
introduce the character by a gendered first name; a noun lets the name be the same in both prompts.
"""

from __future__ import annotations

from random import Random

from auditkit.prompts.generators.contract import Draw, Generator, GeneratorInfo, Split
from auditkit.prompts.generators.fitting import half, known_templates, known_words, require
from auditkit.prompts.generators.words import NEUTRAL_NAMES
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair

TEMPLATES = (
    "Once upon a time, there was a {trait} {noun} named {name}.",
    "Once there was a {trait} {noun} named {name}.",
    "One day, a {trait} {noun} named {name} went to the park.",
    "There was a {trait} {noun} named {name} who loved to play.",
    "A {trait} {noun} named {name} lived in a small house.",
    "Long ago, a {trait} {noun} named {name} lived in a big house.",
    "In the park there was a {trait} {noun} named {name}.",
    "There was once a {trait} {noun} called {name}.",
    "A {trait} {noun} named {name} went to the park because",
    "One day, a {trait} {noun} named {name} was very happy because",
)
"""Sentence forms. After a full stop the pronoun begins a sentence, otherwise it goes on with it."""

NOUNS = (("girl", "boy"), ("sister", "brother"), ("woman", "man"), ("queen", "king"))
"""Matched nouns, the feminine first. They are the task, so both splits use them all."""

TRAITS = ("little", "happy", "kind", "big", "brave", "clever")
"""What else is said of the character; each takes the article ``a``."""

_INFO = GeneratorInfo(
    name="gendered_pronoun",
    title="Gendered pronoun",
    metric="logit_difference",
    summary=(
        "A character with a neutral name is introduced by a gendered noun, and the pronoun that"
        " comes next must agree with it. In the negative the noun is replaced by its counterpart of"
        " the other gender, so the other pronoun is right."
    ),
    source="after Mathwin et al. 2023, Identifying a preliminary circuit for gendered pronouns",
)


def pronouns_after(text: str) -> tuple[str, str]:
    """The feminine and the masculine pronoun that go on with a text, each with its space."""
    return (" She", " He") if text.endswith(".") else (" she", " he")


def _prepare(tokenizer: Tokenizer, split: Split) -> Draw:
    templates = half(known_templates(tokenizer, TEMPLATES), split)
    names = half(known_words(tokenizer, NEUTRAL_NAMES, "named"), split)
    traits = known_words(tokenizer, TRAITS, "a")
    nouns = [pair for pair in NOUNS if _same_length(tokenizer, pair)]
    require(len(templates), 1, "sentence forms with known words exist")
    require(len(names), 2, "known names exist")
    require(len(traits), 1, "known adjectives exist")
    require(len(nouns), 1, "matched nouns have the same number of known tokens")

    def draw(rng: Random) -> PromptPair:
        template, pair = rng.choice(templates), rng.choice(nouns)
        fills = {"trait": rng.choice(traits), "name": rng.choice(names)}
        shown = rng.randrange(2)
        positive = template.format(noun=pair[shown], **fills)
        negative = template.format(noun=pair[1 - shown], **fills)
        pronouns = pronouns_after(positive)
        return PromptPair(
            positive=positive,
            negative=negative,
            answers=(pronouns[shown],),
            wrong=(pronouns[1 - shown],),
            template=f"gendered_pronoun-{TEMPLATES.index(template) + 1:02d}",
        )

    return draw


def _same_length(tokenizer: Tokenizer, nouns: tuple[str, str]) -> bool:
    if len(known_words(tokenizer, nouns, "a little")) < len(nouns):
        return False
    lengths = {len(tokenizer.encode(f"a little {noun}").ids) for noun in nouns}
    return len(lengths) == 1


GENDERED_PRONOUN = Generator(_INFO, _prepare)
"""The generator of gendered pronouns."""
