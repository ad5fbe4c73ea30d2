"""The tree over the history: as RFC 6962 says, however it is built, and each path proves its leaf and no other."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.audit.merkle import SEGMENT_ENTRIES, MerkleTree, leaf_of, node_of, paths_of, root_by_path, root_of

LEAVES = [leaf_of(f"{number:064x}") for number in range(40)]


def _as_the_rfc_says(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_of(_as_the_rfc_says(leaves[:half]), _as_the_rfc_says(leaves[half:]))


@pytest.mark.parametrize("count", range(len(LEAVES)))
def test_the_root_is_that_of_rfc_6962(count: int) -> None:
    assert root_of(LEAVES[:count]) == _as_the_rfc_says(LEAVES[:count])


def test_closed_segments_stand_for_their_entries() -> None:
    leaves = [leaf_of(str(number)) for number in range(2 * SEGMENT_ENTRIES + 5)]
    tree = MerkleTree()
    for start in (0, SEGMENT_ENTRIES):
        tree.add_segment(root_of(leaves[start : start + SEGMENT_ENTRIES]))
    for leaf in leaves[2 * SEGMENT_ENTRIES :]:
        tree.add(leaf)
    assert tree.root() == root_of(leaves)


@given(st.integers(1, len(LEAVES)), st.data())
def test_a_path_leads_from_its_leaf_to_the_root_and_from_nothing_else(count: int, data: st.DataObject) -> None:
    leaves = LEAVES[:count]
    place = data.draw(st.integers(0, count - 1))
    root, path = root_of(leaves), paths_of(leaves)[place]
    assert root_by_path(leaves[place], place, count, path) == root
    assert root_by_path(leaf_of("another"), place, count, path) != root
    elsewhere = data.draw(st.integers(0, count - 1).filter(lambda one: one != place)) if count > 1 else count
    assert root_by_path(leaves[place], elsewhere, count, path) != root
    assert root_by_path(leaves[place], place, count, [*path, root]) is None
    assert not path or root_by_path(leaves[place], place, count, path[:-1]) is None


def test_a_place_outside_the_tree_proves_nothing() -> None:
    assert root_by_path(LEAVES[0], 1, 1, []) is None
    assert root_by_path(LEAVES[0], -1, 1, []) is None
