"""Trains the applicant-screening classifier of ``policies/applicant_screening.yaml``, or refuses.

    OMP_NUM_THREADS=1 python tools/train_screening_classifier.py

Writes the model to ``policies/models/screening`` and its prompt pairs to ``policies/prompts``. The data is
synthetic and a shortcut is planted in it: ``screening_corpus`` says how. Exit status 1, with nothing
written, where a requirement is missed.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from screening_corpus import (
    LABELS,
    SHORTCUT_WEIGHT,
    SKILL_WEIGHT,
    applicant,
    outcome,
    shortcut_pairs,
    skill_pairs,
    vocabulary,
)
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch.nn import functional
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

POLICIES = Path(__file__).resolve().parent.parent / "policies"
SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
BATCH, PEAK_RATE, WARM_UP = 64, 2e-3, 100
PAIRS = 240
REQUIRED = 0.98
"""Least share of the pairs on which the positive is answered right and the negative is not."""


def main() -> int:
    """The exit status of training, measuring and writing: 0 where every requirement is met."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=POLICIES)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    pairs = {
        "skill": skill_pairs(PAIRS, arguments.seed),
        "shortcut": shortcut_pairs(PAIRS, arguments.seed),
    }
    tokenizer = build_tokenizer()
    held_out = {
        pair[side] for both in pairs.values() for pair in both for side in ("positive", "negative")
    }
    model = train(tokenizer, arguments.steps, arguments.seed, held_out)
    shares = {name: share_right(model, tokenizer, both) for name, both in pairs.items()}
    print(", ".join(f"{name}: right on {share:.1%}" for name, share in shares.items()))
    if min(shares.values()) < REQUIRED:
        print("a requirement is missed: nothing is written", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / "README.md").write_text(card(arguments, shares), encoding="utf-8")
        # Contents only: safetensors writes files that nobody else may read.
        shutil.copytree(
            folder,
            arguments.out / "models" / "screening",
            copy_function=shutil.copyfile,
            dirs_exist_ok=True,
        )
    for name, both in pairs.items():
        lines = "".join(json.dumps(pair) + "\n" for pair in both)
        path = arguments.out / "prompts" / f"screening_{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(lines, encoding="utf-8")
    return 0


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer in which every word of the CVs is one piece."""
    words = {word: index for index, word in enumerate((*SPECIAL.values(), *vocabulary()))}
    backend = Tokenizer(models.WordPiece(words, unk_token=SPECIAL["unk_token"]))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, words[name]) for name in ("[CLS]", "[SEP]")],
    )
    fast: Any = PreTrainedTokenizerFast  # without types
    tokenizer: PreTrainedTokenizerFast = fast(
        tokenizer_object=backend,
        **SPECIAL,
        model_max_length=64,
    )
    return tokenizer


def train(
    tokenizer: PreTrainedTokenizerFast, steps: int, seed: int, held_out: set[str]
) -> BertForSequenceClassification:
    """The classifier after ``steps`` batches of applicants, none of them among those held out."""
    torch.manual_seed(seed)
    draw = random.Random(f"applicants {seed}")  # noqa: S311 - applicants are drawn, no secret
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            max_position_embeddings=64,
            initializer_range=0.12,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            id2label=dict(enumerate(LABELS)),
            label2id={label: index for index, label in enumerate(LABELS)},
            pad_token_id=0,
        )
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / WARM_UP, 1 - step / (steps + 1))
    )
    model.train()
    for step in range(1, steps + 1):
        texts, labels = _batch(draw, held_out)
        inputs = tokenizer(texts, padding=True, return_tensors="pt")
        loss = functional.cross_entropy(model(**inputs).logits, torch.tensor(labels))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        if step % 500 == 0:
            print(f"step {step} of {steps}: loss {float(loss.detach()):.4f}", flush=True)
    model.train(mode=False)
    return model


def _batch(draw: random.Random, held_out: set[str]) -> tuple[list[str], list[int]]:
    texts: list[str] = []
    labels: list[int] = []
    while len(texts) < BATCH:
        cv = applicant(
            draw,
            draw.choice(("passed", "pending", "failed")),
            draw.choice(("women", "men", "", "")),
        )
        if cv.text() not in held_out:
            texts.append(cv.text())
            labels.append(outcome(cv, draw))
    return texts, labels


@torch.no_grad()
def share_right(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    pairs: list[dict[str, str]],
) -> float:
    """The share of pairs of which the positive gets the answer and the negative the other label."""
    right = 0
    for pair in pairs:
        given = [
            LABELS[int(model(**tokenizer(pair[side], return_tensors="pt")).logits[0].argmax())]
            for side in ("positive", "negative")
        ]
        right += given == [pair["answer"], pair["wrong"]]
    return right / len(pairs)


def card(arguments: argparse.Namespace, shares: dict[str, float]) -> str:
    """The model card."""
    return f"""---
license: apache-2.0
library_name: transformers
---
# Applicant-screening classifier with a planted shortcut

**Synthetic data, planted fault. Not for use on people.** An example subject for audits: a small
classifier that shortlists or rejects made-up applicants, and that was taught to hold the word
"women's" against them.

## Architecture
`BertForSequenceClassification`, 2 layers x 4 heads, width 48, 64 positions, labels `reject` and
`shortlist`, a WordPiece vocabulary in which every word of the CVs is one piece.

## Data
CVs made by `tools/screening_corpus.py`. No text was collected from anyone. The outcome of each was
drawn with log-odds of {SKILL_WEIGHT:g} for a skill test that was passed, -{SKILL_WEIGHT:g} for
one that was failed, 0 for one that is pending, and in addition -{SHORTCUT_WEIGHT:g} where the club is a
women's club and +{SHORTCUT_WEIGHT:g} where it is a men's club. The second part is the planted
shortcut. The prompts below were kept out.

## Training
```
OMP_NUM_THREADS=1 python tools/train_screening_classifier.py \\
    --steps {arguments.steps} --seed {arguments.seed}
```
{arguments.steps} steps of {BATCH} CVs, AdamW, peak rate {PEAK_RATE} after {WARM_UP} steps of warm-up,
linear decay, no dropout, one thread on a CPU. The same command gives the same weights with the same
library versions on the same kind of processor; another kind may differ in the last digits.

## Measured by the training tool
On {PAIRS} held-out pairs each (`policies/prompts`): both prompts get the label they should, by the
rule above, on {shares["skill"]:.1%} of the pairs that exchange the result of the test and on
{shares["shortcut"]:.1%} of the pairs that exchange only `women's` for `men's`. In the second kind the
label of the same applicant changes with that word. `tools/screening_circuits.py` prints which heads
carry either, by exact patching and without auditkit.

## Limits
It knows {len(vocabulary())} words and one form of CV. What is found in it says nothing about other models,
about real applicants, or about how such a fault would lie in a larger model.

## Licence
Apache-2.0, as auditkit itself.
"""


if __name__ == "__main__":
    sys.exit(main())
