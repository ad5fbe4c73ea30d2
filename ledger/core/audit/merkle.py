"""Trees of digests as in RFC 6962: one root stands for any number of entries, a short path proves that one is in it.

Entries are closed in segments of a fixed length that is a power of two, each of which is a whole subtree: its root
stands for it from then on.
"""

import hashlib
from collections.abc import Sequence

SEGMENT_ENTRIES = 1024
_SEGMENT_HEIGHT = SEGMENT_ENTRIES.bit_length() - 1
_EMPTY = hashlib.sha256(b"").digest()


def leaf_of(digest: str) -> bytes:
    """Return the leaf of an entry, by the digest that it has in the chain, as the text that it is."""
    return hashlib.sha256(b"\x00" + digest.encode("utf-8", "surrogatepass")).digest()


def node_of(left: bytes, right: bytes) -> bytes:
    """Return the node above two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """A tree that grows at its end; it keeps the roots of its whole subtrees only, of which there are few."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes, height: int = 0) -> None:
        """Take the next leaf, or the root of a whole subtree of a height."""
        while self._peaks and self._peaks[-1][0] == height:
            leaf, height = node_of(self._peaks.pop()[1], leaf), height + 1
        self._peaks.append((height, leaf))

    def add_segment(self, root: bytes) -> None:
        """Take the root of the next closed segment; only segments may stand before it."""
        self.add(root, _SEGMENT_HEIGHT)

    def root(self) -> bytes:
        """Return the root of all leaves so far."""
        peaks = [root for _, root in self._peaks]
        found = peaks.pop() if peaks else _EMPTY
        while peaks:
            found = node_of(peaks.pop(), found)
        return found


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root of some leaves."""
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def paths_of(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return the path of each leaf: the nodes that lead from it to the root, from below."""
    paths: list[list[bytes]] = [[] for _ in leaves]
    level, members = list(leaves), [[place] for place in range(len(leaves))]
    while len(level) > 1:
        above, merged = [], []
        for place in range(0, len(level), 2):
            if place + 1 == len(level):
                # The last one without a neighbour goes up as it is.
                above.append(level[place])
                merged.append(members[place])
                continue
            for one, other in ((place, place + 1), (place + 1, place)):
                for member in members[one]:
                    paths[member].append(level[other])
            above.append(node_of(level[place], level[place + 1]))
            merged.append(members[place] + members[place + 1])
        level, members = above, merged
    return paths


def root_by_path(leaf: bytes, place: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root to which a path leads from the leaf at a place of a tree of some size; None when it cannot.

    As in RFC 9162, 2.1.3.2.
    """
    if not 0 <= place < size:
        return None
    last, found = size - 1, leaf
    for node in path:
        if last == 0:
            return None
        if place % 2 or place == last:
            found = node_of(node, found)
            while place % 2 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_of(found, node)
        place, last = place >> 1, last >> 1
    return found if last == 0 else None
