"""Ctrl-C and SIGTERM: raised where they fall, and again at the next step where a library lost them.

A ``KeyboardInterrupt`` that falls while torch is imported, or in a callback from C, may be swallowed or
come out as another error. So the wish to stop is kept here, and each step of a run asks for it.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from auditkit.progress import Advance, Progress


class Interruption:
    """Whether somebody asked this process to stop."""

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """From here on the two signals are noted and raised, unless the process was started deaf."""
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def stop_if_asked(self) -> None:
        """Raises ``KeyboardInterrupt`` when somebody asked to stop."""
        if self.asked:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.asked = True
        raise KeyboardInterrupt


INTERRUPTION = Interruption()
"""That of this process: it has one set of signal handlers."""


class StoppableProgress:
    """Progress that ends a run at the next step once somebody asked to stop."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Advance]:
        """The stage as it is shown."""
        INTERRUPTION.stop_if_asked()
        with self._shown.stage(name, total) as advance:

            def step(done: int) -> None:
                INTERRUPTION.stop_if_asked()
                advance(done)

            yield step
