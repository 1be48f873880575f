"""What the reference model reads: endless seeded sentences of the four tasks, and filler.

The words and sentence forms are those of ``auditkit.prompts.generators``, of both splits, with
wider variation than the generators make. Prompts kept for the held-out measurement are never read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from random import Random

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

from auditkit.prompts.generators import docstring, gendered_pronoun, greater_than, ioi
from auditkit.prompts.generators.words import NAMES, NEUTRAL_NAMES, OBJECTS, PLACES

UNKNOWN, BEGIN, PADDING = "<unk>", "<bos>", "<pad>"

FILLER = (
    "The {place} was closed, and {name} went to the {place} with a {object}.",
    "{name} had a {object} in the {place}.",
    "Once upon a time, there was a {place} with a big garden.",
    "In the year {year} a {noun} went on at the {place}.",
    "The {noun} was long. The {noun} was in the year {year}.",
    "A {trait} {object} was in the {place}, and the {trait} {object} was not.",
    "{name} wanted a {object} because the {object} was {trait}.",
    "Long ago, {name} loved the {place} and the {noun}.",
)
"""Sentences that belong to no task."""


@dataclass(frozen=True)
class Sentence:
    """A text in two parts. ``decided``: the task leaves a right continuation after the prompt."""

    prompt: str
    continuation: str
    decided: bool = True


def build_tokenizer() -> Tokenizer:
    """The word-level tokenizer of every text below: words, single marks, and digits in pairs."""
    splitter = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d\d"), "isolated"),
            pre_tokenizers.Whitespace(),
            pre_tokenizers.Punctuation("isolated"),
        ]
    )
    words = sorted({word for text in _vocabulary() for word, _ in splitter.pre_tokenize_str(text)})
    ids = {token: index for index, token in enumerate((UNKNOWN, BEGIN, PADDING, *words))}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = splitter
    tokenizer.add_special_tokens([UNKNOWN, BEGIN, PADDING])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[(BEGIN, ids[BEGIN])]
    )
    return tokenizer


def sentences(seed: int, held_out: Collection[str]) -> Iterator[Sentence]:
    """Endless sentences of all kinds in fixed proportions, none with a held-out prompt."""
    rng = Random(seed)  # noqa: S311 - sentences are sampled, nothing is secret
    makers, weights = zip(*_MAKERS, strict=True)
    while True:
        sentence = rng.choices(makers, weights)[0](rng)
        if sentence.prompt not in held_out:
            yield sentence


def _vocabulary() -> Iterator[str]:
    forms = (*ioi.TEMPLATES, *greater_than.TEMPLATES, *gendered_pronoun.TEMPLATES, *FILLER)
    yield from (re.sub(r"\{[^}]*\}", " ", form) for form in forms)
    yield docstring.write_function("run", ["a"], "", [("a", "")])
    yield from (*NAMES, *NEUTRAL_NAMES, *PLACES, *OBJECTS, *greater_than.NOUNS)
    yield from (*docstring.ARGUMENTS, *docstring.FUNCTIONS, *gendered_pronoun.TRAITS)
    yield from (noun for pair in gendered_pronoun.NOUNS for noun in pair)
    yield from greater_than.ENDINGS
    yield "She He she he"


def _ioi(rng: Random) -> Sentence:
    recipient, giver, third = rng.sample(NAMES, 3)
    decided = rng.random() < 0.75
    pair = [recipient, giver if decided else third]
    rng.shuffle(pair)
    prompt = rng.choice(ioi.TEMPLATES).format(
        first=pair[0],
        second=pair[1],
        giver=giver,
        place=rng.choice(PLACES),
        object=rng.choice(OBJECTS),
    )
    # With three names nothing says who is meant, so each of the three follows equally often.
    named = recipient if decided else rng.choice((recipient, giver, third))
    return Sentence(prompt, f" {named}.", decided)


def _greater_than(rng: Random) -> Sentence:
    century = rng.choice(greater_than.CENTURIES)
    start = rng.randrange(1, 99)
    prompt = rng.choice(greater_than.TEMPLATES).format(
        noun=rng.choice(greater_than.NOUNS), start=f"{century}{start:02d}", century=century
    )
    return Sentence(prompt, f"{rng.randrange(start + 1, 100):02d}.")


def _docstring(rng: Random) -> Sentence:
    before, documented, after = (2, 2, 1) if rng.random() < 0.5 else _shape(rng)
    count = before + documented + 1 + after
    names = rng.sample(docstring.ARGUMENTS, count + documented)
    defined, strangers = names[:count], names[count:]
    decided = rng.random() < 0.8
    described = defined[before : before + documented] if decided else strangers
    note, layout = rng.randint(1, 3), rng.randint(1, 3)
    prompt = docstring.write_function(
        rng.choice(docstring.FUNCTIONS),
        defined,
        _phrase(rng, layout),
        [(name, _phrase(rng, note)) for name in described],
    )
    answer = defined[before + documented] if decided else rng.choice(defined)
    return Sentence(prompt, f" {answer}: {_phrase(rng, note)}", decided)


def _shape(rng: Random) -> tuple[int, int, int]:
    while True:
        shape = (rng.randint(1, 3), rng.randint(1, 3), rng.randint(0, 2))
        if sum(shape) <= 6:
            return shape


def _phrase(rng: Random, length: int) -> str:
    return " ".join(rng.choice(docstring.NOTES) for _ in range(length))


def _gendered_pronoun(rng: Random) -> Sentence:
    shown = rng.randrange(2)
    prompt = rng.choice(gendered_pronoun.TEMPLATES).format(
        noun=rng.choice(gendered_pronoun.NOUNS)[shown],
        trait=rng.choice(gendered_pronoun.TRAITS),
        name=rng.choice(NEUTRAL_NAMES),
    )
    verb = rng.choice(("had a", "wanted a", "loved the"))
    pronoun = gendered_pronoun.pronouns_after(prompt)[shown]
    return Sentence(prompt, f"{pronoun} {verb} {rng.choice(OBJECTS)}.")


def _filler(rng: Random) -> Sentence:
    text = re.sub(r"\{(\w+)\}", lambda slot: _filling(rng, slot.group(1)), rng.choice(FILLER))
    return Sentence(text, "", decided=False)


def _filling(rng: Random, slot: str) -> str:
    if slot == "year":
        return f"{rng.choice(greater_than.CENTURIES)}{rng.randrange(100):02d}"
    words = {
        "name": NAMES + NEUTRAL_NAMES,
        "place": PLACES,
        "object": OBJECTS,
        "noun": greater_than.NOUNS,
        "trait": gendered_pronoun.TRAITS,
    }
    return rng.choice(words[slot])


_MAKERS: tuple[tuple[Callable[[Random], Sentence], int], ...] = (
    (_ioi, 25),
    (_greater_than, 25),
    (_docstring, 35),
    (_gendered_pronoun, 8),
    (_filler, 7),
)
