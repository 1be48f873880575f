"""The wheel: what it holds, and that it works where there is no checkout. The README says so."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.conftest import QUICK, ROOT, Auditkit

HELD = (
    "auditkit/py.typed",
    "auditkit/law/register.yaml",
    "auditkit/law/quotes/en.yaml",
    "auditkit/_shipped/templates/report.html.j2",
    "auditkit/_shipped/templates/report.css",
    "auditkit/_shipped/templates/locale/auditkit.pot",
    "auditkit/_shipped/templates/locale/en/LC_MESSAGES/auditkit.po",
    "auditkit/_shipped/templates/pack/verify.py",
    "auditkit/_shipped/templates/fonts/LiberationSans-Regular.ttf",
    "auditkit/_shipped/templates/fonts/LICENSE-Liberation.txt",
    "auditkit/_shipped/policies/quickstart.yaml",
    "auditkit/_shipped/policies/auditkit-policy.schema.json",
    "auditkit/_shipped/policies/models/reference/model.safetensors",
    "auditkit/_shipped/policies/models/reference/tokenizer.json",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout with the build backend that is installed."""
    folder = tmp_path_factory.mktemp("dist")
    succeed([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT])
    (built,) = folder.glob("*.whl")
    return built


def succeed(command: Sequence[str | Path]) -> str:
    """The standard output of a command that must succeed."""
    done = subprocess.run([*map(str, command)], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def test_the_wheel_holds_the_package_and_what_ships_with_it(wheel: Path) -> None:
    """Code, types marker, law data, templates, fonts, example policies, model and licence; no tests."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert set(HELD) <= names
    assert sum(name.endswith(".dist-info/licenses/LICENSE") for name in names) == 1
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "auditkit").rglob("*.py")}
    assert sources == {name for name in names if name.endswith(".py") and "/_shipped/" not in name}
    for folder in ("templates", "policies"):
        shipped = {path for path in (ROOT / folder).rglob("*") if path.is_file()}
        held = {f"auditkit/_shipped/{path.relative_to(ROOT).as_posix()}" for path in shipped}
        assert held <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"auditkit"}


class Installed(Auditkit):
    """The command line of the wheel, as installed."""

    venv: Path

    @property
    def command(self) -> list[str]:
        """The script that pip made."""
        return [str(self.venv / "bin" / "auditkit")]


@pytest.fixture(params=["beside what is here", pytest.param("whole", marks=pytest.mark.slow)])
def installed(
    request: pytest.FixtureRequest,
    wheel: Path,
    home: Path,
    network_guard: Path,
    tmp_path: Path,
) -> Iterator[Installed]:
    """The wheel in an environment of its own: with the packages of this one, or, which takes long, with the
    versions of ``constraints.txt`` installed anew and no others."""
    venv = tmp_path / "venv"
    succeed([sys.executable, "-m", "venv", "--without-pip", venv])
    made = Installed(home, network_guard)
    made.venv = venv
    into = ["--python", str(venv / "bin" / "python")]
    if request.param == "whole":
        _install_whole(wheel, into, tmp_path)
    else:
        _install_beside(wheel, into, venv)
    yield made
    shutil.rmtree(venv)  # up to a gigabyte and more, and pytest keeps the folders of three sessions


def _install_beside(wheel: Path, into: Sequence[str], venv: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    succeed([*pip, *into, "install", "--no-index", "--no-deps", wheel])
    (site,) = (venv / "lib").glob("python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    # Behind the wheel's own, so that auditkit is the wheel's and everything else what is here.
    (site / "beside.pth").write_text("\n".join(here) + "\n")


def _install_whole(wheel: Path, into: Sequence[str], tmp_path: Path) -> None:
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    fetch = [*pip, "download", "--no-deps", "--dest", str(tmp_path), *constraints, "rfc8785"]
    if subprocess.run(fetch, capture_output=True).returncode != 0:
        pytest.skip("pip reaches no package index here, so nothing can be installed")
    # Without --no-compile pip would first compile all of torch, most of which is never imported.
    succeed([*pip, *into, "install", "--no-compile", *constraints, "torch==2.13.0", wheel])


def test_the_installed_wheel_checks_runs_and_verifies(installed: Installed, tmp_path: Path) -> None:
    """From an empty folder, without the checkout, the README's three commands exit 0. What is run is the
    first task of the example, with its model and measuring less: the whole is run from the checkout."""
    empty = tmp_path / "empty"
    empty.mkdir()
    code = "import auditkit.resources as r; print(r.__file__, r.shipped('policies'), sep='\\n')"
    places = succeed([installed.venv / "bin" / "python", "-I", "-c", code]).splitlines()
    assert all(place.startswith(str(installed.venv)) for place in places)
    checked = installed("check", "example:quickstart", cwd=empty)
    assert (checked.code, checked.err) == (0, "")
    shipped = Path(places[1])
    text = (shipped / "quickstart.yaml").read_text("utf-8")
    text = text[: text.index("  - id: greater_than")].replace("seed: 0,", f"seed: 0, {QUICK},")
    text = text.replace("models/reference", f"'{shipped / 'models' / 'reference'}'")
    (empty / "policy.yaml").write_text(text, "utf-8")
    run = installed("run", "policy.yaml", cwd=empty)
    assert (run.code, run.out.splitlines()[-2]) == (0, "verdict: consistent"), run.err
    (directory,) = (empty / "runs").iterdir()
    verified = installed("verify", f"runs/{directory.name}", "--json", cwd=empty)
    assert (verified.code, verified.json()["ok"]) == (0, True), verified.out
