"""What each role is as attention: where the head looks, and what it moves from where it looked.

Matrices here are between signals of slots, not yet between coordinates of the residual stream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from auditkit.controls.planting import ControlSpecification, PlannedHead, Role
from auditkit.controls.residual import WIDTHS
from auditkit.controls.vocabulary import LENGTH

TINY = 0.02
"""Size of a tiny head's output; whoever reads it amplifies it by the inverse."""

_SHARPNESS = {"hard": 40.0, "soft": 6.0}
_LOUD = 2.5  # a noisy head scales by this on the way in and again on the way out

Term = tuple[str, Tensor]
"""A slot, and a matrix ``[slot width, dimensions of the head]`` that reads it."""


@dataclass(frozen=True)
class Look:
    """Query and key. A position that matches in full has the logit ``sharpness``, the prompt's
    beginning half of that: a query that finds nothing rests there."""

    query: tuple[Term, ...]
    key: tuple[Term, ...]
    sharpness: float


@dataclass(frozen=True)
class Move:
    """Value and output. ``write`` is ``[dimensions of the head, slot width]`` into slot ``to``."""

    read: tuple[Term, ...]
    to: str
    write: Tensor


@dataclass(frozen=True)
class Wiring:
    """One head: where it looks and what it moves."""

    look: Look
    move: Move


def smallest_signal(specification: ControlSpecification) -> float:
    """The size of the smallest signal that is read: what weight noise must stay below."""
    return TINY if specification.tiny is not None else 1.0


def wire(
    head: PlannedHead, specification: ControlSpecification, generator: torch.Generator
) -> Wiring:
    """The wiring of one planned head. Only ``noisy`` draws from the generator."""
    return _WIRINGS[head.role](_Plan(specification, head.gain, generator))


@dataclass(frozen=True)
class _Plan:
    """What the wiring of one head depends on besides its role."""

    specification: ControlSpecification
    gain: float
    generator: torch.Generator

    @property
    def sharpness(self) -> float:
        return _SHARPNESS[self.specification.attention]

    def scale(self, slot: str) -> float:
        """The size at which a slot's signal is stored."""
        return TINY if slot == self.specification.tiny else 1.0

    def read(self, slot: str) -> Tensor:
        """A slot's signal at size 1, ``[width, width]``."""
        return torch.eye(WIDTHS[slot]) / self.scale(slot)

    def copy(self, slot: str, to: str) -> Move:
        """Moves a slot's signal, times the gain, to the first signals of another slot."""
        value = self.read(slot) * self.gain * self.scale(to)
        return Move(((slot, value),), to, torch.eye(WIDTHS[slot], WIDTHS[to]))

    def matching(self) -> Look:
        """Looks at the word whose owner is the subject asked about."""
        return Look(
            (("subject", self.read("subject")),), (("owner", self.read("owner")),), self.sharpness
        )


def _back(steps: int, sharpness: float, *, only_last: bool = False) -> Look:
    """Looks a fixed number of positions back, from everywhere or from the last position only."""
    shift = torch.diag(torch.ones(LENGTH - steps), -steps)  # row p holds a 1 in column p - steps
    if only_last:
        shift[:-1] = 0.0
    return Look((("position", shift),), (("position", torch.eye(LENGTH)),), sharpness)


def _subject(plan: _Plan) -> Wiring:
    return Wiring(_back(1, plan.sharpness, only_last=True), plan.copy("name", "subject"))


def _owner(plan: _Plan) -> Wiring:
    return Wiring(_back(2, plan.sharpness), plan.copy("name", "owner"))


def _recall(plan: _Plan) -> Wiring:
    to = "recall" if plan.specification.relayed else "answer"
    return Wiring(plan.matching(), plan.copy("colour", to))


def _mover(plan: _Plan) -> Wiring:
    return Wiring(_back(0, plan.sharpness), plan.copy("recall", "answer"))


