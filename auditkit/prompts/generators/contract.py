"""What every prompt generator is: its description, the splits it serves, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair

Split = Literal["discovery", "test"]
"""Which half of the names and templates a pair is made from; the halves share none."""

Metric = Literal["logit_difference", "probability_difference"]
"""How answers are compared with wrong answers: mean logits, or summed probabilities."""

Draw = Callable[[Random], PromptPair]
"""Makes one pair from a source of randomness; whether it fits the tokenizer is checked after."""


class GeneratorUnsuitable(ValueError):  # noqa: N818 - it says the task does not fit, not that it broke
    """A tokenizer cannot carry a task. The message is a sentence that says what was missing."""


@dataclass(frozen=True)
class GeneratorInfo:
    """What a generator makes, for a policy, a help page and a report.

    ``summary`` says in plain words what the task is and how negatives are made; ``source`` is the
    paper that introduced the task.
    """

    name: str
    title: str
    metric: Metric
    summary: str
    source: str


@dataclass(frozen=True)
class Generator:
    """A description and the function that fits the task to a tokenizer.

    ``prepare`` returns the draw of one split, from the words that the tokenizer can carry, or
    raises ``GeneratorUnsuitable``.
    """

    info: GeneratorInfo
    prepare: Callable[[Tokenizer, Split], Draw]
