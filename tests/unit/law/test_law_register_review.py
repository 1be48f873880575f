"""The legal register is read again by its review date: the build, the check and the report say when not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditkit.cli import clock
from auditkit.law import load_law
from tests.conftest import QUICKSTART, CommandLine


def test_the_legal_register_is_not_past_its_review() -> None:
    """Fails by the real clock once ``review_by`` has passed: law must be read again, not assumed."""
    register = load_law().legal_register
    today = datetime.now(tz=UTC).date().isoformat()
    assert today <= register.review_by, (
        f"The legal register was to be reviewed by {register.review_by}. Read again, in the Official "
        "Journal: Regulation (EU) 2024/1689 with its amendments (the quotes in "
        "auditkit/law/quotes), the dates in Articles 113 and 111, the list of harmonised standards, the "
        "Commission's guidelines. Then set version, read_on, review_by and standards_checked_on in "
        "auditkit/law/register.yaml."
    )


def test_the_law_was_read_before_its_review_is_due() -> None:
    """An edition is reviewed after it was read, and its standards were looked for by then."""
    register = load_law().legal_register
    assert register.standards_checked_on <= register.read_on < register.review_by


@pytest.mark.parametrize(
    ("today", "stale"), [("2026-11-20", False), ("2027-02-20", False), ("2027-02-21", True)]
)
def test_check_warns_when_the_legal_register_is_past_its_review(
    today: str, stale: bool, monkeypatch: pytest.MonkeyPatch, auditkit_here: CommandLine
) -> None:
    """Past the review date a check says so, in words and in JSON; its exit code stays that of the policy."""
    moment = datetime.fromisoformat(f"{today}T12:00:00+00:00")
    monkeypatch.setattr(clock, "now", lambda: moment)
    said = auditkit_here("check", QUICKSTART)
    assert said.code == 0
    # The terminal wraps lines.
    words = " ".join((said.out + said.err).split())
    expected = f"due for review by 2027-02-20, and today is {today}"
    assert (expected in words) is stale
    warnings = auditkit_here("check", QUICKSTART, "--json").json()["warnings"]
    assert [expected in warning for warning in warnings] == ([True] if stale else [])
