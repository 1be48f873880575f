"""Start, finish, and every way of failing: exceptions become messages and exit codes here."""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

import auditkit
from auditkit.cli import clock, places
from auditkit.cli.commands import cli
from auditkit.cli.interruption import INTERRUPTION
from auditkit.errors import AuditkitError, ExitCode, InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; a user never sees a traceback."""
    INTERRUPTION.listen()
    written_to = sys.stdout
    try:
        result = cli.main(
            args=None if arguments is None else list(arguments),
            prog_name="auditkit",
            standalone_mode=False,
        )
        sys.stdout.flush()  # or what cannot be written would only show after the exit code is known
    except SystemExit as error:
        # click puts another stream in the place of one that nobody reads any more
        return ExitCode.PIPE_CLOSED if sys.stdout is not written_to else _stopped(error)
    except Exception as error:  # noqa: BLE001 - the last resort: a bug becomes a log file
        return _failure(error)
    except BaseException as error:  # a library in Rust panics with what is no ``Exception``
        if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
            raise
        return _report_bug(error)
    return int(result) if isinstance(result, int) else ExitCode.CONSISTENT


def _stopped(error: SystemExit) -> int:
    """The exit code where a library ended the process itself: rich does so when a pipe was closed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno == errno.EPIPE:
            return ExitCode.PIPE_CLOSED
        cause = cause.__context__
    return error.code if isinstance(error.code, int) else ExitCode.BUG


def _failure(error: Exception) -> ExitCode:
    """The exit code of an exception, which is told on standard error."""
    if isinstance(error, BrokenPipeError):
        _write_nowhere()
        return ExitCode.PIPE_CLOSED
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _write_nowhere()
        return _say(ExitCode.UNAVAILABLE, "the output cannot be written: no space is left")
    if INTERRUPTION.asked or isinstance(error, click.exceptions.Abort):
        return _say(ExitCode.INTERRUPTED, "interrupted; nothing was left half-written")
    if isinstance(error, click.UsageError):
        error.show()
        return ExitCode.USAGE
    if isinstance(error, click.ClickException):
        return _say(ExitCode.USAGE, error.format_message())
    if isinstance(error, AuditkitError):
        return _explain(error)
    return _report_bug(error)


def _write_nowhere() -> None:
    """From here on standard output is thrown away: Python would try to write it again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(code: ExitCode, message: str) -> ExitCode:
    click.echo(f"auditkit: {message}", err=True)
    return code


def _explain(error: AuditkitError) -> ExitCode:
    """The error in plain lines on standard error: every problem, or one line and advice."""
    if isinstance(error, InputError):
        for problem in error.problems:
            click.echo(str(problem), err=True)
        count = len(error.problems)
        _say(error.exit_code, f"{count} problem{'s' if count > 1 else ''}; nothing was run")
    else:
        _say(error.exit_code, error.message)
        if error.advice:
            click.echo(f"  {error.advice}", err=True)
    return error.exit_code


def _report_bug(error: BaseException) -> ExitCode:
    text = "".join(traceback.format_exception(error))
    about = f"auditkit {auditkit.__version__}, Python {platform.python_version()}\n"
    return _say(
        ExitCode.BUG,
        f"this is a bug in auditkit ({type(error).__name__}); please report it and attach "
        f"{_write_log(about + text)}",
    )


def _write_log(text: str) -> Path:
    name = f"auditkit-bug-{clock.now():%Y%m%dT%H%M%SZ}.log"
    for folder in (places.logs(), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:  # prompts may be quoted in it
                stream.write(text)
        except OSError:
            continue
        return folder / name
    sys.stderr.write(text)
    return Path("the text above")
