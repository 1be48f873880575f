"""Checkpoints: the one a record carries, the store it names, and witnesses kept from earlier.

A witness is an older report (its directory, its PDF, its ``evidence.json``) or a saved checkpoint note.
A store that was rewritten as a whole is sound in itself; a witness from before shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.bundle.evidence import parse_evidence, stored_part
from auditkit.bundle.names import EVIDENCE
from auditkit.errors import EvidenceError, InputError
from auditkit.records.audit import AuditRecord, Checkpoint
from auditkit.signing.notes import TreeHead, head_in, head_of, is_signed_with, open_note
from auditkit.store.merkle import is_consistent, leaf_hash, root_of_inclusion
from auditkit.verifying.case import read_case
from auditkit.verifying.outcome import NotRunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.store.evidence_store import EvidenceStore

CLOCKS_APART = timedelta(hours=1)
"""How far two clocks may differ, or a record wait to be stored, before times contradict an order."""

_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True)
class Witness:
    """A checkpoint kept elsewhere: what it states, its note, and of a report also its key and time."""

    path: Path
    head: TreeHead
    note: str
    verifier_key: str | None
    finished: str | None


def checked_checkpoint(record: AuditRecord, evidence: bytes) -> Checkpoint:
    """The checkpoint of a record, once it is shown to be about this evidence, by arithmetic alone.

    Raises:
        EvidenceError: there is none, the record is not its leaf, the root does not follow from the
            leaf, or the note is not signed with the key named or states something else.
    """
    mark = record.checkpoint
    if mark is None:
        raise EvidenceError("the record has no checkpoint")
    leaf = leaf_hash(stored_part(evidence))
    if mark.leaf_hash != _printed(leaf):
        raise EvidenceError(f"the record's leaf hash is {_printed(leaf)}, not {mark.leaf_hash}")
    path = [bytes.fromhex(node.removeprefix("sha256:")) for node in mark.inclusion_proof]
    try:
        root = root_of_inclusion(leaf, mark.leaf_index, mark.tree_size, path)
    except ValueError as error:
        raise EvidenceError(str(error)) from error
    if mark.root_hash != _printed(root):
        raise EvidenceError("the checkpoint's root does not follow from the record's leaf hash")
    head = head_of(open_note(mark.note, mark.verifier_key))
    if head != TreeHead(mark.origin, mark.tree_size, root):
        raise EvidenceError(
            "the signed note states another store, size or root than the checkpoint"
        )
    return mark


def held_in_store(
    record: AuditRecord, evidence: bytes, mark: Checkpoint, store: EvidenceStore
) -> str:
    """What a store that holds this record under this checkpoint is said to hold.

    Raises:
        NotRunError: the store is not the one that the checkpoint names, or ends before the run.
        EvidenceError: it should hold the run and does not, holds another record of it, does not verify, or
            has another history.
    """
    row = store.get(record.run_id)
    if row is None and store.origin == mark.origin and mark.leaf_index < store.size:
        raise EvidenceError("the store that stored this run does not hold it any more")
    if row is None:
        raise NotRunError("the store given does not hold this run")
    if row.body != stored_part(evidence):
        raise EvidenceError("the store holds another record of this run")
    outcome = store.audit()
    if not outcome.clean:
        raise EvidenceError(f"the store does not verify: {outcome.problem}")
    if store.origin != mark.origin or store.root_at(mark.tree_size) != mark.root_hash:
        raise EvidenceError("the store's history is not the one the checkpoint was taken from")
    if mark.note not in {note.note for note in store.notes()}:
        raise EvidenceError("the store does not hold the checkpoint that was signed")
    return f"{outcome.good} records recomputed, the same root at {mark.tree_size}"


def witnessed(
    record: AuditRecord, mark: Checkpoint, paths: Sequence[Path], store: EvidenceStore | None
) -> str:
    """What the witnesses say of the checkpoint a record carries, one clause each.

    Raises:
        NotRunError: no witness was given, or one cannot be compared; the reason is said.
        EvidenceError: one contradicts the checkpoint, or is itself not what it says.
    """
    if not paths:
        raise NotRunError("no witness was given: an older report, or a saved checkpoint")
    said, open_questions = [], []
    for path in paths:
        try:
            said.append(f"{path.name}: {_compared(record, mark, read_witness(path), store)}")
        except NotRunError as error:
            open_questions.append(f"{path.name}: {error}")
    if open_questions:
        raise NotRunError("; ".join(open_questions + said))
    return "; ".join(said)


def agrees_with_store(path: Path, store: EvidenceStore) -> str:
    """What a witness states, when the store given begins with its tree.

    Raises:
        EvidenceError: it is of another store, signed with a key this store never used, or the store is
            shorter or has another root there.
    """
    witness = read_witness(path)
    head = witness.head
    if head.origin != store.origin:
        raise EvidenceError(f"a witness of another store, {head.origin}")
    keys = {note.verifier_key for note in store.notes()}
    known = [key for key in sorted(keys) if is_signed_with(witness.note, key)]
    if not known:
        raise EvidenceError("signed with a key that no checkpoint of this store is signed with")
    open_note(witness.note, known[0])
    if store.size < head.tree_size:
        raise EvidenceError(f"the store held {head.tree_size} records and now holds {store.size}")
    if store.root_at(head.tree_size) != _printed(head.root):
        raise EvidenceError(f"the first {head.tree_size} records are not those it was signed over")
    return f"{head.tree_size} of {store.size} records, the same root"


def read_witness(path: Path) -> Witness:
    """The witness at a path.

    Raises:
        EvidenceError: there is none, or the report's checkpoint is not one of its record.
    """
    try:
        if path.is_file():
            with path.open("rb") as stream:
                content = stream.read(_LIMIT)
            if not content.startswith((b"%PDF-", b"{")):
                note = content.decode("utf-8")
                return Witness(path, head_in(note), note, None, None)
            if content.startswith(b"{"):
                return _of_record(path, content)
        elif not path.is_dir():  # to read a pipe would be to wait for ever
            raise EvidenceError("neither a file nor a folder")
        return _of_record(path, read_case(path).part(EVIDENCE))
    except (EvidenceError, InputError, OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise EvidenceError(f"{path}: not a witness: {said}") from error


def _of_record(path: Path, evidence: bytes) -> Witness:
    record = parse_evidence(evidence)
    mark = checked_checkpoint(record, evidence)
    return Witness(path, head_in(mark.note), mark.note, mark.verifier_key, record.times.finished)


def _compared(
    record: AuditRecord, mark: Checkpoint, witness: Witness, store: EvidenceStore | None
) -> str:
    """What one witness says of the checkpoint."""
    head, mine = witness.head, head_in(mark.note)
    if head.origin != mine.origin:
        raise NotRunError(f"a witness of another store, {head.origin}")
    same_key = is_signed_with(witness.note, mark.verifier_key)
    if same_key:
        open_note(witness.note, mark.verifier_key)
    elif witness.verifier_key is None:
        raise NotRunError("a note signed with another key than the checkpoint")
    _require_same_tree(head, mine, store)
    _require_order(record, mark, witness)
    return f"{head.tree_size} records" + ("" if same_key else ", signed with another key")


def _require_same_tree(head: TreeHead, mine: TreeHead, store: EvidenceStore | None) -> None:
    """One of the two trees is the beginning of the other."""
    first, second = sorted((head, mine), key=lambda each: each.tree_size)
    if first.tree_size == second.tree_size:
        if first.root != second.root:
            raise EvidenceError(
                f"a witness of {first.tree_size} records has another root: "
                "the store was rewritten, or two were kept under one name"
            )
        return
    sizes = f"{head.tree_size} records, the checkpoint {mine.tree_size}"
    if store is None or store.origin != mine.origin:
        raise NotRunError(f"{sizes}; to compare them, give their store with --store")
    proof = store.consistency(first.tree_size, second.tree_size)
    if not is_consistent(first.tree_size, second.tree_size, first.root, second.root, proof):
        raise EvidenceError(f"{sizes}; neither begins with the other: the store was rewritten")


def _require_order(record: AuditRecord, mark: Checkpoint, witness: Witness) -> None:
    """The times stated do not contradict the order in which the two were stored."""
    if witness.finished is None:
        return
    ours, theirs = _moment(record.times.finished), _moment(witness.finished)
    later = mark.leaf_index >= witness.head.tree_size
    if later and ours + CLOCKS_APART < theirs:
        raise EvidenceError(
            f"the record says it finished at {record.times.finished}, but was stored after a "
            f"witness that finished at {witness.finished}: a clock was set back"
        )
    if not later and theirs + CLOCKS_APART < ours:
        raise EvidenceError(
            f"the record says it finished at {record.times.finished}, but was stored before a "
            f"witness that finished at {witness.finished}: a clock was wrong"
        )


def _moment(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


def _printed(digest: bytes) -> str:
    return "sha256:" + digest.hex()
