"""Which head of a control model plays which role: known from its plan, before any weight is written.

Needs no torch, so that what a record says was planted can be held against the plan anywhere.
"""

from __future__ import annotations

from random import Random

from auditkit.controls.planting import (
    CARRYING_KINDS,
    ControlSpecification,
    PlannedHead,
    PlantedHead,
    Role,
)

NOTES: dict[Role, str] = {
    "subject": "at the end, notes the name asked about",
    "owner": "at every colour, notes the name two words before",
    "recall": "looks up the colour whose owner is the name asked about",
    "rare": "looks it up for two of five names only",
    "mover": "hands the recalled colour on to the answer",
    "inhibition": "turns the name asked about into one to look away from",
    "other": "looks up the colour whose owner is not looked away from",
    "opposing": "subtracts some of the recalled colour from the answer",
    "backup": "looks the colour up itself when none was recalled",
    "decoy": "looks the colour up and writes it where nothing reads",
    "noisy": "writes a loud random mixture where nothing reads",
    "inert": "rests on the beginning of the prompt and puts out nothing",
    "unrelated": "repeats the name asked about, which is another task",
}
"""What a head of each role does, in words."""


def shuffled(specification: ControlSpecification) -> list[list[PlannedHead]]:
    """The planned heads, each layer in an order drawn from the seed."""
    draw = Random(specification.seed)  # noqa: S311 - a repeatable draw, not a secret
    return [draw.sample(layer, len(layer)) for layer in specification.layers]


def planted_heads(specification: ControlSpecification) -> tuple[PlantedHead, ...]:
    """Every head of the model in layer order, as planted."""
    placed = [
        (f"{layer}.{index}", head.role)
        for layer, heads in enumerate(shuffled(specification))
        for index, head in enumerate(heads)
    ]
    primary = next((head for head, role in placed if role == "recall"), None)
    return tuple(
        PlantedHead(
            head=head,
            role=role,
            kind=specification.kind_of(role),
            note=NOTES[role],
            primary=primary if role == "backup" else None,
        )
        for head, role in placed
    )


def planted_circuits(specification: ControlSpecification) -> tuple[frozenset[str], ...]:
    """The carrying heads; and, where backups replace the primary in full, what suffices with them."""
    planted = planted_heads(specification)
    carrying = frozenset(each.head for each in planted if each.kind in CARRYING_KINDS)
    if specification.backup_gain != 1.0:
        return (carrying,)
    roles = ("subject", "backup")
    return carrying, frozenset(each.head for each in planted if each.role in roles)
