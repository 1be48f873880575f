"""Whether a second run agrees with a recorded one, within the noise that the record states.

Three bands, all of them the record's own:

* a measured mean agrees when it lies in the recorded interval, widened by one step of the last digit
  that a record keeps: the interval is over examples, and another machine only rounds otherwise;
* a head of one circuit alone agrees when the recorded redraws had it in some circuits and not in others:
  the record leaves open whether it belongs;
* states and verdicts, prompts and the outcome of the controls have no band: they agree when they are equal.

Agreement says that a run gave the same again. It says nothing of whether either measured the right thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from auditkit.digest import Json
from auditkit.records.audit import AuditRecord
from auditkit.records.base import UNIT, Interval, NotAssessed
from auditkit.records.causal import Causal, HeadsEffect, SetEffect
from auditkit.records.model import FileDigest
from auditkit.records.task import Circuit, Stability, TaskRecord
from auditkit.records.unique_codes import UniqueCodes

LOADED = ("config.json", "tokenizer.json")
"""Files other than weights that decide what the model puts out."""


@dataclass(frozen=True)
class Condition:
    """Something about the second run that was not as in the first."""

    what: str
    recorded: str
    again: str


@dataclass(frozen=True)
class Compared:
    """One result of both runs. ``band`` is what the record allows; ``None`` where they must be equal."""

    what: str
    recorded: str
    band: str | None
    again: str
    agrees: bool


@dataclass(frozen=True)
class TaskAgreement:
    """What was compared of one task, or of the controls."""

    id: str
    compared: tuple[Compared, ...]

    @property
    def differing(self) -> tuple[str, ...]:
        """What does not agree."""
        return tuple(each.what for each in self.compared if not each.agrees)


@dataclass(frozen=True)
class Agreement:
    """Two runs beside each other: the conditions that differed, then controls and tasks."""

    conditions: tuple[Condition, ...]
    parts: tuple[TaskAgreement, ...]

    @property
    def agrees(self) -> bool:
        """Whether everything compared agrees within its band."""
        return not any(part.differing for part in self.parts)

    def as_json(self) -> Json:
        """The comparison as JSON values, for a machine to read."""
        return {
            "agrees": self.agrees,
            "conditions": [asdict(each) for each in self.conditions],
            "parts": [{**asdict(part), "differing": part.differing} for part in self.parts],
        }


def agreement(recorded: AuditRecord, again: AuditRecord) -> Agreement:
    """A second run of a recorded policy, beside the record."""
    parts = [
        TaskAgreement("controls", tuple(_controls(recorded, again))),
        *(
            TaskAgreement(one.id, tuple(_task(one, other)))
            for one, other in zip(recorded.tasks, again.tasks, strict=True)
        ),
        TaskAgreement("run", (_equal("verdict", recorded.verdict, again.verdict),)),
    ]
    return Agreement(tuple(_conditions(recorded, again)), tuple(p for p in parts if p.compared))


def another_model(recorded: Iterable[FileDigest], found: Iterable[FileDigest]) -> tuple[str, ...]:
    """The files that make it another model: weights, configuration and tokenizer; empty if none."""
    before, now = ({each.path: each.sha256 for each in files} for files in (recorded, found))
    return tuple(
        path
        for path in sorted(before.keys() | now.keys())
        if before.get(path) != now.get(path) and (".safetensors" in path or path in LOADED)
    )


def _conditions(recorded: AuditRecord, again: AuditRecord) -> Iterator[Condition]:
    """What was otherwise; how much memory was free is not: any batching measures the same."""
    pairs = [("model files", recorded.model.manifest_digest, again.model.manifest_digest)]
    for name, one, other in (
        ("tool", recorded.tool, again.tool),
        ("environment", recorded.environment, again.environment),
    ):
        before, now = (each.model_dump(mode="json", exclude={"memory"}) for each in (one, other))
        pairs += [(f"{name} {key}", str(before[key]), str(now[key])) for key in before]
    yield from (Condition(what, one, other) for what, one, other in pairs if one != other)


def _controls(recorded: AuditRecord, again: AuditRecord) -> Iterator[Compared]:
    settings = zip(recorded.calibration.settings, again.calibration.settings, strict=True)
    for one, other in settings:
        yield _equal(f"known-answer controls of {', '.join(one.tasks)}", one.state, other.state)


def _task(one: TaskRecord, other: TaskRecord) -> Iterator[Compared]:
    for key in ("discovery", "test"):
        digests = (getattr(task.examples, key).sha256 for task in (one, other))
        yield _equal(f"{key} prompts", *digests)
    yield _equal("behaviour", one.behaviour.state, other.behaviour.state)
    yield _measured("metric on positives", one.behaviour.positive, other.behaviour.positive)
    yield _measured("metric on negatives", one.behaviour.negative, other.behaviour.negative)
    yield from _effect(one, other)
    if isinstance(one.codes, UniqueCodes) and isinstance(other.codes, UniqueCodes):
        yield _equal("heads reported", _heads(one.codes.reported), _heads(other.codes.reported))
    yield from _causal(one, other)
    yield from _circuit(one, other)
    yield _equal("verdict", one.verdict, other.verdict)


def _effect(one: TaskRecord, other: TaskRecord) -> Iterator[Compared]:
    yield _equal("effect of all heads", _state(one.effect), _state(other.effect))
    if isinstance(one.effect, HeadsEffect) and isinstance(other.effect, HeadsEffect):
        for before, now in zip(one.effect.measured, other.effect.measured, strict=True):
            yield _measured(
                f"effect of all heads, {before.pairs}, {before.ablation}", before.drop, now.drop
            )


def _causal(one: TaskRecord, other: TaskRecord) -> Iterator[Compared]:
    yield _equal("causal check", _absence(one.causal), _absence(other.causal))
    if not (isinstance(one.causal, Causal) and isinstance(other.causal, Causal)):
        return
    now = {each.head: each.effect for each in other.causal.patched}
    for head in one.causal.patched:
        # A head that only one of the runs replaced was near where the search stopped.
        if head.head in now:
            yield _measured(f"effect of head {head.head}", head.effect, now[head.head])
    for key in ("sufficiency", "necessity"):
        yield from _sets(key, getattr(one.causal, key), getattr(other.causal, key))


def _sets(key: str, one: Sequence[SetEffect], other: Sequence[SetEffect]) -> Iterator[Compared]:
    before, now = ({each.ablation: each for each in sets} for sets in (one, other))
    yield _equal(f"{key}, ablations", ", ".join(before), ", ".join(now))
    for ablation in before.keys() & now.keys():
        yield _equal(f"{key}, {ablation}", before[ablation].state, now[ablation].state)
        yield _measured(f"{key}, {ablation}: share", before[ablation].share, now[ablation].share)


def _circuit(one: TaskRecord, other: TaskRecord) -> Iterator[Compared]:
    if not (isinstance(one.circuit, Circuit) and isinstance(other.circuit, Circuit)):
        yield _equal("circuit", _absence(one.circuit), _absence(other.circuit))
        return
    before, now = set(one.circuit.heads), set(other.circuit.heads)
    unsettled = _unsettled(one)
    yield Compared(
        "heads of the circuit",
        _heads(one.circuit.heads),
        f"may differ in {_heads(sorted(unsettled))}" if unsettled else None,
        _heads(other.circuit.heads),
        before ^ now <= unsettled,
    )


def _unsettled(task: TaskRecord) -> set[str]:
    """Heads that were in the circuit of some redrawn example sets and not of others."""
    if not isinstance(task.stability, Stability):
        return set()
    return {each.head for each in task.stability.frequencies if 0 < each.frequency < 1}


def _equal(what: str, recorded: str, again: str) -> Compared:
    return Compared(what, recorded, None, again, recorded == again)


def _measured(what: str, recorded: Interval, again: Interval) -> Compared:
    low, high = recorded.low - UNIT, recorded.high + UNIT
    return Compared(
        what,
        format(recorded.mean, "f"),
        f"{low:f} to {high:f}",
        format(again.mean, "f"),
        low <= again.mean <= high,
    )


def _absence(part: object) -> str:
    """Why a part is absent, or that it is there."""
    return f"not assessed: {part.reason}" if isinstance(part, NotAssessed) else "assessed"


def _state(effect: HeadsEffect | NotAssessed) -> str:
    return _absence(effect) if isinstance(effect, NotAssessed) else effect.state


def _heads(heads: Sequence[str]) -> str:
    return " ".join(heads) or "none"
