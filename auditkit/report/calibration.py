"""The calibration on a page: what known-answer controls are, what came of them, model by model."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import (
    CalibratedSetting,
    ControlHead,
    ControlRun,
    KindTotal,
    NegativeControl,
    Outcome,
    Place,
    PlantedKind,
    WholeModel,
)
from auditkit.report.calibration_chart import MARKS, KindRow, calibration_card, counts_text
from auditkit.report.specification import SettingView, settings
from auditkit.report.svg import Chart
from auditkit.report.wording import OBSERVATIONS, counted, decimal_text, listed

KINDS: dict[PlantedKind, tuple[str, str]] = {
    "circuit": ("circuit", "carries the task"),
    "tiny": ("tiny", "carries the task with an output of a fiftieth of the usual size"),
    "negative": ("opposing", "opposes the task: without it the metric rises"),
    "constant_role": ("constant role", "needed, but does the same on both prompts of a pair"),
    "backup": ("backup", "silent until the head it stands in for is"),
    "inert": ("inert", "puts out nothing"),
    "noisy": ("noisy", "a large output that nothing reads"),
    "decoy": ("decoy", "carries the answer to where nothing reads it"),
    "unrelated": ("unrelated", "works for another task of the same model"),
}
"""Every kind of planted head: its name on the page, and what such a head is."""

_OUTCOMES: dict[Outcome, str] = dict(MARKS)
_PLACES: dict[Place | str, str] = {
    "circuit": "in the circuit",
    "constant_role": "constant role",
    "backup": "backup",
    "not_reported": "not reported",
}
_PASSES: dict[Place, str] = {
    "circuit": "heads of the circuit",
    "constant_role": "heads with a constant role",
    "backup": "backups",
}
_NEGATIVES = {
    "absent": "the matched prompt asks about a name that was not mentioned",
    "other": "the matched prompt asks about the other name",
    "swapped": "the matched prompt swaps who likes what",
}
_WHOLE: dict[WholeModel, tuple[str, str]] = {
    "shuffled_labels": (
        "shuffled labels",
        "The first control model, with right and wrong answers exchanged in every second pair.",
    ),
    "random_weights": (
        "random weights",
        "A model of the same shape whose weights were drawn at random.",
    ),
}
_STATES = {
    "observed": "Every planted head that these settings look for was recovered, and nothing was "
    "reported falsely.",
    "not_observed": "What was planted was not found as planted. Where tasks with these settings would "
    "be consistent or not consistent with their declaration, they are inconclusive.",
}


@dataclass(frozen=True)
class ControlHeadView:
    """One planted head."""

    head: str
    kind: str
    effect: str
    reported: str
    outcome: str


@dataclass(frozen=True)
class ControlModelView:
    """One control model: how it was made, the circuits that are right, every head."""

    name: str
    description: str
    circuits: str
    rows: tuple[ControlHeadView, ...]


@dataclass(frozen=True)
class KindView:
    """One kind of planted head over all control models."""

    kind: str
    meaning: str
    control: str
    counts: str


@dataclass(frozen=True)
class NegativeControlView:
    """One whole model on which nothing may be reported."""

    name: str
    meaning: str
    behaviour: str
    reported: str


@dataclass(frozen=True)
class CalibrationView:
    """The controls under one setting. ``differing`` are the keys that set it apart from the others.

    ``models`` leaves out those that came out as under the first setting, which ``models_note`` names.
    """

    anchor: str
    title: str
    state: str
    meaning: str
    looked_for: str
    chart: Chart
    kinds: tuple[KindView, ...]
    models_note: str
    models: tuple[ControlModelView, ...]
    negatives: tuple[NegativeControlView, ...]
    differing: tuple[SettingView, ...]


def calibration_views(record: AuditRecord) -> tuple[CalibrationView, ...]:
    """The calibration of every distinct setting of a run, in the order of its tasks."""
    every = record.calibration.settings
    tables = [settings(each.specification) for each in every]
    shared = set(tables[0]).intersection(*tables[1:])
    titles = {task.id: task.title for task in record.tasks}
    return tuple(
        CalibrationView(
            anchor=f"calibration-{index}",
            title=f"Settings {index} of {len(every)}: "
            + listed(titles.get(task, task) for task in setting.tasks),
            state=OBSERVATIONS[setting.state],
            meaning=_STATES[setting.state],
            looked_for=_looked_for(setting),
            chart=calibration_card(
                [KindRow(KINDS[total.kind][0], total) for total in setting.totals]
            ),
            kinds=tuple(_kind(total) for total in setting.totals),
            models_note=_models_note(setting, every[0]),
            models=tuple(_model(run) for run in setting.models if _is_new(run, setting, every[0])),
            negatives=tuple(_negative(each) for each in setting.negative_controls),
            differing=tuple(row for row in table if row not in shared),
        )
        for index, (setting, table) in enumerate(zip(every, tables, strict=True), start=1)
    )


def _is_new(run: ControlRun, setting: CalibratedSetting, first: CalibratedSetting) -> bool:
    return setting is first or run not in first.models


def _models_note(setting: CalibratedSetting, first: CalibratedSetting) -> str:
    same = [run.name for run in setting.models if not _is_new(run, setting, first)]
    repeated = (
        f" {listed(same)}: every number and every outcome is as under settings 1, and not printed again."
        if same
        else ""
    )
    return (
        "Model by model, what was planted and what was reported. The effect is that of replacing the head "
        f"alone, as a share of the task effect.{repeated}"
    )


def _looked_for(setting: CalibratedSetting) -> str:
    done = {place for run in setting.models for place in run.looked_for}
    missing = [words for place, words in _PASSES.items() if place not in done]
    sought = f"These settings look for {listed(w for p, w in _PASSES.items() if p in done)}."
    return f"{sought} They do not look for {listed(missing)}." if missing else sought


def _kind(total: KindTotal) -> KindView:
    name, meaning = KINDS[total.kind]
    return KindView(kind=name, meaning=meaning, control=total.control, counts=counts_text(total))


def _model(run: ControlRun) -> ControlModelView:
    layers = [int(each.head.partition(".")[0]) for each in run.heads]
    depth = max(layers) + 1
    alternatives = " or ".join(" ".join(circuit) for circuit in run.circuits)
    return ControlModelView(
        name=run.name,
        description=f"{counted(depth, 'layer')} of {counted(len(layers) // depth, 'head')}, "
        f"{run.attention} attention; {_NEGATIVES[run.negatives]}. Right answers on "
        f"{run.behaviour.correct:,} of {run.behaviour.n:,} test pairs.",
        circuits=f"Planted circuit: {alternatives}."
        if len(run.circuits) == 1
        else f"Planted circuits, each of which is right: {alternatives}. One head replaces another "
        "wholly, so that the other has no single effect: only a search for backups can show it as what it "
        "is, and it is not missed where the other circuit is found.",
        rows=tuple(_head(each) for each in run.heads),
    )


def planted_as(head: ControlHead) -> str:
    """The kind of a planted head in words; a backup with the head it stands in for."""
    kind = KINDS[head.kind][0]
    return kind if head.primary is None else f"{kind} of {head.primary}"


def _head(head: ControlHead) -> ControlHeadView:
    return ControlHeadView(
        head=head.head,
        kind=planted_as(head),
        effect="not measured"
        if isinstance(head.effect, NotAssessed)
        else decimal_text(head.effect),
        reported=_PLACES[head.reported],
        outcome=_OUTCOMES[head.outcome],
    )


def _negative(control: NegativeControl) -> NegativeControlView:
    name, meaning = _WHOLE[control.name]
    seen = control.behaviour
    heads = listed(control.reported, "none")
    return NegativeControlView(
        name=name,
        meaning=meaning,
        behaviour=f"{OBSERVATIONS[seen.state]} ({seen.correct:,} of {seen.n:,} right)",
        reported=heads,
    )
