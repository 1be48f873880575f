"""Small models trained here on tasks of the benchmark's own, so that no verdict is measured on known ground.

Five kinds, each with its own data: classifiers of order, negation, repetition and of a word after a marker,
and a language model that recalls what followed a token before. Tokens are numbers; a pair differs in what the
answer depends on. Training is seeded and takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
)

from auditkit.model.locating import locate_heads, recorded
from auditkit.model.reading import Reading
from auditkit.model.subject import Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.prompts import PromptPair
from benchmarks.speed import nameless

WORDS = 12
LENGTH = 10
FIRST, SECOND, NOT, VERY, GOOD, BAD, CLS = range(WORDS, WORDS + 7)
VOCABULARY = WORDS + 7

_BATCH, _SMOOTHING = 64, 0.02

Example = tuple[list[int], list[int], int, int]
"""Prompt, matched prompt, and the right answer of each."""


@dataclass(frozen=True)
class Kind:
    """One task: how an example is drawn, and the model that learns it."""

    name: str
    draw: Callable[[Random], Example]
    heads: int
    steps: int
    rate: float = 3e-3
    causal: bool = False


def _filled(chance: Random) -> list[int]:
    return [chance.randrange(WORDS) for _ in range(LENGTH)]


def _order(chance: Random) -> Example:
    """Which of two markers comes first; the matched prompt has them exchanged."""
    words = _filled(chance)
    one, other = sorted(chance.sample(range(LENGTH), 2))
    first = chance.randrange(2)
    words[one], words[other] = (FIRST, SECOND) if first else (SECOND, FIRST)
    swapped = list(words)
    swapped[one], swapped[other] = words[other], words[one]
    return words, swapped, first, 1 - first


def _negation(chance: Random) -> Example:
    """Whether an opinion is good; the word before it turns it round, in one of the two prompts."""
    words = _filled(chance)
    at = chance.randrange(1, LENGTH)
    good, negated = chance.randrange(2), chance.randrange(2)
    words[at] = GOOD if good else BAD
    words[at - 1] = NOT if negated else VERY
    turned = list(words)
    turned[at - 1] = VERY if negated else NOT
    return words, turned, good ^ negated, good ^ negated ^ 1


def _repetition(chance: Random) -> Example:
    """Whether the last word stood before; in the matched prompt another stands in its place."""
    words = chance.sample(range(WORDS), LENGTH)
    at = chance.randrange(LENGTH - 1)
    repeated, other = list(words), list(words)
    repeated[at] = words[-1]
    if chance.randrange(2):
        return repeated, other, 1, 0
    return other, repeated, 0, 1


def _lookup(chance: Random) -> Example:
    """Whether the word after a marker is an even one; in the matched prompt its neighbour stands there."""
    words = _filled(chance)
    at = chance.randrange(LENGTH - 1)
    words[at] = FIRST
    other = list(words)
    other[at + 1] = words[at + 1] ^ 1
    return words, other, words[at + 1] % 2, other[at + 1] % 2


def _recall(chance: Random) -> Example:
    """What followed the last token before; in the matched prompt something else did."""
    prompt = _filled(chance)
    at = chance.randrange(LENGTH - 3)
    prompt[at] = prompt[-1] = FIRST
    other = list(prompt)
    other[at + 1] = (prompt[at + 1] + 1 + chance.randrange(WORDS - 1)) % WORDS
    return prompt, other, prompt[at + 1], other[at + 1]


KINDS = (
    Kind("order", _order, heads=2, steps=300),
    Kind("negation", _negation, heads=4, steps=300),
    Kind("repetition", _repetition, heads=4, steps=1500, rate=1e-3),
    Kind("lookup", _lookup, heads=4, steps=500),
    Kind("recall", _recall, heads=4, steps=500, causal=True),
)


@dataclass(frozen=True)
class Trained:
    """A trained model ready to be audited, pairs that it never saw, and how often it is right on them."""

    kind: Kind
    subject: Subject
    pairs: tuple[ResolvedPair, ...]
    accuracy: float


def trained_models(n_pairs: int) -> Iterator[Trained]:
    """Every kind, trained."""
    for seed, kind in enumerate(KINDS):
        model = _model(kind, seed)
        _train(model, kind, Random(seed))  # noqa: S311 - a repeatable draw, not a secret
        locations = locate_heads(model)
        reading = Reading() if kind.causal else Reading(kind="classification")
        subject = Subject(model, locations, nameless(recorded(locations)), reading=reading)
        examples = _fresh(kind, n_pairs)
        pairs = tuple(map(_pair, examples)) if kind.causal else tuple(map(_labelled, examples))
        ids = torch.tensor([each.positive_ids for each in pairs])
        right = torch.tensor([each.answer_ids[0] for each in pairs])
        said = torch.cat([subject.logits(some) for some in torch.split(ids, _BATCH)]).argmax(-1)
        yield Trained(kind, subject, pairs, float(torch.eq(said, right).double().mean()))


def _model(kind: Kind, seed: int) -> PreTrainedModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: PreTrainedModel
        if kind.causal:
            model = GPT2LMHeadModel(
                GPT2Config(
                    vocab_size=VOCABULARY,
                    n_embd=32,
                    n_layer=2,
                    n_head=kind.heads,
                    n_positions=LENGTH,
                    bos_token_id=CLS,
                    eos_token_id=CLS,
                )
            )
        else:
            model = BertForSequenceClassification(
                BertConfig(
                    vocab_size=VOCABULARY,
                    hidden_size=32,
                    num_hidden_layers=2,
                    num_attention_heads=kind.heads,
                    intermediate_size=64,
                    max_position_embeddings=LENGTH + 1,
                    pad_token_id=None,
                    hidden_dropout_prob=0.0,
                    attention_probs_dropout_prob=0.0,
                )
            )
    return model


def _train(model: PreTrainedModel, kind: Kind, chance: Random) -> None:
    model.train(mode=not kind.causal)  # GPT-2's standard dropout would be on
    optimiser = torch.optim.AdamW(model.parameters(), lr=kind.rate)
    for step in range(kind.steps):
        for group in optimiser.param_groups:
            group["lr"] = kind.rate * min(1.0, 4 * (1 - step / kind.steps))
        drawn = [kind.draw(chance) for _ in range(_BATCH)]
        ids = torch.tensor([ids for one, other, _, _ in drawn for ids in (one, other)])
        answers = torch.tensor([answer for _, _, *both in drawn for answer in both])
        logits: Tensor = model(input_ids=ids if kind.causal else _with_cls(ids)).logits
        scores = logits[:, -1] if kind.causal else logits
        optimiser.zero_grad()
        torch.autograd.backward(_loss(scores, answers))
        optimiser.step()
    model.train(mode=False)
    model.requires_grad_(requires_grad=False)


def _loss(scores: Tensor, answers: Tensor) -> Tensor:
    # Smoothed, so that a model is not so sure of itself that no single head matters.
    return torch.nn.functional.cross_entropy(scores, answers, label_smoothing=_SMOOTHING)


def _with_cls(ids: Tensor) -> Tensor:
    return torch.cat([torch.full((len(ids), 1), CLS), ids], 1)


def _fresh(kind: Kind, n: int) -> list[Example]:
    chance = Random(20261126)  # noqa: S311 - a repeatable draw, not a secret
    return [kind.draw(chance) for _ in range(n)]


def _pair(example: Example) -> ResolvedPair:
    one, other, answer, wrong = example
    text = PromptPair(positive="p", negative="n", answers=(str(answer),), wrong=(str(wrong),))
    return ResolvedPair(text, tuple(one), tuple(other), (answer,), (wrong,))


def _labelled(example: Example) -> ResolvedPair:
    one, other, answer, wrong = example
    return _pair(([CLS, *one], [CLS, *other], answer, wrong))
