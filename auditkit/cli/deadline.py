"""A limit of time on work over files that somebody else made: the last net, behind their own limits."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from auditkit.errors import EvidenceError

_AGAIN = 1.0
"""Seconds that whatever comes after the limit has left, step by step."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises in the work, wherever it is, once it has taken so long; and again in each step that follows.

    Works in the main thread of a system with interval timers; elsewhere nothing is limited.

    Raises:
        EvidenceError: the time is up.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise EvidenceError(f"it takes longer than {seconds:g} seconds, which no report needs")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
