"""Everything that changes a task's result, key by key, with what the policy left to default.

What a key means stands beside it in ``auditkit.records.specification``; ``make messages`` takes it into
the catalogues from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from auditkit.circuits.methods import method_of
from auditkit.messages import N_, _
from auditkit.records.base import Record
from auditkit.records.specification import Specification, TaskKind
from auditkit.report.wording import decimal_text, listed

TASK_KINDS: dict[TaskKind, str] = {
    "next_token": N_(
        "next_token: the scores of tokens that may come next, read at the last position"
    ),
    "masked_token": N_("masked_token: the scores of tokens, read at the prompt's one mask"),
    "classification": N_(
        "classification: the scores of the model's labels, for a text or a pair of texts"
    ),
    "similarity": N_(
        "similarity: the cosines of a prompt's embedding with those of right and wrong texts"
    ),
}


@dataclass(frozen=True)
class SettingView:
    """One setting: its key, what it means, its value, and who chose it."""

    key: str
    meaning: str
    value: str
    origin: str


def meanings(specified: type[Record], prefix: str = "") -> dict[str, str]:
    """What each key of a specification, or of a block of it, means; in the record's order."""
    found: dict[str, str] = {}
    for name, field in specified.model_fields.items():
        block = field.annotation
        if isinstance(block, type) and issubclass(block, Record):
            found |= meanings(block, f"{prefix}{name}.")
        elif field.description:
            found[prefix + name] = field.description
    return found


def _at(record: Record, key: str) -> object:
    value: object = record
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _value(value: object) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, tuple):
        return listed(str(part) for part in value)
    return str(value)


def _named(key: str, names: Iterable[str]) -> bool:
    """Whether a key, or the block it stands in, is among these names."""
    return any(key == name or key.startswith(f"{name}.") for name in names)


def _origin(key: str, specification: Specification) -> str:
    chosen = _("default") if _named(key, specification.defaulted) else _("set in the policy")
    unused = _named(key, method_of(specification).unused)
    return _("{chosen}; not used by this method", chosen=chosen) if unused else chosen


def settings(specification: Specification) -> tuple[SettingView, ...]:
    """Every setting that a task has, in the record's order, and whether the policy set it."""
    return tuple(
        SettingView(
            key=key,
            meaning=_(meaning),
            value=_(TASK_KINDS[specification.kind])
            if key == "kind"
            else _value(_at(specification, key)),
            origin=_origin(key, specification),
        )
        for key, meaning in meanings(type(specification)).items()
        if _at(specification, key) is not None  # a dictionary, where none is named
    )
