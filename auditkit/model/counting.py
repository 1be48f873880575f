"""What one prompt takes in memory, counted: every tensor that the model makes and when it is let go.

The count is of tensors, not of the process, so it is the same on every run. What a kernel takes for
itself while it works is not in it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from auditkit.model.memory import Counted
from auditkit.model.subject import Subject


class Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """In its block, ``most`` is the most bytes that tensors held which were made in it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0
        self._held = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        """Run one operation and note the memory of its results; what it was given was there before."""
        del types
        given = kwargs or {}
        for tensor in _tensors((args, given)):
            self._note(tensor, made=False)
        result = func(*args, **given)
        for tensor in _tensors(result):
            self._note(tensor, made=True)
        self.most = max(self.most, self._held)
        return result

    def _note(self, tensor: Tensor, *, made: bool) -> None:
        storage = tensor.untyped_storage()
        address = storage._cdata  # noqa: SLF001 - views share it; an empty storage has no other
        if address not in self._sizes:
            self._sizes[address] = storage.nbytes() if made else 0
            self._held += self._sizes[address]
            weakref.finalize(storage, self._let_go, address)

    def _let_go(self, address: int) -> None:
        self._held -= self._sizes.pop(address)


def _tensors(values: object) -> list[Tensor]:
    return [each for each in tree_leaves(values) if isinstance(each, Tensor)]


def bytes_of_prompt(
    subject: Subject,
    ids: Tensor,
    measure: Callable[[Tensor], Tensor],
    types: Tensor | None = None,
) -> Counted:
    """The bytes that the prompt ``ids`` ``[1, position]`` takes in a forward, and in a backward pass."""
    with Counting() as forward:
        subject.capture(ids, types)
    with Counting() as gradient:
        subject.capture_with_gradient(ids, measure, types=types)
    return Counted(positions=ids.shape[1], forward=forward.most, gradient=gradient.most)
