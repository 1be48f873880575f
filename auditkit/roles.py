"""Token roles: what each position of a prompt is to its pair, from the token ids alone.

Positive and negative have the same number of tokens. A *difference* is a run of neighbouring
positions whose tokens differ. Each position has one role, the first of these that fits:

=========================  ====================================================================
``last``                   the last position, where the answer is read off
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

from auditkit.circuit import layer_order
from auditkit.codes import CodeSpace
from auditkit.records.base import NotAssessed
from auditkit.records.codes import Role
from auditkit.records.task import Circuit, Codes

ROLES: tuple[Role, ...] = get_args(Role)
"""All roles, in the order in which they are listed."""

NOWHERE = NotAssessed(reason="Nothing was attributed to the head at any position.")

_RUNS: tuple[Role, ...] = ("first difference", "second difference", "later difference")


def roles_of(positive: Sequence[int], negative: Sequence[int]) -> tuple[Role, ...]:
    """The role of every position of a pair of prompts, from their token ids."""
    differs = [one != other for one, other in zip(positive, negative, strict=True)]
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
    return (*found[:-1], "last")


def acting_heads(codes: Codes, circuit: Circuit, space: CodeSpace) -> tuple[str, ...]:
    """The heads whose roles are recorded: those of the signature and of the circuit, in layer order."""
    heads = {space.head_of(code) for code in codes.signature} | set(circuit.heads)
    return tuple(sorted(heads, key=layer_order))
