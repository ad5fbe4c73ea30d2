"""The tree over the history as the database stands: closed segments by their roots, what came since one by one."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from ledger.core.audit.chain import GENESIS
from ledger.core.audit.merkle import SEGMENT_ENTRIES, MerkleTree, leaf_of, root_of
from ledger.store.audit import checkpoints, history
from ledger.store.audit.checkpoints import ClosedSegment


@dataclass(slots=True)
class GrownTree:
    """What a checkpoint says, and the segments that are closed now and were not yet."""

    entries: int = 0
    last_id: int = 0
    head: str = GENESIS
    root: str = ""
    closed: list[ClosedSegment] = field(default_factory=list)


def root_at(connection: Connection, entries: int) -> str | None:
    """Return the root of the tree over the first so many entries; None when there are fewer."""
    known, tree = checkpoints.segments(connection), MerkleTree()
    number, rest = divmod(entries, SEGMENT_ENTRIES)
    if len(known) < number:
        known = [*known, *grow(connection).closed]
    if len(known) < number:
        return None
    for segment in known[:number]:
        tree.add_segment(bytes.fromhex(segment.root))
    digests = checkpoints.some_digests_after(connection, known[number - 1].last_id if number else 0, rest)
    for _, digest in digests:
        tree.add(leaf_of(digest))
    return tree.root().hex() if len(digests) == rest else None


def grow(connection: Connection) -> GrownTree:
    """Read what came after the last closed segment, in constant memory."""
    known, tree, grown, leaves = checkpoints.segments(connection), MerkleTree(), GrownTree(), list[bytes]()
    for segment in known:
        tree.add_segment(bytes.fromhex(segment.root))
    number = len(known)
    if known:
        grown.entries, grown.last_id = number * SEGMENT_ENTRIES, known[-1].last_id
        grown.head = history.digest_at(connection, grown.last_id) or GENESIS
    for last_id, head in checkpoints.digests_after(connection, grown.last_id):
        grown.last_id, grown.head = last_id, head
        grown.entries += 1
        leaves.append(leaf_of(head))
        if len(leaves) == SEGMENT_ENTRIES:
            root = root_of(leaves)
            tree.add_segment(root)
            grown.closed.append(ClosedSegment(number=number, last_id=grown.last_id, root=root.hex()))
            number += 1
            leaves.clear()
    for leaf in leaves:
        tree.add(leaf)
    grown.root = tree.root().hex()
    return grown
