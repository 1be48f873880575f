"""What an edition of the rules is, and every edition that this auditkit can judge under."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from auditkit.controls.outcomes import control_specification
from auditkit.judging.conclusions import conclude
from auditkit.judging.editions import counting, words_1
from auditkit.judging.findings.words import WORDS
from auditkit.judging.limitations import LIMITATIONS, limitations_of
from auditkit.judging.measured import Measured
from auditkit.records import schema_1, schema_2
from auditkit.records.audit import AuditRecord, Limitation
from auditkit.records.base import Parameters
from auditkit.records.calibration import Calibration
from auditkit.records.reasons import REASONS
from auditkit.records.specification import Specification, TaskKind
from auditkit.records.task import Finding, TaskRecord


@dataclass(frozen=True)
class Edition:
    """One edition of the rules.

    ``schema`` is the schema of the records it judges. ``conclude`` gives a task's conclusions. ``controls``
    is the digest of what is planted in the known-answer controls, for each kind of task that has its own
    (``auditkit.controls.outcomes.planned``), ``controlled`` the settings that they are run with for a task.
    ``findings``, ``limitations`` and ``reasons`` give the sentence of each statement by its code.
    ``of_commitments``: a commitment to the policy has limits that are printed.
    ``one_wording``: no build ever worded them otherwise, so another sentence is nobody's. Else a sentence may
    have been improved between two builds of one edition.
    """

    number: int
    schema: str
    controls: Mapping[TaskKind, str]
    controlled: Callable[[Specification], Specification]
    conclude: Callable[[Measured, str, Calibration], TaskRecord]
    findings: Mapping[str, Callable[[Parameters], str]]
    limitations: Mapping[str, str]
    reasons: Mapping[str, str]
    one_wording: bool
    of_commitments: bool = True

    def sentence(self, finding: Finding) -> str:
        """A finding in the words of this edition."""
        return self.findings[finding.code](finding.parameters)

    def limitations_of(self, record: AuditRecord) -> tuple[Limitation, ...]:
        """The limitations that follow from a record, in the words of this edition."""
        return tuple(
            Limitation(code=each.code, text=self.limitations.get(each.code, each.text))
            for each in limitations_of(
                record.tasks,
                record.policy.committed_at,
                frozenset(self.controls),
                of_commitments=self.of_commitments,
            )
        )


CURRENT = Edition(
    number=3,
    schema="3",
    controls={
        "next_token": "sha256:b13ee2dc5c42cbb97255e7f9ccc4824df5aab4ca979cd4dd34ec149c025b5f7d",
        "classification": "sha256:9bc34b304d66c6fdb37cb839b7ba77344e7442c7bc7c526b83a94df8223d044a",
    },
    controlled=control_specification,
    conclude=conclude,
    findings=WORDS,
    limitations=LIMITATIONS,
    reasons=REASONS,
    one_wording=False,
)
"""The edition that new records are judged under: findings, reasons and limitations by code and values."""

_EIGHT: Mapping[TaskKind, str] = {
    "next_token": "sha256:875b30d034127c9d6dd9cbb8ebeee4b467129a28406dbebf1dea41e684eac830"
}
_KIND = "controls_are_next_token"  # of every task that is not: there were no other controls
_AS_IN_1 = (_KIND, "supporting_evidence")
"""Limitations that edition 2 words as edition 1 did."""
_on_ten_pairs = partial(control_specification, discovery=10, most=10, kinds=frozenset(_EIGHT))
_by_counting = partial(conclude, assess=counting.assess)

EDITIONS: dict[int, Edition] = {
    1: replace(
        CURRENT,
        number=1,
        schema="1",
        controlled=_on_ten_pairs,
        conclude=_by_counting,
        controls=_EIGHT,
        reasons={**schema_1.REASONS, **{code: REASONS[code] for code in schema_2.ADDED}},
        findings=words_1.FINDINGS,
        limitations=words_1.LIMITATIONS,
        one_wording=True,
        of_commitments=False,
    ),
    2: replace(
        CURRENT,
        number=2,
        schema="2",
        controlled=_on_ten_pairs,
        conclude=_by_counting,
        controls=_EIGHT,
        limitations={**LIMITATIONS, **{code: words_1.LIMITATIONS[code] for code in _AS_IN_1}},
        of_commitments=False,
    ),
    3: CURRENT,
}
"""Every edition by its number. What an older one has otherwise stands here, and nothing else."""


def edition_of(record: AuditRecord) -> Edition | None:
    """The edition a record names; ``None`` where this auditkit does not know it."""
    return EDITIONS.get(record.editions.rules)
