"""Findings: what a reader should take from a task's measurements, one honest sentence each.

Pure functions of the record. The codes are stable; the sentences may be improved.
"""

from auditkit.judging.findings.of_task import findings_of
from auditkit.judging.findings.wording import percent

__all__ = ["findings_of", "percent"]
