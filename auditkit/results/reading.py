"""A run where it lies: a directory, a report PDF, a pack, or a record in a store."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from auditkit.bundle.evidence import parse_evidence
from auditkit.bundle.names import EVIDENCE
from auditkit.errors import EnvironmentUnavailableError, InputError, Problem
from auditkit.results.run import Run
from auditkit.store.evidence_store import EvidenceStore
from auditkit.verifying.case import read_case

_ID = re.compile(r"[0-9a-f-]{1,36}")
"""What may be a run's id or the first characters of one."""


def read_run(named: str | Path, store: Callable[[], EvidenceStore]) -> Run:
    """The run at a path, else the stored one whose id begins so; ``store`` opens the store to look in.

    Raises:
        InputError: there is neither, or more than one stored run begins so.
        EvidenceError: what is there is damaged, or is not the evidence of a run.
        EnvironmentUnavailableError: there is no store to look in, or it cannot be read.
    """
    path = Path(named)
    if isinstance(named, Path) or path.exists() or not _ID.fullmatch(named):
        return Run(parse_evidence(read_case(path).part(EVIDENCE)), path)
    return _stored(named, store())


def _stored(beginning: str, store: EvidenceStore) -> Run:
    known = store.beginning(beginning)
    if len(known) != 1:
        message = f"{len(known)} stored runs start so"
        if not known:
            message = "no stored run starts so, and no file or folder has the name"
        advice = "auditkit list shows the ids of stored runs"
        raise InputError([Problem(beginning, None, "", message, advice)])
    stored = store.get(known[0])
    if stored is None:
        raise EnvironmentUnavailableError(f"run {known[0]} left the store while it was read")
    return Run(parse_evidence(stored.body), None)
