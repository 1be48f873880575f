"""An audit of a toy model: pairs of random words, and what is found with them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import torch

from auditkit.circuits.methods import Found, Mechanism
from auditkit.identifying.mechanism import Question, investigate, observe
from auditkit.model.loading import load_subject
from auditkit.model.memory import Plan
from auditkit.model.subject import Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.base import Record
from auditkit.records.prompts import PromptPair
from tests.builders import specification
from tests.toy_models import WORDS


def pairs(n: int, seed: int) -> tuple[ResolvedPair, ...]:
    """Pairs of two lengths."""
    draw = torch.Generator().manual_seed(seed)
    text = PromptPair(positive="p", negative="n", answers=("a",), wrong=("w",))
    made = []
    for i in range(n):
        both = torch.randint(1, len(WORDS), (2, 5 + i % 2), generator=draw).tolist()
        made.append(ResolvedPair(text, tuple(both[0]), tuple(both[1]), (3,), (4,)))
    return tuple(made)


def run_whole(subject: Subject) -> None:
    """The model is always run whole: from a layer on, sums are taken in another order."""
    subject.__dict__["resumable"] = None


def question_of(pairs: Sequence[ResolvedPair]) -> Question:
    """What is asked where these pairs find the circuit, there are no others, and nothing is declared."""
    return Question(discovery=pairs, further=(), test=(), declared=())


def found(folder: Path, memory: Plan) -> Found:
    """What an audit finds in the model under a memory plan."""
    subject = load_subject(folder, revision=None, dtype="float32", memory=memory)
    run_whole(subject)
    settings = specification()
    test = observe(subject, pairs(8, 1), settings, attributed=False, positives=False)
    return investigate(subject, question_of(pairs(8, 0)), test, settings, lambda _done: None)


def alike(one: object, other: object) -> bool:
    """Whether two findings are the same but for the last digit of a measurement."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return abs(one - other) <= Decimal("0.0002")
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, Found | Mechanism | Record) and type(one) is type(other):
        return all(alike(value, getattr(other, name)) for name, value in vars(one).items())
    return one == other
