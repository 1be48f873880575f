"""The error tree and the exit codes: one class per kind of failure, one table for the statuses.

Errors carry the offending path and value in a one-line message. They never print and never exit:
only ``auditkit.cli`` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process status says. The README's table is checked against this one."""

    CONSISTENT = 0
    NOT_CONSISTENT = 1
    USAGE = 2
    INCONCLUSIVE = 3
    INVALID_INPUT = 4
    NOT_VERIFIED = 5
    UNAVAILABLE = 6
    BUG = 70
    INTERRUPTED = 130
    PIPE_CLOSED = 141


EXIT_CODE_MEANINGS: dict[ExitCode, str] = {
    ExitCode.CONSISTENT: "consistent with the declared expectation, or verified",
    ExitCode.NOT_CONSISTENT: "not consistent with the declared expectation",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.INCONCLUSIVE: "inconclusive or not assessed; of verify: intact, but not all could be compared",
    ExitCode.INVALID_INPUT: "the policy or another input is invalid",
    ExitCode.NOT_VERIFIED: "evidence, words or a signature do not verify",
    ExitCode.UNAVAILABLE: "the model or the environment is unavailable",
    ExitCode.BUG: "a bug in auditkit; a log file to attach is named",
    ExitCode.INTERRUPTED: "interrupted; nothing was left half-written",
    ExitCode.PIPE_CLOSED: "whoever read the output stopped reading it",
}


class AuditkitError(Exception):
    """Base of every error a user may see. ``str(error)`` is one line; ``advice`` says what to do."""

    exit_code: ExitCode = ExitCode.BUG

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input file: where it is, what it is, and what to write instead."""

    file: str
    line: int | None
    key: str
    message: str
    advice: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.key}:" if self.key else ""
        advice = f" ({self.advice})" if self.advice else ""
        return f"{place}:{key} {self.message}{advice}"


class InputError(AuditkitError):
    """The policy, or a file it names, is invalid. Carries every problem found, not only the first."""

    exit_code = ExitCode.INVALID_INPUT

    def __init__(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        if not problems:
            raise ValueError("an InputError needs at least one problem")
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ModelError(AuditkitError):
    """The model folder is missing, unreadable, unsafe to load, or not a model auditkit can audit."""

    exit_code = ExitCode.UNAVAILABLE


class EnvironmentUnavailableError(AuditkitError):
    """The machine lacks something: a writable folder, disk space, a system library, a key."""

    exit_code = ExitCode.UNAVAILABLE


class EvidenceError(AuditkitError):
    """Evidence, a signature or a store does not verify. Names the check that failed."""

    exit_code = ExitCode.NOT_VERIFIED
