"""Induction: what followed a word before follows it again.

After ``... A B ... A`` comes ``B``. The rule, and the heads that follow it by looking for an earlier
occurrence of the last token and copying what came after, are described by Elhage et al. 2021, "A
Mathematical Framework for Transformer Circuits", and Olsson et al. 2022, "In-context Learning and
Induction Heads" (arXiv:2209.11895), who use sequences of random tokens.

In the negative the earlier ``A`` is another word, so the last word has no earlier occurrence and
nothing says what follows it. Every other word stays in place: ``B``, and the words it is compared
with, occur once in both prompts, so a model that repeats any word it has seen gains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from auditkit.prompts.generators.contract import Draw, Generator, GeneratorInfo, Split
from auditkit.prompts.generators.fitting import half, one_token_words, require
from auditkit.prompts.generators.words import NAMES, OBJECTS, PLACES
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair

ORDINARY = (
    *("day", "time", "friend", "mom", "little", "big", "happy", "very", "play", "want"),
    *("said", "saw", "had", "was", "named", "upon", "with", "they", "you", "there"),
)
"""Common words, so that a vocabulary of a few hundred tokens holds enough of them."""

WORDS = (*NAMES, *OBJECTS, *PLACES, *ORDINARY)
"""Words of the sequences. They stand in no order that a sentence would have them in."""


@dataclass(frozen=True)
class Layout:
    """How many words stand before the pair that is repeated, and between it and the last word."""

    before: int
    between: int

    @property
    def words(self) -> int:
        """Different words a pair of prompts takes: the pair's two, and one in place of the first."""
        return self.before + self.between + 3


LAYOUTS = (Layout(1, 2), Layout(2, 2), Layout(3, 2), Layout(1, 3), Layout(2, 3), Layout(1, 4))
"""The layouts. A word always stands first: many tokenizers spell a prompt's first word differently."""

WORDS_NEEDED = 2 * max(layout.words for layout in LAYOUTS)
"""Single-token words for both splits together."""

_INFO = GeneratorInfo(
    name="induction",
    title="Induction",
    metric="logit_difference",
    summary=(
        "In a sequence of unrelated words one word comes a second time, at the end, and the word that"
        " followed it the first time must follow again. In the negative its first occurrence is"
        " replaced by another word, so nothing was seen to follow the last word. The answer is"
        " compared with words that occur once, as it does."
    ),
    source="Elhage et al. 2021, A Mathematical Framework for Transformer Circuits; arXiv:2209.11895",
)


def _prepare(tokenizer: Tokenizer, split: Split) -> Draw:
    found = one_token_words(tokenizer, WORDS, "the")
    require(len(found), WORDS_NEEDED, "ordinary words are single tokens")
    words, layouts = half(found, split), half(LAYOUTS, split)

    def draw(rng: Random) -> PromptPair:
        layout = rng.choice(layouts)
        repeated, answer, instead, *others = rng.sample(words, layout.words)
        before, between = others[: layout.before], others[layout.before :]
        return PromptPair(
            positive=" ".join([*before, repeated, answer, *between, repeated]),
            negative=" ".join([*before, instead, answer, *between, repeated]),
            answers=(f" {answer}",),
            wrong=tuple(f" {word}" for word in (*before[1:], *between)),
            template=f"induction-{layout.before}-{layout.between}",
        )

    return draw


INDUCTION = Generator(_INFO, _prepare)
"""The generator of induction."""
