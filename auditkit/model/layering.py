"""Where a model's layers lie, and what of a layer is done before its heads are mixed: seen, not known by
name.

A run with heads replaced in one layer does what a clean run does up to there. So the layers below return what
they returned, and of the layer itself only the output projection and what depends on it has to run. This
module watches a clean run to find out which modules those are. ``trying`` then compares, once for each
loaded model: what is found here is used only where it gives what whole runs give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from transformers import PreTrainedModel

from auditkit.model.locating import HeadLocation

ProbeRun = Callable[[int], None]
"""Runs the model on so many short prompts."""


@dataclass(frozen=True)
class Layer:
    """One attention layer. ``element`` is its place in the model's list of layers.

    ``projection`` mixes the heads. ``attention`` is the outermost module around it that puts out the same,
    ``None`` where that is the projection itself; then ``before`` are the outermost modules of the layer that
    are done before it starts.
    """

    element: int
    projection: nn.Module
    attention: nn.Module | None
    before: tuple[nn.Module, ...]

    @property
    def watched(self) -> tuple[nn.Module, ...]:
        """The modules whose outputs a clean run has to keep."""
        return (*self.before, *(() if self.attention is None else (self.attention,)))


@dataclass(frozen=True)
class Layering:
    """A model's list of layers, and each attention layer in it.

    ``batched`` says, for each watched module and each list element, which tensors of its output have a row
    for each prompt.
    """

    elements: tuple[nn.Module, ...]
    layers: tuple[Layer, ...]
    batched: dict[nn.Module, tuple[bool, ...]]


@dataclass
class _Call:
    """When a module ran in a probe, and what it put out."""

    start: int
    end: int
    output: Any
    times: int


def layering_of(
    model: PreTrainedModel, locations: Sequence[HeadLocation], run: ProbeRun
) -> Layering | None:
    """The layers of a model; ``None`` where there is no one list of them that runs in order, once."""
    elements = _list_of_layers(model, locations)
    if elements is None:
        return None
    two, three = (_watched(elements, run, n) for n in (2, 3))
    if any(two[each].times != 1 for each in elements if each in two):
        return None
    layers = tuple(_layer(elements, at.module, two) for at in locations)
    kept = {module for layer in layers for module in layer.watched} | set(elements)
    batched = {
        module: _batched(two[module].output, three[module].output)
        for module in kept
        if module in two
    }
    return Layering(elements, layers, batched)


def _list_of_layers(
    model: PreTrainedModel, locations: Sequence[HeadLocation]
) -> tuple[nn.Module, ...] | None:
    """The outermost list in which every projection lies in an element of its own, in order."""
    for module in model.modules():
        if not isinstance(module, nn.ModuleList):
            continue
        places = [_element(module, at.module) for at in locations]
        if None not in places and places == sorted({each for each in places if each is not None}):
            return tuple(module)
    return None


def _element(elements: nn.ModuleList, wanted: nn.Module) -> int | None:
    found = (i for i, each in enumerate(elements) if any(m is wanted for m in each.modules()))
    return next(found, None)


def _watched(elements: Sequence[nn.Module], run: ProbeRun, prompts: int) -> dict[nn.Module, _Call]:
    """Every module below the list of layers that runs, in a run of so many prompts."""
    calls: dict[nn.Module, _Call] = {}
    clock = iter(range(1_000_000_000))

    def starts(module: nn.Module, *_: object) -> None:
        times = calls[module].times + 1 if module in calls else 1
        calls[module] = _Call(next(clock), 0, None, times)

    def ends(module: nn.Module, _args: object, output: Any) -> None:  # noqa: ANN401 - any structure
        calls[module].end, calls[module].output = next(clock), copied(output)

    handles = []
    for module in dict.fromkeys(m for each in elements for m in each.modules()):
        handles += [
            module.register_forward_pre_hook(starts),
            module.register_forward_hook(ends),
        ]
    try:
        run(prompts)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def _layer(
    elements: tuple[nn.Module, ...], projection: nn.Module, calls: dict[nn.Module, _Call]
) -> Layer:
    place = next(i for i, e in enumerate(elements) if any(m is projection for m in e.modules()))
    around = [m for m in elements[place].modules() if any(n is projection for n in m.modules())]
    mixed = first_tensor(calls[projection].output)
    same = (
        module
        for module in around[1:]  # the element itself adds the residual
        if module in calls and _equal(first_tensor(calls[module].output), mixed)
    )
    outermost = next(same, projection)
    if outermost is not projection:
        return Layer(place, projection, outermost, before=())
    return Layer(place, projection, None, tuple(_done_before(elements[place], projection, calls)))


def _done_before(
    module: nn.Module, wanted: nn.Module, calls: dict[nn.Module, _Call]
) -> Iterator[nn.Module]:
    """The outermost modules that are done before another starts, of those with weights of their own."""
    for child in module.children():
        if any(m is wanted for m in child.modules()):
            yield from () if child is wanted else _done_before(child, wanted, calls)
        elif child not in calls:
            yield from _done_before(child, wanted, calls)  # a list of modules does not run itself
        elif _weighs(child) and calls[child].times == 1 and calls[child].end < calls[wanted].start:
            yield child


def _weighs(module: nn.Module) -> bool:
    """Whether a module has weights: without any it is done as fast as it is left out."""
    return next(module.parameters(), None) is not None


def first_tensor(output: Any) -> Tensor | None:  # noqa: ANN401 - any structure
    """The first of a module's outputs, where that is a tensor."""
    first = output[0] if isinstance(output, tuple) and output else output
    return first if isinstance(first, Tensor) else None


def _equal(one: Tensor | None, other: Tensor | None) -> bool:
    return (
        one is not None
        and other is not None
        and one.shape == other.shape
        and torch.equal(one, other)
    )


def _batched(two: Any, three: Any) -> tuple[bool, ...]:  # noqa: ANN401 - any structure
    """Which tensors have a row for each prompt: those whose first size follows the number of prompts."""

    def rows(value: object) -> int:
        return value.shape[0] if isinstance(value, Tensor) and value.ndim else 0

    return tuple(
        rows(a) == 2 and rows(b) == 3
        for a, b in zip(tree_leaves(two), tree_leaves(three), strict=True)
    )


def copied(output: Any) -> Any:  # noqa: ANN401 - any structure
    """A module's output with tensors of its own: some models write into what a module put out."""
    from torch.utils._pytree import tree_map_only

    return tree_map_only(Tensor, lambda value: value.detach().clone(), output)


@contextmanager
def standing_in(forwards: dict[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """Within it these modules do what is given in place of what they would do."""
    for module, forward in forwards.items():
        module.__dict__["forward"] = forward
    try:
        yield
    finally:
        for module in forwards:
            del module.__dict__["forward"]
