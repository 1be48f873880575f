"""What calibration comes to: a pure function of what was planted and what was reported. Needs no torch.

A head is judged in this order:

1. a null head (inert, noisy, decoy, unrelated)       -> ``rightly_left_out``, or ``falsely_reported``
2. reported as what it was planted as                 -> ``recovered``
3. a primary that its backup replaces wholly: its single effect is 0, and another circuit, with the
   backup in its stead, is as right as the planted one
   - backups were not looked for                      -> ``not_looked_for``
   - reported as a backup: the two back up each other -> ``recovered``
   - the other circuit was reported in full           -> ``other_circuit_found``
   - else                                             -> ``missed``
4. reported as something it was not planted as        -> ``falsely_reported``
5. heads of its kind were not looked for              -> ``not_looked_for``
6. else                                               -> ``missed``

A head with a constant role belongs in the circuit where heads are replaced by their mean: what is
needed alike on both prompts is then missed like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from auditkit.circuits.circuit import layer_order
from auditkit.controls.family import FAMILIES
from auditkit.controls.placing import planted_circuits, planted_heads
from auditkit.controls.planting import CARRYING_KINDS, NULL_KINDS, ControlSpecification, Kind
from auditkit.controls.vocabulary import DISCOVERY, TEST
from auditkit.digest import canonical_json, sha256_hex
from auditkit.policy.specifying import STANDARD
from auditkit.records.base import HeadId, NotAssessed
from auditkit.records.calibration import (
    CalibratedSetting,
    Calibration,
    ControlRun,
    DeclaredControls,
    KindTotal,
    NegativeControl,
    Outcome,
    Place,
    PlantedKind,
    State,
    WholeModel,
)
from auditkit.records.specification import Ablation, AutoencoderSettings, Specification, TaskKind

MOST_PAIRS = 192
"""The verdict rule is asked on no more pairs of a control model: there are only so many."""

RECORDED: dict[Kind, PlantedKind] = {
    Kind.CIRCUIT: "circuit",
    Kind.TINY: "tiny",
    Kind.NEGATIVE: "negative",
    Kind.CONSTANT_ROLE: "constant_role",
    Kind.BACKUP: "backup",
    Kind.INERT: "inert",
    Kind.NOISY: "noisy",
    Kind.DECOY: "decoy",
    Kind.UNRELATED: "unrelated",
}
"""Every kind by its name in a record."""

NEGATIVE_CONTROLS: tuple[WholeModel, ...] = ("shuffled_labels", "random_weights")
"""The whole-model negative controls, in the order they are run."""

_NULL = frozenset(RECORDED[kind] for kind in NULL_KINDS)
_CARRYING = frozenset(RECORDED[kind] for kind in CARRYING_KINDS)
_FAILED: frozenset[Outcome] = frozenset({"missed", "falsely_reported"})


def control_specification(
    specification: Specification,
    discovery: int = DISCOVERY,
    most: int = MOST_PAIRS,
    kinds: Collection[TaskKind] = frozenset(FAMILIES),
) -> Specification:
    """The settings a task is calibrated with: its own, without what is the task's own.

    Kind, metric and numbers of pairs are those of the controls: of a task's own kind where there are such
    models, or of those that predict the next token. How many pairs the verdict rule may ask for is the
    task's, as far as there are pairs. Random sets of heads, latents, paths and further seeds are left out: no
    head is reported by them. ``kinds`` are those that there are models of.
    """
    return specification.model_copy(
        update={
            "kind": specification.kind if specification.kind in kinds else "next_token",
            "pooling": "mean",
            "metric": "logit_difference",
            "examples": discovery,
            "max_examples": max(discovery, min(most, specification.max_examples)),
            "test_examples": TEST,
            "random_sets": 0,
            "patching": specification.patching.model_copy(update={"latents": 0, "paths": 0}),
            "autoencoder": _trained(specification.autoencoder),
            "defaulted": (),
        }
    )


def _trained(settings: AutoencoderSettings) -> AutoencoderSettings:
    """A dictionary is of the audited model: control models have autoencoders by the standard settings."""
    standard = STANDARD.autoencoder if settings.dictionary else settings
    return standard.model_copy(update={"seeds": 1})


def distinct(
    specifications: Mapping[str, Specification],
    controlled: Callable[[Specification], Specification] = control_specification,
) -> dict[Specification, tuple[str, ...]]:
    """The different settings that controls are run with for these tasks, each with its tasks."""
    found: dict[Specification, tuple[str, ...]] = {}
    for task, specification in specifications.items():
        setting = controlled(specification)
        found[setting] = (*found.get(setting, ()), task)
    return found


@dataclass(frozen=True)
class Truth:
    """What is right to say of one control model under one setting.

    ``primaries`` maps each backup to the head it stands in for; ``first`` is the ablation that decides
    which heads are in the circuit.
    """

    kinds: Mapping[HeadId, PlantedKind]
    primaries: Mapping[HeadId, HeadId]
    circuits: Sequence[Sequence[HeadId]]
    looked_for: Sequence[Place]
    first: Ablation

    @classmethod
    def of(
        cls,
        planted: Iterable[tuple[HeadId, PlantedKind, HeadId | None]],
        circuits: Sequence[Sequence[HeadId]],
        looked_for: Sequence[Place],
        specification: Specification,
    ) -> Truth:
        """What is right to say of a model with these heads, each with its kind and its primary."""
        heads = list(planted)
        return cls(
            kinds={head: kind for head, kind, _ in heads},
            primaries={head: primary for head, _, primary in heads if primary is not None},
            circuits=circuits,
            looked_for=looked_for,
            first=specification.ablations[0],
        )

    def outcome(self, head: HeadId, reported: Mapping[HeadId, Place]) -> Outcome:
        """Whether what was reported of a head is what was planted: this module's rules."""
        place = reported.get(head)
        kind = self.kinds[head]
        if kind in _NULL:
            return "rightly_left_out" if place is None else "falsely_reported"
        right = self._places(kind)
        if place in right:
            return "recovered"
        others = self._circuits_without(head)
        if others:
            return self._of_replaced(place, others, reported)
        if place is not None:
            return "falsely_reported"
        return "missed" if right & set(self.looked_for) else "not_looked_for"

    def _of_replaced(
        self,
        place: Place | None,
        others: Sequence[Sequence[HeadId]],
        reported: Mapping[HeadId, Place],
    ) -> Outcome:
        if "backup" not in self.looked_for:
            return "not_looked_for"
        if place == "backup":
            return "recovered"
        found = any(reported.keys() >= set(circuit) for circuit in others)
        return "other_circuit_found" if found else "missed"

    def _places(self, kind: PlantedKind) -> set[Place]:
        if kind in _CARRYING:
            return {"circuit"}
        if kind == "backup":
            return {"backup"}
        return {"constant_role"} if self.first == "resample" else {"constant_role", "circuit"}

    def _circuits_without(self, head: HeadId) -> list[Sequence[HeadId]]:
        """The planted circuits that hold a backup of the head in its stead."""
        backups = {backup for backup, primary in self.primaries.items() if primary == head}
        return [
            circuit
            for circuit in self.circuits
            if head not in circuit and not backups.isdisjoint(circuit)
        ]


