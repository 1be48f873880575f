"""The kinds of value a policy may hold: exact shares, known ids, settings that were written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError

from auditkit.law import ARTICLE_13_ITEMS, EVIDENCE_HOOKS
from auditkit.policy.characters import quoted
from auditkit.prompts.generators import GENERATORS

_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?([eE]-?[0-9]{1,2})?")
_SHARE_SCHEMA = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?$"},
    ]
}


def fault(message: str, advice: str = "") -> PydanticCustomError:
    """A fault in plain words, for a validator to raise; ``explaining`` passes it on as it is."""
    return PydanticCustomError("plain", "{message}", {"message": message, "advice": advice})


def nearest(name: str, known: Iterable[str]) -> str:
    """Advice for a name that is not known: the nearest one, or all of them."""
    names = list(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return "the choices are " + ", ".join(f"`{each}`" for each in names)


def _exact(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        shown = (
            f"{quoted(value)} is not a decimal number" if isinstance(value, str) else "not a number"
        )
        raise fault(shown, "write digits and a point, such as 0.8")
    return Decimal(value)


def _within(
    low: str, high: str, *, low_included: bool = True, high_included: bool = True
) -> Callable[[Decimal], Decimal]:
    least, most = Decimal(low), Decimal(high)

    def check(number: Decimal) -> Decimal:
        above = number >= least if low_included else number > least
        below = number <= most if high_included else number < most
        if above and below:
            return number
        ends = [
            end for end, included in ((low, low_included), (high, high_included)) if not included
        ]
        without = f", {' and '.join(ends)} not included" if ends else ""
        raise fault(
            f"{number} is not between {low} and {high}{without}",
            "a share is written as a decimal: 80 % is 0.8",
        )

    return check


def _share(check: Callable[[Decimal], Decimal]) -> Any:  # noqa: ANN401 - metadata of an annotation
    return (
        BeforeValidator(_exact),
        AfterValidator(check),
        WithJsonSchema(_SHARE_SCHEMA),
    )


Share = Annotated[Decimal, *_share(_within("0", "1"))]
"""An exact decimal from 0 to 1, read from the text as written."""

Level = Annotated[Decimal, *_share(_within("0", "1", low_included=False, high_included=False))]
"""An exact decimal between 0 and 1, neither included."""

Rate = Annotated[Decimal, *_share(_within("0", "1", low_included=False))]
"""An exact decimal above 0, up to 1."""


def _not_empty(value: object) -> object:
    if value is None:
        raise fault("nothing is written here", "write a value, or remove the key")
    return value


class _NeverNull:
    """Takes ``null`` out of a setting's JSON Schema: it is left out or written, never empty."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema: JsonSchemaValue = handler(core)
        alternatives: list[JsonSchemaValue] = schema.get("anyOf", [])
        kept = [each for each in alternatives if each != {"type": "null"}]
        if len(kept) == 1:
            return kept[0]
        return {**schema, "anyOf": kept} if kept else schema


T = TypeVar("T")

Written = Annotated[T | None, BeforeValidator(_not_empty), _NeverNull()]
"""A setting that may be left out (``None``) but not written empty."""


@dataclass(frozen=True)
class Standard:
    """The value that stands where a policy leaves a setting out.

    ``depends``: another value may stand instead, as the setting's description says.
    """

    value: Decimal | int | str | tuple[str, ...]
    depends: bool

    def __str__(self) -> str:
        return " and ".join(self.value) if isinstance(self.value, tuple) else str(self.value)

    def __call__(self, schema: JsonSchemaValue) -> None:
        """Puts the value into the setting's JSON Schema, where nothing else can stand instead."""
        if not self.depends:
            schema["default"] = as_json(self.value)


def as_json(value: Decimal | int | str | tuple[str, ...]) -> object:
    """A setting's value as an editor writes it: a decimal is a plain number."""
    if isinstance(value, Decimal):
        return float(value)
    return list(value) if isinstance(value, tuple) else value


def setting(
    standard: Decimal | int | str | tuple[str, ...], text: str, *, depends: bool = False
) -> Any:  # noqa: ANN401 - pydantic's own Field is declared so
    """A setting that may be left out, described by a text with ``{standard}`` in it.

    Raises:
        ValueError: the text does not say what stands where the setting is left out.
    """
    if "{standard}" not in text:
        raise ValueError(f"a setting's description states its standard value: {text}")
    stands = Standard(standard, depends)
    return Field(None, description=text.format(standard=stands), json_schema_extra=stands)


def _known_item(item: str) -> str:
    if item not in ARTICLE_13_ITEMS:
        raise fault(
            f"{quoted(item)} is not an item of Article 13(3)", nearest(item, ARTICLE_13_ITEMS)
        )
    return item


def _known_hook(hook: str) -> str:
    if hook not in EVIDENCE_HOOKS:
        message = f"{quoted(hook)} is not an item that this evidence may be cited for"
        raise fault(message, nearest(hook, EVIDENCE_HOOKS))
    return hook


def _known_generator(name: str) -> str:
    if name not in GENERATORS:
        raise fault(f"no prompt generator is named {quoted(name)}", nearest(name, GENERATORS))
    return name


ItemId = Annotated[str, AfterValidator(_known_item)]
"""An item of Article 13(3) that instructions for use answer, such as ``13(3)(d)``."""

HookId = Annotated[str, AfterValidator(_known_hook)]
"""An item of Article 13(3) or Annex IV that evidence about a circuit may be cited for."""

GeneratorName = Annotated[str, AfterValidator(_known_generator)]
"""The name of a prompt generator that comes with auditkit."""
