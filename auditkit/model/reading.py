"""What is read off a model: the scores a task compares, and at which position they are read.

Prompts of one batch have one length and nothing is padded, so every token is real and a mean over
positions is a mean over real tokens.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel

from auditkit.errors import ModelError
from auditkit.records.specification import Pooling, TaskKind

AnswerPosition = Literal["last", "first", "mask", "every"]
"""The position that an answer is read off; ``every`` where it is read off several."""


@dataclass(frozen=True)
class Reading:
    """How the scores of a kind of task are read. ``mask_id`` is the mask token, for masked tokens.

    ``typed``: the model is given segment numbers, as its tokenizer gives them in transformers.
    """

    kind: TaskKind = "next_token"
    pooling: Pooling = "mean"
    mask_id: int | None = None
    typed: bool = False

    def scores(self, output: Any, ids: Tensor) -> Tensor:  # noqa: ANN401 - each model has its own class
        """The scores ``[batch, n]`` of prompts ``[batch, position]`` from a model's output.

        Logits of tokens or labels; for similarity the embedding, of length 1, whose product with
        another is their cosine.
        """
        if self.kind == "similarity":
            return self._embedding(output.last_hidden_state.float())
        logits: Tensor = output.logits
        if self.kind == "next_token":
            logits = logits[:, -1, :]
        elif self.kind == "masked_token":
            at = torch.eq(ids, -1 if self.mask_id is None else self.mask_id).int().argmax(1)
            logits = logits[torch.arange(len(ids), device=ids.device), at]
        return logits.float()

    def _embedding(self, hidden: Tensor) -> Tensor:
        pooled = {"mean": hidden.mean(1), "first": hidden[:, 0], "last": hidden[:, -1]}
        return torch.nn.functional.normalize(pooled[self.pooling], dim=-1)

    @property
    def answer_position(self) -> AnswerPosition | None:
        """Where the answer is read off, or ``None`` where only the model knows: a classifier."""
        if self.kind == "next_token":
            return "last"
        if self.kind == "masked_token":
            return "mask"
        if self.kind == "similarity":
            return "every" if self.pooling == "mean" else self.pooling
        return None


NEXT_TOKEN = Reading()


def accepted(model: PreTrainedModel, offered: dict[str, Any]) -> dict[str, Any]:
    """Of these inputs, those that the model's own ``forward`` names."""
    named = inspect.signature(model.forward).parameters
    return {name: value for name, value in offered.items() if name in named}


def position_of(
    forward: Callable[[Tensor], Tensor], ids: Tensor, last_outputs: Callable[[], Tensor]
) -> AnswerPosition:
    """Which position a model's scores are read off, observed: the last layer's heads elsewhere do nothing.

    ``forward`` gives the scores of one prompt ``[1, position]``, tracking the input of the last
    attention layer's output projection, which ``last_outputs`` then returns, ``[1, position, width]``.
    Behind the last attention layer no position reaches another, so the scores' gradient there is 0 at
    every position that they are not read off.

    Raises:
        ModelError: they depend on no position at all.
    """
    scores = forward(ids)
    torch.autograd.backward(scores.square().sum())
    gradient = last_outputs().grad
    if gradient is None or not bool(gradient.any()):
        raise ModelError(
            "the model's scores do not depend on its last attention layer",
            advice="check the weights: a head of zeros has nothing to examine",
        )
    reached = gradient[0].any(-1).nonzero().flatten().tolist()
    if reached == [0]:
        return "first"
    return "last" if reached == [ids.shape[1] - 1] else "every"


def refuse_padding(model: PreTrainedModel, reading: Reading, ids: Tensor) -> None:
    """Refuse to run from embeddings what a classifier reads by looking for padding in the tokens.

    Raises:
        ModelError: a prompt holds the padding token.
    """
    padding = getattr(model.config.get_text_config(), "pad_token_id", None)
    if (
        reading.kind == "classification"
        and padding is not None
        and bool(torch.eq(ids, padding).any())
    ):
        raise ModelError(
            "a prompt holds the padding token, by which this classifier looks for its end, and "
            "attribution input_ig gives it no tokens",
            advice="declare attribution: halfway",
        )
