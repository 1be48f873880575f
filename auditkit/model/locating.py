"""Where a model's attention heads can be read, found by running it once: no model-specific code.

1. *Interface.* transformers calls one registered attention function in most models. A probe function
   notes its output ``[batch, position, head, d_head]``; the linear layer whose input equals that output
   is the output projection, and its input holds the heads side by side.
2. *Structure.* Where a model does not call it: inside each outermost attention module, the last linear
   layer that runs and gives the model's width. That its input holds the heads side by side is then how
   such layers are written, not something observed; the location says which rule found it.

What cannot be found, or not be told apart, is refused with the reason, never guessed: attention whose
heads are mixed before the projection, layers that share one module, models without attention.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask
from transformers.pytorch_utils import Conv1D

from auditkit.errors import ModelError
from auditkit.model.offloading import weights_of
from auditkit.records.model import AttentionLayer, FoundBy

LinearNoted = Callable[[str, nn.Module, Tensor], None]
"""Told of a linear layer that runs: its name, itself, its input."""

_ONE_AT_A_TIME = threading.RLock()
_PROBE = "auditkit_probe"
_PROBE_TOKENS = 5


@dataclass(frozen=True)
class HeadLocation:
    """One attention layer: the module whose input is ``[batch, position, n_heads * d_head]``."""

    name: str
    module: nn.Module
    n_heads: int
    d_head: int
    found_by: FoundBy

    def w_o(self) -> Tensor:
        """The part of the output projection that each head owns, ``[n_heads, d_head, d_model]``."""
        with weights_of(self.module):
            weight: Any = self.module.weight
            rows = weight if isinstance(self.module, Conv1D) else weight.T
            parts: Tensor = rows.detach().reshape(self.n_heads, self.d_head, -1)
        return parts


def locate_heads(model: PreTrainedModel) -> tuple[HeadLocation, ...]:
    """The attention layers of a model in the order they run.

    Raises:
        ModelError: there is no attention that can be found, or something between attention and the
            output projection keeps the heads from being read one by one, or layers share a module.
    """
    outputs: list[Tensor] = []
    inputs: list[tuple[str, nn.Module, Tensor]] = []

    def note(name: str, module: nn.Module, value: Tensor) -> None:
        inputs.append((name, module, value.detach().clone()))

    # The probe is registered under one name for the whole process: two models at once would note as one.
    with _ONE_AT_A_TIME, _noting_attention(model, outputs), _noting_linears(model, note):
        _run_probe(model)
    _refuse_not_finite(model, outputs)
    if outputs:
        found = tuple(_projection_of(model, output, inputs) for output in outputs)
    else:
        found = _by_structure(model)
    if len({id(each.module) for each in found}) < len(found):
        raise _not_separable(
            model,
            f"its layers share one attention module, {found[0].name}, so no layer has its own",
        )
    return found


def recorded(locations: Sequence[HeadLocation]) -> tuple[AttentionLayer, ...]:
    """The attention layers as a record names them."""
    return tuple(
        AttentionLayer(
            index=i, n_heads=at.n_heads, d_head=at.d_head, module=at.name, found_by=at.found_by
        )
        for i, at in enumerate(locations)
    )


def device_of_input(model: PreTrainedModel) -> torch.device:
    """Where a model takes its token ids, and gives its scores: where its input embeddings are."""
    embed: Any = model.get_input_embeddings()
    device: torch.device = embed.weight.device
    return device


def _run_probe(model: PreTrainedModel) -> None:
    probe = torch.arange(1, _PROBE_TOKENS + 1, device=device_of_input(model)).unsqueeze(0)
    ids = probe % model.config.get_text_config().vocab_size
    try:
        with torch.no_grad():
            model(input_ids=ids, use_cache=False)
    except Exception as error:  # each model raises its own on inputs it cannot run
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelError(
            f"{type(model).__name__}: it cannot be run on a text alone ({reason})",
            advice="auditkit runs models that read one text or one pair of texts, and no more",
        ) from error


def _refuse_not_finite(model: PreTrainedModel, outputs: list[Tensor]) -> None:
    """Raises unless every attention output ``[1, position, head, d_head]`` is finite.

    Raises:
        ModelError: an output is not; names the first head.
    """
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
            return HeadLocation(name, module, n_heads, d_head, "interface")
    raise _not_separable(
        model,
        "no linear layer reads an attention layer's output unchanged, so something mixes or changes the "
        "heads before they are projected",
    )


def _by_structure(model: PreTrainedModel) -> tuple[HeadLocation, ...]:
    """The projection of each outermost attention module that runs, by the second rule."""
    config = model.config.get_text_config()
    width, n_heads = int(config.hidden_size), int(getattr(config, "num_attention_heads", 0) or 0)
    attention = _outermost_attention(model)
    ran: dict[str, list[tuple[str, nn.Module]]] = {}

    def note(name: str, module: nn.Module, _: Tensor) -> None:
        owner = next((each for each in attention if name.startswith(f"{each}.")), None)
        if owner is not None:
            ran.setdefault(owner, []).append((name, module))

    with _noting_linears(model, note):
        _run_probe(model)
    found = []
    for linears in ran.values():
        out = [(name, each) for name, each in linears if _sizes(each)[1] == width]
        if not (out and n_heads and _sizes(out[-1][1])[0] % n_heads == 0):
            raise _not_separable(model, "no linear layer that ends its attention could be found")
        name, module = out[-1]
        found.append(HeadLocation(name, module, n_heads, _sizes(module)[0] // n_heads, "structure"))
    if not found:
        raise _not_separable(model, "it runs no attention that could be found")
    return tuple(found)


def _outermost_attention(model: PreTrainedModel) -> list[str]:
    """The names of modules that are attention by their class's name, and in no other such module."""
    named = [
        name
        for name, module in model.named_modules()
        if "Attention" in type(module).__name__
        and not any(word in type(module).__name__ for word in ("Layer", "Block", "Model"))
    ]
    return [name for name in named if not any(name.startswith(f"{other}.") for other in named)]


