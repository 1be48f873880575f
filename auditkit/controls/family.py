"""The control models: together they plant every kind of head, under both kinds of attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from auditkit.controls.planting import ControlSpecification, PlannedHead, Role
from auditkit.records.specification import TaskKind

NOISE = 5e-4
"""Weight noise of the models that have some, as a share of the smallest signal."""


Family = tuple[ControlSpecification, ...]
"""Control models of one kind of task."""


def _layer(*roles: Role | PlannedHead) -> tuple[PlannedHead, ...]:
    return tuple(role if isinstance(role, PlannedHead) else PlannedHead(role) for role in roles)


# A model's gains add up to 1: what the opposing head takes away, the others bring on top.
_OPPOSING = PlannedHead("opposing", 0.3)
_UNRELATED = PlannedHead("unrelated", 0.5)  # the other task's answer stays below this task's
_TWO_LAYERS = (
    _layer("subject", "owner", "noisy", "inert"),
    _layer(PlannedHead("recall", 1.3), _OPPOSING, "decoy", "inert"),
)
_SHARED_RECALL = (PlannedHead("recall", 0.8), PlannedHead("recall", 0.5), _OPPOSING)
_SWAPPED = (
    _layer("subject", "owner", "noisy", _UNRELATED),
    _layer(PlannedHead("recall", 1.3), _OPPOSING, "decoy", "noisy"),
)


def _three_layers(backup_gain: float) -> tuple[tuple[PlannedHead, ...], ...]:
    backup = PlannedHead("backup", backup_gain)
    return (
        _layer("subject", "owner", "noisy", _UNRELATED),
        _layer("recall", "decoy", "noisy", "inert"),
        _layer(PlannedHead("mover", 1.3), _OPPOSING, backup, "inert"),
    )


FAMILY: Family = (
    ControlSpecification("lookup-hard", seed=1, layers=_TWO_LAYERS, attention="hard"),
    ControlSpecification(
        "lookup-soft", seed=2, layers=_TWO_LAYERS, attention="soft", rotated=True, noise=NOISE
    ),
    ControlSpecification(
        "tiny-hard",
        seed=3,
        layers=(
            _layer("subject", "owner", "noisy", _UNRELATED, "inert"),
            _layer(*_SHARED_RECALL, "decoy", "noisy"),
        ),
        attention="hard",
        negatives="other",
        tiny="subject",
        noise=NOISE,
    ),
    ControlSpecification(
        "tiny-soft",
        seed=4,
        layers=(
            _layer("subject", "owner", "noisy", _UNRELATED, "inert", "noisy"),
            _layer(*_SHARED_RECALL, "decoy", "inert", "decoy"),
        ),
        attention="soft",
        tiny="subject",
        rotated=True,
        noise=NOISE,
    ),
    ControlSpecification(
        "swapped-hard",
        seed=5,
        layers=_SWAPPED,
        attention="hard",
        negatives="swapped",
        rotated=True,
    ),
    ControlSpecification(
        "backup-hard", seed=6, layers=_three_layers(0.5), attention="hard", rotated=True
    ),
    ControlSpecification(
        "backup-soft",
        seed=7,
        layers=_three_layers(0.5),
        attention="soft",
        tiny="recall",
        noise=NOISE,
    ),
    ControlSpecification(
        "redundant-hard",
        seed=8,
        layers=_three_layers(1.0),
        attention="hard",
        rotated=True,
        noise=NOISE,
    ),
    ControlSpecification(
        "inhibition-hard",
        seed=9,
        layers=(
            _layer("subject", "owner", "noisy", _UNRELATED),
            _layer("inhibition", "noisy", "inert", "inert"),
            _layer(PlannedHead("other", 0.5), PlannedHead("other", 0.5), "noisy", "inert"),
        ),
        attention="hard",
        negatives="other",
        rotated=True,
    ),
    ControlSpecification(
        "rare-hard",
        seed=10,
        layers=(
            _layer("subject", "owner", "noisy", "inert"),
            _layer("recall", PlannedHead("rare", 2.0), "decoy", "noisy"),
        ),
        attention="hard",
    ),
)
"""Ten models of 2 x 4 to 3 x 4 heads. In ``redundant-hard`` a backup replaces its primary in full, so
two different circuits are right. In ``inhibition-hard`` two heads share the answer behind a head that turns
them away from the name asked about; in ``rare-hard`` one head works in two fifths of the pairs."""

CLASSIFIERS: Family = tuple(
    replace(plan, name=f"{plan.name}-labels", kind="classification") for plan in FAMILY
)
"""The same plans as classifiers, which say the sort of the colour."""

FAMILIES: Mapping[TaskKind, Family] = {"next_token": FAMILY, "classification": CLASSIFIERS}
"""The models that tasks of a kind are calibrated on. A task of another kind takes the first."""
