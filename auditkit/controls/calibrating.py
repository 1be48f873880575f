"""Runs the known-answer controls under an audit's own settings, by the audit's own steps.

Whatever finds a mechanism in the audited model finds it here, method by method, and nothing is found in
another way. ``auditkit.controls.outcomes`` says what it comes to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.methods import Found, method_of
from auditkit.controls.construction import ControlModel, build
from auditkit.controls.declaring import ControlPool, declared_controls
from auditkit.controls.family import FAMILIES, FAMILY
from auditkit.controls.negative_controls import with_random_weights, with_shuffled_labels
from auditkit.controls.outcomes import (
    NEGATIVE_CONTROLS,
    RECORDED,
    Truth,
    distinct,
    in_layer_order,
    negative_outcome,
    state_of,
    totals_of,
)
from auditkit.identifying.mechanism import Question, examine
from auditkit.progress import Advance, NoProgress, Progress
from auditkit.records.base import NotAssessed
from auditkit.records.calibration import (
    CalibratedSetting,
    Calibration,
    ControlHead,
    ControlRun,
    NegativeControl,
    WholeModel,
)
from auditkit.records.reasons import not_assessed
from auditkit.records.specification import Ablation, Specification, TaskKind
from auditkit.records.task import Behaviour

_NOT_MEASURED = not_assessed("head_not_replaced_alone")
N_CONTROLS = len(FAMILY) + len(NEGATIVE_CONTROLS) + 1
"""Steps of each setting: the family, the whole-model negative controls, and the declarations."""


def calibrate(
    specifications: Mapping[str, Specification],
    progress: Progress,
    known: Mapping[Specification, CalibratedSetting] | None = None,
) -> Calibration:
    """The control models under every distinct setting of the tasks, given by task id.

    Settings that are ``known`` from an earlier run are taken over, and nothing is run for them.
    """
    by_setting, known = distinct(specifications), known or {}
    missing = [each for each in by_setting if each not in known]
    measured: dict[Specification, CalibratedSetting] = dict(known)
    if missing:

        @cache
        def models(kind: TaskKind) -> list[ControlModel]:
            return [build(plan) for plan in FAMILIES[kind]]

        @cache
        def pools(kind: TaskKind, ablation: Ablation) -> list[ControlPool]:
            # What heads take away does not depend on the other settings: measured once for all of them.
            return [ControlPool.of(each, ablation) for each in models(kind)]

        title, steps = "calibrate: known-answer controls", N_CONTROLS * len(missing)
        with progress.stage(title, steps) as advance:
            for each in missing:
                measured[each] = _calibrated(
                    each, by_setting[each], models(each.kind), partial(pools, each.kind), advance
                )
    return Calibration(
        settings=tuple(
            measured[specification].for_tasks(tasks) for specification, tasks in by_setting.items()
        )
    )


def _calibrated(
    specification: Specification,
    tasks: tuple[str, ...],
    models: Sequence[ControlModel],
    pools: Callable[[Ablation], Sequence[ControlPool]],
    advance: Advance,
) -> CalibratedSetting:
    runs: list[ControlRun] = []
    for control in models:
        runs.append(_run(control, specification))
        advance(1)
    first, *_ = models
    without_answer = (with_shuffled_labels(first), with_random_weights(first))
    negatives = tuple(
        _negative(name, control, specification)
        for name, control in zip(NEGATIVE_CONTROLS, without_answer, strict=True)
    )
    advance(len(negatives))
    declared = declared_controls(pools, specification)
    advance(1)
    return CalibratedSetting(
        tasks=tasks,
        specification=specification,
        models=tuple(runs),
        negative_controls=negatives,
        totals=totals_of(runs),
        declared=declared,
        state=state_of(runs, negatives, declared),
        taken_from=None,
    )


def _examined(control: ControlModel, specification: Specification) -> tuple[Behaviour, Found]:
    """What the audit's own steps find in a control model, of whose progress nobody is told."""
    subject = control.subject()
    name = subject.identity.name
    question = Question(control.discovery, (), control.test, declared=())
    return examine(subject, question, specification, name, NoProgress())


def _run(control: ControlModel, specification: Specification) -> ControlRun:
    behaviour, found = _examined(control, specification)
    method = method_of(specification)
    places, looked_for = method.reported(found), method.looked_for(found)
    patched = () if isinstance(found.causal, NotAssessed) else found.causal.patched
    effects = {each.head: each.effect.mean for each in patched}
    plan = control.specification
    circuits = in_layer_order(control.circuits)
    planted = [(each.head, RECORDED[each.kind], each.primary) for each in control.planted]
    truth = Truth.of(planted, circuits, looked_for, specification)
    return ControlRun(
        name=plan.name,
        attention=plan.attention,
        negatives=plan.negatives,
        circuits=circuits,
        behaviour=behaviour,
        looked_for=looked_for,
        heads=tuple(
            ControlHead(
                head=head,
                kind=kind,
                primary=primary,
                effect=effects.get(head, _NOT_MEASURED),
                reported=places.get(head, "not_reported"),
                outcome=truth.outcome(head, places),
            )
            for head, kind, primary in planted
        ),
    )


def _negative(
    name: WholeModel, control: ControlModel, specification: Specification
) -> NegativeControl:
    behaviour, found = _examined(control, specification)
    heads = tuple(sorted(method_of(specification).reported(found), key=layer_order))
    return NegativeControl(
        name=name, behaviour=behaviour, reported=heads, outcome=negative_outcome(heads)
    )
