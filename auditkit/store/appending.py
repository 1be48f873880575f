"""What one append writes: rows, the tiles they complete, and a checkpoint signed over the whole.

A checkpoint is signed only when the tree it is over begins with the tree of the last one signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, insert, select

from auditkit.errors import EvidenceError
from auditkit.signing.notes import NoteSigner, SignedNote, TreeHead, head_of, open_note
from auditkit.store.merkle import TILE, Tree, leaf_hash, subtree_root
from auditkit.store.schema import checkpoint, identity, leaf, tile


class StoredNodes:
    """The tree's nodes as the database keeps them, read in whole groups of 256 and kept."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._groups: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, level: int, first: int, last: int) -> Sequence[bytes]:
        """The roots of the perfect subtrees ``first`` to ``last - 1`` of ``256 ** level`` leaves.

        Raises:
            EvidenceError: the database does not hold them all.
        """
        found: list[bytes] = []
        for group in range(first // TILE, -(-last // TILE)):
            start = group * TILE
            nodes = self._group(level, group)[max(first - start, 0) : last - start]
            if len(nodes) != min(last, start + TILE) - max(first, start):
                raise EvidenceError(f"the store's tree has a gap at level {level}, group {group}")
            found += nodes
        return found

    def _group(self, level: int, group: int) -> list[bytes]:
        if (level, group) not in self._groups:
            table, start = tile if level else leaf, group * TILE
            query = select(table.c.idx, table.c.hash).order_by(table.c.idx)
            query = query.where(table.c.idx >= start, table.c.idx < start + TILE)
            if level:
                query = query.where(tile.c.level == level)
            rows = self._connection.execute(query).all()
            whole = [row.hash for place, row in enumerate(rows, start) if row.idx == place]
            self._groups[level, group] = whole if len(whole) == len(rows) else []
        return self._groups[level, group]


def size_of(connection: Connection) -> int:
    """How many records the store holds."""
    return int(connection.execute(select(func.coalesce(func.max(leaf.c.idx) + 1, 0))).scalar_one())


def origin_of(connection: Connection) -> str:
    """The random name of the store."""
    return str(connection.execute(select(identity.c.origin)).scalar_one())


def append(connection: Connection, bodies: Sequence[bytes], signer: NoteSigner) -> SignedNote:
    """Appends bodies and returns the checkpoint signed over the tree with them.

    Raises:
        EvidenceError: the tree that is there does not begin with the last one signed, or the database did
            not keep what it was given.
    """
    tree = _checked_tree(connection)
    rows, tiles, first = [], [], tree.size
    for place, body in enumerate(bodies, first):
        hashed = leaf_hash(body)
        rows.append({"idx": place, "hash": hashed, "body": body})
        tiles += [
            {"level": level, "idx": index, "hash": root} for level, index, root in tree.push(hashed)
        ]
    connection.execute(insert(leaf), rows)
    if tiles:
        connection.execute(insert(tile), tiles)
    _read_back(connection, rows, tiles)
    return _sign(connection, tree, signer)


def _read_back(
    connection: Connection,
    rows: Sequence[Mapping[str, object]],
    tiles: Sequence[Mapping[str, object]],
) -> None:
    """Nothing, where the database holds what it was given: a rule of its own may have dropped it unsaid."""
    for row in rows:
        query = select(leaf.c.hash, leaf.c.body).where(leaf.c.idx == row["idx"])
        kept = connection.execute(query).first()
        if kept is None or (kept.hash, kept.body) != (row["hash"], row["body"]):
            raise EvidenceError(
                "the store did not keep the record: something in the database drops it"
            )
    for each in tiles:
        at = (tile.c.level == each["level"]) & (tile.c.idx == each["idx"])
        if connection.execute(select(tile.c.hash).where(at)).scalar() != each["hash"]:
            raise EvidenceError("the store did not keep the record's tree: something drops it")


def current_note(connection: Connection, signer: NoteSigner) -> SignedNote:
    """The checkpoint signed over all records there are; signed now when none was.

    Raises:
        EvidenceError: there is no record, or the tree does not begin with the last one signed.
    """
    tree = _checked_tree(connection)
    if not tree.size:
        raise EvidenceError("the store holds no records, so there is nothing to witness")
    return note_at(connection, tree.size) or _sign(connection, tree, signer)


def note_at(connection: Connection, tree_size: int) -> SignedNote | None:
    """The checkpoint signed when the store held that many records, or ``None``."""
    row = connection.execute(select(checkpoint).where(checkpoint.c.tree_size == tree_size)).first()
    return None if row is None else SignedNote(*row)


def checked_head(note: SignedNote, origin: str) -> TreeHead:
    """What a stored note states, once its signature verifies with the key kept with it.

    Raises:
        EvidenceError: it does not, or it is about another store or another size.
    """
    head = head_of(open_note(note.note, note.verifier_key))
    if (head.origin, head.tree_size) != (origin, note.tree_size):
        raise EvidenceError(f"the checkpoint kept at {note.tree_size} is that of another tree")
    return head


def _checked_tree(connection: Connection) -> Tree:
    """The tree that is there, which begins with the last one that was signed."""
    nodes, size = StoredNodes(connection), size_of(connection)
    row = connection.execute(
        select(checkpoint).order_by(checkpoint.c.tree_size.desc()).limit(1)
    ).first()
    tree = Tree.of(nodes, size)
    if row is None:
        return tree
    head = checked_head(SignedNote(*row), origin_of(connection))
    if head.tree_size > size:
        raise EvidenceError(
            f"the store holds {size} records, but a checkpoint over {head.tree_size} was signed"
        )
    root = tree.root() if head.tree_size == size else subtree_root(nodes, 0, head.tree_size)
    if root != head.root:
        raise EvidenceError(
            f"the first {head.tree_size} records are not those that a checkpoint was signed over; "
            "auditkit store verify says which changed"
        )
    return tree


def _sign(connection: Connection, tree: Tree, signer: NoteSigner) -> SignedNote:
    signed = signer.sign(TreeHead(origin_of(connection), tree.size, tree.root()))
    connection.execute(insert(checkpoint).values(**vars(signed)))
    if note_at(connection, signed.tree_size) != signed:
        raise EvidenceError("the store did not keep its checkpoint: something drops it")
    return signed
