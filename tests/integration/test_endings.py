"""Every way for a command to end has the exit code of its meaning, and no traceback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from auditkit.cli import commands
from tests.conftest import SAMPLES, Auditkit, CommandLine


def ended(auditkit: Auditkit, out: int, *arguments: str | Path) -> tuple[int, str]:
    """The exit code and the standard error of a command that writes to a file descriptor."""
    done = subprocess.run(
        [*auditkit.command, *map(str, arguments)],
        env=auditkit.environment(),
        stdout=out,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=300,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("sample", ["consistent", "not_consistent"])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_pipe_that_nobody_reads_is_141(
    auditkit: Auditkit, sample: str, form: tuple[str, ...]
) -> None:
    """As ``| head`` leaves it: neither consistent nor not consistent."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        code, said = ended(auditkit, writing, "verify", SAMPLES[sample], *form)
    finally:
        os.close(writing)
    assert (code, said) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_full_disk_behind_the_output_is_6(auditkit: Auditkit) -> None:
    """Said in one line, and no bug."""
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        code, said = ended(auditkit, full, "verify", SAMPLES["consistent"], "--json")
    finally:
        os.close(full)
    assert (code, said) == (6, "auditkit: the output cannot be written: no space is left\n")


class Panic(BaseException):
    """As a library in Rust raises it."""


def test_a_panic_of_a_library_is_a_bug_and_not_a_verdict(
    auditkit_here: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no ``Exception``, and Python alone would end with 1: not consistent."""

    def panics(**_: object) -> None:
        raise Panic("index out of bounds")

    monkeypatch.setattr(commands.cli, "main", panics)
    outcome = auditkit_here("verify", "x")
    assert outcome.code == 70
    assert "this is a bug in auditkit (Panic)" in outcome.err
    assert "Traceback" not in outcome.err
