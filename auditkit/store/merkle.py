"""The Merkle tree over a list of records: one digest that stands for all of them in their order.

Leaves and inner nodes are hashed with different prefixes, so that neither can pass for the other
(RFC 6962, section 2.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def leaf_hash(body: bytes) -> bytes:
    """The hash of one record: SHA-256(0x00 || body)."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_hash(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of the tree over leaf hashes in order; SHA-256 of nothing when there are none."""
    frontier = Frontier()
    for leaf in leaf_hashes:
        frontier.push(leaf)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: the roots of its perfect subtrees, largest first.

    A tree of n leaves has one perfect subtree per set bit of n, so that pushing a leaf and taking
    the root cost O(log n) hashes.
    """

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def push(self, leaf: bytes) -> None:
        """Appends a leaf hash."""
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(self._subtrees.pop(), node)
            size >>= 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree over the leaves pushed so far."""
        if not self._subtrees:
            return hashlib.sha256().digest()
        *rest, node = self._subtrees
        for subtree in reversed(rest):
            node = node_hash(subtree, node)
        return node
