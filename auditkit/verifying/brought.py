"""What the reader brings to a verification, beside the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.report.own_templates.overriding import SHIPPED, Templates

if TYPE_CHECKING:
    from auditkit.store.evidence_store import EvidenceStore


@dataclass(frozen=True)
class Brought:
    """What is known or at hand where a run is verified; each check says what it lacks.

    ``trusted``: certificates (PEM) of signers the reader knows, or of the authorities that issued them.
    ``store``: the evidence store the run is said to be in; ``store_problem`` why it cannot be opened,
    which fails the check of it and no other. ``witnesses``: older reports, or checkpoints
    kept from that store. ``templates``: the provider's own, where the report was laid out with some.
    ``at``: the moment the reader asks about; ``now``: the present one.
    """

    trusted: Sequence[bytes] = ()
    store: EvidenceStore | None = None
    store_problem: str | None = None
    witnesses: Sequence[Path] = ()
    templates: Templates = SHIPPED
    at: datetime | None = None
    now: datetime | None = None


NOTHING = Brought()
"""A reader with nothing but the files."""
