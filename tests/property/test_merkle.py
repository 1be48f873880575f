"""The Merkle tree against RFC 6962, section 2.1, written down as it stands there."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.store.merkle import Frontier, leaf_hash, node_hash, root_hash

# Inputs and roots of the Certificate Transparency reference tests
# (google/certificate-transparency, merkletree tests), for the first 0 to 8 leaves.
CT_LEAVES = [
    bytes.fromhex(digits)
    for digits in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def merkle_tree_hash(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1: split at the largest power of two below n, and recurse."""
    n = len(entries)
    if n == 0:
        return hashlib.sha256(b"").digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < n:
        k *= 2
    left, right = merkle_tree_hash(entries[:k]), merkle_tree_hash(entries[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize("n", range(9))
def test_roots_are_those_of_certificate_transparency(n: int) -> None:
    """The published roots come out, digit by digit."""
    assert root_hash(leaf_hash(entry) for entry in CT_LEAVES[:n]).hex() == CT_ROOTS[n]


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_root_equals_the_recursive_definition(entries: list[bytes]) -> None:
    """For any records in any number, the root is what the RFC's recursion gives."""
    assert root_hash(leaf_hash(entry) for entry in entries) == merkle_tree_hash(entries)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40))
def test_growing_tree_has_the_root_of_every_prefix(entries: list[bytes]) -> None:
    """Appending one by one passes through the root of every shorter tree."""
    tree = Frontier()
    for count, entry in enumerate(entries, start=1):
        tree.push(leaf_hash(entry))
        assert tree.size == count
        assert tree.root() == merkle_tree_hash(entries[:count])


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_any_change_to_any_record_changes_the_root(
    entries: list[bytes], data: st.DataObject
) -> None:
    """Replacing, dropping or swapping a record gives another root."""
    at = data.draw(st.integers(0, len(entries) - 1))
    changed = [*entries[:at], entries[at] + b"x", *entries[at + 1 :]]
    shortened = entries[:at] + entries[at + 1 :]
    roots = {merkle_tree_hash(entries), merkle_tree_hash(changed), merkle_tree_hash(shortened)}
    assert len({root_hash(map(leaf_hash, e)) for e in (entries, changed, shortened)}) == 3
    assert len(roots) == 3


def test_a_leaf_is_never_an_inner_node() -> None:
    """The prefixes keep a record from passing for two hashes, and the reverse."""
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)
