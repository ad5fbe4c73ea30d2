"""Evidence of recalls: their entries, each with the path that proves that a signed history holds it."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.audit.chain import GENESIS
from ledger.core.audit.checkpoint import Checkpoint
from ledger.core.audit.merkle import SEGMENT_ENTRIES, leaf_of, paths_of, root_of
from ledger.core.json_value import JsonValue, jsonable
from ledger.core.period import Period
from ledger.core.recalls.selection import Selection
from ledger.errors import InputError
from ledger.services.audit.checkpointer import Checkpointer
from ledger.services.reports import start_check
from ledger.services.reports.recalls import RecallReports
from ledger.services.reports.row_progress import UNSEEN, Progress
from ledger.services.reports.verifier import Verification, Verifier
from ledger.store.audit import checkpoints, history, history_starts
from ledger.store.audit.history import StoredEntry
from ledger.store.database import Database

MOST_RECALLS = 1000
EXPORTED = "exported"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenEntry(JsonValue):
    """An entry, its place in the history (from 0), the digest before it, and its path to the root of the checkpoint."""

    place: int
    stored: StoredEntry
    previous: str
    path: Sequence[bytes]

    def to_json(self) -> dict[str, Any]:
        """Return it as evidence holds it."""
        entry = self.stored.entry
        return {
            "place": self.place,
            "previous": self.previous,
            "at": jsonable(entry.at),
            "event": entry.event,
            "actor": entry.actor,
            "recall_id": entry.recall_id,
            "detail": entry.detail,
            "digest": self.stored.digest,
            "path": [node.hex() for node in self.path],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBefore(JsonValue):
    """So many entries are no longer in the history, nor are the recalls that had ended `before` when these left."""

    entries: int
    before: str


class Evidence:
    """Finds what belongs to some recalls. That it is handed out is an entry of its own."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        reports: RecallReports,
        checkpointer: Checkpointer,
        verifier: Verifier,
    ) -> None:
        self._database, self._clock, self._reports, self._checkpointer = database, clock, reports, checkpointer
        self._verifier = verifier

    def chosen(self, selection: Selection, recalled: Period) -> list[int]:
        """Return the recalls in which a message ended that fits; raise InputError when there are none, or too many."""
        found = sorted({item.recall_id for item in self._reports.history(selection, recalled=recalled)})
        if not found:
            left = self.left()
            gone = f" (recalls that ended before {left.before} have left the history)" if left is not None else ""
            raise InputError(f"nothing that was recalled fits{gone}: `ledger history` shows what there is")
        if len(found) > MOST_RECALLS:
            raise InputError(f"{len(found):,} recalls fit, and an export holds {MOST_RECALLS:,}: narrow it by time")
        return found

    def hand_out(
        self, recalls: Sequence[int], actor: str, *, is_signed: bool, progress: Progress = UNSEEN
    ) -> "HandedOut":
        """Write down who takes what along, and sign that too where there is a key.

        The history is checked first, so that nothing is signed unsaid that is shown and is not what it says.
        """
        found = self._verifier.run_once(progress=progress)
        detail = {"recalls": list(recalls)}
        entry = history.Entry(at=self._clock.now(), event=EXPORTED, actor=actor, recall_id=None, detail=detail)
        with self._database.write() as connection:
            history.append(connection, [entry])
        made = (
            self._checkpointer.run_once(but_for=("stdout",)).checkpoint if is_signed else self._checkpointer.unsigned()
        )
        return HandedOut(self._database, recalls, made, self.left(), found)

    def left(self) -> LeftBefore | None:
        """Return what is no longer there, and in no evidence; None when all of the history is."""
        with self._database.read() as connection:
            start = history_starts.latest(connection)
            if not start.entries:
                return None
            told = start_check.told_of(connection)
        return LeftBefore(entries=start.entries, before=str(told.get("before")))


class HandedOut:
    """The entries of some recalls, and of their being handed out, under one checkpoint; `left` is in no evidence.

    Of the `disputed` of these recalls, something is shown that is not what the history says; the history itself is
    whole unless `is_broken`.
    """

    def __init__(
        self,
        database: Database,
        recalls: Sequence[int],
        checkpoint: Checkpoint,
        left: LeftBefore | None,
        found: Verification,
    ) -> None:
        self._database, self._recalls, self.checkpoint, self.left = database, recalls, checkpoint, left
        self.disputed = [one for one in recalls if one in found.disputed_recalls]
        self.is_broken = found.broken_at is not None

    def entries(self) -> Iterator[ProvenEntry]:
        """Yield them in the order of writing; at most a segment of the history is held at once."""
        with self._database.read() as connection:
            segments = _Segments(connection, self.checkpoint.entries)
            for stored in history.of_recalls(connection, self._recalls, EXPORTED):
                if (found := segments.proven(stored)) is not None:
                    yield found


class _Segments:
    """The tree of a history, of which one segment is open at a time."""

    def __init__(self, connection: Connection, entries: int) -> None:
        self._connection = connection
        closed = checkpoints.segments(connection)[: entries // SEGMENT_ENTRIES]
        self._lasts = [one.last_id for one in closed]
        after = self._lasts[-1] if closed else 0
        self._tail = checkpoints.some_digests_after(connection, after, entries % SEGMENT_ENTRIES)
        roots = [bytes.fromhex(one.root) for one in closed]
        roots += [root_of([leaf_of(digest) for _, digest in self._tail])] if self._tail else []
        self._above = paths_of(roots)
        self._number, self._places, self._digests = -1, dict[int, int](), list[str]()
        self._paths: list[list[bytes]] = []

    def proven(self, stored: StoredEntry) -> ProvenEntry | None:
        """Return an entry with its path; None for one that came after the checkpoint."""
        number = bisect_left(self._lasts, stored.id)
        if number != self._number:
            self._open(number)
        place = self._places.get(stored.id)
        if place is None:
            return None
        return ProvenEntry(
            place=number * SEGMENT_ENTRIES + place,
            stored=stored,
            previous=self._digests[place],
            path=[*self._paths[place], *self._above[number]],
        )

    def _open(self, number: int) -> None:
        before = self._lasts[number - 1] if number else 0
        rows = self._tail
        if number < len(self._lasts):
            rows = checkpoints.some_digests_after(self._connection, before, SEGMENT_ENTRIES)
        first = history.digest_at(self._connection, before) if before else None
        self._digests = [first or GENESIS, *(digest for _, digest in rows)]
        self._places = {row[0]: place for place, row in enumerate(rows)}
        self._paths = paths_of([leaf_of(digest) for _, digest in rows])
        self._number = number
