"""The checks that are made of a pack only: what is in it beside the run."""

from __future__ import annotations

from auditkit.bundle.helpers import (
    HELPERS,
    INSTRUCTIONS,
    MODEL_MANIFEST,
    SIGNED_AS,
    described,
    helpers,
    model_manifest,
)
from auditkit.bundle.names import ATTESTATION, CERTIFICATE, EXTENDED_PDF
from auditkit.bundle.packing import BESIDE, PACK, RUN, listing
from auditkit.bundle.run_files import refuse_later
from auditkit.errors import EvidenceError
from auditkit.resources import tool
from auditkit.signing.dsse import Descriptor, Statement, describe, verify_envelope
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


def helpers_of(statement: Statement) -> tuple[Descriptor, ...]:
    """What an attestation says of the helpers of a pack; nothing where a run of an older auditkit made it.

    Raises:
        EvidenceError: it names some of them, or others.
    """
    beside = tuple(each for each in statement.subject if each.name.startswith(SIGNED_AS))
    if beside and {each.name.removeprefix(SIGNED_AS) for each in beside} != HELPERS:
        raise EvidenceError("the attestation names other helpers of a pack than auditkit packs")
    return beside


def helpers_as_signed(case: Case) -> str:
    """That a pack's instructions and verifier are those that the run's attestation covers.

    A run that an older auditkit sealed covers none: they are then held against those of this build.
    """
    refuse_later(case.packed[PACK])
    packed = {name: case.packed[name] for name in HELPERS & case.packed.keys()}
    try:
        signed = helpers_of(verify_envelope(case.file(ATTESTATION), case.file(CERTIFICATE)))
    except EvidenceError as error:
        raise NotRunError("the attestation does not verify") from error
    known = signed or described(helpers(case.record, case.files, case.file(CERTIFICATE)))
    build = case.record.tool if signed else tool()
    other = sorted(
        name
        for name, content in packed.items()
        if describe(f"{SIGNED_AS}{name}", content) not in known
    )
    if not other and signed:
        return "as the run's attestation covers them"
    if not other:
        return "those of this auditkit; the run's attestation covers none"
    if build.source_digest.encode("ascii") in packed.get(INSTRUCTIONS, b""):
        raise EvidenceError(f"{', '.join(other)}: not as auditkit {build.version} wrote it")
    raise NotRunError(
        f"{', '.join(other)}: not as signed with the run; another build packed it, or it was changed"
    )
