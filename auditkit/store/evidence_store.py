"""The append-only evidence store: every finished run, in order, under one signed Merkle root.

A rewrite of the whole database is invisible from inside it. What shows it is a checkpoint kept
elsewhere, so each report carries the one it got (``auditkit.records.audit.Checkpoint``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, select

from auditkit.bundle.evidence import stored_bytes
from auditkit.errors import EnvironmentUnavailableError, EvidenceError
from auditkit.records.audit import AuditRecord, Checkpoint
from auditkit.signing.notes import NoteSigner, SignedNote, head_in
from auditkit.store import appending, migrating, schema
from auditkit.store.appending import StoredNodes
from auditkit.store.auditing import AuditOutcome, audit
from auditkit.store.connecting import engine_of, explained, make_place, parsed, shown, writing
from auditkit.store.merkle import consistency_proof, inclusion_proof, leaf_hash, subtree_root
from auditkit.store.schema import checkpoint, leaf

_IDS_AT_ONCE = 500

Found = TypeVar("Found")


@dataclass(frozen=True)
class StoredRecord:
    """A record as the store keeps it: its exact bytes, its place from 0, its leaf hash."""

    body: bytes
    leaf_index: int
    hash: str


@dataclass(frozen=True)
class Summary:
    """One line about a stored run, read from its body."""

    leaf_index: int
    run_id: str
    finished: str
    verdict: str
    system: str
    model: str


class EvidenceStore:
    """Records appended to one database. Opened with ``EvidenceStore.open``."""

    def __init__(self, engine: Engine, name: str, origin: str, signer: NoteSigner | None) -> None:
        self._engine = engine
        self._name = name
        self._signer = signer
        self.origin = origin

    @classmethod
    def open(
        cls,
        url: str,
        *,
        create: bool = True,
        upgrade: bool = False,
        signer: NoteSigner | None = None,
    ) -> EvidenceStore:
        """The store at a database URL such as ``sqlite:///evidence.db``.

        With ``create`` a missing store is made, with its folder. With ``create`` or ``upgrade`` an older
        one is brought to the present schema. Without a ``signer`` the store can only be read.

        Raises:
            EnvironmentUnavailableError: no such store, no access, no space, no such kind of database, a
                store made by a newer auditkit, or one of an older schema that is only to be read.
            EvidenceError: the database is not a store, or one of its guards is missing.
        """
        where = parsed(url)
        name, engine = shown(where), engine_of(where)
        _require_place(where, create=create)
        with explained(name):
            if create or upgrade:
                _make_present(engine, create=create)
            with engine.begin() as connection:
                if schema.is_absent(connection):
                    raise EnvironmentUnavailableError(f"{name}: there is no evidence store")
                if schema.is_older(connection):
                    raise EnvironmentUnavailableError(
                        f"{name}: the store was made by an older auditkit",
                        advice=f"auditkit store upgrade --store {shown(where, as_url=True)}",
                    )
                schema.assert_intact(connection)
                origin = appending.origin_of(connection)
        return cls(engine, name, origin, signer)

    def append(self, record: AuditRecord) -> Checkpoint:
        """Appends a record, without its checkpoint, and returns the checkpoint it gets.

        Once this returns, the record survives a crash of the machine. Several processes may append
        at once: each waits for its turn.

        Raises:
            EvidenceError: the run is already stored (a correction is a new run that names the old), or
                what is stored is not what the last checkpoint was signed over.
            EnvironmentUnavailableError: no space, no access, or another process holds the store.
        """
        return self.append_all([record])[0]

    def append_all(self, records: Sequence[AuditRecord]) -> tuple[Checkpoint, ...]:
        """Appends records in one transaction, all or none, under one signed checkpoint.

        Each record's checkpoint is over the tree with all of them. Raises as ``append``.
        """
        bodies = [stored_bytes(record) for record in records]

        def write(connection: Connection) -> tuple[Checkpoint, ...]:
            _refuse_known(connection, [record.run_id for record in records])
            note = appending.append(connection, bodies, self._key())
            nodes, first = StoredNodes(connection), note.tree_size - len(bodies)
            return tuple(
                _checkpoint(nodes, note, index, leaf_hash(body))
                for index, body in enumerate(bodies, first)
            )

        return self._write(write)

    def append_bodies(self, bodies: Sequence[bytes]) -> SignedNote:
        """Appends records given as the bytes that ``stored_bytes`` makes of them, all or none.

        Returns the checkpoint signed over the tree with them. Raises as ``append``.
        """
        return self._write(lambda connection: appending.append(connection, bodies, self._key()))

    def witness(self) -> SignedNote:
        """The signed checkpoint over all records there are.

        Raises:
            EvidenceError: the store is empty, or does not begin with what was signed last.
        """
        return self._write(lambda connection: appending.current_note(connection, self._key()))

    def get(self, run_id: str) -> StoredRecord | None:
        """The stored bytes of a run, or ``None`` when the store does not hold it."""
        query = select(leaf.c.body, leaf.c.idx, leaf.c.hash).where(leaf.c.run_id == run_id)
        row = self._read(lambda connection: connection.execute(query).first())
        return None if row is None else StoredRecord(row.body, row.idx, _printed(row.hash))

    def list(self) -> tuple[Summary, ...]:
        """One summary per stored run, oldest first."""
        query = select(
            leaf.c.idx, leaf.c.run_id, leaf.c.finished, leaf.c.verdict, leaf.c.system, leaf.c.model
        ).order_by(leaf.c.idx)
        return self._read(
            lambda connection: tuple(Summary(*row) for row in connection.execute(query))
        )

    def beginning(self, characters: str) -> tuple[str, ...]:
        """The ids of the stored runs that begin with these characters, oldest first."""
        return tuple(run.run_id for run in self.list() if run.run_id.startswith(characters))

    def bodies(self, tree_size: int) -> Iterator[StoredRecord]:
        """The first ``tree_size`` records as they are stored, read as they are asked for."""
        query = select(leaf.c.body, leaf.c.idx, leaf.c.hash).order_by(leaf.c.idx).limit(tree_size)
        with explained(self._name), self._engine.begin() as connection:
            for row in connection.execute(query).yield_per(256):
                yield StoredRecord(row.body, row.idx, _printed(row.hash))

    def notes(self) -> tuple[SignedNote, ...]:
        """Every checkpoint that was signed, oldest first."""
        query = select(checkpoint).order_by(checkpoint.c.tree_size)
        return self._read(
            lambda connection: tuple(SignedNote(*row) for row in connection.execute(query))
        )

    @property
    def size(self) -> int:
        """How many records the store holds now."""
        return self._read(appending.size_of)

    def root_at(self, tree_size: int) -> str:
        """The root over the first ``tree_size`` records, from the kept tiles.

        Raises:
            EvidenceError: the store does not hold that many, or none were asked for.
        """

        def read(connection: Connection) -> str:
            _require_size(connection, tree_size)
            return _printed(subtree_root(StoredNodes(connection), 0, tree_size))

        return self._read(read)

    def inclusion(self, index: int, tree_size: int) -> tuple[bytes, ...]:
        """The audit path of record ``index`` in the tree over the first ``tree_size``.

        Raises:
            EvidenceError: the store does not hold that many.
            ValueError: the record is not among them.
        """

        def read(connection: Connection) -> tuple[bytes, ...]:
            _require_size(connection, tree_size)
            return inclusion_proof(StoredNodes(connection), index, tree_size)

        return self._read(read)

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """The proof that the tree over the first ``first`` records begins that over ``second``.

        Raises:
            EvidenceError: the store does not hold that many.
            ValueError: ``first`` is not between 1 and ``second``.
        """

        def read(connection: Connection) -> tuple[bytes, ...]:
            _require_size(connection, second)
            return consistency_proof(StoredNodes(connection), first, second)

        return self._read(read)

    def audit(self) -> AuditOutcome:
        """Recomputes every leaf hash, tile, root and signature from the stored bodies."""
        return self._read(audit)

    def _key(self) -> NoteSigner:
        if self._signer is None:
            raise ValueError("the store was opened without a signer, to be read only")
        return self._signer

    def _read(self, work: Callable[[Connection], Found]) -> Found:
        with explained(self._name), self._engine.begin() as connection:
            return work(connection)

    def _write(self, work: Callable[[Connection], Found]) -> Found:
        with explained(self._name), writing(self._engine) as connection:
            return work(connection)


def _checkpoint(nodes: StoredNodes, note: SignedNote, index: int, hashed: bytes) -> Checkpoint:
    head = head_in(note.note)
    return Checkpoint(
        origin=head.origin,
        tree_size=head.tree_size,
        leaf_index=index,
        leaf_hash=_printed(hashed),
        root_hash=_printed(head.root),
        inclusion_proof=tuple(map(_printed, inclusion_proof(nodes, index, head.tree_size))),
        note=note.note,
        verifier_key=note.verifier_key,
    )


def _refuse_known(connection: Connection, run_ids: Sequence[str]) -> None:
    if len(set(run_ids)) != len(run_ids):
        raise EvidenceError("the same run was to be stored twice")
    for start in range(0, len(run_ids), _IDS_AT_ONCE):
        some = run_ids[start : start + _IDS_AT_ONCE]
        query = select(leaf.c.run_id).where(leaf.c.run_id.in_(some)).limit(1)
        for known in connection.execute(query).scalars():
            raise EvidenceError(f"run {known} is already in the store")


def _require_size(connection: Connection, tree_size: int) -> None:
    size = appending.size_of(connection)
    if not 1 <= tree_size <= size:
        raise EvidenceError(f"the store holds {size} records, not {tree_size}")


def _printed(digest: bytes) -> str:
    return "sha256:" + digest.hex()


def _require_place(where: URL, *, create: bool) -> None:
    """The file of a SQLite store, or with ``create`` its folder, is there."""
    if where.get_backend_name() != "sqlite":
        return
    path = Path(where.database or "")
    if create:
        make_place(path)
    elif not path.is_file():
        raise EnvironmentUnavailableError(f"{path}: there is no evidence store")


def _make_present(engine: Engine, *, create: bool) -> None:
    """Brings an older store to the present schema; with ``create``, makes one where there is none."""
    with engine.begin() as connection:
        absent = schema.is_absent(connection)
        if (absent and not create) or not (absent or schema.is_older(connection)):
            return
    with writing(engine) as connection:
        if schema.is_absent(connection):  # another process may have been first
            schema.create(connection)
        elif schema.is_older(connection):
            migrating.migrate(connection)
