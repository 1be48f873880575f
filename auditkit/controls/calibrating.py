"""Runs the known-answer controls under an audit's own settings, by the audit's own steps.

Whatever finds a mechanism in the audited model finds it here, method by method, and nothing is found in
another way. ``auditkit.controls.outcomes`` says what it comes to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from auditkit.circuits.circuit import layer_order
from auditkit.controls.construction import ControlModel, build
from auditkit.controls.family import FAMILY
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
from auditkit.identifying.mechanism import Examined, Investigation, Mechanism, examine
from auditkit.progress import Advance, NoProgress, Progress
from auditkit.records.base import HeadId, NotAssessed
from auditkit.records.calibration import (
    CalibratedSetting,
    Calibration,
    ControlHead,
    ControlRun,
    NegativeControl,
    Place,
    WholeModel,
)
from auditkit.records.causal import ConstantRole, JointAblation
from auditkit.records.reasons import not_assessed
from auditkit.records.specification import Specification
from auditkit.records.task import Behaviour
from auditkit.records.unique_codes import UniqueCodes

_NOT_MEASURED = not_assessed("head_not_replaced_alone")
N_CONTROLS = len(FAMILY) + len(NEGATIVE_CONTROLS)
"""Models run for each setting: the family and the whole-model negative controls."""


def calibrate(specifications: Mapping[str, Specification], progress: Progress) -> Calibration:
    """The control models under every distinct setting of the tasks, given by task id."""
    models = [build(plan) for plan in FAMILY]
    by_setting = distinct(specifications)
    with progress.stage(
        "calibrate: known-answer controls", N_CONTROLS * len(by_setting)
    ) as advance:
        return Calibration(
            settings=tuple(
                _calibrated(specification, tasks, models, advance)
                for specification, tasks in by_setting.items()
            )
        )


def _calibrated(
    specification: Specification,
    tasks: tuple[str, ...],
    models: Sequence[ControlModel],
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
    return CalibratedSetting(
        tasks=tasks,
        specification=specification,
        models=tuple(runs),
        negative_controls=negatives,
        totals=totals_of(runs),
        state=state_of(runs, negatives),
    )


def _examined(control: ControlModel, specification: Specification) -> tuple[Behaviour, Examined]:
    """What the audit's own steps find in a control model, of whose progress nobody is told."""
    subject = control.subject()
    name = subject.identity.name
    return examine(subject, control.discovery, control.test, specification, name, NoProgress())


def mechanism_of(examined: Examined) -> Mechanism | None:
    """The mechanism where one was found by intervention."""
    if not isinstance(examined, Investigation) or isinstance(examined.mechanism, NotAssessed):
        return None
    return examined.mechanism


def reported(examined: Examined) -> dict[HeadId, Place]:
    """Every head an audit would report, and as what; the circuit before any other place.

    What a method that only observes reports stands for a circuit.
    """
    places: dict[HeadId, Place] = {}
    if isinstance(examined, UniqueCodes):
        return places | dict.fromkeys(examined.reported, "circuit")
    mechanism = mechanism_of(examined)
    if mechanism is None:
        return places
    role, joint = mechanism.causal.constant_role, mechanism.causal.joint_ablation
    if isinstance(joint, JointAblation):
        places |= dict.fromkeys(joint.backups, "backup")
    if isinstance(role, ConstantRole):
        places |= dict.fromkeys(role.heads, "constant_role")
    return places | dict.fromkeys(mechanism.circuit.heads, "circuit")


def _looked_for(examined: Examined) -> tuple[Place, ...]:
    """What the settings look for. Where a model was not examined further, everything was in vain."""
    if isinstance(examined, UniqueCodes):
        return ("circuit",)
    mechanism = mechanism_of(examined)
    if mechanism is None:
        return ("circuit", "constant_role", "backup")
    passes: dict[Place, object] = {
        "circuit": mechanism.circuit,
        "constant_role": mechanism.causal.constant_role,
        "backup": mechanism.causal.joint_ablation,
    }
    return tuple(place for place, found in passes.items() if not isinstance(found, NotAssessed))


def _run(control: ControlModel, specification: Specification) -> ControlRun:
    behaviour, examined = _examined(control, specification)
    places, mechanism = reported(examined), mechanism_of(examined)
    patched = mechanism.causal.patched if mechanism else ()
    effects = {each.head: each.effect.mean for each in patched}
    plan, looked_for = control.specification, _looked_for(examined)
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
    behaviour, examined = _examined(control, specification)
    heads = tuple(sorted(reported(examined), key=layer_order))
    return NegativeControl(
        name=name, behaviour=behaviour, reported=heads, outcome=negative_outcome(heads)
    )
