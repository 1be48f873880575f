"""Tiny models with random but seeded weights, built on the spot: for oracles, not for findings."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
)

WORDS = ["<unk>", "the", "cat", "dog", "sat", "ran", "on", "mat", "log", "a", "b", "c"]


def gpt2(seed: int = 0) -> PreTrainedModel:
    """2 layers x 3 heads of width 4."""
    torch.manual_seed(seed)
    model: PreTrainedModel = GPT2LMHeadModel(
        GPT2Config(
            n_layer=2,
            n_head=3,
            n_embd=12,
            vocab_size=len(WORDS),
            n_positions=16,
            initializer_range=0.5,
        )
    )
    model.train(mode=False)
    return model


def gpt2_with_a_dead_head(seed: int = 0) -> PreTrainedModel:
    """The same, head 1.2 without value weights: it puts out its value bias, 0.25, wherever it looks."""
    model = gpt2(seed)
    projection = model.get_submodule("transformer.h.1.attn.c_attn")
    values = slice(24 + 8, 24 + 12)  # 12 queries, 12 keys, then the values of heads 0, 1 and 2
    with torch.no_grad():
        projection.get_parameter("weight")[:, values] = 0
        projection.get_parameter("bias")[values] = 0.25
    return model


def llama(seed: int = 0) -> PreTrainedModel:
    """2 layers x 4 heads of width 6 in 2 key/value groups; heads wider than hidden size / heads."""
    torch.manual_seed(seed)
    model: PreTrainedModel = LlamaForCausalLM(
        LlamaConfig(
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=6,
            hidden_size=16,
            intermediate_size=24,
            vocab_size=len(WORDS),
            max_position_embeddings=16,
            initializer_range=0.5,
        )
    )
    model.train(mode=False)
    return model


def save(model: PreTrainedModel, folder: Path) -> Path:
    """A model folder with weights, configuration and a word-level tokenizer."""
    model.save_pretrained(folder)
    tokenizer = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>")  # noqa: S106
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
