"""Run a model from the layer in which heads are replaced, on what a clean run left below it.

``Recording`` is a clean run of a batch of prompts, with what each layer put out. A run from a layer has the
layers below it return what they returned, and in it only the output projection and what follows. Prompts of a
causal model may share their first tokens with what replaces their heads: those positions are run once, and
the rest on their keys and values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from auditkit.model.layering import Layering, copied, standing_in


@dataclass(frozen=True)
class Recording:
    """What a clean run of a batch left: of each watched module its output, of each projection its input.

    ``ids`` and ``types`` are those that are run again, without the ``shared`` first positions;
    ``prefix`` holds their keys and values, ``None`` where no positions are shared.
    """

    layering: Layering
    ids: Tensor
    types: Tensor | None
    shared: int
    prefix: Any
    outputs: dict[nn.Module, Any]
    inputs: dict[nn.Module, Tensor]

    def keys_and_values(self, rows: Tensor) -> Any:  # noqa: ANN401 - a cache of transformers
        """Those of the shared positions, one row for each prompt; made anew, for a run changes them."""
        if self.prefix is None:
            return None
        cache = deepcopy(self.prefix)
        cache.batch_select_indices(rows)
        return cache

    def of_rows(self, module: nn.Module, rows: Tensor) -> Any:  # noqa: ANN401 - any structure
        """A module's output as it would be for a batch of these rows."""
        leaves, structure = tree_flatten(self.outputs[module])
        batched = self.layering.batched[module]
        chosen = [
            value.index_select(0, rows) if follows else value
            for value, follows in zip(leaves, batched, strict=True)
        ]
        return tree_unflatten(chosen, structure)


@contextmanager
def recording_into(
    layering: Layering, outputs: dict[nn.Module, Any], inputs: dict[nn.Module, Tensor]
) -> Iterator[None]:
    """Within it a run of the model is recorded."""
    with ExitStack() as stack:

        def put_out(module: nn.Module, _args: object, output: Any) -> None:  # noqa: ANN401
            outputs[module] = copied(output)

        def put_in(module: nn.Module, args: tuple[Any, ...]) -> None:
            inputs[module] = args[0].detach().clone()

        for module in layering.batched:
            stack.callback(module.register_forward_hook(put_out).remove)
        for layer in layering.layers:
            stack.callback(layer.projection.register_forward_pre_hook(put_in).remove)
        yield


@contextmanager
def resumed(recording: Recording, at: int, rows: Tensor) -> Iterator[None]:
    """Within it a run of these rows does nothing that is done before the heads of layer ``at`` are mixed."""
    layering = recording.layering
    layer = layering.layers[at]
    forwards: dict[nn.Module, Callable[..., Any]] = {}

    def returning(value: Any) -> Callable[..., Any]:  # noqa: ANN401 - any structure
        return lambda *_args, **_kwargs: value

    if layer.element:
        # Each layer below ignores what it is given, so the last one's output serves for all of them.
        below = returning(recording.of_rows(layering.elements[layer.element - 1], rows))
        forwards |= dict.fromkeys(layering.elements[: layer.element], below)
    for module in layer.before:
        forwards[module] = returning(recording.of_rows(module, rows))
    if layer.attention is not None:
        whole = recording.of_rows(layer.attention, rows)
        heads = recording.inputs[layer.projection].index_select(0, rows)

        def mixing(*_args: object, **_kwargs: object) -> Any:  # noqa: ANN401 - any structure
            mixed = layer.projection(heads)  # its hooks replace heads
            return (mixed, *whole[1:]) if isinstance(whole, tuple) else mixed

        forwards[layer.attention] = mixing
    with standing_in(forwards):
        yield


@contextmanager
def in_one_piece(model: nn.Module) -> Iterator[None]:
    """Within it the scores are multiplied out in one product.

    A slice of the last position is not contiguous, and torch then multiplies prompt by prompt.
    """
    embedding: Any = getattr(model, "get_output_embeddings", lambda: None)()
    if embedding is None:
        yield
        return

    def contiguous(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (args[0].contiguous(), *args[1:])

    handle = embedding.register_forward_pre_hook(contiguous)
    try:
        yield
    finally:
        handle.remove()


def shared_positions(one: Tensor, other: Tensor) -> int:
    """How many first tokens all rows of two batches ``[batch, position]`` have in common; never all."""
    if one.shape != other.shape:
        return 0
    differ = torch.ne(one, other).any(0).nonzero()
    first = int(differ[0]) if len(differ) else one.shape[1]
    return min(first, one.shape[1] - 1)
