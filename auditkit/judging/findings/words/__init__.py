"""The sentence of each finding, from its parameters, in the words of this edition.

A statement is compared by code and parameters, so a sentence may be improved where it stands: older
evidence keeps the sentence it was printed with. Another code, another parameter or another weight is
another rule, and that makes a new edition (docs/how-to-change.md).
"""

from __future__ import annotations

from auditkit.judging.findings.words import (
    of_calibration,
    of_checks,
    of_ruling,
    of_task,
    of_unique_codes,
)

WORDS = {
    **of_task.WORDS,
    **of_ruling.WORDS,
    **of_checks.WORDS,
    **of_unique_codes.WORDS,
    **of_calibration.WORDS,
}
"""The sentence of each finding, from its parameters."""

__all__ = ["WORDS"]
