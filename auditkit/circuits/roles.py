"""Token roles: what each position of a prompt is to its pair, from the token ids alone.

The negative is laid out in the places of the positive. A *difference* is a run of neighbouring positions
whose tokens differ, or where one of the prompts has tokens left over. One of ``last``, ``first`` and
``mask`` is there at most: none where the answer is read off several positions. Each position has one
role, the first of these that fits:

=========================  ====================================================================
``last``                   the last position, where the answer is read off
``first``                  the first position, where the answer is read off
``mask``                   the mask, where the answer is read off
``first difference``       in the first run that differs; likewise ``second`` and ``later``
``repeat of a difference``  behind a difference, with a token of the positive that stands in one
``after a difference``     the position right behind a run
``before any difference``  before the first run: the two prompts are alike up to here
``elsewhere``              any other position
=========================  ====================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from auditkit.circuits.circuit import layer_order
from auditkit.circuits.codes import CodeSpace, RankedCodes
from auditkit.prompts.aligning import aligned_ids, uneven_places
from auditkit.records.codes import Role
from auditkit.records.reasons import not_assessed
from auditkit.records.task import Circuit, Codes

ROLES: tuple[Role, ...] = get_args(Role)
"""All roles, in the order in which they are listed."""

NOWHERE = not_assessed("nothing_attributed")

_RUNS: tuple[Role, ...] = ("first difference", "second difference", "later difference")


def roles_of(
    positive: Sequence[int],
    negative: Sequence[int],
    read_off: tuple[int, Role] | None = (-1, "last"),
    alignment: Sequence[int] = (),
) -> tuple[Role, ...]:
    """The role of every position of a pair of prompts, from their token ids.

    ``read_off`` is the position that the answer is read off, and its role; ``None`` if it is several.
    ``alignment`` is that of the pair, where its prompts differ in length.
    """
    left_over = uneven_places(alignment) if alignment else (False,) * len(positive)
    differs = [
        one != other or over
        for one, other, over in zip(
            positive, aligned_ids(negative, alignment), left_over, strict=True
        )
    ]
    replaced: set[int] = set()
    found: list[Role] = []
    runs = 0
    for place, (token, here) in enumerate(zip(positive, differs, strict=True)):
        behind = place > 0 and differs[place - 1]
        if here:
            runs += not behind
            replaced.add(token)
            found.append(_RUNS[min(runs, len(_RUNS)) - 1])
        elif token in replaced:
            found.append("repeat of a difference")
        elif behind:
            found.append("after a difference")
        else:
            found.append("elsewhere" if runs else "before any difference")
    if read_off is not None:
        found[read_off[0]] = read_off[1]
    return tuple(found)


def acting_heads(codes: Codes | RankedCodes, circuit: Circuit, space: CodeSpace) -> tuple[str, ...]:
    """The heads whose roles are recorded: those of the signature and of the circuit, in layer order."""
    heads = {space.head_of(code) for code in codes.signature} | set(circuit.heads)
    return tuple(sorted(heads, key=layer_order))
