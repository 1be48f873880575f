"""Whole models on which nothing may be reported: no task to be done, or nobody who learnt it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from transformers import GPT2Config

from auditkit.controls.construction import ControlModel
from auditkit.prompts.pairs import ResolvedPair

_SEED = 9
_SPREAD = 0.2
"""Standard deviation of random weights: ten times the usual, so that heads do move the answers."""


def with_shuffled_labels(control: ControlModel) -> ControlModel:
    """The control model with right and wrong answers exchanged in every second pair.

    The model still answers by its circuit, and is right as often as wrong.
    """
    return replace(control, discovery=_exchanged(control.discovery), test=_exchanged(control.test))


def with_random_weights(control: ControlModel) -> ControlModel:
    """A model of the same shape, with the same prompts, whose weights were drawn at random."""
    shape = control.model.config
    config = GPT2Config(
        vocab_size=shape.vocab_size,
        n_positions=shape.n_positions,
        n_embd=shape.n_embd,
        n_layer=shape.n_layer,
        n_head=shape.n_head,
        tie_word_embeddings=False,
        bos_token_id=shape.bos_token_id,
        eos_token_id=shape.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):  # construction draws weights that are then discarded
        model = type(control.model)(config)
    model.config.pad_token_id = shape.pad_token_id
    model.train(mode=False)
    model.requires_grad_(requires_grad=False)
    generator = torch.Generator().manual_seed(_SEED)
    for parameter in model.parameters():
        if parameter.ndim > 1:  # biases and LayerNorm stay as they begin
            parameter.normal_(std=_SPREAD, generator=generator)
    return replace(control, model=model)


def _exchanged(pairs: Sequence[ResolvedPair]) -> tuple[ResolvedPair, ...]:
    return tuple(
        pair
        if index % 2
        else replace(
            pair,
            pair=pair.pair.model_copy(
                update={"answers": pair.pair.wrong, "wrong": pair.pair.answers}
            ),
            answer_ids=pair.wrong_ids,
            wrong_ids=pair.answer_ids,
        )
        for index, pair in enumerate(pairs)
    )
