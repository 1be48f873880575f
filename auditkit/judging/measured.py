"""What conclusions rest on: a task as it was declared and measured, and as it was then assessed.

Neither is a record. A ``TaskRecord`` is made once, whole, by ``auditkit.judging.conclusions``.
"""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.records.base import NotAssessed
from auditkit.records.causal import Causal, HeadsEffect
from auditkit.records.declared import Expectation
from auditkit.records.looks import Ruling
from auditkit.records.specification import Specification
from auditkit.records.task import (
    Behaviour,
    BehaviourRuling,
    Circuit,
    Codes,
    Comparison,
    Examples,
    Ladder,
    NullTest,
    Stability,
    TaskRecord,
    Verdict,
)
from auditkit.records.unique_codes import UniqueCodes


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A task with everything that was declared and measured of it, and nothing that follows from that."""

    id: str
    title: str
    evidence_for: tuple[str, ...]
    wanted: bool | None
    concerns: tuple[str, ...]
    specification: Specification
    examples: Examples
    behaviour: Behaviour
    effect: HeadsEffect | NotAssessed
    codes: Codes | UniqueCodes | NotAssessed
    causal: Causal | NotAssessed
    circuit: Circuit | NotAssessed
    expected: Expectation | NotAssessed

    @classmethod
    def of(cls, task: TaskRecord) -> Measured:
        """What a record says was measured; what it concludes is not looked at."""
        return Measured(
            id=task.id,
            title=task.title,
            evidence_for=task.evidence_for,
            wanted=task.wanted,
            concerns=task.concerns,
            specification=task.specification,
            examples=task.examples,
            behaviour=task.behaviour,
            effect=task.effect,
            codes=task.codes,
            causal=task.causal,
            circuit=task.circuit,
            expected=task.expected,
        )


@dataclass(frozen=True, kw_only=True)
class Assessed:
    """What follows from a task's measurements, and what findings are about: all but the findings."""

    measured: Measured
    behaviour_ruling: BehaviourRuling | NotAssessed
    null: NullTest | NotAssessed
    stability: Stability | NotAssessed
    ruling: Ruling | NotAssessed
    comparison: Comparison | NotAssessed
    ladder: Ladder
    mechanism: Verdict
    verdict: Verdict

    @classmethod
    def of(cls, task: TaskRecord) -> Assessed:
        """What a record says, without its findings."""
        return cls(
            measured=Measured.of(task),
            behaviour_ruling=task.behaviour_ruling,
            null=task.null,
            stability=task.stability,
            ruling=task.ruling,
            comparison=task.comparison,
            ladder=task.ladder,
            mechanism=task.mechanism,
            verdict=task.verdict,
        )
