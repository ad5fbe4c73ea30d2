"""What is kept of segments that have left the history, held against the checkpoints of before."""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection

from ledger.core.audit.chain import GENESIS
from ledger.core.audit.checkpoint import Checkpoint
from ledger.core.audit.history_start import root_at
from ledger.core.audit.merkle import MerkleTree
from ledger.services.audit.chain_watch import FoundThere, LeftPart
from ledger.store.audit import checkpoints, history_starts

# What stands where nothing that is kept leads to the root of the segment.
_NOTHING_THERE = FoundThere(head="", root="")


def of(connection: Connection, every: Collection[Checkpoint]) -> LeftPart:
    """Return what is kept, with what stood where checkpoints of before say what stood there."""
    start = history_starts.latest(connection)
    if not start.entries:
        return LeftPart()
    roots = [_bytes(one.root) for one in checkpoints.segments(connection)[: start.segments]]
    heads = defaultdict[int, set[str]](set)
    for one in every:
        heads[one.entries].add(one.head)
    standing = {0: FoundThere(head=GENESIS, root=MerkleTree().root().hex())}
    for entries, path in checkpoints.kept_paths(connection, start.entries):
        # Two of the same entries have the same path: one that leads to the root counts.
        if entries < start.entries and standing.get(entries, _NOTHING_THERE) is _NOTHING_THERE:
            found = ((head, root_at(roots, entries, head, path)) for head in heads[entries])
            fits = next(((head, root) for head, root in found if root is not None), None)
            standing[entries] = FoundThere(head=fits[0], root=fits[1]) if fits is not None else _NOTHING_THERE
    return LeftPart(start=start, roots=roots, standing=standing)


def _bytes(root: str) -> bytes:
    """Return a root as it is used; what somebody made of it is another one."""
    try:
        return bytes.fromhex(str(root))
    except ValueError:
        return str(root).encode("utf-8", "surrogatepass")