def reported_places(run: ControlRun) -> dict[HeadId, Place]:
    """The heads reported of a control model, and as what."""
    return {each.head: each.reported for each in run.heads if each.reported != "not_reported"}


def contradicts(control: ControlRun | NegativeControl) -> bool:
    """Whether a head is reported where nobody looked: as a kind not sought, or without a behaviour."""
    if isinstance(control, NegativeControl):
        return control.behaviour.state == "not_observed" and bool(control.reported)
    places = set(reported_places(control).values())
    unseen = control.behaviour.state == "not_observed"
    return bool(places) if unseen else not places <= set(control.looked_for)


def planned() -> dict[TaskKind, str]:
    """The digests of what this auditkit plants for a kind of task: its control models head for head, and the
    whole-model ones."""
    return {
        kind: _plan_digest([_plan(each) for each in family], NEGATIVE_CONTROLS)
        for kind, family in FAMILIES.items()
    }


def planned_in(setting: CalibratedSetting) -> str:
    """The digest of what a record says was planted."""
    runs = [
        (run.name, run.attention, run.negatives, run.circuits, _planted(run))
        for run in setting.models
    ]
    return _plan_digest(runs, [each.name for each in setting.negative_controls])


def _plan_digest(models: Sequence[tuple[object, ...]], negatives: Sequence[str]) -> str:
    return "sha256:" + sha256_hex(canonical_json([models, negatives]))


