"""Indirect object identification: who receives what the repeated person gives.

"When Mary and John went to the store, John gave a drink to" is followed by " Mary". The sentence
forms are those of Wang et al. 2022, "Interpretability in the wild" (arXiv:2211.00593).
"""

from __future__ import annotations

from random import Random

from auditkit.prompts.generators.contract import Draw, Generator, GeneratorInfo, Split
from auditkit.prompts.generators.fitting import (
    half,
    known_templates,
    known_words,
    one_token_words,
    require,
)
from auditkit.prompts.generators.words import INITIALS, NAMES, OBJECTS, PLACES
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair

TEMPLATES = (
    "Then, {first} and {second} went to the {place}. {giver} gave a {object} to",
    "Then, {first} and {second} had a lot of fun at the {place}. {giver} gave a {object} to",
    "Then, {first} and {second} were working at the {place}. {giver} decided to give a {object} to",
    (
        "Then, {first} and {second} were thinking about going to the {place}."
        " {giver} wanted to give a {object} to"
    ),
    "Then, {first} and {second} had a long argument, and afterwards {giver} said to",
    "After {first} and {second} went to the {place}, {giver} gave a {object} to",
    "When {first} and {second} got a {object} at the {place}, {giver} decided to give it to",
    (
        "When {first} and {second} got a {object} at the {place},"
        " {giver} decided to give the {object} to"
    ),
    "While {first} and {second} were working at the {place}, {giver} gave a {object} to",
    "While {first} and {second} were commuting to the {place}, {giver} gave a {object} to",
    "After the lunch, {first} and {second} went to the {place}. {giver} gave a {object} to",
    "Afterwards, {first} and {second} went to the {place}. {giver} gave a {object} to",
    "Then, {first} and {second} had a long argument. Afterwards {giver} said to",
    "The {place} {first} and {second} went to had a {object}. {giver} gave it to",
    "Friends {first} and {second} found a {object} at the {place}. {giver} gave it to",
)
"""The fifteen sentence forms. ``first`` and ``second`` are two people, ``giver`` one of them."""

NAMES_NEEDED = 8
"""Single-token names for both splits together: three people a prompt, and one to spare."""

_INFO = GeneratorInfo(
    name="ioi",
    title="Indirect object identification",
    metric="logit_difference",
    summary=(
        "Two people are named, one of them acts, and the other must be named next. In the negative"
        " the first mention of the acting person is replaced by a third name: three different"
        " names, each seen once, so no repetition says who is meant."
    ),
    source="Wang et al. 2022, arXiv:2211.00593",
)


def _prepare(tokenizer: Tokenizer, split: Split) -> Draw:
    names = half(_people(tokenizer), split)
    templates = half(known_templates(tokenizer, TEMPLATES), split)
    require(len(templates), 1, "sentence forms with known words exist")
    places = known_words(tokenizer, PLACES, "the")
    objects = known_words(tokenizer, OBJECTS, "a")
    require(min(len(places), len(objects)), 2, "known places or objects exist")

    def draw(rng: Random) -> PromptPair:
        text = rng.choice(templates)
        recipient, giver, third = rng.sample(names, 3)
        fills = {"place": rng.choice(places), "object": rng.choice(objects), "giver": giver}
        if rng.random() < 0.5:
            order = "ABBA"
            positive = text.format(first=recipient, second=giver, **fills)
            negative = text.format(first=recipient, second=third, **fills)
        else:
            order = "BABA"
            positive = text.format(first=giver, second=recipient, **fills)
            negative = text.format(first=third, second=recipient, **fills)
        return PromptPair(
            positive=positive,
            negative=negative,
            answers=(f" {recipient}",),
            wrong=(f" {giver}",),
            template=f"ioi-{TEMPLATES.index(text) + 1:02d}-{order}",
        )

    return draw


def _people(tokenizer: Tokenizer) -> tuple[str, ...]:
    names = one_token_words(tokenizer, NAMES, "gave it to")
    if len(names) < NAMES_NEEDED:
        names += one_token_words(tokenizer, INITIALS, "gave it to")
    require(len(names), NAMES_NEEDED, "names or initials are single tokens")
    return names


IOI = Generator(_INFO, _prepare)
"""The generator of indirect object identification."""
