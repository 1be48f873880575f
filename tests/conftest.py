"""What many tests share: the command line, one finished run, and no network for any of them."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from auditkit.cli import main
from auditkit.verifying import rendered
from tests import recorded_calibration
from tests.laid_out import laid_out_once
from tests.postgres_server import NoServerError, PostgresServer, running
from tests.recorded_calibration import alone, recorded

if TYPE_CHECKING:
    from tests.pki import Pki

ROOT = Path(__file__).parents[1]
QUICKSTART = ROOT / "policies" / "quickstart.yaml"
SAMPLES = {
    name: ROOT / "sample_reports" / name
    for name in (
        "consistent",
        "not_consistent",
        "inconclusive",
        "mechanism_not_assessed",
        "applicant_screening",
    )
}
"""The folder of each sample report, by its name."""
QUICK = "test_examples: 20, stability_draws: 20, random_sets: 0"
"""Settings under which a run measures less, for tests of what surrounds a run and not of what it finds."""
STORIES = ROOT.parent / "shared" / "models" / "stories260K"


@pytest.fixture(autouse=True)
def _pages_are_laid_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verification lays out the pages of each record once in a process."""
    monkeypatch.setattr(rendered, "render_pdf", laid_out_once)


def refuse_network(log: str) -> None:
    """From here on this process reaches no network but 127.0.0.1, where tests start servers of their own;
    each attempt is an ``OSError`` and a line of ``log``.

    Its source is also the ``sitecustomize`` of every command line the tests start, so it needs nothing
    from this module.
    """
    import errno
    import socket
    from pathlib import Path

    def refuse(target: object) -> None:
        with Path(log).open("a", encoding="utf-8") as stream:
            stream.write(f"{target!r}\n")
        raise OSError(errno.ENETUNREACH, "the tests have no network")

    def unless_local(original: Any) -> Any:  # noqa: ANN401 - socket's own methods
        def connect(self: socket.socket, address: Any) -> Any:  # noqa: ANN401
            if self.family != socket.AF_UNIX and address[0] != "127.0.0.1":
                refuse(address)
            return original(self, address)

        return connect

    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, unless_local(getattr(socket.socket, name)))

    def look_up(original: Any) -> Any:  # noqa: ANN401 - socket's own functions
        def found(host: Any, *more: Any, **named: Any) -> Any:  # noqa: ANN401
            if host != "127.0.0.1":
                refuse((host, *more))
            return original(host, *more, **named)

        return found

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        setattr(socket, name, look_up(getattr(socket, name)))


def pytest_configure(config: pytest.Config) -> None:
    """No test of this process reaches the network, and torch takes one thread, as an audit does.

    Two workers of two threads each would wait for one another. torch reads this when it is imported.
    """
    del config
    os.environ["OMP_NUM_THREADS"] = "1"
    refuse_network(os.devnull)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - untyped
    """``--dist loadgroup`` keeps tests that share a fixture of their module on one worker."""
    from tests.scheduling import BySharedFixtures

    return BySharedFixtures(config, log) if config.getvalue("dist") == "loadgroup" else None


