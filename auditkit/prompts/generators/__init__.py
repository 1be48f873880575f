"""Prompt generators: matched pairs for tasks whose circuits are described in the literature.

``generate`` makes pairs for one tokenizer; ``GENERATORS`` says what each generator makes. The words
of a pair are those that the tokenizer carries, found by trying them.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from types import MappingProxyType

from auditkit.prompts.generators.contract import (
    Draw,
    GeneratorInfo,
    GeneratorUnsuitable,
    Metric,
    Split,
)
from auditkit.prompts.generators.docstring import DOCSTRING
from auditkit.prompts.generators.fitting import is_aligned
from auditkit.prompts.generators.gendered_pronoun import GENDERED_PRONOUN
from auditkit.prompts.generators.greater_than import GREATER_THAN
from auditkit.prompts.generators.induction import INDUCTION
from auditkit.prompts.generators.ioi import IOI
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair

__all__ = ["GENERATORS", "GeneratorInfo", "GeneratorUnsuitable", "Metric", "Split", "generate"]

_ALL = {
    each.info.name: each for each in (IOI, GREATER_THAN, DOCSTRING, GENDERED_PRONOUN, INDUCTION)
}

GENERATORS: Mapping[str, GeneratorInfo] = MappingProxyType(
    {name: generator.info for name, generator in _ALL.items()}
)
"""What each generator makes, by name."""

_ATTEMPTS_PER_PAIR = 40
"""Draws spent on each pair asked for before the tokenizer counts as unsuitable."""


def generate(
    name: str, tokenizer: Tokenizer, n: int, seed: int, split: Split, fewest: int | None = None
) -> tuple[PromptPair, ...]:
    """``n`` different pairs of a task, each aligned under this tokenizer; with ``fewest`` at least so many.

    The same arguments give the same pairs, and a larger ``n`` only adds pairs at the end. No text
    of one split occurs in the other, whatever the seeds. No positive is another pair's negative.

    Raises:
        ValueError: no generator has this name, or fewer than one pair is asked for.
        GeneratorUnsuitable: the tokenizer cannot carry the task, or not as many pairs of it.
    """
    if name not in _ALL:
        raise ValueError(f"no generator is named {name!r}; there are {', '.join(_ALL)}")
    if n < 1:
        raise ValueError(f"at least one pair is needed, not {n}")
    draw = _ALL[name].prepare(tokenizer, split)
    rng = Random(f"{name}/{split}/{seed}")  # noqa: S311 - prompts are sampled, nothing is secret
    return _distinct(draw, tokenizer, n, n if fewest is None else fewest, rng)


def _distinct(
    draw: Draw, tokenizer: Tokenizer, n: int, fewest: int, rng: Random
) -> tuple[PromptPair, ...]:
    pairs: dict[str, PromptPair] = {}
    negatives: set[str] = set()
    for _ in range(_ATTEMPTS_PER_PAIR * n):
        pair = draw(rng)
        mirrored = pair.positive in negatives or pair.negative in pairs
        if mirrored or pair.positive in pairs or not is_aligned(tokenizer, pair):
            continue
        pairs[pair.positive] = pair
        negatives.add(pair.negative)
        if len(pairs) == n:
            return tuple(pairs.values())
    if len(pairs) >= fewest:
        return tuple(pairs.values())
    raise GeneratorUnsuitable(
        f"only {len(pairs)} different aligned pairs were found with this tokenizer; {fewest} are needed"
    )
