"""Commands that run no model start without torch and transformers, which take seconds to import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import QUICKSTART, Auditkit, FinishedRun

PROGRAM = """\
import sys
from auditkit.cli import main
code = main(sys.argv[1:])
heavy = sorted({"torch", "transformers"} & sys.modules.keys())
sys.stderr.write(f"{code} {heavy}")
"""


def started(auditkit: Auditkit, arguments: list[str | Path]) -> str:
    """The exit code of a command line, and which of the two libraries it imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env=auditkit.environment(),
        capture_output=True,
        encoding="utf-8",
    )
    return done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["run", "--help"], ["verify", "--help"], ["check", QUICKSTART]],
    ids=lambda arguments: " ".join(map(str, arguments)).replace(str(QUICKSTART), "POLICY"),
)
def test_a_command_without_a_run_starts_without_torch(
    arguments: list[str | Path], auditkit: Auditkit
) -> None:
    """Help, version and ``check`` import neither torch nor transformers."""
    assert started(auditkit, arguments) == "0 []"


@pytest.mark.parametrize("command", ["show RUN", "show RUN --json", "list", "verify DIRECTORY"])
def test_reading_a_run_starts_without_torch(
    command: str, finished_run: FinishedRun, auditkit: Auditkit
) -> None:
    """A stored run is shown, listed and verified without torch and transformers."""
    auditkit.home = finished_run.home
    values = {"RUN": finished_run.directory.name, "DIRECTORY": str(finished_run.directory)}
    arguments: list[str | Path] = [values.get(word, word) for word in command.split()]
    assert started(auditkit, arguments) == "0 []"


def test_an_invalid_policy_is_refused_without_torch(auditkit: Auditkit, tmp_path: Path) -> None:
    """A run with a faulty policy ends before torch is imported."""
    (tmp_path / "policy.yaml").write_text("auditkit: 1\n")
    assert started(auditkit, ["run", tmp_path / "policy.yaml"]).endswith("4 []")
