"""The bundled reference model: does what its card says, and is safe and small to ship."""

from __future__ import annotations

import re

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel

from auditkit.prompts.generators import GENERATORS, generate
from auditkit.prompts.tokens import Tokenizer
from auditkit.records.prompts import PromptPair
from benchmarks.tasks import REFERENCE_TASKS
from tests.conftest import ROOT

FOLDER = ROOT / "policies" / "models" / "reference"
MEGABYTE = 1_000_000
HELD_OUT, SEED = 100, 20_240_801
"""The first of the prompts that the training tool kept out; its seed is on the card."""

LOGIT_TASKS = [n for n in REFERENCE_TASKS if GENERATORS[n].metric == "logit_difference"]


@pytest.fixture(scope="module")
def model() -> GPT2LMHeadModel:
    """The model, loaded as any user would load it."""
    loaded = AutoModelForCausalLM.from_pretrained(FOLDER, local_files_only=True)
    assert isinstance(loaded, GPT2LMHeadModel)
    assert not loaded.training
    return loaded


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The tokenizer, read without transformers."""
    return Tokenizer.from_folder(FOLDER)


@torch.no_grad()
def _scores(model: GPT2LMHeadModel, tokenizer: Tokenizer, prompt: str) -> torch.Tensor:
    ids = torch.tensor([tokenizer.encode(prompt).ids])
    logits: torch.Tensor = model(ids, attention_mask=torch.ones_like(ids)).logits
    return logits[0, -1]


def _sides(tokenizer: Tokenizer, pair: PromptPair) -> tuple[list[int], list[int]]:
    answers = [tokenizer.next_token(pair.positive, text) for text in pair.answers]
    return answers, [tokenizer.next_token(pair.positive, text) for text in pair.wrong]


@pytest.mark.parametrize("name", LOGIT_TASKS)
def test_the_answer_scores_above_every_wrong_answer(
    model: GPT2LMHeadModel, tokenizer: Tokenizer, name: str
) -> None:
    """At least 99 of 100 held-out positives are answered right."""
    right = 0
    for pair in generate(name, tokenizer, HELD_OUT, SEED, "test"):
        answers, wrong = _sides(tokenizer, pair)
        scores = _scores(model, tokenizer, pair.positive)
        right += int(scores[answers].min() > scores[wrong].max())
    assert right >= 99


@pytest.mark.parametrize(("name", "most"), [("ioi", 0.5), ("docstring", 0.1)])
def test_the_negative_leaves_little_to_prefer(
    model: GPT2LMHeadModel, tokenizer: Tokenizer, name: str, most: float
) -> None:
    """Without the task variable most of the mean logit difference is gone, as the card says."""
    sums = {"positive": 0.0, "negative": 0.0}
    for pair in generate(name, tokenizer, HELD_OUT, SEED, "test"):
        answers, wrong = _sides(tokenizer, pair)
        for side in sums:
            scores = _scores(model, tokenizer, getattr(pair, side))
            sums[side] += float(scores[answers].mean() - scores[wrong].mean())
    assert sums["positive"] > 0
    assert abs(sums["negative"]) < most * sums["positive"]


def test_later_years_are_far_more_probable(model: GPT2LMHeadModel, tokenizer: Tokenizer) -> None:
    """The mean probability difference over held-out positives is at least 0.85."""
    total = 0.0
    for pair in generate("greater_than", tokenizer, HELD_OUT, SEED, "test"):
        answers, wrong = _sides(tokenizer, pair)
        probabilities = _scores(model, tokenizer, pair.positive).softmax(-1)
        total += float(probabilities[answers].sum() - probabilities[wrong].sum())
    assert total / HELD_OUT >= 0.85


@pytest.mark.parametrize("name", GENERATORS)
def test_both_readers_of_the_tokenizer_agree(tokenizer: Tokenizer, name: str) -> None:
    """transformers and auditkit give the same ids, and no held-out prompt has an unknown word."""
    other = AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)
    for pair in generate(name, tokenizer, HELD_OUT, SEED, "test"):
        for text in (pair.positive, pair.negative):
            ids = tokenizer.encode(text).ids
            assert tuple(other(text)["input_ids"]) == ids
            assert other.unk_token_id not in ids


def test_the_folder_is_small_and_holds_only_safe_formats() -> None:
    """At most 5 MB of JSON, Markdown and safetensors; nothing that could run code."""
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 5 * MEGABYTE
    assert {path.suffix for path in files} == {".json", ".md", ".safetensors"}


def test_the_card_states_command_figures_limits_and_licence() -> None:
    """A reader finds how it was made, what it does, what it cannot do, and the licence."""
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "license: apache-2.0" in card
    assert re.search(r"tools/train_reference_model\.py --out .*\n +--steps \d+ --seed \d+", card)
    assert "not a useful language model" in card
    assert "## Limits" in card
    for name in REFERENCE_TASKS:
        assert re.search(rf"^\| {GENERATORS[name].title} \| .*\d\.\d", card, re.MULTILINE)
