"""The checks that ``auditkit verify`` makes, in order. Nothing here needs the model or torch.

 1. manifest      MANIFEST.json lists exactly the files that are there, unchanged
 2. attestation   the attestation's signature verifies with certificate.pem, over its exact bytes
 3. statement     the attestation speaks of exactly these files and of this record's verdict
 4. certificate   the signer is one the reader trusts, and the signature holds at the reader's moment
 5. pdf_seal      the PDF's signature holds, covers the whole file, and nothing was changed since
 6. pdf_signer    the PDF and the attestation have the same signer
 7. attachments   the PDF carries the same evidence, policy and HTML report
 8. evidence      evidence.json is a record of a known schema, in canonical form
 9. policy        policy.yaml is the policy the record names, and what it declares is what was judged
10. conclusions   circuits, comparisons and verdicts follow from the recorded measurements
11. report_html   report.html is what the record and the legal register give
12. checkpoint    the record is the leaf of its checkpoint, whose root follows from it and is signed
13. store         the evidence store holds the same record under the same root
14. witnesses     older reports and saved checkpoints belong to the same, only growing store
15. html_signature  report.html.p7s is the same signer's signature over report.html
16. extension     report.extended.pdf adds a reviewer's signature or timestamps, and nothing else
17. commitment    policy.yaml.p7s is a signature over this policy, from the time the record states
18. pack          (of a pack) it holds exactly the files it lists, and the record's model manifest
19. pack_help     (of a pack) its instructions and its verifier are those signed with the run
20. pdf_content   the PDF holds nothing that a reader's program runs, hides or shows otherwise
21. asked         weights, policy, system, time and verdict are those the reader asked for
22. pdf_pages     the pages of the PDF are what the record and the legal register give

A check that fails says why. A check that cannot be made says so and is not a failure. The reader
still owes two things: a trusted certificate (4), without which the signer is nobody in particular,
and an earlier report from the store (14), without which a rewritten store would not show.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from auditkit.bundle.evidence import NewerEvidenceError, parse_evidence
from auditkit.bundle.names import (
    ALL_NAMES,
    ATTESTATION,
    CERTIFICATE,
    COMMITMENT,
    EVIDENCE,
    EXTENDED_PDF,
    HTML,
    HTML_SIGNATURE,
    MANIFEST,
    PDF,
    POLICY,
)
from auditkit.bundle.run_files import expected_names, manifest, refuse_later
from auditkit.characters.spelling import visible
from auditkit.digest import sha256_hex
from auditkit.errors import AuditkitError, EnvironmentUnavailableError, EvidenceError
from auditkit.judging.editions import EDITIONS, edition_of
from auditkit.records.audit import Checkpoint
from auditkit.report.layout import drawable
from auditkit.report.view import document_title
from auditkit.resources import page_digest, tool
from auditkit.signing.dsse import describe, statement_about, verify_envelope
from auditkit.signing.keys.signer import fingerprint
from auditkit.verifying.against_policy import made_under
from auditkit.verifying.asking import about, as_asked
from auditkit.verifying.brought import NOTHING, Brought
from auditkit.verifying.case import Case, read_case
from auditkit.verifying.outcome import Check, NotRunError, Verification, one_line
from auditkit.verifying.pack_checks import helpers_as_signed, helpers_of, listed_exactly
from auditkit.verifying.pdf_content import attached_names, refuse_what_acts
from auditkit.verifying.recompute import mismatches
from auditkit.verifying.rendered import pdf_pages, report_html
from auditkit.verifying.sentences import otherwise_worded
from auditkit.verifying.signatures import certificate, commitment, extension, html_signature
from auditkit.verifying.witnesses import checked_checkpoint, held_in_store, witnessed


def verify(path: Path, brought: Brought = NOTHING) -> Verification:
    """Every check on a run's directory, a pack or a lone PDF.

    Raises:
        InputError: there is nothing to verify at the path, or a trusted certificate is not one.
        EvidenceError: it is a zip that cannot be opened without danger, or is damaged.
    """
    return check(read_case(path, brought), str(path))


def check(case: Case, path: str) -> Verification:
    """Every check on what was read already; ``path`` is what the result calls it."""
    every = enumerate((*STEPS, *PACKED, *LATER), start=1)
    checks = tuple(
        _make(number, step, case)
        for number, step in every
        if case.kind == "pack" or step not in PACKED
    )
    return Verification(path=path, kind=case.kind, checks=checks, about=about(case))


def _make(number: int, step: Step, case: Case) -> Check:
    try:
        detail = step.check(case)
    except NotRunError as error:
        reason = one_line(str(error))
        return Check(number, step.id, step.title, "not_run", reason, waived=error.waived)
    except (NewerEvidenceError, EnvironmentUnavailableError) as error:
        return Check(number, step.id, step.title, "not_run", one_line(str(error)))
    except AuditkitError as error:
        return Check(number, step.id, step.title, "failed", one_line(error.message))
    except Exception as error:  # noqa: BLE001 - hostile bytes: whatever breaks a check fails it
        reason = one_line(f"the check broke off: {type(error).__name__}: {error}")
        return Check(number, step.id, step.title, "failed", reason)
    return Check(number, step.id, step.title, "passed", one_line(detail))


# 1
def _manifest(case: Case) -> str:
    recorded = case.file(MANIFEST)
    refuse_later(recorded)
    files = {name: content for name, content in case.files.items() if name != MANIFEST}
    listed, there = _listed(recorded), _listed(manifest(files))
    differences = {
        "not listed": [*sorted(there.keys() - listed.keys()), *case.strangers],
        "missing": sorted(listed.keys() - there.keys()),
        "changed": sorted(n for n in listed.keys() & there.keys() if listed[n] != there[n]),
    }
    said = [f"{word}: {', '.join(names)}" for word, names in differences.items() if names]
    if said:
        raise EvidenceError("; ".join(said))
    if manifest(files) != recorded:
        raise EvidenceError(f"{MANIFEST} is not in its canonical form")
    try:
        expected = expected_names(case.record)
    except NotRunError:
        expected = (ALL_NAMES - {HTML, HTML_SIGNATURE, PDF, COMMITMENT}) | case.files.keys()
    if expected != case.files.keys():
        raise EvidenceError(f"a run with these reports has the files {', '.join(sorted(expected))}")
    return f"{len(files)} files, each with its recorded size and SHA-256"


def _listed(content: bytes) -> dict[str, tuple[object, object]]:
    try:
        entries = json.loads(content)["files"]
        return {str(entry["name"]): (entry["size"], entry["sha256"]) for entry in entries}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise EvidenceError(f"{MANIFEST} is not a list of files") from error


# 2
def _attestation(case: Case) -> str:
    verify_envelope(case.file(ATTESTATION), case.file(CERTIFICATE))
    return f"signed by {fingerprint(case.file(CERTIFICATE))}"


# 3
def _statement(case: Case) -> str:
    try:
        statement = verify_envelope(case.file(ATTESTATION), case.file(CERTIFICATE))
    except EvidenceError as error:
        raise NotRunError("the attestation does not verify") from error
    case.file(POLICY)  # a statement without its policy cannot be made
    covered = {n: content for n, content in case.files.items() if n not in {MANIFEST, ATTESTATION}}
    beside = helpers_of(statement)
    stated = {item.name: item for item in statement.subject if item not in beside}
    # The files come first: their digests can be compared even where the evidence cannot be read.
    there = {name: describe(name, content) for name, content in covered.items()}
    differing = sorted(
        name for name in stated.keys() | there if stated.get(name) != there.get(name)
    )
    if differing:
        raise EvidenceError(f"the attestation is about other files: {', '.join(differing)}")
    if statement != statement_about(case.record, covered, beside):
        raise EvidenceError("the attestation states another policy or verdict than the record")
    return f"{len(there)} files; result {statement.predicate.result}"


# 5
def _pdf_seal(case: Case) -> str:
    _require_pdf(case)
    if case.seal.problems:
        raise EvidenceError("; ".join(case.seal.problems))
    if case.kind != "pdf" and case.seal.reviewer is not None:
        raise EvidenceError(f"a reviewer's signature belongs into {EXTENDED_PDF}")
    with suppress(NotRunError):  # what cannot be read states no level, and fails elsewhere
        stated = case.record.signing
        if case.seal.level != stated.pades:
            raise EvidenceError(
                f"the signature is {case.seal.level}, the record states {stated.pades}"
            )
        if case.seal.visible is not stated.visible:
            shown = "a" if case.seal.visible else "no"
            raise EvidenceError(f"the PDF has {shown} visible seal, the record states otherwise")
    moment = f"{case.seal.signed_at:%Y-%m-%d %H:%M:%S %Z}"
    return f"PAdES {case.seal.level}, signed at {moment} by the signer's own clock"


# 6
def _pdf_signer(case: Case) -> str:
    _require_pdf(case)
    if case.file(CERTIFICATE) != case.seal.certificate:
        raise EvidenceError(f"the PDF was signed by {case.seal.certificate_sha256}")
    return f"both by {case.seal.certificate_sha256}"


# 7
def _attachments(case: Case) -> str:
    _require_pdf(case)
    attached_names(case.pdf)
    expected = {EVIDENCE, POLICY} | ({HTML} if case.wants(HTML) else set())
    if case.attachments.keys() - {HTML} != expected - {HTML} or expected - case.attachments.keys():
        raise EvidenceError(f"the PDF carries {', '.join(sorted(case.attachments)) or 'no file'}")
    if case.kind != "pdf":
        for name in sorted(case.attachments.keys() & case.files.keys()):
            if case.attachments[name] != case.files[name]:
                raise EvidenceError(f"the {name} inside the PDF is not the one beside it")
    return ", ".join(sorted(case.attachments))


# 8
def _evidence(case: Case) -> str:
    record = parse_evidence(case.part(EVIDENCE))
    return f"run {record.run_id}, schema {record.schema_version}"


# 9
def _policy(case: Case) -> str:
    digest = "sha256:" + sha256_hex(case.part(POLICY))
    if digest != case.record.policy.sha256:
        raise EvidenceError(f"{POLICY} has {digest}, the record names {case.record.policy.sha256}")
    return f"{digest}; {made_under(case.record, case.part(POLICY))}"


# 10
def _conclusions(case: Case) -> str:
    record, edition = case.record, edition_of(case.record)
    if edition is None:
        raise NotRunError(
            f"judged under rules {record.editions.rules}, this build has {max(EDITIONS)}: made by a newer "
            "auditkit"
        )
    if differing := mismatches(record, edition):
        raise EvidenceError(f"not what the measurements give: {', '.join(differing)}")
    n = len(record.tasks)
    tasks = f"{n} task{'' if n == 1 else 's'} recomputed under rules {edition.number}"
    if worded := otherwise_worded(record, edition):
        said = f"{', '.join(worded[:5])}{' and others' if len(worded) > 5 else ''}"
        if edition.one_wording or record.tool == tool():
            raise EvidenceError(f"a sentence is not the one its values give: {said}")
        raise NotRunError(
            f"{tasks}, codes and values agree; but another build of auditkit ({record.tool.version}) worded "
            f"{said}"
        )
    return f"{tasks}, sentence by sentence"


# 12
def _checkpoint(case: Case) -> str:
    mark = checked_checkpoint(case.record, case.part(EVIDENCE))
    return f"record {mark.leaf_index} of {mark.tree_size}, signed with {mark.verifier_key}"


# 13
def _store(case: Case) -> str:
    if case.brought.store_problem is not None:
        raise EvidenceError(case.brought.store_problem)
    if case.brought.store is None:
        raise NotRunError("no evidence store was given")
    try:
        return held_in_store(case.record, case.part(EVIDENCE), _carried(case), case.brought.store)
    except NotRunError as error:
        if case.brought.store_required:
            raise EvidenceError(f"the store that is required does not hold it: {error}") from error
        raise


# 14
def _witnesses(case: Case) -> str:
    return witnessed(case.record, _carried(case), case.brought.witnesses, case.brought.store)


def _carried(case: Case) -> Checkpoint:
    try:
        return checked_checkpoint(case.record, case.part(EVIDENCE))
    except EvidenceError as error:
        raise NotRunError("the record's own checkpoint does not verify") from error


# 20
def _pdf_content(case: Case) -> str:
    _require_pdf(case)
    title = None
    with suppress(NotRunError):  # evidence that cannot be read gives no title
        if case.record.editions.page == page_digest():
            title = visible(document_title(case.record), drawable())
    for content in (case.pdf, *(() if case.extended is None else (case.extended_pdf,))):
        refuse_what_acts(content, title)
    return (
        "no actions, scripts, layers, labels of pages, or marks but links within it and signatures"
    )


def _require_pdf(case: Case) -> None:
    if PDF not in case.files and not case.wants(PDF):
        raise NotRunError("the policy's report.formats leaves the PDF out")
    case.file(PDF)


@dataclass(frozen=True)
class Step:
    """One check of the protocol; its number is its place. The function returns what it found."""

    id: str
    title: str
    check: Callable[[Case], str]


STEPS = (
    Step("manifest", "The manifest lists exactly these files", _manifest),
    Step("attestation", "The attestation's signature verifies", _attestation),
    Step("statement", "The attestation speaks of these files", _statement),
    Step("certificate", "The signer is one you trust", certificate),
    Step("pdf_seal", "The PDF's seal holds for the whole file", _pdf_seal),
    Step("pdf_signer", "The PDF has the attestation's signer", _pdf_signer),
    Step("attachments", "The PDF carries the same evidence", _attachments),
    Step("evidence", "The evidence is a record in canonical form", _evidence),
    Step("policy", "The record was made under this policy", _policy),
    Step("conclusions", "The conclusions follow from the measurements", _conclusions),
    Step("report_html", "The HTML report is what the record gives", report_html),
    Step("checkpoint", "The signed checkpoint is one over this record", _checkpoint),
    Step("store", "The evidence store holds the same record", _store),
    Step("witnesses", "Older witnesses belong to the same store", _witnesses),
    Step("html_signature", "The HTML report has its own signature", html_signature),
    Step("extension", "What was signed later only adds to the PDF", extension),
    Step("commitment", "The policy was committed to before the run", commitment),
)

PACKED = (
    Step("pack", "The pack holds exactly what it lists", listed_exactly),
    Step("pack_help", "Its instructions and verifier are as signed", helpers_as_signed),
)
"""Checks made of a pack only."""

LATER = (
    Step("pdf_content", "The PDF holds nothing that acts or hides", _pdf_content),
    Step("asked", "It is the report that was asked for", as_asked),
    Step("pdf_pages", "The pages of the PDF are what the record gives", pdf_pages),
)
"""Checks that came after those of a pack, whose numbers stay what they are."""
