"""The calibration on a page: what known-answer controls are, what came of them, model by model."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.circuits.sampling import share_range
from auditkit.judging.findings.of_calibration import CONFIDENCE
from auditkit.messages import N_, _, counted, number_text
from auditkit.records.audit import AuditRecord
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import (
    CalibratedSetting,
    ControlHead,
    ControlRun,
    DeclaredControls,
    KindTotal,
    NegativeControl,
    Outcome,
    Place,
    PlantedKind,
    WholeModel,
)
from auditkit.report.drawings.calibration_chart import MARKS, KindRow, calibration_card, counts_text
from auditkit.report.drawings.svg import Chart
from auditkit.report.facts import Fact, measured_fact
from auditkit.report.task.specification import SettingView, settings
from auditkit.report.wording import (
    OBSERVATIONS,
    absent_text,
    as_declared,
    decimal_text,
    listed,
    percent_text,
)

KINDS: dict[PlantedKind, tuple[str, str]] = {
    "circuit": (N_("circuit"), N_("carries the task")),
    "tiny": (N_("tiny"), N_("carries the task with an output of a fiftieth of the usual size")),
    "negative": (N_("opposing"), N_("opposes the task: without it the metric rises")),
    "constant_role": (
        N_("constant role"),
        N_("needed, but does the same on both prompts of a pair"),
    ),
    "backup": (N_("backup"), N_("silent until the head it stands in for is replaced")),
    "inert": (N_("inert"), N_("puts out nothing")),
    "noisy": (N_("noisy"), N_("a large output that nothing reads")),
    "decoy": (N_("decoy"), N_("carries the answer to where nothing reads it")),
    "unrelated": (N_("unrelated"), N_("works for another task of the same model")),
}
"""Every kind of planted head: its name on the page, and what such a head is."""

_OUTCOMES: dict[Outcome, str] = dict(MARKS)
_PLACES: dict[Place | str, str] = {
    "circuit": N_("in the circuit"),
    "constant_role": N_("constant role"),
    "backup": N_("backup"),
    "not_reported": N_("not reported"),
}
_PASSES: dict[Place, str] = {
    "circuit": N_("heads of the circuit"),
    "constant_role": N_("heads with a constant role"),
    "backup": N_("backups"),
}
_NEGATIVES = {
    "absent": N_("the matched prompt asks about a name that was not mentioned"),
    "other": N_("the matched prompt asks about the other name"),
    "swapped": N_("the matched prompt swaps who likes what"),
}
_WHOLE: dict[WholeModel, tuple[str, str]] = {
    "shuffled_labels": (
        N_("shuffled labels"),
        N_("The first control model, with right and wrong answers exchanged in every second pair."),
    ),
    "random_weights": (
        N_("random weights"),
        N_("A model of the same shape whose weights were drawn at random."),
    ),
}
_CONTROLS = {"positive": N_("positive"), "negative": N_("negative")}
_ATTENTION = {"hard": N_("hard"), "soft": N_("soft")}
_STATES = {
    "observed": N_(
        "Every planted head that these settings look for was recovered, nothing was reported falsely, and no "
        "declaration was judged wrongly."
    ),
    "not_observed": N_(
        "What was planted was not found as planted, or a declaration was judged wrongly. Where tasks with "
        "these settings would be consistent or not consistent with their declaration, they are inconclusive."
    ),
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
    declared: tuple[Fact, ...]
    absent_declared: str
    differing: tuple[SettingView, ...]


def calibration_views(record: AuditRecord) -> tuple[CalibrationView, ...]:
    """The calibration of every distinct setting of a run, in the order of its tasks."""
    every = record.calibration.settings
    tables = [settings(each.specification) for each in every]
    shared = set(tables[0]).intersection(*tables[1:])
    titles = {task.id: as_declared(task.title) for task in record.tasks}
    return tuple(
        CalibrationView(
            anchor=f"calibration-{index}",
            title=_(
                "Settings {index} of {n}: {tasks}",
                index=str(index),
                n=str(len(every)),
                tasks=listed(titles.get(task, task) for task in setting.tasks),
            ),
            state=_(OBSERVATIONS[setting.state]),
            meaning=_meaning(setting),
            looked_for=_looked_for(setting),
            chart=calibration_card(
                [KindRow(_(KINDS[total.kind][0]), total) for total in setting.totals]
            ),
            kinds=tuple(_kind(total) for total in setting.totals),
            models_note=_models_note(setting, every[0]),
            models=tuple(_model(run) for run in setting.models if _is_new(run, setting, every[0])),
            negatives=tuple(_negative(each) for each in setting.negative_controls),
            declared=_declared(setting.declared),
            absent_declared=absent_text(setting.declared),
            differing=tuple(row for row in table if row not in shared),
        )
        for index, (setting, table) in enumerate(zip(every, tables, strict=True), start=1)
    )


def _meaning(setting: CalibratedSetting) -> str:
    if setting.taken_from is None:
        return _(_STATES[setting.state])
    earlier = _(
        "This was measured in run {run}, with the same settings, by the same auditkit in the same "
        "environment, and not again in this run.",
        run=setting.taken_from,
    )
    return f"{_(_STATES[setting.state])} {earlier}"


def _declared(declared: DeclaredControls | NotAssessed) -> tuple[Fact, ...]:
    """What the verdict rule said of declarations whose truth is known, with the range of each share."""
    if isinstance(declared, NotAssessed):
        return ()
    return (
        measured_fact(_("Most pairs for each declaration"), number_text(declared.pairs)),
        measured_fact(
            _("Wrong declarations accepted"), _of(declared.wrong.consistent, declared.wrong.asked)
        ),
        measured_fact(
            _("Wrong declarations refused"),
            _of(declared.wrong.not_consistent, declared.wrong.asked),
        ),
        measured_fact(
            _("Right declarations refused"),
            _of(declared.right.not_consistent, declared.right.asked),
        ),
        measured_fact(
            _("Right declarations accepted"), _of(declared.right.consistent, declared.right.asked)
        ),
    )


def _of(part: int, whole: int) -> str:
    if not whole:
        return _("none was asked")
    low, high = share_range(part, whole, CONFIDENCE)
    return _(
        "{part} of {whole}; {low} to {high} at 95 % confidence",
        part=number_text(part),
        whole=number_text(whole),
        low=percent_text(low),
        high=percent_text(high),
    )


def _is_new(run: ControlRun, setting: CalibratedSetting, first: CalibratedSetting) -> bool:
    return setting is first or run not in first.models


def _models_note(setting: CalibratedSetting, first: CalibratedSetting) -> str:
    same = [run.name for run in setting.models if not _is_new(run, setting, first)]
    note = _(
        "Model by model, what was planted and what was reported. The effect is that of replacing the head "
        "alone, as a share of the task effect."
    )
    repeated = _(
        "{models}: every number and every outcome is the same as under settings 1, and is not printed again.",
        models=listed(same),
    )
    return f"{note} {repeated}" if same else note


def _looked_for(setting: CalibratedSetting) -> str:
    done = {place for run in setting.models for place in run.looked_for}
    missing = [_(words) for place, words in _PASSES.items() if place not in done]
    present = [_(words) for place, words in _PASSES.items() if place in done]
    sought = _("These settings look for {places}.", places=listed(present))
    unsought = _("They do not look for {places}.", places=listed(missing))
    return f"{sought} {unsought}" if missing else sought


def _kind(total: KindTotal) -> KindView:
    name, meaning = KINDS[total.kind]
    return KindView(
        kind=_(name),
        meaning=_(meaning),
        control=_(_CONTROLS[total.control]),
        counts=counts_text(total),
    )


def _model(run: ControlRun) -> ControlModelView:
    layers = [int(each.head.partition(".")[0]) for each in run.heads]
    depth = max(layers) + 1
    alternatives = _(" or ").join(" ".join(circuit) for circuit in run.circuits)
    return ControlModelView(
        name=run.name,
        description=_(
            "{layers} of {heads}, {attention} attention; {negatives}. The right answers scored above the "
            "wrong ones on {correct} of {n} test pairs.",
            layers=counted(depth, "{n} layer", "{n} layers"),
            heads=counted(len(layers) // depth, "{n} head", "{n} heads"),
            attention=_(_ATTENTION[run.attention]),
            negatives=_(_NEGATIVES[run.negatives]),
            correct=run.behaviour.correct,
            n=run.behaviour.n,
        ),
        circuits=_("Planted circuit: {circuit}.", circuit=alternatives)
        if len(run.circuits) == 1
        else _(
            "Planted circuits, each of which is a right answer: {circuits}. One head, a backup, wholly takes "
            "over when another is replaced, so that this other head has no effect alone. Only a search for "
            "backups can show it; it does not count as missed where the circuit with the backup in its "
            "place is found.",
            circuits=alternatives,
        ),
        rows=tuple(_head(each) for each in run.heads),
    )


def planted_as(head: ControlHead) -> str:
    """The kind of a planted head in words; a backup with the head it stands in for."""
    kind = _(KINDS[head.kind][0])
    if head.primary is None:
        return kind
    return _("{kind} of {primary}", kind=kind, primary=head.primary)


def _head(head: ControlHead) -> ControlHeadView:
    return ControlHeadView(
        head=head.head,
        kind=planted_as(head),
        effect=_("not measured")
        if isinstance(head.effect, NotAssessed)
        else decimal_text(head.effect),
        reported=_(_PLACES[head.reported]),
        outcome=_(_OUTCOMES[head.outcome]),
    )


def _negative(control: NegativeControl) -> NegativeControlView:
    name, meaning = _WHOLE[control.name]
    seen = control.behaviour
    return NegativeControlView(
        name=_(name),
        meaning=_(meaning),
        behaviour=_(
            "{state} (right answers above wrong ones on {correct} of {n})",
            state=_(OBSERVATIONS[seen.state]),
            correct=seen.correct,
            n=seen.n,
        ),
        reported=listed(control.reported),
    )
