"""What replacing each head alone does: one row per head of the model, arrays over the rows, a table.

A head that was not replaced alone has no effect that anybody knows. Its numbers are ``None`` in a row
and NaN in an array, the mask ``measured`` says so once more, and the table says so in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from auditkit.circuits.circuit import layer_order
from auditkit.records.base import HeadId, NotAssessed
from auditkit.records.causal import Chosen, PatchedHead
from auditkit.records.model import ModelIdentity
from auditkit.records.task import Codes, TaskRecord

_COLUMNS = ("head", "effect", "low", "high", "attributed", "in circuit", "declared")
_UNKNOWN = "not measured"
_LEGEND = """\
effect: share of the task effect lost when the head alone is replaced; low, high: its interval
attributed: the estimate from screening, before any head was replaced"""

Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True)
class HeadRow:
    """What is recorded of one head.

    ``mean``, ``low`` and ``high`` are the share of the task effect that is lost when the head alone is
    replaced by its value on the matched negative, with its interval over the discovery pairs;
    ``None`` where the head was not replaced alone. ``chosen`` says why it was. ``attributed`` is the
    estimate from screening, before any intervention. ``in_circuit`` is ``None`` where no circuit was
    assessed, ``declared`` where none was declared.
    """

    head: HeadId
    layer: int
    index: int
    mean: Decimal | None
    low: Decimal | None
    high: Decimal | None
    chosen: Chosen | None
    attributed: Decimal | None
    in_circuit: bool | None
    declared: bool | None

    @property
    def measured(self) -> bool:
        """Whether the head was replaced alone."""
        return self.mean is not None


@dataclass(frozen=True, repr=False)
class HeadEffects:
    """The rows of all heads of the model, in layer order, and arrays over them in the same order.

    ``reason`` says why no head was replaced; it is empty where some were.
    """

    rows: tuple[HeadRow, ...]
    reason: str

    @property
    def heads(self) -> tuple[HeadId, ...]:
        """The label of each place in the arrays."""
        return tuple(row.head for row in self.rows)

    @cached_property
    def measured(self) -> NDArray[np.bool_]:
        """Where an effect was measured."""
        return _fixed(np.array([row.measured for row in self.rows], dtype=np.bool_))

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """The mean effects; NaN where none was measured."""
        return _floats(row.mean for row in self.rows)

    @cached_property
    def low(self) -> NDArray[np.float64]:
        """The lower ends of the intervals; NaN where none was measured."""
        return _floats(row.low for row in self.rows)

    @cached_property
    def high(self) -> NDArray[np.float64]:
        """The upper ends of the intervals; NaN where none was measured."""
        return _floats(row.high for row in self.rows)

    def __getitem__(self, head: HeadId) -> HeadRow:
        """The row of a head; a ``KeyError`` where the model has none of that id."""
        for row in self.rows:
            if row.head == head:
                return row
        raise KeyError(head)

    def __repr__(self) -> str:
        """The table as text: measured heads by the size of their effect, then the others."""
        ordered = sorted(self.rows, key=lambda row: -abs(row.mean) if row.mean is not None else 1)
        cells = [_COLUMNS, *(_cells(row) for row in ordered)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        return "\n".join(
            [*lines, f"No head was replaced: {self.reason}" if self.reason else _LEGEND]
        )


def effects_of(task: TaskRecord, model: ModelIdentity) -> HeadEffects:
    """What a task's record says of every head of its model."""
    causal = task.causal
    patched = {} if isinstance(causal, NotAssessed) else {one.head: one for one in causal.patched}
    screened = task.codes.heads if isinstance(task.codes, Codes) else ()
    attributed = {one.head: one.attributed for one in screened}
    rows = tuple(
        _row(task, head, patched.get(head), attributed.get(head))
        for layer in model.layers
        for head in (f"{layer.index}.{index}" for index in range(layer.n_heads))
    )
    return HeadEffects(rows, causal.reason if isinstance(causal, NotAssessed) else "")


def _row(
    task: TaskRecord, head: HeadId, patched: PatchedHead | None, attributed: Decimal | None
) -> HeadRow:
    circuit, expected = task.circuit, task.expected
    layer, index = layer_order(head)
    return HeadRow(
        head=head,
        layer=layer,
        index=index,
        mean=None if patched is None else patched.effect.mean,
        low=None if patched is None else patched.effect.low,
        high=None if patched is None else patched.effect.high,
        chosen=None if patched is None else patched.chosen,
        attributed=attributed,
        in_circuit=None if isinstance(circuit, NotAssessed) else head in circuit.heads,
        declared=None if isinstance(expected, NotAssessed) else head in expected.heads,
    )


def _cells(row: HeadRow) -> tuple[str, ...]:
    numbers = (row.mean, row.low, row.high)
    shown = tuple("" if number is None else str(number) for number in numbers)
    return (
        row.head,
        *(shown if row.measured else (_UNKNOWN, "", "")),
        "" if row.attributed is None else str(row.attributed),
        _word(row.in_circuit, "not assessed"),
        _word(row.declared, "none declared"),
    )


def _word(known: bool | None, otherwise: str) -> str:
    return otherwise if known is None else "yes" if known else "no"


def _floats(values: Iterable[Decimal | None]) -> NDArray[np.float64]:
    numbers = [np.nan if value is None else float(value) for value in values]
    return _fixed(np.array(numbers, dtype=np.float64))


def _fixed(array: NDArray[Kind]) -> NDArray[Kind]:
    """The array, which nobody can write to: it belongs to a record."""
    array.flags.writeable = False
    return array
