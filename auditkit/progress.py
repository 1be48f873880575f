"""Progress as an object handed in: silent by default, bars where a terminal shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]
"""Called with how many more units of the stage are done."""


class Progress(Protocol):
    """Told when a stage starts, how many units it has, and as they are done."""

    def stage(self, name: str, total: int) -> AbstractContextManager[Advance]:
        """A named stage of ``total`` units; the value it gives reports units done."""


class NoProgress:
    """Reports nothing."""

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Advance]:
        """A stage nobody watches."""
        del name, total
        yield lambda _done: None
