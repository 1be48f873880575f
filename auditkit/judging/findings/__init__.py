"""Findings: what a reader should take from a task's measurements. In reading order:

of_task          everything about a task, in the order it was measured
of_checks        the causal check
of_unique_codes  the published method
of_calibration   the known-answer controls
stating          a finding as code, weight, parameters and sentence
words            the sentences of this edition
"""

from auditkit.judging.findings.of_task import findings_of

__all__ = ["findings_of"]
