"""Head outputs that are kept: in memory, or in files of a working folder where memory does not hold them.

Either way a stage reads them layer by layer. What is in a file is mapped: of a layer only the rows that
are asked for are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import overload

import torch
from torch import Tensor

Outputs = Sequence[Tensor]
"""One tensor per attention layer, each ``[batch, position, n_heads, d_head]``."""


class OnDisk(Sequence[Tensor]):
    """Head outputs in a folder of their own below a working folder, one file per layer.

    A layer is a tensor on the processor whatever device the model runs on; writing to it writes the
    file. The files go with the working folder.
    """

    def __init__(self, folder: Path, shapes: Sequence[torch.Size], dtype: torch.dtype) -> None:
        self._folder = Path(mkdtemp(dir=folder, prefix="outputs-"))
        self._shapes = tuple(shapes)
        self._dtype = dtype

    def __len__(self) -> int:
        return len(self._shapes)

    @overload
    def __getitem__(self, layer: int) -> Tensor: ...
    @overload
    def __getitem__(self, layer: slice) -> Sequence[Tensor]: ...
    def __getitem__(self, layer: int | slice) -> Tensor | Sequence[Tensor]:
        if isinstance(layer, slice):
            return [self[each] for each in range(*layer.indices(len(self)))]
        if not -len(self) <= layer < len(self):
            raise IndexError(layer)
        number = layer % len(self)
        shape = self._shapes[number]
        file = str(self._folder / str(number))
        mapped = torch.from_file(
            file, shared=True, size=shape.numel(), dtype=self._dtype, device="cpu"
        )
        return mapped.view(shape)


def room_for(like: Outputs, prompts: int, folder: Path | None) -> Outputs:
    """Unwritten head outputs of so many prompts, in the layout and number format of ``like``.

    They are in memory beside ``like``, or in files below ``folder`` where one is given.
    """
    if not like:
        return ()
    shapes = [torch.Size((prompts, *z.shape[1:])) for z in like]
    if folder is not None:
        return OnDisk(folder, shapes, like[0].dtype)
    return tuple(z.new_empty(shape) for z, shape in zip(like, shapes, strict=True))
