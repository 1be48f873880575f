"""What a run does where it cannot write, where its store or key is spoiled, and when it is stopped.

A stopped or failed run leaves no directory and no temporary one, and nothing that hinders the next.
"""

from __future__ import annotations

import math
import os
import pty
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditkit.store.evidence_store import EvidenceStore
from tests.conftest import QUICK, ROOT, Auditkit, CommandLine, Outcome

POLICY = """\
auditkit: 1
system:
  name: A
  version: "1"
  intended_purpose: B
  provider: {{name: C, address: D, email: E}}
declared_by: {{name: F, role: G}}
model: {{path: '{model}'}}
report: {{formats: [{formats}]}}
defaults: {{{quick}}}
tasks:
  - {{id: names, title: H, prompts: {{generator: ioi}}, examples: 10}}
"""

INTERRUPTED = {130, -signal.SIGINT}
"""What a shell shows as 130: exit code 130, or ended by SIGINT.

Where the signal falls into ``exec`` of a string, as when a dataclass is made, Python ends itself by
SIGINT whatever exit code it was given (``unhandled_keyboard_interrupt`` in its ``pythonrun.c``).
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy of one task, with an HTML report: the shortest run there is. It exits 3."""
    return write_policy(tmp_path / "policy.yaml", "html")


@pytest.fixture
def policy_with_pdf(tmp_path: Path) -> Path:
    """The same with a PDF report, which takes long enough to be stopped while it is written."""
    return write_policy(tmp_path / "policy.yaml", "html, pdf")


def write_policy(path: Path, formats: str) -> Path:
    model = ROOT / "policies" / "models" / "reference"
    path.write_text(POLICY.format(model=model, formats=formats, quick=QUICK))
    return path


def stored_runs(home: Path) -> int:
    """How many runs the user's store holds; every one of them must verify."""
    if not (home / "evidence.db").exists():
        return 0
    store = EvidenceStore.open(f"sqlite:///{home / 'evidence.db'}", create=False)
    assert store.audit().clean
    return len(store.list())


def assert_unavailable(outcome: Outcome, place: Path, advice: str) -> None:
    """Exit 6, and two lines: what is wrong with the place, and what to do."""
    message, told = outcome.err.splitlines()
    assert (outcome.code, outcome.out) == (6, "")
    assert message.startswith(f"auditkit: {place}")
    assert advice in told


# Places that cannot be written. All of this is found before the model is run.


@pytest.mark.parametrize("out", ["file", "file/below", "/proc/auditkit"])
def test_an_out_that_cannot_be_written_is_unavailable(
    out: str, policy: Path, tmp_path: Path, home: Path, auditkit_here: CommandLine
) -> None:
    """A file, a path below a file, and a file system without room for folders: exit 6, at once."""
    (tmp_path / "file").write_text("not a folder")
    outcome = auditkit_here("run", policy, "--out", tmp_path / out, "--quiet")
    assert_unavailable(outcome, tmp_path / out, "name another folder with --out")
    assert not home.exists()


def test_a_store_that_is_no_database_does_not_verify(
    policy: Path, tmp_path: Path, home: Path, auditkit_here: CommandLine
) -> None:
    """A file that is no store is exit 5 for every command that opens it, and stays as it was."""
    home.mkdir()
    spoiled = b"this is not a database, and long enough to have a header" * 40
    (home / "evidence.db").write_bytes(spoiled)
    run = auditkit_here("run", policy, "--out", tmp_path / "out", "--quiet")
    for outcome in (run, auditkit_here("list"), auditkit_here("show", "0")):
        assert (outcome.code, outcome.out) == (5, "")
        assert outcome.err.startswith(f"auditkit: {home / 'evidence.db'}: the evidence store")
    assert (home / "evidence.db").read_bytes() == spoiled
    assert not list((tmp_path / "out").iterdir())


def test_a_key_folder_open_to_others_is_refused(
    policy: Path, tmp_path: Path, home: Path, auditkit_here: CommandLine
) -> None:
    """With a key folder that others may read, no key is made and nothing is run: exit 6."""
    (home / "keys").mkdir(parents=True)
    (home / "keys").chmod(0o777)
    outcome = auditkit_here("run", policy, "--out", tmp_path / "out", "--quiet")
    assert_unavailable(outcome, home / "keys", f"chmod 700 {home / 'keys'}")
    assert not list((home / "keys").iterdir())
    assert stored_runs(home) == 0


