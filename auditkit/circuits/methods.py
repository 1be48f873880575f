"""The two methods of looking for heads, each as one object: what it finds, reports and leaves unused.

``attributed-codes`` ranks heads by codes and replaces them one by one: it states a circuit.
``unique-codes`` is the published method (O'Neill and Bui, arXiv:2405.12522): it counts codes and replaces
nothing, so nothing causal follows. What runs the model for each is in ``auditkit.identifying.mechanism``,
what is said of each in the report is in ``auditkit.report.methods``. Nothing else asks which method it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, TypeVar

from auditkit.circuits.codes import null_test
from auditkit.circuits.effects import NO_BEHAVIOUR, why_no_effect
from auditkit.circuits.unique_codes import NO_CIRCUIT, NOTHING_CAUSAL, count_null, differences
from auditkit.records.base import HeadId, NotAssessed
from auditkit.records.calibration import Place
from auditkit.records.causal import Causal, ConstantRole, HeadsEffect, JointAblation
from auditkit.records.specification import MethodName, Specification
from auditkit.records.task import Behaviour, Circuit, Codes, NullTest
from auditkit.records.unique_codes import UniqueCodes

AnyCodes = Codes | UniqueCodes
Kind = TypeVar("Kind", Codes, UniqueCodes)

_EVERYWHERE: tuple[Place, ...] = ("circuit", "constant_role", "backup")


@dataclass(frozen=True)
class Absent:
    """Why each part of what a method finds is not there; ``None`` for a part that must be there."""

    effect: NotAssessed | None
    codes: NotAssessed | None
    causal: NotAssessed | None
    circuit: NotAssessed | None

    @classmethod
    def all(cls, reason: NotAssessed) -> Absent:
        """Nothing is there, for one reason."""
        return cls(reason, reason, reason, reason)


@dataclass(frozen=True)
class Mechanism:
    """What was found inside a model by replacing heads."""

    codes: Codes
    causal: Causal
    circuit: Circuit


@dataclass(frozen=True)
class Found:
    """What a method found of a task or of a known-answer control, each part or why it is not there."""

    effect: HeadsEffect | NotAssessed
    codes: AnyCodes | NotAssessed
    causal: Causal | NotAssessed
    circuit: Circuit | NotAssessed

    @classmethod
    def nothing(cls, reason: NotAssessed, effect: HeadsEffect | None = None) -> Found:
        """Nothing was found, for this reason; of an effect that was measured, that alone is known."""
        return cls(effect or reason, reason, reason, reason)

    @property
    def mechanism(self) -> Mechanism | None:
        """The mechanism, where one was found by replacing heads."""
        codes, causal, circuit = self.codes, self.causal, self.circuit
        if isinstance(codes, Codes) and isinstance(causal, Causal) and isinstance(circuit, Circuit):
            return Mechanism(codes, causal, circuit)
        return None


class Method(ABC):
    """What is particular about one method.

    ``codes`` is the kind of codes it makes. ``intervenes``: it replaces heads, so it can state a circuit and
    be judged by a declaration. ``needs_one_length``: it cannot read pairs of prompts of different length.
    ``unused`` are the keys of a specification, and whole blocks of them, that change nothing in it.
    """

    name: ClassVar[MethodName]
    intervenes: ClassVar[bool]
    needs_one_length: ClassVar[bool]
    codes: ClassVar[type[Codes | UniqueCodes]]
    unused: ClassVar[frozenset[str]]

    @abstractmethod
    def absent(self, behaviour: Behaviour, effect: HeadsEffect | NotAssessed) -> Absent:
        """Which parts are not there, and why, given what was seen of the behaviour and the effect."""

    @abstractmethod
    def null(self, codes: AnyCodes, level: Decimal) -> NullTest:
        """What the label-swap tests of the heads come to at a false discovery rate."""

    @abstractmethod
    def recurring(self, codes: AnyCodes) -> bool:
        """Whether the examples have any code in common, or any code that only positives show."""

    @abstractmethod
    def differences(
        self, codes: AnyCodes, head_ids: tuple[HeadId, ...], n_examples: int, seed: int
    ) -> Iterator[str]:
        """The keys of recorded codes that do not follow, where the codes are all the method has."""

    @abstractmethod
    def reported(self, found: Found) -> dict[HeadId, Place]:
        """Every head that an audit would report, and as what; the circuit before any other place."""

    @abstractmethod
    def looked_for(self, found: Found) -> tuple[Place, ...]:
        """What was looked for. A model in which nothing was found counts as one in which all was looked for.

        Otherwise a control that the method fails on altogether would pass, with nothing to look for in it.
        """


class AttributedCodes(Method):
    """Codes and ranks from attributed effects, then every head that matters replaced."""

    name = "attributed-codes"
    intervenes = True
    needs_one_length = False
    codes = Codes
    unused = frozenset()

    def absent(self, behaviour: Behaviour, effect: HeadsEffect | NotAssessed) -> Absent:
        """Nothing without a behaviour; the effect alone where the heads do not carry it."""
        if behaviour.state == "not_observed":
            return Absent.all(NO_BEHAVIOUR)
        if isinstance(effect, NotAssessed) or effect.state == "observed":
            return Absent(None, None, None, None)
        reason = why_no_effect(effect)
        return Absent(None, reason, reason, reason)

    def null(self, codes: AnyCodes, level: Decimal) -> NullTest:
        """The label-swap test of each head's attributed effect."""
        kept = _of(Codes, codes)
        return null_test(kept.heads, len(kept.examples), level)

    def recurring(self, codes: AnyCodes) -> bool:
        """Whether the signature holds a code."""
        return bool(_of(Codes, codes).signature)

    def differences(
        self, codes: AnyCodes, head_ids: tuple[HeadId, ...], n_examples: int, seed: int
    ) -> Iterator[str]:
        """None here: its codes are compared together with the circuit that rests on them."""
        del codes, head_ids, n_examples, seed
        return iter(())

    def reported(self, found: Found) -> dict[HeadId, Place]:
        """The circuit, heads with a constant role, and backups."""
        places: dict[HeadId, Place] = {}
        if (mechanism := found.mechanism) is None:
            return places
        role, joint = mechanism.causal.constant_role, mechanism.causal.joint_ablation
        if isinstance(joint, JointAblation):
            places |= dict.fromkeys(joint.backups, "backup")
        if isinstance(role, ConstantRole):
            places |= dict.fromkeys(role.heads, "constant_role")
        return places | dict.fromkeys(mechanism.circuit.heads, "circuit")

    def looked_for(self, found: Found) -> tuple[Place, ...]:
        """The places that the specification has a pass for."""
        if isinstance(found.causal, NotAssessed):
            return _EVERYWHERE
        passes: dict[Place, object] = {
            "circuit": found.circuit,
            "constant_role": found.causal.constant_role,
            "backup": found.causal.joint_ablation,
        }
        return tuple(place for place, part in passes.items() if not isinstance(part, NotAssessed))


