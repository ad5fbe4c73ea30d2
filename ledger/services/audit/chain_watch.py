"""Follows a walk along the history: where it breaks, and what stands where checkpoints say what stood there."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ledger.core.audit.chain_damage import MOST_BREAKS, Break
from ledger.core.audit.chain_facts import LEFT
from ledger.core.audit.checkpoint import Checkpoint
from ledger.core.audit.history_start import HistoryStart
from ledger.core.audit.merkle import MerkleTree, leaf_of
from ledger.services.reports.verifier import linked
from ledger.store.audit import history
from ledger.store.audit.history import StoredEntry

# An entry is looked for among so many before one that does not fit.
LOOKED_BACK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundThere:
    """What stands at a place: the digest of the entry there, and the root of the tree up to it."""

    head: str
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Misfit:
    place: int
    stored: StoredEntry
    previous: str
    follows: int | None
    is_copy: bool
    gap: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftPart:
    """What is kept of the segments that have left: their roots, and what stood at the places of checkpoints."""

    start: HistoryStart = field(default_factory=HistoryStart)
    roots: Sequence[bytes] = ()
    standing: Mapping[int, FoundThere] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldOfLeft:
    """The entry that tells of what has left, and where it stands."""

    place: int
    entry: history.Entry


class ChainWatch:
    """Sees each entry once that is there, and keeps what the checkpoints ask for."""

    def __init__(
        self, checkpoints: Collection[Checkpoint], left: LeftPart | None = None, firsts: Collection[str] = ()
    ) -> None:
        """Take what may stand there, what has left, and the digests of what may be the first entry of this ledger."""
        left = left or LeftPart()
        self.start, self.firsts = left.start, frozenset(firsts)
        self._asked, self._heads = {one.entries for one in checkpoints}, {one.head for one in checkpoints}
        self._tree, self._recent = MerkleTree(), deque[str]([left.start.digest], LOOKED_BACK)
        self._last_id, self._misfits = left.start.last_id, list[_Misfit]()
        self.count, self.breaks_in_all = left.start.entries, 0
        self.previous = left.start.digest
        self.standing: dict[int, FoundThere] = dict(left.standing)
        self.told_of_left: ToldOfLeft | None = None
        self.places_of_heads: dict[str, int] = {}
        for root in left.roots:
            self._tree.add_segment(root)
        self._note()

    def see(self, stored: StoredEntry, right: str | None) -> None:
        """Take the next entry, with the digest that it has to have after the one before it."""
        digest = str(stored.digest)
        if right != stored.digest:
            self._break(stored, digest)
        self.count, self.previous, self._last_id = self.count + 1, digest, stored.id
        self._recent.append(digest)
        if stored.entry.event == LEFT:
            self.told_of_left = ToldOfLeft(place=self.count, entry=stored.entry)
        if self._asked:
            self._tree.add(leaf_of(digest))
            self._note()

    def breaks(self, connection: Connection) -> list[Break]:
        """Return where the chain breaks, each with what can be found out about it."""
        places = {one.previous: one.place - 1 for one in self._misfits}
        places |= {str(one.stored.digest): one.place for one in self._misfits}
        unsure = [str(one.stored.digest) for one in self._misfits if not one.is_copy]
        twice = history.digests_that_stand_twice(connection, unsure)
        return [
            Break(
                place=one.place,
                number=one.stored.id,
                follows=one.follows if one.follows is not None else _found(one, places),
                is_copy=one.is_copy or str(one.stored.digest) in twice,
                gap=one.gap,
            )
            for one in self._misfits
        ]

    @property
    def first_break(self) -> int | None:
        """The first place where the chain breaks."""
        return self._misfits[0].place if self._misfits else None

    def _note(self) -> None:
        if self.count in self._asked:
            self.standing[self.count] = FoundThere(head=self.previous, root=self._tree.root().hex())
        if self.previous in self._heads:
            self.places_of_heads.setdefault(self.previous, self.count)

    def _break(self, stored: StoredEntry, digest: str) -> None:
        self.breaks_in_all += 1
        if len(self._misfits) == MOST_BREAKS:
            return
        place = self.count + 1
        follows = next(
            (
                self.count - back
                for back, digest_before in enumerate(reversed(self._recent))
                if back and linked(digest_before, stored.entry) == stored.digest
            ),
            None,
        )
        self._misfits.append(
            _Misfit(
                place=place,
                stored=stored,
                previous=self.previous,
                follows=follows,
                is_copy=digest in self._recent,
                gap=max(stored.id - self._last_id - 1, 0),
            )
        )


def _found(misfit: _Misfit, places: dict[str, int]) -> int | None:
    """Return where the entry stands that a misfit was written after, among the places of other breaks."""
    for digest, place in places.items():
        if place != misfit.place - 1 and linked(digest, misfit.stored.entry) == misfit.stored.digest:
            return place
    return None
