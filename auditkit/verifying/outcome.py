"""What a verification says: each check by its number, passed, failed, or not run and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from auditkit.digest import Json

JSON_VERSION = 1
"""The version of what ``as_json`` gives: a key that changes its meaning, or goes, makes another."""

Outcome = Literal["passed", "failed", "not_run"]
Kind = Literal["run_directory", "pdf", "pack"]

Result = Literal["verified", "not_compared", "failed"]

_WORDS = frozenset({"evidence", "policy", "conclusions", "report_html", "pdf_pages"})
_OF_A_RUN = frozenset({"manifest", "attestation", "statement"}) | _WORDS

REQUIRED: dict[Kind, frozenset[str]] = {
    "run_directory": _OF_A_RUN,
    "pack": _OF_A_RUN | {"pack", "pack_help"},
    "pdf": frozenset({"pdf_seal"}) | _WORDS,
}
"""Checks without which nothing is verified, however few failed."""


class NotRunError(Exception):
    """A check cannot be made here. Carries the reason; it is a result, not a failure.

    ``waived``: there is nothing to check, so nothing is missing without it.
    """

    def __init__(self, reason: str, *, waived: bool = False) -> None:
        super().__init__(reason)
        self.waived = waived


@dataclass(frozen=True)
class Check:
    """One check: its number and stable id, what it asks, what came of it, and why.

    ``waived``: it was not run because there is nothing to check.
    """

    number: int
    id: str
    title: str
    outcome: Outcome
    detail: str
    waived: bool = False


@dataclass(frozen=True)
class About:
    """What was verified, for whoever holds it against something else; ``None`` where it cannot be read.

    ``signer`` is the name in the certificate, ``fingerprint`` the digest of the certificate itself.
    """

    signer: str | None = None
    fingerprint: str | None = None
    run_id: str | None = None
    verdict: str | None = None
    system: str | None = None
    weights_digest: str | None = None
    policy_sha256: str | None = None
    finished: str | None = None


@dataclass(frozen=True)
class Verification:
    """All checks on one path, in the order of their numbers, and what it is about."""

    path: str
    kind: Kind
    checks: tuple[Check, ...]
    about: About

    @property
    def result(self) -> Result:
        """``failed`` where a check failed, ``verified`` where those that everything rests on passed.

        Else ``not_compared``: nothing is broken, and something that a reader relies on could not be
        compared here.
        """
        if self.failed:
            return "failed"
        return "not_compared" if self.not_compared else "verified"

    @property
    def not_compared(self) -> tuple[Check, ...]:
        """The checks without which nothing is verified, and that could not be made."""
        return tuple(
            check
            for check in self.checks
            if check.outcome == "not_run" and check.id in REQUIRED[self.kind] and not check.waived
        )

    @property
    def intact(self) -> bool:
        """Whether nothing failed: what could not be compared here may still be as it should."""
        return not self.failed

    @property
    def ok(self) -> bool:
        """Whether everything is verified that a reader relies on."""
        return self.result == "verified"

    @property
    def failed(self) -> tuple[str, ...]:
        """The ids of the checks that failed."""
        return tuple(check.id for check in self.checks if check.outcome == "failed")

    @property
    def trusted(self) -> bool:
        """Whether the reader's own certificates, or those they trust, vouch for the signer."""
        return any(each.id == "certificate" and each.outcome == "passed" for each in self.checks)

    def as_json(self) -> Json:
        """The verification as JSON values, for a machine to read."""
        return {
            "version": JSON_VERSION,
            **asdict(self.about),
            "checks": [asdict(check) for check in self.checks],
            "kind": self.kind,
            "ok": self.ok,
            "trusted": self.trusted,
            "result": self.result,
            "path": self.path,
        }


def one_line(text: str, limit: int = 300) -> str:
    """The text on one line, with what a terminal would obey made visible, cut at ``limit``.

    Details quote bytes that somebody else wrote.
    """
    line = " ".join(text.split())
    safe = "".join(character if character.isprintable() else "\ufffd" for character in line)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"