class PublishedUniqueCodes(Method):
    """The published method: one shared autoencoder, and a count of codes that only positives show."""

    name = "unique-codes"
    intervenes = False
    needs_one_length = True
    codes = UniqueCodes
    unused = frozenset(
        {
            "attribution",
            "attribution_steps",
            "ablations",
            "autoencoder",
            "thresholds.tau",
            "thresholds.quorum",
            "thresholds.head_effect",
            "thresholds.sufficiency",
            "thresholds.necessity",
            "thresholds.tolerance",
            "patching",
            "stability_draws",
            "random_sets",
        }
    )

    def absent(self, behaviour: Behaviour, effect: HeadsEffect | NotAssessed) -> Absent:
        """Nothing causal and no circuit, ever; no codes either without a behaviour."""
        del effect
        if behaviour.state == "not_observed":
            return Absent.all(NO_BEHAVIOUR)
        return Absent(NOTHING_CAUSAL, None, NOTHING_CAUSAL, NO_CIRCUIT)

    def null(self, codes: AnyCodes, level: Decimal) -> NullTest:
        """The label-swap test of each head's count."""
        return count_null(_of(UniqueCodes, codes), level)

    def recurring(self, codes: AnyCodes) -> bool:
        """Whether any head has a unique code."""
        return bool(_of(UniqueCodes, codes).reported)

    def differences(
        self, codes: AnyCodes, head_ids: tuple[HeadId, ...], n_examples: int, seed: int
    ) -> Iterator[str]:
        """What does not follow from the codes of the prompts."""
        return differences(_of(UniqueCodes, codes), head_ids, n_examples, seed)

    def reported(self, found: Found) -> dict[HeadId, Place]:
        """The heads with a unique code, in the place of a circuit."""
        if isinstance(found.codes, NotAssessed):
            return {}
        return dict.fromkeys(_of(UniqueCodes, found.codes).reported, "circuit")

    def looked_for(self, found: Found) -> tuple[Place, ...]:
        """Heads that stand in the place of a circuit, and no others."""
        return ("circuit",) if isinstance(found.codes, UniqueCodes) else _EVERYWHERE


METHODS: dict[MethodName, Method] = {
    each.name: each for each in (AttributedCodes(), PublishedUniqueCodes())
}
"""Both methods by their names in a policy and a record."""


def method_of(specification: Specification) -> Method:
    """The method that a task's specification names."""
    return METHODS[specification.method]


def _of(kind: type[Kind], codes: AnyCodes) -> Kind:
    if not isinstance(codes, kind):
        raise TypeError(f"{type(codes).__name__} is not what this method gives")
    return codes
