"""``import auditkit``: what it costs, and ``docs/python.md``, run from its first code block to its last."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest

import auditkit
from tests.conftest import ROOT, SAMPLES, Auditkit, Outcome

PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")
ASK = "task = run.tasks['ioi']; task.head_effects(), task.head_map()"
LOADED = """
import sys
{code}
print(*sorted({{"torch", "transformers", "pydantic", "numpy"}} & sys.modules.keys()))
"""


def python(auditkit_: Auditkit, code: str, cwd: Path | None = None) -> Outcome:
    """What a Python process of its own left that ran some code."""
    path = os.pathsep.join([auditkit_.environment()["PYTHONPATH"], str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=auditkit_.environment(PYTHONPATH=path),
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import auditkit", ""),
        ("import auditkit; auditkit.AuditkitError", ""),
        (
            f"import auditkit; run = auditkit.load({str(SAMPLES['consistent'])!r}); {ASK}",
            "numpy pydantic",
        ),
    ],
    ids=["import", "an error", "a loaded run"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(
    code: str, heavy: str, auditkit: Auditkit
) -> None:
    """Importing auditkit imports no library; reading a run needs neither torch nor transformers."""
    outcome = python(auditkit, LOADED.format(code=code))
    assert (outcome.code, outcome.out.strip()) == (0, heavy), outcome.err


def test_an_audit_that_cannot_start_fails_without_torch(auditkit: Auditkit, tmp_path: Path) -> None:
    """A folder that cannot be written is found before torch is imported."""
    (tmp_path / "file").write_text("")
    code = """import auditkit
try:
    auditkit.audit("example:quickstart", out="file")
except auditkit.EnvironmentUnavailableError as error:
    print(error, "|", error.advice)"""
    outcome = python(auditkit, LOADED.format(code=code), tmp_path)
    told, loaded = outcome.out.splitlines()
    assert told == "file: cannot be written | name another folder with --out"
    assert "torch" not in loaded
    assert outcome.err == ""


def test_every_public_name_is_there() -> None:
    """``__all__`` can be imported as it stands, each name documented and in ``dir``; no other is there."""
    assert set(auditkit.__all__) <= set(dir(auditkit))
    for name in auditkit.__all__:
        assert getattr(auditkit, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        auditkit.nothing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("policy", "part"),
    [("none.yaml", "there is no such file"), ("example:none", "no example named 'none'")],
)
def test_a_policy_that_is_not_there_is_told(policy: str, part: str, tmp_path: Path) -> None:
    """The command line's own errors, as exceptions; nothing is made."""
    with pytest.raises(auditkit.InputError, match=part):
        auditkit.audit(tmp_path / policy if policy.endswith("yaml") else policy, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# The page, as one script.


@dataclass(frozen=True)
class Told:
    """What the script of the page printed, and the folder it ran in."""

    lines: list[str]
    folder: Path
    home: Path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, guard: Path) -> Told:
    """``docs/python.md``, run in a folder where a checkout's policies are."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "policies").symlink_to(ROOT / "policies")
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 7
    outcome = python(Auditkit(folder / "home", guard), "\n".join(blocks), folder)
    assert (outcome.code, outcome.err) == (0, "")
    return Told(outcome.out.splitlines(), folder, folder / "home")


def test_the_page_audits_and_reads_what_it_says(told: Told) -> None:
    """The bundled model's circuit, the table of every head, and files that verify."""
    assert re.fullmatch(r"<auditkit run \S{36}: consistent; tasks: ioi>", told.lines[0])
    assert re.fullmatch(r"runs/\S{36} consistent", told.lines[1])
    assert "True ()" in told.lines
    assert "circuit: 0.0 0.4 2.3 3.0 3.6" in told.lines
    rows = {line.split()[0]: line for line in told.lines if re.match(r"\d\.\d ", line)}
    assert len(rows) == 32
    assert not any("not measured" in row for row in rows.values())
    assert "32 of 32 heads were replaced one at a time" in told.lines


def test_the_page_writes_its_drawings(told: Told) -> None:
    """The script of docs/python.md leaves the drawings that it says it writes."""
    for name in ("head_map.svg", "circuit.svg"):
        root = ET.fromstring((told.folder / name).read_text("utf-8"))  # noqa: S314 - our own
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "2.3" in (root.findtext("{http://www.w3.org/2000/svg}title") or "")


def test_an_audit_from_python_is_one_of_the_command_line(
    told: Told, auditkit: Auditkit, network_guard: Path
) -> None:
    """It has its directory, is in the user's store, verifies, and was made over no network."""
    auditkit.home = told.home
    (directory,) = (told.folder / "runs").iterdir()
    assert auditkit("verify", directory).code == 0
    assert auditkit("show", directory.name).code == 0
    assert auditkit.network_attempts() == ""
