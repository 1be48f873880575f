"""The sentences of edition 1, as it printed them. Frozen: nothing here is ever reworded.

Records of edition 1 hold findings and limitations by code and sentence, without parameters. ``verify``
finds the parameters again from the measurements, and words them with these.
"""

from __future__ import annotations

from auditkit.judging.editions.words_1 import of_calibration, of_checks, of_task, of_unique_codes
from auditkit.judging.editions.words_1.limitations import LIMITATIONS

FINDINGS = {
    **of_task.WORDS,
    **of_checks.WORDS,
    **of_unique_codes.WORDS,
    **of_calibration.WORDS,
}
"""The sentence of each finding, from its parameters."""

__all__ = ["FINDINGS", "LIMITATIONS"]