def _planted(run: ControlRun) -> list[tuple[HeadId, PlantedKind, HeadId | None]]:
    return [(each.head, each.kind, each.primary) for each in run.heads]


def _plan(plan: ControlSpecification) -> tuple[object, ...]:
    heads = [(each.head, RECORDED[each.kind], each.primary) for each in planted_heads(plan)]
    return plan.name, plan.attention, plan.negatives, in_layer_order(planted_circuits(plan)), heads


def in_layer_order(circuits: Iterable[Iterable[HeadId]]) -> tuple[tuple[HeadId, ...], ...]:
    """Circuits as a record has them."""
    return tuple(tuple(sorted(each, key=layer_order)) for each in circuits)


def outcomes(run: ControlRun, specification: Specification) -> tuple[Outcome, ...]:
    """The outcome of each head of a recorded control model, from what was planted and reported."""
    truth = Truth.of(_planted(run), run.circuits, run.looked_for, specification)
    reported = reported_places(run)
    return tuple(truth.outcome(each.head, reported) for each in run.heads)


def totals_of(models: Sequence[ControlRun]) -> tuple[KindTotal, ...]:
    """What became of the heads of each kind, all control models together."""
    counts = Counter((head.kind, head.outcome) for run in models for head in run.heads)
    return tuple(
        KindTotal(
            kind=kind,
            control="negative" if kind in _NULL else "positive",
            planted=sum(n for (each, _), n in counts.items() if each == kind),
            recovered=counts[kind, "recovered"],
            missed=counts[kind, "missed"],
            falsely_reported=counts[kind, "falsely_reported"],
            rightly_left_out=counts[kind, "rightly_left_out"],
            not_looked_for=counts[kind, "not_looked_for"],
            other_circuit_found=counts[kind, "other_circuit_found"],
        )
        for kind in RECORDED.values()
    )


def state_of(
    models: Sequence[ControlRun],
    negatives: Sequence[NegativeControl],
    declared: DeclaredControls | NotAssessed,
) -> State:
    """Whether no planted head was missed, and nothing was reported, accepted or refused falsely."""
    failed = any(head.outcome in _FAILED for run in models for head in run.heads) or any(
        each.outcome == "falsely_reported" for each in negatives
    )
    misruled = isinstance(declared, DeclaredControls) and (
        declared.wrong.consistent > 0 or declared.right.not_consistent > 0
    )
    return "not_observed" if failed or misruled else "observed"


def negative_outcome(
    reported: Sequence[HeadId],
) -> Literal["nothing_reported", "falsely_reported"]:
    """What it comes to that these heads were reported where there is none."""
    return "falsely_reported" if reported else "nothing_reported"


def misjudged(setting: CalibratedSetting) -> bool:
    """Whether an outcome, a total or the state is not what the rules give."""
    heads = [
        tuple(head.outcome for head in run.heads) != outcomes(run, setting.specification)
        for run in setting.models
    ]
    whole = [each.outcome != negative_outcome(each.reported) for each in setting.negative_controls]
    sums = (
        totals_of(setting.models),
        state_of(setting.models, setting.negative_controls, setting.declared),
    )
    return any(heads) or any(whole) or (setting.totals, setting.state) != sums


def setting_for(task: str, calibration: Calibration) -> CalibratedSetting | None:
    """The controls run with a task's settings; ``None`` when there are none, which no run leaves so."""
    return next((each for each in calibration.settings if task in each.tasks), None)
