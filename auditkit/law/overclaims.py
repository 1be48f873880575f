"""Words that say more of a system than a measurement can: no text of ours, and no template, has them.

A declared text may have them: it is data. ``auditkit check`` warns of them.
"""

from __future__ import annotations

import re

OVERCLAIMS = re.compile(
    r"\b(compliant|certified|certif(?:y|ies)|conforms|explainable|prove[sdn]?|guarantee[sd]?|safe"
    r"|ce[ -]mark\w*|eu stars|trustworthy|bias[ -]free)\b",
    re.IGNORECASE,
)
"""Judgements of a system, and promises. Judgement is not for evidence."""

APPROVALS = re.compile(
    r"\b(pre[ -]?approv\w+|approv(?:ed|es|al)|accredited|endorsed|conformant|guaranteeing|proving"
    r"|meets all requirements)\b",
    re.IGNORECASE,
)
"""More such words, which stand in quotes of law and in texts of ours with an honest meaning."""
VERDICT_WORDS = re.compile(
    r"\b(overall[\W_]*result|verdict|not[\W_]*consistent|consistent|inconclusive|not[\W_]*assessed)\b",
    re.IGNORECASE,
)
"""The report's own words for a result: a name that has them reads like one."""
