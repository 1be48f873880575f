"""Runs the known-answer controls under an audit's own settings, by the audit's own steps.

The steps are handed in: whatever finds a mechanism in the audited model finds it here, method by
method, and nothing is found in another way. ``auditkit.controls.outcomes`` says what it comes to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from auditkit.circuits.circuit import layer_order
from auditkit.controls.construction import ControlModel, build
from auditkit.controls.family import FAMILY
from auditkit.controls.negative_controls import with_random_weights, with_shuffled_labels
from auditkit.controls.outcomes import (
    NEGATIVE_CONTROLS,
    RECORDED,
    distinct,
    in_layer_order,
    summed_up,
)
from auditkit.identifying.mechanism import Examined, Investigation, Mechanism
from auditkit.model.subject import Subject
from auditkit.progress import Advance
from auditkit.prompts.pairs import ResolvedPair
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
from auditkit.records.specification import Specification
from auditkit.records.task import Behaviour
from auditkit.records.unique_codes import UniqueCodes

_NOT_MEASURED = NotAssessed(reason="The head was not replaced alone.")
N_CONTROLS = len(FAMILY) + len(NEGATIVE_CONTROLS)
"""Models run for each setting: the family and the whole-model negative controls."""


Examine = Callable[
    [Subject, Sequence[ResolvedPair], Sequence[ResolvedPair], Specification],
    tuple[Behaviour, Examined],
]
"""The audit's steps on a model, its discovery pairs and its test pairs."""


def calibrate_by(
    examine: Examine, specifications: Mapping[str, Specification], advance: Advance
) -> Calibration:
    """The control models under every distinct setting of the tasks, given by task id.

    ``advance`` is told of each model that is done, ``N_CONTROLS`` for each setting.
    """
    models = [build(plan) for plan in FAMILY]
    settings = tuple(
        _calibrated(specification, tasks, models, examine, advance)
        for specification, tasks in distinct(specifications).items()
    )
    return Calibration(settings=settings)


def _calibrated(
    specification: Specification,
    tasks: tuple[str, ...],
    models: Sequence[ControlModel],
    examine: Examine,
    advance: Advance,
) -> CalibratedSetting:
    runs: list[ControlRun] = []
    for control in models:
        runs.append(_run(control, specification, examine))
        advance(1)
    first, *_ = models
    without_answer = (with_shuffled_labels(first), with_random_weights(first))
    negatives = tuple(
        _negative(name, control, specification, examine)
        for name, control in zip(NEGATIVE_CONTROLS, without_answer, strict=True)
    )
    advance(len(negatives))
    return summed_up(
        CalibratedSetting(
            tasks=tasks,
            specification=specification,
            models=tuple(runs),
            negative_controls=negatives,
            totals=(),
            state="not_observed",
        )
    )


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
    """What the settings look for. A model without a mechanism counts as one in which all was looked for.

    Otherwise a control that the method fails on altogether would pass, with nothing to look for in it.
    """
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


def _run(control: ControlModel, specification: Specification, examine: Examine) -> ControlRun:
    behaviour, examined = examine(control.subject(), control.discovery, control.test, specification)
    places, mechanism = reported(examined), mechanism_of(examined)
    patched = mechanism.causal.patched if mechanism else ()
    effects = {each.head: each.effect.mean for each in patched}
    plan = control.specification
    return ControlRun(
        name=plan.name,
        attention=plan.attention,
        negatives=plan.negatives,
        circuits=in_layer_order(control.circuits),
        behaviour=behaviour,
        looked_for=_looked_for(examined),
        heads=tuple(
            ControlHead(
                head=each.head,
                kind=RECORDED[each.kind],
                primary=each.primary,
                effect=effects.get(each.head, _NOT_MEASURED),
                reported=places.get(each.head, "not_reported"),
                outcome="not_looked_for",  # until the whole model is known
            )
            for each in control.planted
        ),
    )


def _negative(
    name: WholeModel,
    control: ControlModel,
    specification: Specification,
    examine: Examine,
) -> NegativeControl:
    behaviour, examined = examine(control.subject(), control.discovery, control.test, specification)
    return NegativeControl(
        name=name,
        behaviour=behaviour,
        reported=tuple(sorted(reported(examined), key=layer_order)),
        outcome="nothing_reported",  # until it is summed up
    )
