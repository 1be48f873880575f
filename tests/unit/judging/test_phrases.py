"""How findings put numbers into words."""

from __future__ import annotations

import pytest

from auditkit.judging.findings.words.phrases import percent


@pytest.mark.parametrize(
    ("share", "words"),
    [
        ("0.7543", "75.4 %"),
        ("0.9000", "90 %"),
        ("-0.0003", "0 %"),
        ("-0.0000", "0 %"),
        ("-0.0123", "-1.2 %"),
        ("1.2000", "120 %"),
    ],
)
def test_a_share_is_printed_with_at_most_one_digit(share: str, words: str) -> None:
    """No zero has a sign, and no whole percentage a point."""
    assert percent(share) == words
