"""What every record is made of: frozen models, measured values, statements by code, absence with a reason.

A measured float is quantised once, with stated digits, when it enters a record (``measured``). From
there on it is a ``Decimal``: circuits, verdicts and reports are exact functions of the record.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.json_schema import WithJsonSchema

DIGITS = 4
"""Digits after the point of every measured effect, share, metric and probability in a record."""

UNIT = Decimal(1).scaleb(-DIGITS)
"""One in the last digit of a record."""


_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")


def _exact_decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, str):
        if not _DECIMAL.fullmatch(value):  # an exponent of a few digits would fill the memory
            raise ValueError("not a decimal number of at most 18 digits on either side")
        number = Decimal(value)
    else:
        raise ValueError(f"a decimal string is needed, not {type(value).__name__}")
    if not number.is_finite():
        raise ValueError("a finite number is needed")
    return number


Measure = Annotated[
    Decimal,
    BeforeValidator(_exact_decimal),
    PlainSerializer(lambda number: format(number, "f"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
]
"""An exact decimal, written as a string in JSON so that no reader can round it."""

Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
"""A SHA-256 digest with its algorithm named: ``sha256:`` and 64 lower-case hexadecimal digits."""

HeadId = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$")]
"""An attention head as ``layer.head``, both counted from 0, for example ``9.6``."""

Count = Annotated[int, Field(ge=0)]
"""A number of things, or a place counted from 0."""

AtLeastOne = Annotated[int, Field(ge=1)]
"""A number of things of which there is at least one."""

RunId = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
]
"""A UUID version 7 (RFC 9562): sorts by time of creation."""

Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
"""A moment in UTC, to the second, for example ``2026-11-20T09:30:00Z``."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
"""A language by its two letters (ISO 639-1), for example ``en``."""


def measured(value: float, digits: int = DIGITS) -> Decimal:
    """The decimal that stands for a measured float from now on, rounded half to even.

    Raises:
        ValueError: the value is not finite; such a measurement is a finding, never a number.
    """
    if not math.isfinite(value):
        raise ValueError(f"a measurement came out as {value}")
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return abs(rounded) if rounded.is_zero() else rounded  # no negative zero on a page


class Record(BaseModel):
    """Base of every record: immutable, complete, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Scalar = str | int
Row = dict[str, Scalar]
Parameter = Scalar | Row | tuple[Scalar, ...] | tuple[Row, ...]
Parameters = dict[str, Parameter]
"""The values a statement is about, by name: integers, texts, decimals as strings, heads, rows of these."""


class Coded(Record):
    """A statement as a code with the values it is about, and the sentence it was printed as.

    The sentence is how an edition of auditkit worded the statement. Two statements are equal when all
    but their sentences are: a sentence may be improved, and what was stated stays the same.
    """

    SENTENCE: ClassVar[str]

    code: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    parameters: Parameters = {}

    def stated(self) -> dict[str, object]:
        """Everything that is stated, without the sentence it was printed as."""
        return self.model_dump(mode="json", exclude={self.SENTENCE})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.stated() == other.stated()

    def __hash__(self) -> int:
        return hash((type(self), self.code))


class NotAssessed(Coded):
    """Stands where a result would stand, and says why there is none. Never printed as zero.

    ``auditkit.records.reasons`` has the reasons by code.
    """

    SENTENCE = "reason"

    state: Literal["not_assessed"] = "not_assessed"
    reason: Annotated[str, Field(min_length=1)]


class Interval(Record):
    """A mean with its bootstrap percentile interval over examples.

    ``level`` is the nominal coverage (0.95), ``n`` the number of examples resampled.
    """

    mean: Measure
    low: Measure
    high: Measure
    level: Measure
    n: AtLeastOne
