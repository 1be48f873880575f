"""Where a model's attention heads can be read, found by running it once: no model-specific code.

transformers calls one registered attention function in almost every model. A probe function notes
its output; the linear layer whose input equals that output is the output projection, and its input
holds the heads side by side. What cannot be found this way is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.pytorch_utils import Conv1D

from auditkit.errors import ModelError

_PROBE = "auditkit_probe"
_PROBE_TOKENS = 5


@dataclass(frozen=True)
class HeadLocation:
    """One attention layer: the module whose input is ``[batch, position, n_heads * d_head]``."""

    name: str
    module: nn.Module
    n_heads: int
    d_head: int

    def written(self) -> Tensor:
        """The part of the output projection that each head owns, ``[n_heads, d_head, d_model]``."""
        weight: Any = self.module.weight
        rows = weight if isinstance(self.module, Conv1D) else weight.T
        parts: Tensor = rows.detach().reshape(self.n_heads, self.d_head, -1)
        return parts


def locate_heads(model: PreTrainedModel) -> tuple[HeadLocation, ...]:
    """The attention layers of a model in the order they run.

    Raises:
        ModelError: the model does not use the attention interface, or something between attention
            and the output projection keeps the heads from being read one by one.
    """
    outputs: list[Tensor] = []
    inputs: list[tuple[str, nn.Module, Tensor]] = []
    with _noting_attention(model, outputs), _noting_linear_inputs(model, inputs), torch.no_grad():
        probe = torch.arange(1, _PROBE_TOKENS + 1, device=model.device).unsqueeze(0)
        model(input_ids=probe % model.config.get_text_config().vocab_size, use_cache=False)
    if not outputs:
        raise _not_separable(model, "it does not use the attention interface of transformers")
    _refuse_not_finite(model, outputs)
    return tuple(_projection_of(model, output, inputs) for output in outputs)


def _refuse_not_finite(model: PreTrainedModel, outputs: list[Tensor]) -> None:
    """Nothing, where every attention output ``[1, position, head, d_head]`` is finite."""
    for layer, output in enumerate(outputs):
        wrong = (~torch.isfinite(output)).any(3).any(1)[0]
        if bool(wrong.any()):
            head = int(wrong.nonzero()[0])
            raise ModelError(
                f"{type(model).__name__}: running it gives numbers that are not finite, first in"
                f" head {layer}.{head}",
                advice="its weights are damaged, or too large for model.dtype; copy the model again",
            )


def _projection_of(
    model: PreTrainedModel, output: Tensor, inputs: list[tuple[str, nn.Module, Tensor]]
) -> HeadLocation:
    """The linear layer fed with exactly this attention output ``[1, position, head, d_head]``."""
    _, _, n_heads, d_head = output.shape
    flat = output.reshape(1, output.shape[1], n_heads * d_head)
    for name, module, value in inputs:
        if value.shape == flat.shape and torch.equal(value, flat):
            return HeadLocation(name, module, n_heads, d_head)
    raise _not_separable(model, "no linear layer reads an attention layer's output unchanged")


def _not_separable(model: PreTrainedModel, why: str) -> ModelError:
    return ModelError(
        f"{type(model).__name__}: its attention heads cannot be read one by one: {why}",
        advice="GPT-2 and Llama type models are supported",
    )


@contextmanager
def _noting_attention(model: PreTrainedModel, outputs: list[Tensor]) -> Iterator[None]:
    def probe(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor | None]:  # noqa: ANN401
        output, weights = sdpa_attention_forward(*args, **kwargs)
        outputs.append(output.detach().clone())
        return output, weights

    AttentionInterface.register(_PROBE, probe)
    AttentionMaskInterface.register(_PROBE, sdpa_mask)
    before = model.config._attn_implementation  # noqa: SLF001 - no public reader exists
    model.set_attn_implementation(_PROBE)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@contextmanager
def _noting_linear_inputs(
    model: PreTrainedModel, inputs: list[tuple[str, nn.Module, Tensor]]
) -> Iterator[None]:
    def note(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def hook(module: nn.Module, args: tuple[Any, ...]) -> None:
            inputs.append((name, module, args[0].detach().clone()))

        return hook

    handles = [
        module.register_forward_pre_hook(note(name))
        for name, module in model.named_modules()
        if isinstance(module, (nn.Linear, Conv1D))
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
