"""The checks that are made of a pack only: what is in it beside the run."""

from __future__ import annotations

from auditkit.bundle.packing import (
    BESIDE,
    INSTRUCTIONS,
    MODEL_MANIFEST,
    PACK,
    RUN,
    VERIFIER,
    listing,
    model_manifest,
    pack,
)
from auditkit.bundle.run_files import EXTENDED_PDF, refuse_later
from auditkit.errors import EvidenceError
from auditkit.verifying.case import Case
from auditkit.verifying.outcome import NotRunError


def listed_exactly(case: Case) -> str:
    """That a pack holds exactly what it lists, and the record's own model manifest."""
    refuse_later(case.packed[PACK])
    there = case.packed.keys() - {EXTENDED_PDF, *(f"{RUN}{name}" for name in case.files)}
    if there != BESIDE:
        raise EvidenceError(f"beside the run it holds {', '.join(sorted(there)) or 'nothing'}")
    if case.packed[PACK] != listing(case.packed):
        raise EvidenceError(f"{PACK} does not list exactly these files")
    if case.packed[MODEL_MANIFEST] != model_manifest(case.record.model):
        raise EvidenceError(f"{MODEL_MANIFEST} is not what the record gives")
    return f"{len(case.packed)} files, each as listed; the model's manifest is the record's"


def own_helpers(case: Case) -> str:
    """That a pack's instructions and verifier are those that this auditkit writes."""
    refuse_later(case.packed[PACK])
    again = pack(case.files, case.extended)
    other = [name for name in (INSTRUCTIONS, VERIFIER) if case.packed.get(name) != again[name]]
    if INSTRUCTIONS in other:  # they name the build that wrote them
        raise NotRunError(
            f"{INSTRUCTIONS} and {VERIFIER} are not those of this auditkit: another build packed them, "
            "or they were changed"
        )
    if other:
        raise EvidenceError(f"{VERIFIER} is not the one of the auditkit that it names")
    return f"{INSTRUCTIONS} and {VERIFIER} are those of this auditkit"
