"""A run and its tasks: the record, and the questions most often asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from auditkit.errors import EnvironmentUnavailableError
from auditkit.messages import speaking
from auditkit.records.audit import AuditRecord
from auditkit.records.base import Language, NotAssessed
from auditkit.records.declared import Expectation
from auditkit.records.model import ModelIdentity
from auditkit.records.reasons import not_assessed
from auditkit.records.task import Circuit, TaskRecord, Verdict
from auditkit.report.task.pictures import circuit_drawing, map_drawing
from auditkit.results.heads import HeadEffects, effects_of
from auditkit.signing.keys.keyring import read_certificates
from auditkit.verifying import Brought, Verification, verify

_NO_HEADS = not_assessed("nothing_to_draw")


@dataclass(frozen=True, repr=False)
class Task:
    """One task of a run. ``record`` is all that was recorded of it."""

    record: TaskRecord
    model: ModelIdentity
    language: Language

    def __repr__(self) -> str:
        return f"<auditkit task {self.id}: {self.verdict}>"

    @property
    def id(self) -> str:
        """The task's name in the policy."""
        return self.record.id

    @property
    def verdict(self) -> Verdict:
        """What the rules conclude from the measurements and the declared circuit."""
        return self.record.verdict

    @property
    def circuit(self) -> Circuit | NotAssessed:
        """The circuit, its ``heads`` as ids in layer order, or the ``reason`` why there is none."""
        return self.record.circuit

    @property
    def expected(self) -> Expectation | NotAssessed:
        """The circuit that the policy declares, or the ``reason`` why there is none."""
        return self.record.expected

    def head_effects(self) -> HeadEffects:
        """What replacing each head alone does, for every head of the model."""
        return effects_of(self.record, self.model)

    def head_map(self) -> str | NotAssessed:
        """The report's map of all heads as SVG, or the reason why no head was replaced."""
        with speaking(self.language):
            chart = map_drawing(self.record, self.model)
        if chart is not None:
            return str(chart.svg)
        return _why_not(self.record)

    def circuit_map(self) -> str | NotAssessed:
        """The report's drawing of the circuit, layer over layer, as SVG, or the reason for none."""
        with speaking(self.language):
            chart, _ = circuit_drawing(self.record)
        if chart is not None:
            return str(chart.svg)
        return _why_not(self.record)


@dataclass(frozen=True, repr=False)
class Run:
    """One finished run. ``record`` is what was measured, declared and concluded.

    ``place`` is the run directory, PDF or pack that the record was read from, ``None`` for a record out
    of a store. Reading verifies nothing: ``verify`` does.
    """

    record: AuditRecord
    place: Path | None

    def __repr__(self) -> str:
        return f"<auditkit run {self.id}: {self.verdict}; tasks: {', '.join(self.tasks)}>"

    @property
    def id(self) -> str:
        """The run's id."""
        return self.record.run_id

    @property
    def directory(self) -> Path | None:
        """The run directory; ``None`` for a run read from a PDF, a pack or a store."""
        return self.place if self.place is not None and self.place.is_dir() else None

    @property
    def verdict(self) -> Verdict:
        """The verdict over all tasks."""
        return self.record.verdict

    @property
    def tasks(self) -> Mapping[str, Task]:
        """The tasks by their ids, in the order of the policy."""
        record = self.record
        return MappingProxyType(
            {one.id: Task(one, record.model, record.report.language) for one in record.tasks}
        )

    def verify(self, trusted: Sequence[Path] = ()) -> Verification:
        """Every check of ``auditkit verify`` on the files as they are now, by certificates you trust.

        No clock and no store is asked: what needs one is ``not_run`` and says so.

        Raises:
            EnvironmentUnavailableError: the run was read from a store, or a certificate cannot be read.
            InputError: the files are no longer there, or a certificate is not one.
            EvidenceError: a pack is damaged.
        """
        if self.place is None:
            raise EnvironmentUnavailableError(
                f"run {self.id} was read from a store, so there are no signed files to verify",
                advice="load the run directory instead; auditkit store verify checks the store",
            )
        certificates = [pem for file in trusted for pem in read_certificates(file)]
        return verify(self.place, Brought(trusted=certificates))


def _why_not(task: TaskRecord) -> NotAssessed:
    """Why a task has no drawing of heads, in the record's own words where it has some."""
    absent = (part for part in (task.causal, task.circuit) if isinstance(part, NotAssessed))
    return next(absent, _NO_HEADS)
