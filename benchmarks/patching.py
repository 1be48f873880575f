"""Exact patching of every head of a GPT-2-small-size model, beside whole runs: processor time and equality.

    python -m benchmarks.patching [--quick] [--json out.json]

Two shapes: 20 tokens of which the first 8 are shared by both prompts of a pair, and 64 tokens with 48
shared. The weights are random. *Whole runs* replaces heads as auditkit did before runs could be resumed:
every prompt runs through every layer, and answers are compared over the whole vocabulary. Rounds alternate
between the two; the ratio is that of the summed processor times, on one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

import auditkit.model.subject as subject_module
from auditkit.identifying.activations import Captured, MeanOutputs, capture
from auditkit.identifying.batches import batches_of
from auditkit.identifying.interventions import Heads, Intervention
from auditkit.model.locating import locate_heads, recorded
from auditkit.model.subject import Patch, Subject
from auditkit.prompts.pairs import ResolvedPair
from auditkit.records.prompts import PromptPair
from benchmarks.speed import nameless

SHAPES = ((20, 8), (64, 48))
"""Tokens of a prompt, and how many first ones both prompts of a pair share."""

TARGETS = {20: 0.40, 64: 0.25}
AT_ONCE = 256


@dataclass(frozen=True)
class Shape:
    """One shape's result: processor seconds of both ways, their ratio, and the largest difference."""

    tokens: int
    shared: int
    pairs: int
    heads: int
    whole_s: float
    resumed_s: float
    ratio: float
    largest_difference: float


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="4 heads of each layer, 12 pairs")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    subject = random_model()
    found = [measured(subject, tokens, shared, quick=arguments.quick) for tokens, shared in SHAPES]
    for shape in found:
        print(
            f"{shape.heads} heads, {shape.pairs} pairs, {shape.tokens} tokens, {shape.shared} shared: "
            f"{shape.ratio:.2f} of whole runs (target {TARGETS[shape.tokens]:.2f}), largest difference "
            f"{shape.largest_difference:.1e}"
        )
    if arguments.json:
        rows = [each.__dict__ for each in found]
        arguments.json.write_text(json.dumps({"shapes": rows}, indent=1), encoding="utf-8")


def random_model() -> Subject:
    """A model of GPT-2 small's size with random weights."""
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(initializer_range=0.05))
    model.train(mode=False)
    for weight in model.parameters():
        weight.requires_grad = False
    locations = locate_heads(model)
    identity = nameless(recorded(locations))
    return Subject(model, locations, identity)


def pairs_of(n: int, tokens: int, shared: int) -> tuple[ResolvedPair, ...]:
    """Pairs of random tokens that share their first ones."""
    draw = torch.Generator().manual_seed(tokens)
    text = PromptPair(positive="p", negative="n", answers=("a",), wrong=("w",))
    made = []
    for _ in range(n):
        positive = torch.randint(1, 50_000, (tokens,), generator=draw)
        negative = torch.randint(1, 50_000, (tokens,), generator=draw)
        negative[:shared] = positive[:shared]
        answer, wrong = torch.randint(1, 50_000, (2,), generator=draw).tolist()
        ids = tuple(positive.tolist()), tuple(negative.tolist())
        made.append(ResolvedPair(text, *ids, (answer,), (wrong,)))
    return tuple(made)


def measured(subject: Subject, tokens: int, shared: int, *, quick: bool) -> Shape:
    """Both ways on the same heads and pairs, layer by layer in turn."""
    n = 12 if quick else 24
    pairs = pairs_of(n, tokens, shared)
    batches = batches_of(pairs, "logit_difference", subject.vocabulary_size)
    captured = capture(subject, batches, None, 0, "pair")
    means = MeanOutputs.over(captured)
    resumed = Intervention(subject, captured, "resample", means)
    seconds, largest, count = {"whole": 0.0, "resumed": 0.0}, 0.0, 0
    for layer in range(12):
        sets = [frozenset([(layer, head)]) for head in range(4 if quick else 12)]
        count += len(sets)
        start = time.process_time()
        whole = whole_runs(subject, captured, sets)
        seconds["whole"] += time.process_time() - start
        start = time.process_time()
        again = resumed.metrics(sets)
        seconds["resumed"] += time.process_time() - start
        largest = max(largest, float((whole - again).abs().max()))
    return Shape(
        tokens=tokens,
        shared=shared,
        pairs=n,
        heads=count,
        whole_s=round(seconds["whole"], 3),
        resumed_s=round(seconds["resumed"], 3),
        ratio=round(seconds["resumed"] / seconds["whole"], 4),
        largest_difference=largest,
    )


def whole_runs(subject: Subject, captured: tuple[Captured, ...], sets: list[Heads]) -> Tensor:
    """The metric per set and pair ``[n_sets, n_pairs]``, every prompt run whole, as many at once as
    before.
    """
    (item,) = captured
    n = len(item.batch.places)
    sets_at_once = max(1, AT_ONCE // n)
    chunks = []
    for start in range(0, len(sets), sets_at_once):
        chosen = sets[start : start + sets_at_once]
        rows = torch.arange(n).repeat(len(chosen))
        masks = tuple(m.repeat_interleave(n, 0) for m in subject.masks(chosen, rows.device))
        with multiplied_out_prompt_by_prompt():
            logits = subject.logits(item.batch.positive[rows], Patch(masks, item.negative, rows))
        right, wrong = item.batch.answers[rows], item.batch.wrong[rows]
        value = (logits * right).sum(-1) / right.sum(-1) - (logits * wrong).sum(-1) / wrong.sum(-1)
        chunks.append(value.reshape(len(chosen), n))
    return torch.cat(chunks)


@contextmanager
def multiplied_out_prompt_by_prompt() -> Iterator[None]:
    """Within it the scores are multiplied out as torch does with what is not contiguous."""

    def as_it_is(_model: object) -> AbstractContextManager[None]:
        return nullcontext()

    with patch.object(subject_module, "in_one_piece", as_it_is):
        yield


if __name__ == "__main__":
    main()
