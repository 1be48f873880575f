"""Trains the bundled reference model and writes its folder, or refuses where it falls short.

    python tools/train_reference_model.py --out policies/models/reference

The model is a known-good subject for audits: small, seeded, and measured on prompts it never read.
Exit status 1, with nothing written, where a requirement is missed.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from reference_card import Measurement, Settings, model_card
from reference_corpus import BEGIN, PADDING, UNKNOWN, Sentence, build_tokenizer, sentences
from tokenizers import Tokenizer as FastTokenizer
from torch.nn import functional
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from auditkit.prompts.generators import GENERATORS, generate
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair

BATCH = 64
PEAK_RATE = 2e-3
WARM_UP = 200
HELD_OUT = 400
HELD_OUT_SEED = 20_240_801
REQUIRED = {"ioi": 0.99, "greater_than": 0.85, "docstring": 0.99, "gendered_pronoun": 0.99}
"""Least accuracy on held-out prompts; for greater-than, the least mean probability difference."""

_SHORT = 28
"""Sentences of up to this many tokens are padded together, apart from the longer ones."""


@dataclass(frozen=True)
class Tokens:
    """One padded batch: ids, which of them are read, and the targets.

    ``targets`` holds every next token, ``answers`` only those that a task decides; -100 marks a
    position without one. All are [n_sentences, n_positions].
    """

    ids: torch.Tensor
    read: torch.Tensor
    targets: torch.Tensor
    answers: torch.Tensor


def main() -> int:
    """The exit status of training, measuring and writing: 0 where every requirement is met."""
    arguments = _parser().parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    if arguments.evaluate_only:
        return 0 if _report(measure(arguments.out)) else 1
    settings = Settings(
        steps=arguments.steps,
        batch=BATCH,
        peak_rate=PEAK_RATE,
        warm_up=WARM_UP,
        seed=arguments.seed,
        held_out=HELD_OUT,
        held_out_seed=HELD_OUT_SEED,
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "reference"
        _save_tokenizer(build_tokenizer(), folder)
        train(folder, settings)
        measurements = measure(folder)
        if not _report(measurements):
            print("a requirement is missed: nothing is written", file=sys.stderr)
            return 1
        (folder / "README.md").write_text(model_card(settings, measurements), encoding="utf-8")
        # Contents only: safetensors writes files that nobody else may read.
        shutil.copytree(folder, arguments.out, copy_function=shutil.copyfile, dirs_exist_ok=True)
    return 0


def train(folder: Path, settings: Settings) -> None:
    """Nothing; the trained model lies in ``folder``, beside the tokenizer that was there."""
    torch.manual_seed(settings.seed)
    tokenizer = FastTokenizer.from_file(str(folder / "tokenizer.json"))
    model = GPT2LMHeadModel(_architecture(tokenizer))
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=settings.peak_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, settings))
    texts = sentences(settings.seed, _held_out_prompts(folder))
    model.train()
    for step in range(1, settings.steps + 1):
        batch = list(islice(texts, settings.batch))
        optimiser.zero_grad()
        loss = sum(_backward(model, part, len(batch)) for part in _parts(tokenizer, batch))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == settings.steps:
            print(f"step {step} of {settings.steps}: loss {loss:.4f}", flush=True)
    model.save_pretrained(folder, safe_serialization=True)


def measure(folder: Path) -> Mapping[str, Measurement]:
    """What the model in a folder does on the held-out prompts of each task, by task name."""
    model = GPT2LMHeadModel.from_pretrained(folder, local_files_only=True)
    tokenizer = Tokenizer.from_folder(folder)
    return {
        name: _measured(model, tokenizer, _held_out(name, tokenizer), name) for name in REQUIRED
    }


def _held_out(name: str, tokenizer: Tokenizer) -> tuple[PromptPair, ...]:
    return generate(name, tokenizer, HELD_OUT, HELD_OUT_SEED, "test")


def _held_out_prompts(folder: Path) -> frozenset[str]:
    tokenizer = Tokenizer.from_folder(folder)
    pairs = (pair for name in REQUIRED for pair in _held_out(name, tokenizer))
    return frozenset(pair.positive for pair in pairs)


@torch.no_grad()
def _measured(
    model: GPT2LMHeadModel, tokenizer: Tokenizer, pairs: tuple[PromptPair, ...], name: str
) -> Measurement:
    right, on_positives, on_negatives = 0, 0.0, 0.0
    for pair in pairs:
        answers = [tokenizer.next_token(pair.positive, text) for text in pair.answers]
        wrong = [tokenizer.next_token(pair.positive, text) for text in pair.wrong]
        scores = [
            _next_scores(model, tokenizer, prompt) for prompt in (pair.positive, pair.negative)
        ]
        right += int(scores[0][answers].min() > scores[0][wrong].max())
        if GENERATORS[name].metric == "probability_difference":
            scores = [score.softmax(-1) for score in scores]
            differences = [float(score[answers].sum() - score[wrong].sum()) for score in scores]
        else:
            differences = [float(score[answers].mean() - score[wrong].mean()) for score in scores]
        on_positives += differences[0] / len(pairs)
        on_negatives += differences[1] / len(pairs)
    return Measurement(right / len(pairs), on_positives, on_negatives, REQUIRED[name])


def _next_scores(model: GPT2LMHeadModel, tokenizer: Tokenizer, prompt: str) -> torch.Tensor:
    ids = torch.tensor([tokenizer.encode(prompt).ids])
    logits: torch.Tensor = model(ids, attention_mask=torch.ones_like(ids)).logits
    return logits[0, -1]


def _report(measurements: Mapping[str, Measurement]) -> bool:
    met = True
    for name, measurement in measurements.items():
        metric = GENERATORS[name].metric
        figure = measurement.figure(metric)
        met = met and figure >= measurement.required
        print(
            f"{name}: {figure:.4f}, at least {measurement.required} required; {metric}"
            f" {measurement.on_positives:.3f} and {measurement.on_negatives:.3f}"
            " on positives and negatives"
        )
    return met


def _parts(tokenizer: FastTokenizer, batch: list[Sentence]) -> Iterator[Tokens]:
    encoded = [_encode(tokenizer, sentence) for sentence in batch]
    for part in (
        [each for each in encoded if len(each[0]) <= _SHORT],
        [each for each in encoded if len(each[0]) > _SHORT],
    ):
        if part:
            yield _pad(part, tokenizer.get_vocab()[PADDING])


def _encode(tokenizer: FastTokenizer, sentence: Sentence) -> tuple[list[int], int | None]:
    ids = tokenizer.encode(sentence.prompt + sentence.continuation).ids
    if not sentence.decided:
        return ids, None
    return ids, len(tokenizer.encode(sentence.prompt).ids) - 1


def _pad(part: list[tuple[list[int], int | None]], padding: int) -> Tokens:
    longest = max(len(ids) for ids, _ in part)
    tokens = Tokens(
        torch.full((len(part), longest), padding),
        torch.zeros((len(part), longest), dtype=torch.long),
        torch.full((len(part), longest), -100),
        torch.full((len(part), longest), -100),
    )
    for row, (ids, answer) in enumerate(part):
        tokens.ids[row, : len(ids)] = torch.tensor(ids)
        tokens.read[row, : len(ids)] = 1
        tokens.targets[row, : len(ids) - 1] = torch.tensor(ids[1:])
        if answer is not None:
            tokens.answers[row, answer] = ids[answer + 1]
    return tokens


def _backward(model: GPT2LMHeadModel, tokens: Tokens, n_sentences: int) -> float:
    logits = model(tokens.ids, attention_mask=tokens.read).logits.flatten(0, 1)
    share = tokens.ids.shape[0] / n_sentences
    loss = functional.cross_entropy(logits, tokens.targets.flatten()) * share
    if bool((tokens.answers >= 0).any()):
        loss = loss + functional.cross_entropy(logits, tokens.answers.flatten()) * share
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())


def _rate(step: int, settings: Settings) -> float:
    if step < settings.warm_up:
        return (step + 1) / settings.warm_up
    done = (step - settings.warm_up) / max(1, settings.steps - settings.warm_up)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))


def _architecture(tokenizer: FastTokenizer) -> GPT2Config:
    vocabulary = tokenizer.get_vocab()
    return GPT2Config(
        vocab_size=len(vocabulary),
        n_positions=64,
        n_embd=128,
        n_layer=4,
        n_head=8,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=vocabulary[BEGIN],
        eos_token_id=vocabulary[BEGIN],
        pad_token_id=vocabulary[PADDING],
    )


def _save_tokenizer(tokenizer: FastTokenizer, folder: Path) -> None:
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        unk_token=UNKNOWN,
        pad_token=PADDING,
        model_max_length=64,
    )
    wrapped.save_pretrained(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="the model folder")
    parser.add_argument("--steps", type=int, default=4000, help="training steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and sentences")
    parser.add_argument(
        "--evaluate-only", action="store_true", help="measure the model that lies in --out"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