@contextmanager
def small_disk(place: Path, kibibytes: int) -> Iterator[Path]:
    """A file system of its own that is nearly full from the start."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(place)]
    if os.getuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a full disk is made with mount, which only root may use")
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let root mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_leaves_no_run(
    policy: Path, tmp_path: Path, home: Path, auditkit_here: CommandLine
) -> None:
    """A disk too small for the report: exit 6, no directory, no temporary one; the next run works.

    The record was stored before its report was written (docs/decisions), so ``show`` reads it.
    """
    with small_disk(tmp_path / "disk", kibibytes=64) as disk:
        outcome = auditkit_here("run", policy, "--out", disk, "--quiet")
        assert_unavailable(outcome, disk, "free some space")
        assert "No space left on device" in outcome.err
        assert not list(disk.iterdir())
    assert stored_runs(home) == 1
    (run,) = auditkit_here("list", "--json").json()
    assert auditkit_here("show", run["run_id"]).code == 0
    assert auditkit_here("run", policy, "--out", tmp_path / "out", "--quiet").code == 3


def test_a_disk_too_small_for_the_store_leaves_no_run(
    policy: Path, tmp_path: Path, auditkit_here: CommandLine
) -> None:
    """A store that cannot grow: exit 6, no report of a run that is not in the store."""
    with small_disk(tmp_path / "disk", kibibytes=24) as disk:
        url = f"sqlite:///{disk / 'evidence.db'}"
        outcome = auditkit_here("run", policy, "--out", tmp_path / "out", "--store", url, "--quiet")
        assert_unavailable(outcome, disk / "evidence.db", "give a store you can write with --store")
        assert "the disk is full" in outcome.err
    assert not list((tmp_path / "out").iterdir())


# Runs that are stopped. Bars on a pseudo-terminal tell how far the run is.


@dataclass(frozen=True)
class Moment:
    """Once the terminal shows ``words`` and the run is ready for signals, and ``seconds`` later."""

    words: str
    seconds: float


STARTING = Moment("", 0)
IMPORTING = Moment("start torch", 0.4)
PATCHING = Moment("names: patch heads", 0)
WRITING = Moment("write and sign the report", 0.2)


def stopped(
    auditkit: Auditkit, policy: Path, moment: Moment, number: signal.Signals
) -> tuple[Outcome, Path]:
    """What a run does on a signal, and where it would have been written."""
    master, terminal = pty.openpty()
    out = policy.parent / "stopped"
    process = subprocess.Popen(
        # Whoever started the tests in the background made their children deaf to Ctrl-C.
        ["env", "--default-signal=INT,TERM", *auditkit.command, "run", policy, "--out", out],
        stdout=subprocess.PIPE,
        stderr=terminal,
        env=auditkit.environment(COLUMNS="120", TERM="xterm"),
        encoding="utf-8",
    )
    os.close(terminal)
    shown, due = b"", math.inf
    while True:
        if select.select([master], [], [], 0.02)[0]:
            try:
                shown += os.read(master, 1 << 16)
            except OSError:  # the other end is closed: the process has ended
                break
        if due == math.inf and moment.words.encode() in shown and listens(process.pid):
            due = time.monotonic() + moment.seconds
        if time.monotonic() >= due:
            process.send_signal(number)
            due = math.nan
    os.close(master)
    written, _ = process.communicate(timeout=60)
    return Outcome(process.returncode, written, shown.decode()), out


def listens(pid: int) -> bool:
    """Whether a process has a handler of its own for SIGTERM, which Python has not by itself."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (caught,) = [line.split()[1] for line in lines if line.startswith("SigCgt:")]
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        (STARTING, signal.SIGINT),
        (Moment("", 0.8), signal.SIGTERM),
        (IMPORTING, signal.SIGINT),
        (Moment("start torch", 1.2), signal.SIGTERM),
        (PATCHING, signal.SIGINT),
        (WRITING, signal.SIGINT),
        (WRITING, signal.SIGTERM),
    ],
    ids=["starting", "checking", "importing", "later", "patching", "writing", "terminated"],
)
def test_a_stopped_run_leaves_nothing_half_written(
    moment: Moment, number: signal.Signals, policy_with_pdf: Path, auditkit: Auditkit
) -> None:
    """Ctrl-C or SIGTERM at any moment: 130, one line, no directory, and a store that verifies."""
    outcome, out = stopped(auditkit, policy_with_pdf, moment, number)
    assert outcome.code in INTERRUPTED
    assert outcome.out == ""
    assert "auditkit: interrupted; nothing was left half-written" in outcome.err
    assert "Traceback" not in outcome.err
    assert not out.exists() or not list(out.iterdir())
    stored_runs(auditkit.home)


def test_after_a_stopped_run_the_next_one_works(
    policy_with_pdf: Path, tmp_path: Path, auditkit: Auditkit, auditkit_here: CommandLine
) -> None:
    """A run stopped while its report is written does not hinder the next one, which verifies."""
    stopped(auditkit, policy_with_pdf, WRITING, signal.SIGINT)
    before = stored_runs(auditkit.home)
    outcome = auditkit_here("run", policy_with_pdf, "--out", tmp_path / "next", "--quiet")
    (directory,) = (tmp_path / "next").iterdir()
    assert (outcome.code, stored_runs(auditkit.home)) == (3, before + 1)
    assert auditkit_here("verify", directory).code == 0


def test_a_lost_interrupt_stops_the_run_at_the_next_step(
    policy: Path,
    tmp_path: Path,
    home: Path,
    auditkit_here: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A ``KeyboardInterrupt`` that a library swallowed still ends the run before it is recorded."""

    def swallow(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            return

    monkeypatch.setattr("torch.set_num_threads", swallow)
    outcome = auditkit_here("run", policy, "--out", tmp_path / "out", "--quiet")
    assert outcome.code == 130
    assert not list((tmp_path / "out").iterdir())
    assert stored_runs(home) == 0


def test_an_interrupt_that_became_another_error_is_no_bug(
    policy: Path,
    tmp_path: Path,
    home: Path,
    auditkit_here: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error that comes of an interrupt, as a half-imported module, is exit 130 and no bug report."""

    def confuse(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise AttributeError("module has no such attribute") from error

    monkeypatch.setattr("torch.set_num_threads", confuse)
    outcome = auditkit_here("run", policy, "--out", tmp_path / "out", "--quiet")
    assert (outcome.code, outcome.out) == (130, "")
    assert outcome.err == "auditkit: interrupted; nothing was left half-written\n"
    assert not (home / "logs").exists()