def _sizes(linear: nn.Module) -> tuple[int, int]:
    """How many numbers a linear layer reads, and how many it gives."""
    if isinstance(linear, Conv1D):
        return int(linear.nx), int(linear.nf)
    given: Any = linear
    return int(given.in_features), int(given.out_features)


def _not_separable(model: PreTrainedModel, why: str) -> ModelError:
    return ModelError(
        f"{type(model).__name__}: its attention heads cannot be read one by one: {why}",
        advice="auditkit model inspect says what was found; GPT-2 and Llama type models are supported",
    )


@contextmanager
def _noting_attention(model: PreTrainedModel, outputs: list[Tensor]) -> Iterator[None]:
    before = model.config._attn_implementation  # noqa: SLF001 - no public reader exists
    eager = (
        before == "eager"
    )  # what the model needs beyond sdpa, such as a soft cap, is in its own file

    def probe(
        module: nn.Module,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> tuple[Tensor, Tensor | None]:
        own = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
        attend = own if eager and own is not None else sdpa_attention_forward
        output, weights = attend(module, *args, **kwargs)
        outputs.append(output.detach().clone())
        return output, weights

    AttentionInterface.register(_PROBE, probe)
    AttentionMaskInterface.register(_PROBE, eager_mask if eager else sdpa_mask)
    model.set_attn_implementation(_PROBE)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@contextmanager
def _noting_linears(model: PreTrainedModel, note: LinearNoted) -> Iterator[None]:
    """Tell of every linear layer that runs, in the order they run."""

    def telling(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        return lambda module, args: note(name, module, args[0])

    handles = [
        module.register_forward_pre_hook(telling(name))
        for name, module in model.named_modules()
        if isinstance(module, (nn.Linear, Conv1D))
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
