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
class Asked:
    """What a reader expects of the report, so that no other is taken for it. ``None``: not asked.

    ``weights`` is the digest of the model's weights, ``policy`` of the policy's bytes, ``system`` the
    declared name, ``not_before`` the earliest moment at which the run may have finished, ``verdict``
    the overall one.
    """

    weights: str | None = None
    policy: str | None = None
    system: str | None = None
    not_before: datetime | None = None
    verdict: str | None = None


NOT_ASKED = Asked()


@dataclass(frozen=True)
class Brought:
    """What is known or at hand where a run is verified; each check says what it lacks.

    ``trusted``: certificates (PEM) of signers the reader knows, or of the authorities that issued them.
    ``signers`` are fingerprints of certificates, and ``signer_names`` names in them, one of which the signer
    has to have. ``stamping``: authorities of timestamps, and ``reviewers`` those of counter-signatures; where
    none are named, ``trusted`` serves for these too, and never the other way round. ``asked``: what the
    report has to be about.
    ``store``: the evidence store the run is said to be in; ``store_problem`` why it cannot be opened,
    which fails the check of it and no other; ``store_required``: a record that it lacks fails.
    ``witnesses``: older reports, or checkpoints
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
    signers: frozenset[str] = frozenset()
    signer_names: Sequence[str] = ()
    store_required: bool = False
    stamping: Sequence[bytes] = ()
    reviewers: Sequence[bytes] = ()
    asked: Asked = NOT_ASKED


NOTHING = Brought()
"""A reader with nothing but the files."""
