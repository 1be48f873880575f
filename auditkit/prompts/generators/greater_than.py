"""Greater-than: an end year comes after its start year.

"The war lasted from the year 1732 to the year 17" is followed by a two-digit ending above 32. From
Hanna et al. 2023, "How does GPT-2 compute greater-than?" (arXiv:2305.00586).
"""

from __future__ import annotations

from random import Random

from auditkit.prompts.generators.contract import (
    Draw,
    Generator,
    GeneratorInfo,
    GeneratorUnsuitable,
    Split,
)
from auditkit.prompts.generators.fitting import (
    half,
    is_one_token,
    known_templates,
    known_words,
    require,
)
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair

TEMPLATES = (
    "The {noun} lasted from the year {start} to the year {century}",
    "The {noun} ran from the year {start} to the year {century}",
    "The {noun} went on from the year {start} until the year {century}",
    "The {noun} continued from the year {start} until the year {century}",
)
"""The published sentence form and three of its kind."""

NOUNS = (
    *("war", "trial", "voyage", "journey", "project", "campaign", "conflict", "expedition"),
    *("festival", "marriage", "mission", "program", "reign", "siege", "strike", "study"),
    *("tour", "treaty", "debate", "dispute", "drought", "famine", "feud", "plague"),
    *("quest", "rebellion", "truce", "search", "friendship", "effort", "partnership", "revolt"),
)
"""Things that last for years."""

CENTURIES = tuple(str(century) for century in range(11, 20))
"""First two digits of the years."""

ENDINGS = tuple(f"{ending:02d}" for ending in range(100))
"""Last two digits of the years, in order."""

FLOOR = "01"
"""The ending of every negative's start year: nearly any end year comes after it."""

ENDINGS_NEEDED = 75
"""How many endings must be single tokens after a century for that century to be used."""

_INFO = GeneratorInfo(
    name="greater_than",
    title="Greater-than",
    metric="probability_difference",
    summary=(
        "A start year is given and the end year of the same century must come after it. In the"
        " negative the start year ends in 01, so that endings up to the positive's start year are"
        " no longer wrong."
    ),
    source="Hanna et al. 2023, arXiv:2305.00586",
)


def _prepare(tokenizer: Tokenizer, split: Split) -> Draw:
    templates = half(known_templates(tokenizer, TEMPLATES), split)
    nouns = half(known_words(tokenizer, NOUNS, "The"), split)
    require(len(templates), 1, "sentence forms with known words exist")
    require(len(nouns), 2, "known nouns exist")
    endings = _endings_by_century(tokenizer)
    centuries = tuple(endings)

    def draw(rng: Random) -> PromptPair:
        template, noun, century = rng.choice(templates), rng.choice(nouns), rng.choice(centuries)
        known = endings[century]
        start = rng.choice([ending for ending in known if FLOOR < ending < known[-1]])
        return PromptPair(
            positive=template.format(noun=noun, start=century + start, century=century),
            negative=template.format(noun=noun, start=century + FLOOR, century=century),
            answers=tuple(ending for ending in known if ending > start),
            wrong=tuple(ending for ending in known if ending <= start),
            template=f"greater_than-{TEMPLATES.index(template) + 1:02d}",
        )

    return draw


def _endings_by_century(tokenizer: Tokenizer) -> dict[str, tuple[str, ...]]:
    found = {century: _endings(tokenizer, century) for century in CENTURIES}
    usable = {
        century: endings
        for century, endings in found.items()
        if len(endings) >= ENDINGS_NEEDED and FLOOR in endings
    }
    if not usable:
        most = max(len(endings) for endings in found.values())
        raise GeneratorUnsuitable(
            "two-digit year endings are not single tokens with this tokenizer: at most"
            f" {most} of 100 follow a century as one token; {ENDINGS_NEEDED} are needed"
        )
    return usable


def _endings(tokenizer: Tokenizer, century: str) -> tuple[str, ...]:
    before = f"to the year {century}"
    return tuple(ending for ending in ENDINGS if is_one_token(tokenizer, before, ending))


GREATER_THAN = Generator(_INFO, _prepare)
"""The generator of greater-than."""
