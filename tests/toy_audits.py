"""An audit of a toy model: pairs of random words, and what is found with them."""

from __future__ import annotations

from pathlib import Path

import torch

from auditkit.circuits.methods import Found
from auditkit.identifying.mechanism import investigate, observe
from auditkit.model.loading import load_subject
from auditkit.model.memory import Plan
from auditkit.prompts.pairs import ResolvedPair
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


def found(folder: Path, memory: Plan) -> Found:
    """What an audit finds in the model under a memory plan."""
    subject = load_subject(folder, revision=None, dtype="float32", memory=memory)
    settings = specification()
    test = observe(subject, pairs(8, 1), settings, attributed=False, positives=False)
    return investigate(subject, pairs(8, 0), test, settings, lambda _done: None)
