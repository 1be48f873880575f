"""What is planted in a control model: the kinds of head, the roles they play, and the plan of a model.

Negative and backup heads were first described in GPT-2 small (Wang et al., arXiv:2211.00593).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """What a planted head is, by what intervening on it does.

    ``CIRCUIT`` carries the task. ``TINY`` does too, with an output of a fiftieth of the usual size.
    ``NEGATIVE`` opposes the task: silencing it raises the metric. ``CONSTANT_ROLE`` is needed but does
    the same on positives and negatives. ``BACKUP`` is silent until its primary is. The rest are null:
    ``INERT`` puts out nothing, ``NOISY`` a large output nobody reads, ``DECOY`` the task variable where
    nobody reads it, ``UNRELATED`` works for another task of the same model.
    """

    CIRCUIT = "circuit"
    TINY = "tiny"
    NEGATIVE = "negative"
    CONSTANT_ROLE = "constant role"
    BACKUP = "backup"
    INERT = "inert"
    NOISY = "noisy"
    DECOY = "decoy"
    UNRELATED = "unrelated"


NULL_KINDS = frozenset({Kind.INERT, Kind.NOISY, Kind.DECOY, Kind.UNRELATED})
"""Heads that have no effect on the task in any combination with others."""

CARRYING_KINDS = frozenset({Kind.CIRCUIT, Kind.TINY, Kind.NEGATIVE})
"""Heads that the intact model's answer depends on, through what differs from the negative."""

Role = Literal[
    "subject",
    "owner",
    "recall",
    "rare",
    "mover",
    "inhibition",
    "other",
    "opposing",
    "backup",
    "decoy",
    "noisy",
    "inert",
    "unrelated",
]
"""What a head does in "Ada likes red and Ben likes blue and Ada likes" -> "red".

``subject`` notes at the end who is asked about; ``owner`` notes at every colour whose it is;
``recall`` looks up the colour whose owner is the subject, ``rare`` for two names only; ``mover`` hands
it on to the answer. Where the right answer is the colour that the *other* one likes, ``inhibition`` turns
the subject into one to look away from, and ``other`` looks up the colour of the one left.
``opposing`` subtracts some of it; ``backup`` looks the colour up if ``recall`` did not. The others
are of the null kind of the same name.
"""

_CARRYING_ROLES: frozenset[Role] = frozenset(
    ("subject", "owner", "recall", "rare", "mover", "inhibition", "other")
)

Negatives = Literal["absent", "other", "swapped"]
"""How the matched negative differs: it asks about a name never mentioned (no answer), about the other
name (the other colour is right), or swaps who likes what (the other colour is right)."""

ControlKind = Literal["next_token", "classification"]
"""The kinds of task there are control models of: one that says the colour, one that says which sort it is."""


@dataclass(frozen=True)
class Asked:
    """What a model's prompts ask for: which person's colour, the colour or its sort, and in which pairs."""

    negatives: Negatives = "absent"
    whose: Literal["own", "other"] = "own"
    kind: ControlKind = "next_token"


@dataclass(frozen=True)
class PlannedHead:
    """A head to plant: its role, and by how much it scales what it moves."""

    role: Role
    gain: float = 1.0


@dataclass(frozen=True)
class ControlSpecification:
    """The plan of one control model; the same plan gives the same weights.

    ``layers``: the heads of each layer, two or three layers of equally many; ``seed`` decides which
    index each gets, the prompts, the rotation and the noise. ``attention`` is nearly all-or-nothing
    (``hard``, whose gradient vanishes) or graded (``soft``). ``tiny`` names the role whose output is
    tiny. ``rotated``: the residual basis is a random one instead of pairs of coordinates. ``noise``:
    standard deviation added to every weight, as a share of the smallest signal written. ``kind``: what is
    read off the answer, the colour or its sort.
    """

    name: str
    seed: int
    layers: tuple[tuple[PlannedHead, ...], ...]
    attention: Literal["hard", "soft"]
    negatives: Negatives = "absent"
    tiny: Literal["subject", "owner", "recall"] | None = None
    rotated: bool = False
    noise: float = 0.0
    kind: ControlKind = "next_token"

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            ValueError: layers of unequal width, a role in a layer that runs too early for what it
                reads, or a backup for negatives on which its primary is not silent.
        """
        if len(self.layers) not in (2, 3) or len({len(layer) for layer in self.layers}) != 1:
            raise ValueError(f"{self.name}: two or three layers of equally many heads are needed")
        for index, layer in enumerate(self.layers):
            for head in layer:
                if index not in self._layers_of(head.role):
                    raise ValueError(f"{self.name}: {head.role} cannot work in layer {index}")
        if self.negatives != "absent" and self.backup_gain:
            raise ValueError(f"{self.name}: a backup needs negatives that silence its primary")

    @property
    def heads_per_layer(self) -> int:
        """How many heads every layer has."""
        return len(self.layers[0])

    @property
    def relayed(self) -> bool:
        """Whether a mover in a third layer hands the recalled colour on to the answer."""
        return self._plants("mover")

    @property
    def asked(self) -> Asked:
        """What its prompts ask for."""
        whose: Literal["own", "other"] = "other" if self._plants("inhibition") else "own"
        return Asked(self.negatives, whose, self.kind)

    @property
    def backup_gain(self) -> float:
        """By how much backups together can replace the primary: 0 without one, 1 fully."""
        return sum(head.gain for layer in self.layers for head in layer if head.role == "backup")

    def kind_of(self, role: Role) -> Kind:
        """What a head of this role is in this model, given its negatives and its tiny role."""
        constant = "subject" if self.negatives == "swapped" else "owner"
        if role in _CARRYING_ROLES:
            if role == constant:
                return Kind.CONSTANT_ROLE
            return Kind.TINY if role == self.tiny else Kind.CIRCUIT
        return {
            "opposing": Kind.NEGATIVE,
            "backup": Kind.BACKUP,
            "decoy": Kind.DECOY,
            "noisy": Kind.NOISY,
            "inert": Kind.INERT,
            "unrelated": Kind.UNRELATED,
        }[role]

    def _plants(self, role: Role) -> bool:
        return any(head.role == role for layer in self.layers for head in layer)

    def _layers_of(self, role: Role) -> tuple[int, ...]:
        last = len(self.layers) - 1
        fixed: dict[Role, tuple[int, ...]] = {
            "subject": (0,),
            "owner": (0,),
            "recall": (1,),
            "rare": (1,),
            "inhibition": (1,),
            "decoy": (1,),
            "other": (2,),
            "mover": (2,),
            "opposing": (last,),
            "backup": (2,),
        }
        return fixed.get(role, tuple(range(last + 1)))


@dataclass(frozen=True)
class PlantedHead:
    """A head as planted. ``primary``: the head a backup stands in for. ``note`` says what it does."""

    head: str
    role: Role
    kind: Kind
    note: str
    primary: str | None = None
