"""Verification: numbered checks on a run's directory or a lone PDF, without the model.

``protocol`` lists the checks and holds them, ``case`` reads what is verified, ``outcome`` is what
comes of it. ``docs/verification.md`` explains each number to a reader of a report.
"""

from auditkit.verifying.brought import NOTHING, Asked, Brought
from auditkit.verifying.outcome import Check, Result, Verification
from auditkit.verifying.protocol import verify

__all__ = ["NOTHING", "Asked", "Brought", "Check", "Result", "Verification", "verify"]
