"""Calibration: what the audit's own settings find in models whose circuit is known."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditkit.records.base import AtLeastOne, Count, HeadId, Measure, NotAssessed, Record, RunId
from auditkit.records.specification import Specification
from auditkit.records.task import Behaviour

PlantedKind = Literal[
    "circuit",
    "tiny",
    "negative",
    "constant_role",
    "backup",
    "inert",
    "noisy",
    "decoy",
    "unrelated",
]
Place = Literal["circuit", "constant_role", "backup"]
"""Where an audit reports a head: in the circuit, as needed alike on both prompts, as a backup."""

Outcome = Literal[
    "recovered",
    "missed",
    "falsely_reported",
    "rightly_left_out",
    "not_looked_for",
    "other_circuit_found",
]
State = Literal["observed", "not_observed"]
WholeModel = Literal["shuffled_labels", "random_weights"]


class ControlHead(Record):
    """One planted head, what the audit said of it, and whether that is what was planted.

    ``primary`` is the head a backup stands in for. ``effect`` is the mean share of the task effect
    lost without the head, as the audit measured it. ``outcome``: ``auditkit.controls.outcomes``.
    """

    head: HeadId
    kind: PlantedKind
    primary: HeadId | None
    effect: Measure | NotAssessed
    reported: Place | Literal["not_reported"]
    outcome: Outcome


class ControlRun(Record):
    """One control model under one setting.

    ``circuits`` are the planted minimal sets of heads that carry the task by themselves: several where
    one part can do another's work, and then each of them is a right answer. ``looked_for`` are the
    places that the settings look for heads of.
    """

    name: str
    attention: Literal["hard", "soft"]
    negatives: Literal["absent", "other", "swapped"]
    circuits: Annotated[tuple[tuple[HeadId, ...], ...], Field(min_length=1)]
    behaviour: Behaviour
    looked_for: tuple[Place, ...]
    heads: Annotated[tuple[ControlHead, ...], Field(min_length=1)]


class NegativeControl(Record):
    """A whole model on which nothing may be reported.

    ``shuffled_labels``: a control model, with right and wrong answers exchanged in every second pair.
    ``random_weights``: a model of the same shape whose weights were drawn at random.
    """

    name: WholeModel
    behaviour: Behaviour
    reported: tuple[HeadId, ...]
    outcome: Literal["nothing_reported", "falsely_reported"]


class KindTotal(Record):
    """How many heads of a kind were planted in all control models, and what became of them.

    ``control``: a positive control is there to be reported, a negative one to be left out.
    """

    kind: PlantedKind
    control: Literal["positive", "negative"]
    planted: Count
    recovered: Count
    missed: Count
    falsely_reported: Count
    rightly_left_out: Count
    not_looked_for: Count
    other_circuit_found: Count


class VerdictCounts(Record):
    """How often the verdict rule came to each of its verdicts."""

    consistent: Count
    not_consistent: Count
    inconclusive: Count

    @property
    def asked(self) -> int:
        """How often it was asked."""
        return self.consistent + self.not_consistent + self.inconclusive


class DeclaredControls(Record):
    """What the verdict rule says of declarations that are right, and of wrong ones, on the control models.

    ``right``: every head whose effect reaches the threshold is declared, and no other. ``wrong``: a head of
    at least the upper bound is left out, or a planted head without a role is added. Each is asked on several
    draws of at most ``pairs`` pairs, no pair in two draws of one model.
    """

    pairs: AtLeastOne
    right: VerdictCounts
    wrong: VerdictCounts


class CalibratedSetting(Record):
    """The control models under one setting. ``tasks`` are those of the run that have this setting.

    ``specification`` is theirs without what is the task's own (``auditkit.controls.outcomes``).
    ``observed`` when no planted head was missed, nothing was reported falsely, no wrong declaration was
    accepted and no right one refused. ``taken_from``: the run that measured this, where it was an earlier one
    in the store, with the same settings, by the same auditkit in the same environment; ``None``: this run.
    """

    tasks: tuple[str, ...]
    specification: Specification
    models: Annotated[tuple[ControlRun, ...], Field(min_length=1)]
    negative_controls: tuple[NegativeControl, ...]
    totals: tuple[KindTotal, ...]
    declared: DeclaredControls | NotAssessed
    state: State
    taken_from: RunId | None

    def for_tasks(self, tasks: tuple[str, ...]) -> CalibratedSetting:
        """The same for these tasks."""
        return CalibratedSetting(**{**dict(self), "tasks": tasks})

    def measured_in(self, run_id: RunId) -> CalibratedSetting:
        """The same as another run takes it over from the run of this id, or from where that had it."""
        return CalibratedSetting(**{**dict(self), "taken_from": self.taken_from or run_id})


class Calibration(Record):
    """The known-answer controls under each distinct setting of a run, before anything was audited."""

    settings: Annotated[tuple[CalibratedSetting, ...], Field(min_length=1)]