def _opposing(plan: _Plan) -> Wiring:
    against = _Plan(plan.specification, -plan.gain, plan.generator)
    return _mover(against) if plan.specification.relayed else _recall(against)


def _backup(plan: _Plan) -> Wiring:
    """As ``recall``, but one recalled colour, whichever, takes off twice what a match gives."""
    match = plan.matching()
    (_, names), (_, owners) = match.query[0], match.key[0]
    one_more = torch.nn.functional.pad
    recalled = torch.zeros(WIDTHS["recall"], WIDTHS["name"] + 1)
    recalled[:, -1] = -2.0 / plan.scale("recall")
    owned = one_more(owners, (0, 1))
    owned[:, -1] = 1.0 / plan.scale("owner")
    look = Look(
        (("subject", one_more(names, (0, 1))), ("recall", recalled)),
        (("owner", owned),),
        plan.sharpness,
    )
    return Wiring(look, plan.copy("colour", "answer"))


def _rare(plan: _Plan) -> Wiring:
    """As ``recall``, but only two of the names are looked up: nothing else is a query."""
    match = plan.matching()
    (_, names), *_ = match.query
    only = torch.zeros_like(names)
    only[:2] = names[:2]
    look = Look((("subject", only),), match.key, plan.sharpness)
    return Wiring(look, plan.copy("colour", "answer"))


def _inhibition(plan: _Plan) -> Wiring:
    """Takes twice the subject off itself, which leaves its negative."""
    twice = _Plan(plan.specification, -2.0 * plan.gain, plan.generator)
    return Wiring(_back(0, plan.sharpness), twice.copy("subject", "subject"))


def _other(plan: _Plan) -> Wiring:
    """Looks at any word with an owner, less where the owner is the one looked away from."""
    match = plan.matching()
    (_, names), (_, owners) = match.query[0], match.key[0]
    one_more = torch.nn.functional.pad
    always = torch.zeros(LENGTH, names.shape[1] + 1)
    always[:, -1] = 1.0
    owned = one_more(owners, (0, 1))
    owned[:, -1] = 1.0 / plan.scale("owner")
    look = Look(
        (("subject", one_more(names, (0, 1))), ("position", always)),
        (("owner", owned),),
        plan.sharpness,
    )
    return Wiring(look, plan.copy("colour", "answer"))


def _decoy(plan: _Plan) -> Wiring:
    return Wiring(plan.matching(), plan.copy("colour", "unread"))


def _inert(plan: _Plan) -> Wiring:
    """Would move names, but matches nothing: it rests on the beginning, where there is no name."""
    nothing = torch.zeros(LENGTH, 1)
    look = Look((("position", nothing),), (("position", nothing),), _SHARPNESS["hard"])
    return Wiring(look, plan.copy("name", "unread"))


def _unrelated(plan: _Plan) -> Wiring:
    return Wiring(_back(1, plan.sharpness, only_last=True), plan.copy("name", "other answer"))


def _noisy(plan: _Plan) -> Wiring:
    """Random attention over positions, random mixtures of words and positions, all of it loud."""
    width = WIDTHS["unread"]

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=plan.generator)

    look = Look(
        (("position", draw(LENGTH, 2)),), (("position", draw(LENGTH, 2)),), _SHARPNESS["soft"] / 2
    )
    slots = ("begin", "name", "colour", "link", "position")
    read = tuple((slot, _LOUD * draw(WIDTHS[slot], width)) for slot in slots)
    return Wiring(look, Move(read, "unread", _LOUD * draw(width, width) / width**0.5))


_WIRINGS: dict[Role, Callable[[_Plan], Wiring]] = {
    "subject": _subject,
    "owner": _owner,
    "recall": _recall,
    "rare": _rare,
    "inhibition": _inhibition,
    "other": _other,
    "mover": _mover,
    "opposing": _opposing,
    "backup": _backup,
    "decoy": _decoy,
    "noisy": _noisy,
    "inert": _inert,
    "unrelated": _unrelated,
}