@dataclass(frozen=True)
class Outcome:
    """What a command line left: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """The standard output as JSON."""
        return json.loads(self.out)


class CommandLine(Protocol):
    """Runs ``auditkit ARGUMENTS``."""

    def __call__(self, *arguments: str | Path) -> Outcome: ...


class Auditkit:
    """The real command line, in a process of its own, with its own home and no network."""

    def __init__(self, home: Path, guard: Path) -> None:
        self.home = home
        self.guard = guard

    def __call__(
        self, *arguments: str | Path, cwd: Path | None = None, **environment: str
    ) -> Outcome:
        """The outcome of ``auditkit ARGUMENTS``."""
        done = subprocess.run(
            [*self.command, *map(str, arguments)],
            env=self.environment(**environment),
            cwd=cwd,
            capture_output=True,
            encoding="utf-8",
            timeout=900,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    @property
    def command(self) -> list[str]:
        """What starts it."""
        return [sys.executable, "-m", "auditkit"]

    def environment(self, **more: str) -> dict[str, str]:
        """The environment it runs in."""
        own = {"AUDITKIT_HOME": str(self.home), "PYTHONPATH": str(self.guard), "CI": ""}
        return {**os.environ, **own, **more}

    def network_attempts(self) -> str:
        """Every address that a command line of this test session tried to reach, one per line."""
        log = self.guard / "attempts"
        return log.read_text("utf-8") if log.exists() else ""


@pytest.fixture(scope="session")
def network_guard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ``sitecustomize`` keeps a Python process off the network, and notes attempts."""
    folder = tmp_path_factory.mktemp("network-guard")
    (folder / "sitecustomize.py").write_text(_refusing(folder), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def guard(tmp_path_factory: pytest.TempPathFactory, calibrations: Path) -> Path:
    """The same, and a process that audits recalls what this test session calibrated before."""
    folder = tmp_path_factory.mktemp("guard")
    source = inspect.getsource(recorded_calibration)
    (folder / "recorded_calibration.py").write_text(source, encoding="utf-8")
    call = "from pathlib import Path\nfrom recorded_calibration import recall\n"
    call += f"recall(Path({str(calibrations)!r}))\n"
    (folder / "sitecustomize.py").write_text(_refusing(folder) + call, encoding="utf-8")
    return folder


def _refusing(folder: Path) -> str:
    call = f"refuse_network({str(folder / 'attempts')!r})"
    return f"from typing import Any\n\n{inspect.getsource(refuse_network)}\n\n{call}\n"


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the test session, whichever worker asks."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def calibrations(shared_folder: Path) -> Path:
    """Where this test session keeps its calibrations."""
    folder = shared_folder / "calibrations"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ``AUDITKIT_HOME`` of one test, not yet made: no test sees the developer's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("AUDITKIT_HOME", str(folder))
    monkeypatch.setenv("CI", "")
    return folder


@pytest.fixture
def auditkit(home: Path, guard: Path) -> Auditkit:
    """The real command line, in a process of its own."""
    return Auditkit(home, guard)


@pytest.fixture
def calibrating_auditkit(home: Path, network_guard: Path) -> Auditkit:
    """The same, and each run calibrates afresh."""
    return Auditkit(home, network_guard)


@pytest.fixture
def calibrating_here(capsys: pytest.CaptureFixture[str]) -> Iterator[CommandLine]:
    """The command line inside the test's own process; each run calibrates afresh."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(int(code), captured.out, captured.err)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def auditkit_here(calibrating_here: CommandLine, calibrations: Path) -> Iterator[CommandLine]:
    """The same command line inside the test's own process: faster where torch is loaded already."""
    with recorded(calibrations):
        yield calibrating_here


@dataclass(frozen=True)
class FinishedRun:
    """One run, shared by all tests: read it, or copy it to change it."""

    directory: Path
    home: Path
    outcome: Outcome


@pytest.fixture(scope="session")
def finished_run(shared_folder: Path, network_guard: Path) -> FinishedRun:
    """``auditkit run policies/quickstart.yaml --json``, run once however many workers there are.

    It calibrates afresh, as every run does outside of the tests.
    """
    made = _run_once(QUICKSTART, shared_folder / "finished-run", network_guard)
    if made.outcome.code != 0:
        pytest.fail(f"the quickstart run ended with {made.outcome.code}:\n{made.outcome.err}")
    return made


@pytest.fixture(scope="session")
def short_run(shared_folder: Path, network_guard: Path) -> FinishedRun:
    """Two tasks of the quickstart policy that measure less, as HTML only, also calibrated afresh."""
    return _run_once(short_policy(shared_folder), shared_folder / "short-run", network_guard)


def short_policy(folder: Path) -> Path:
    """The policy of the short run, written into a folder: two tasks, of two settings and two metrics."""
    text, _, _ = QUICKSTART.read_text("utf-8").partition("\n  - id: docstring")
    text = text.replace("models/reference", f"'{QUICKSTART.parent / 'models' / 'reference'}'")
    text = text.replace("seed: 0,", f"seed: 0, {QUICK},")
    path = folder / "short.yaml"
    path.write_text(f"{text}\nreport: {{formats: [html]}}\n", encoding="utf-8")
    return path


def _run_once(policy: Path, folder: Path, guard: Path) -> FinishedRun:
    noted = folder / "outcome.json"
    with alone(folder.with_suffix(".lock")):
        if not noted.exists():
            command = Auditkit(folder / "home", guard)
            outcome = command("run", policy, "--out", folder / "out", "--json")
            folder.mkdir(exist_ok=True)
            noted.write_text(json.dumps(vars(outcome)), encoding="utf-8")
    outcome = Outcome(**json.loads(noted.read_text("utf-8")))
    if not outcome.out:
        pytest.fail(f"the run of {policy} ended with {outcome.code}:\n{outcome.err}")
    return FinishedRun(Path(outcome.json()["directory"]), folder / "home", outcome)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the tests of one session; where none can be, they are skipped."""
    try:
        with running() as server:
            yield server
    except NoServerError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pki]:
    """Certificates, OCSP, CRLs and a timestamp service, served on localhost."""
    from tests.pki import running_pki

    with running_pki(tmp_path_factory.mktemp("pki")) as running:
        yield running


@pytest.fixture(scope="session")
def shared_model() -> Path:
    """The folder of stories260K, a real model of 5 layers of 8 heads that is not part of auditkit."""
    if not STORIES.is_dir():
        pytest.skip(f"the test model is not beside this checkout: {STORIES}")
    return STORIES
