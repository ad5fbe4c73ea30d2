"""Where the history begins once its oldest segments have left, and what of them goes on to hold.

What has left is told of by an entry. It says how many entries left, the digest of the last one, the root of the tree
over all of them, and the facts that no recall takes along: tokens, policies, people who are erased.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.clock import parse_time
from ledger.core.audit import merkle
from ledger.core.audit.chain import GENESIS
from ledger.core.audit.chain_facts import ChainFacts, FactSink
from ledger.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStart:
    """The history begins after so many entries, of which the last had this number and this digest."""

    entries: int = 0
    last_id: int = 0
    digest: str = GENESIS

    @property
    def segments(self) -> int:
        """How many segments have left."""
        return self.entries // merkle.SEGMENT_ENTRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAge:
    """What an entry says of the age of what has left: so many entries, kept for some days, older than a time."""

    entries: int
    before: datetime
    days: int


def told_age(detail: Mapping[str, Any]) -> ToldAge | None:
    """Read that; None when somebody made something else of it."""
    try:
        before = parse_time(str(detail["before"]))
        return ToldAge(entries=int(detail["entries"]), before=before, days=int(detail["days"]))
    except (KeyError, TypeError, ValueError, InputError):
        return None


def root_of_left(roots: Sequence[str]) -> str:
    """Return the root over segments that have left, by the root of each; empty when one of these is none."""
    tree = merkle.MerkleTree()
    try:
        for root in roots:
            tree.add_segment(bytes.fromhex(root))
    except ValueError:
        return ""
    return tree.root().hex()


def carried(facts: ChainFacts) -> dict[str, Any]:
    """Return the facts that go on to hold, as an entry has them."""
    tokens, policies = ({str(number): row for number, row in rows.items()} for rows in (facts.tokens, facts.policies))
    reads_left = max((last for _, last, *_ in facts.reads), default=facts.reads_left)
    named = {"tokens": tokens, "policies": policies, "erased": dict(facts.erased)}
    stops = {"stops": list(facts.stops.values())} if facts.knows_stops else {}
    return {**named, "kept": facts.seal, "reads_left": reads_left, **stops}


def facts_after(sink: FactSink, detail: Mapping[str, Any]) -> ChainFacts:
    """Return the facts that hold where the history begins; raise what ChainFacts does when that is not what it says."""
    return ChainFacts(
        sink,
        tokens=_rows(detail["tokens"]),
        policies=_rows(detail["policies"]),
        erased=dict(detail["erased"]),
        seal=detail["kept"],
        left=frozenset(detail["recalls_left"]),
        stops={one["campaign"]: dict(one) for one in detail.get("stops", ())},
        # An earlier release did not carry them on.
        knows_stops="stops" in detail,
        reads_left=int(detail["reads_left"]),
        left_before=detail["before"],
    )


def _rows(numbered: Mapping[str, Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    return {int(number): dict(row) for number, row in numbered.items()}


def kept_path(path: Sequence[bytes]) -> list[str]:
    """Return a path as it is kept."""
    return [node.hex() for node in path]


def root_at(roots: Sequence[bytes], entries: int, digest: str, path: Sequence[str]) -> str | None:
    """Return the root of the tree when it had so many entries, the last with this digest.

    By the path that was kept of that one; None when it does not lead to the root of its segment.
    """
    segment, place = divmod(entries - 1, merkle.SEGMENT_ENTRIES)
    leaf = merkle.leaf_of(digest)
    try:
        nodes = [bytes.fromhex(node) for node in path]
    except (TypeError, ValueError):
        return None
    if segment >= len(roots) or merkle.root_by_path(leaf, place, merkle.SEGMENT_ENTRIES, nodes) != roots[segment]:
        return None
    tree = merkle.MerkleTree()
    for root in roots[:segment]:
        tree.add_segment(root)
    for height, node in _nodes_before(place, nodes):
        tree.add(node, height)
    tree.add(leaf)
    return tree.root().hex()


def _nodes_before(place: int, path: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the whole subtrees of a segment that stand before a place, the largest first, with their heights."""
    return ((height, path[height]) for height in reversed(range(len(path))) if place >> height & 1)
