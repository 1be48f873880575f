"""What ``python -m tests.fuzz`` found stays found, and a few broken files of each kind are tried too."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fuzz.running import Finding, Worker, search
from tests.fuzz.targets import TARGETS, fed

FINDINGS = sorted((ROOT / "tests" / "fuzz" / "findings").iterdir())


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.name)
def test_what_was_found_is_refused_now(path: Path) -> None:
    """Each file is named after its target."""
    assert fed(path.name.partition("-")[0], path.read_bytes()) == ""


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_few_broken_files_are_refused_or_read(name: str) -> None:
    """In a process of its own, within five seconds and a gibibyte each."""
    most = 200 if name in {"policy", "store"} else 8
    found = list(search(name, seed=20261120, seconds=60, most=most))
    assert [each for each in found if isinstance(each, Finding)] == []
    assert found


def test_the_files_that_are_tried_differ() -> None:
    """The control: most broken files are refused, and a target that breaks is found."""
    worker = Worker()
    try:
        said = Counter(
            worker.feed("policy", content) for content in (b"{", b"a: 1", b"[" * 9999, b"\xff")
        )
    finally:
        worker.stop()
    assert said == {"": 4}
    assert fed("no such target", b"") != ""
