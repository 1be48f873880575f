"""What the report says of each method: for what its pairs served, what it claims, what would refute that.

``auditkit.circuits.methods`` has what a method finds and leaves unused. A third method is an object there,
one here, and a section of its own where it finds something that neither of these does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from auditkit.messages import N_, _, counted
from auditkit.records.specification import MethodName, Specification
from auditkit.report.wording import ablations_text, decimal_text, percent_text


class MethodWords(ABC):
    """The words on one method.

    ``association`` is what the second rung of the ladder claims; ``association_keys`` is where that stands
    in a task's record. ``prompt_sets`` are the purposes of discovery and test pairs.
    """

    association: ClassVar[str]
    association_keys: ClassVar[tuple[str, ...]]
    prompt_sets: ClassVar[tuple[str, str]]

    @abstractmethod
    def served(self, pairs: int) -> str:
        """For what so many discovery pairs served."""

    @abstractmethod
    def described(self, specification: Specification) -> str:
        """The method, once it was applied to a task, for the items of law that ask for one."""

    @abstractmethod
    def against_association(self, specification: Specification) -> str:
        """What would have refuted the association."""

    @abstractmethod
    def against_cause(self, specification: Specification) -> str:
        """What would have refuted that the circuit is needed."""

    @abstractmethod
    def against_stability(self, specification: Specification) -> str:
        """What would have refuted that the verdict holds."""


class _AttributedCodes(MethodWords):
    association = N_(
        "Codes for an attributed effect recur across the discovery examples, and some head's attributed "
        "effect is beyond what swapped labels give"
    )
    association_keys = ("codes.signature", "codes.examples", "codes.heads", "null.separated")
    prompt_sets = (
        N_("Discovery pairs, to find the circuit"),
        N_("Test pairs, to test the behaviour and the circuit"),
    )

    def served(self, pairs: int) -> str:
        return counted(
            pairs,
            "{n} other pair, the discovery pair, served to find the heads involved.",
            "{n} other pairs, the discovery pairs, served to find the heads involved.",
        )

    def described(self, specification: Specification) -> str:
        return _(
            "Method {method}, checked by replacing heads under {ablations} ablation; its specification and "
            "its limits are in the task's section.",
            method=specification.method,
            ablations=ablations_text(specification.ablations),
        )

    def against_association(self, specification: Specification) -> str:
        return _(
            "No code that at least {quorum} of the discovery examples carry, or no head whose q-value under "
            "swapped labels is {level} or less.",
            quorum=percent_text(specification.thresholds.quorum),
            level=decimal_text(specification.null_level),
        )

    def against_cause(self, specification: Specification) -> str:
        return _(
            "On the test pairs, a mean share of the task effect lost without the circuit below {least}, "
            "under any of these ablations: {ablations}.",
            least=percent_text(specification.thresholds.necessity),
            ablations=ablations_text(specification.ablations),
        )

    def against_stability(self, specification: Specification) -> str:
        return _(
            "Another verdict in more than {tolerance} of all sets of pairs drawn again and sets without one "
            "template, taken together.",
            tolerance=percent_text(specification.thresholds.tolerance),
        )


class _UniqueCodes(MethodWords):
    association = N_(
        "On the discovery pairs, some head's count of unique codes is beyond what swapped labels give"
    )
    association_keys = ("codes.reported", "codes.heads", "null.separated")
    prompt_sets = (N_("Discovery pairs, to count codes"), N_("Test pairs, to test the behaviour"))

    def served(self, pairs: int) -> str:
        return counted(
            pairs,
            "{n} other pair, the discovery pair, served to count codes.",
            "{n} other pairs, the discovery pairs, served to count codes.",
        )

    def described(self, specification: Specification) -> str:
        del specification
        return _(
            "Method unique-codes, published and observational: no head was replaced. Its specification, its "
            "known faults and its limits are in the task's section."
        )

    def against_association(self, specification: Specification) -> str:
        return _(
            "On the discovery pairs: no head with a unique code, or none whose q-value under swapped "
            "labels is {level} or less.",
            level=decimal_text(specification.null_level),
        )

    def against_cause(self, specification: Specification) -> str:
        del specification
        return _("Nothing in this run: the method replaces no head.")

    def against_stability(self, specification: Specification) -> str:
        del specification
        return _("Nothing in this run: there is no circuit to draw again.")


_WORDS: dict[MethodName, MethodWords] = {
    "attributed-codes": _AttributedCodes(),
    "unique-codes": _UniqueCodes(),
}


def words_on(specification: Specification) -> MethodWords:
    """The words on the method that a task's specification names."""
    return _WORDS[specification.method]
