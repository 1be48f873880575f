"""A copy of auditkit with lines put into it, and a script run in it: recipes tried as they are written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def copy_with(folder: Path, *insertions: tuple[str, str, str]) -> None:
    """The package and its tools copied into a folder, templates and policies beside them as they are.

    Each insertion is a file of the package, what to put into it, and the text that it is put before: that
    stands in the file once.
    """
    for name in ("auditkit", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("templates", "policies", "tests"):
        (folder / name).symlink_to(ROOT / name)
    for name, text, before in insertions:
        path = folder / "auditkit" / name
        content = path.read_text("utf-8")
        assert content.count(before) == 1, (name, before)
        path.write_text(content.replace(before, text + before), "utf-8")


def run_in(folder: Path, script: str, *arguments: str | Path) -> None:
    """The script, in a process of its own that imports the copy; it fails where the script does."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
