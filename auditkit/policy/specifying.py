"""A task's full specification: its own settings, then the policy's, then the standard ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar, get_args

from pydantic.fields import FieldInfo

from auditkit.policy.settings import Settings
from auditkit.policy.written import Standard
from auditkit.prompts.kinds import METRICS
from auditkit.records.base import Record
from auditkit.records.specification import Metric, Specification

_POLICY_KEYS = {
    "ablations": "ablation",
    "thresholds.tolerance": "tolerance",
    "examples": "examples.first",
    "max_examples": "examples.max",
}
"""Keys of a policy that are named or placed differently in a specification."""

_OF_THE_DICTIONARY = "autoencoder.dictionary"
"""No setting of a task: the whole policy names a dictionary (``auditkit.policy.naming``)."""

R = TypeVar("R", bound=Record)


def standard_of(specified: type[R], settings: type[Record], prefix: str = "") -> R:
    """The specification, or a block of it, of a policy that sets nothing: each key's standard value.

    Raises:
        ValueError: a key has no setting, or that setting no standard value.
    """
    values: dict[str, Any] = {}
    for name, field in specified.model_fields.items():
        key = prefix + name
        block = field.annotation
        if key == "defaulted":
            values[name] = ()
        elif key == _OF_THE_DICTIONARY:
            values[name] = None
        elif isinstance(block, type) and issubclass(block, Record):
            values[name] = standard_of(block, settings, f"{key}.")
        else:
            values[name] = standard_value(key, settings).value
    return specified(**values)


def standard_value(key: str, settings: type[Record]) -> Standard:
    """The standard value of one key of a specification. Raises ValueError where there is none."""
    field = _setting(policy_key(key), settings)
    standard = field.json_schema_extra if field else None
    if not isinstance(standard, Standard):
        raise ValueError(f"no setting of a policy has a standard value for {key}")
    return standard


def policy_key(key: str) -> str:
    """What a key of a specification is called in a policy."""
    return _POLICY_KEYS.get(key, key)


def _setting(key: str, settings: type[Record]) -> FieldInfo | None:
    name, _dot, rest = key.partition(".")
    field = settings.model_fields.get(name)
    if not rest or field is None:
        return field
    blocks = (each for each in _types(field.annotation) if issubclass(each, Record))
    return next((_setting(rest, each) for each in blocks), None)


def _types(annotation: object) -> Iterator[type]:
    """The types that an annotation is made of, however deep in alternatives they stand."""
    if isinstance(annotation, type):
        yield annotation
    for part in get_args(annotation):
        yield from _types(part)


STANDARD = standard_of(Specification, Settings)
"""What a policy that sets nothing gets. A generator brings its own metric."""


def specify(task: Settings, defaults: Settings, *, metric: Metric) -> Specification:
    """Everything that changes a task's result; ``metric`` stands where neither block names one.

    A similarity task has a metric of its own, which then stands instead.

    ``defaulted`` names what neither the task nor the policy's ``defaults`` wrote, by the
    specification's own names (``thresholds.tau``, ``ablations``).
    """
    if (task.kind or defaults.kind) == "similarity":
        (metric,) = METRICS["similarity"]
    merging = _Merging((task, defaults))
    values = merging.block("", STANDARD.model_copy(update={"metric": metric}))
    if "max_examples" in merging.defaulted:  # more pairs at first than the standard maximum
        values["max_examples"] = max(values["max_examples"], values["examples"])
    return Specification(**values, defaulted=tuple(merging.defaulted))


class _Merging:
    """Looks each key up in the written settings, the nearest first, and notes what is in none."""

    def __init__(self, written: tuple[Settings, ...]) -> None:
        self._written = written
        self.defaulted: list[str] = []

    def block(self, prefix: str, standard: Record) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in standard:
            key = prefix + name
            if isinstance(value, Record):
                values[name] = type(value)(**self.block(f"{key}.", value))
            elif key == _OF_THE_DICTIONARY:
                values[name] = value
            elif key != "defaulted":
                values[name] = self._choose(key, value)
        return values

    def _choose(self, key: str, standard: object) -> object:
        for settings in self._written:
            found = _lookup(settings, policy_key(key))
            if found is not None:
                return found
        self.defaulted.append(key)
        return standard


def _lookup(settings: object, key: str) -> object:
    for name in key.split("."):
        settings = getattr(settings, name, None)
    return settings
