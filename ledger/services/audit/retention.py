"""The history is kept for a time: whole segments of it leave, with the recalls that they tell of, and keep their roots.

They leave in one transaction: from then on nobody sees them, an entry tells of it, and the history begins later. The
rows themselves go some at a time; whoever dies over it, the next one goes on.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock, format_time
from ledger.core.access.actors import WORKER
from ledger.core.audit import merkle
from ledger.core.audit.chain_facts import LEFT, ChainFacts
from ledger.core.audit.history_start import HistoryStart, carried, kept_path
from ledger.core.json_value import JsonValue, jsonable
from ledger.errors import WrongStateError
from ledger.services.audit.first_entry import first_digest
from ledger.services.audit.growing_tree import grow
from ledger.services.reports import start_check
from ledger.services.reports.verifier import Verifier
from ledger.store.audit import audit_reads, checkpoints, commitments, history, history_starts
from ledger.store.audit.checkpoints import ClosedSegment
from ledger.store.audit.history_starts import Old
from ledger.store.database import Database
from ledger.store.persons import persons
from ledger.store.recalls import plans
from ledger.store.upkeep import chores

ROWS_PER_TRANSACTION = 1000
# When it was last looked for what may leave. A clock that leaps further is believed once it has stood for a day.
LOOKED = "history looked at"
MOST_BETWEEN_LOOKS = timedelta(days=2)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftNow(JsonValue):
    """How many entries of the history left just now, and how many recalls with them."""

    entries: int = 0
    recalls: int = 0


@dataclass(slots=True, kw_only=True)
class _Leaving:
    """What leaves: where the history begins then, the facts that go on, the paths of checkpoints by their number."""

    start: HistoryStart
    facts: ChainFacts
    segments: list[ClosedSegment]
    paths: dict[int, list[str]] = field(default_factory=dict)


class Retention:
    """Lets go what is older than `days`; without these, nothing more than what has begun to leave."""

    def __init__(self, database: Database, clock: Clock, verifier: Verifier, days: int | None) -> None:
        self._database, self._clock, self._verifier, self._days = database, clock, verifier, days

    def run_once(self) -> LeftNow:
        """Let leave what may, and delete the rows of what has left; raise WrongStateError when something does not fit.

        What does not fit is not destroyed: it is evidence.
        """
        left = self._let_go(timedelta(days=self._days)) if self._days is not None else LeftNow()
        self._delete_rows()
        if left.entries:
            facts = {"entries": left.entries, "recalls": left.recalls}
            log.info("%s entries and %s recalls have left the history", *facts.values(), extra={"facts": facts})
        return left

    def _let_go(self, age: timedelta) -> LeftNow:
        now = self._trusted_now()
        old = Old(before=now - age, now=now)
        with self._database.read() as connection:
            start = history_starts.latest(connection)
            leaving = list(_old_segments(connection, start, old))
        if not leaving:
            return LeftNow()
        if not self._verifier.run_once().ok:
            raise WrongStateError("the history does not fit, so that nothing of it leaves: `ledger verify` says where")
        with self._database.read() as connection:
            gathered = _gathered(connection, start, leaving)
        with self._database.write() as connection:
            return self._apply(connection, start, gathered, old)

    def _trusted_now(self) -> datetime:
        """Return the time, but for what a clock has leapt ahead since the last look: that counts with the next one."""
        now = self._clock.now()
        with self._database.write() as connection:
            looked_at = chores.note_done(connection, LOOKED, now)
        if looked_at is None or now <= looked_at + MOST_BETWEEN_LOOKS:
            return now
        days = (now - looked_at).days
        log.info("the last look at what may leave the history is %s days old: what is due leaves with the next", days)
        return looked_at + MOST_BETWEEN_LOOKS

    def _apply(self, connection: Connection, start: HistoryStart, leaving: _Leaving, old: Old) -> LeftNow:
        new, very_first = leaving.start, first_digest(connection)
        commitments.lock_people(connection)
        checkpoints.add_segments(connection, leaving.segments)
        first = history_starts.first_to_stay(connection, start, old)
        is_as_seen = history_starts.latest(connection) == start and (first is None or first > new.last_id)
        gone = history_starts.let_recalls_go(connection, start, new.last_id, old) if is_as_seen else None
        if gone is None:
            raise WrongStateError("what was to leave the history changed meanwhile: the next time will do")
        _forget_people(connection, leaving.facts)
        says = {
            "days": self._days,
            "before": format_time(old.before),
            "entries": new.entries,
            "last_id": new.last_id,
            "digest": new.digest,
            "root": start_check.kept_root(connection, new),
            "first": very_first,
            "recalls": len(gone),
            "recalls_left": history_starts.left_with_entries(connection, start, new.last_id, leaving.facts.left),
        }
        detail = {**says, **carried(leaving.facts)}
        audit_reads.let_go(connection, detail["reads_left"])
        checkpoints.keep_paths(connection, leaving.paths)
        history_starts.add(connection, new)
        entry = history.Entry(at=self._clock.now(), event=LEFT, actor=WORKER, recall_id=None, detail=detail)
        history.append(connection, [entry])
        return LeftNow(entries=new.entries - start.entries, recalls=len(gone))

    def _delete_rows(self) -> None:
        with self._database.read() as connection:
            if not history_starts.is_left(connection):
                return
        for delete in (plans.delete_left, history_starts.delete_left):
            more = True
            while more:
                with self._database.write() as connection:
                    more = delete(connection, ROWS_PER_TRANSACTION)
                if more:
                    self._database.let_others_write()


def _old_segments(connection: Connection, start: HistoryStart, old: Old) -> Iterator[ClosedSegment]:
    """Yield the segments after the start that may leave, all of which are closed."""
    first = history_starts.first_to_stay(connection, start, old)
    known = [*checkpoints.segments(connection), *grow(connection).closed]
    for segment in known[start.segments :]:
        if first is not None and segment.last_id >= first:
            return
        yield segment


def _gathered(connection: Connection, start: HistoryStart, segments: list[ClosedSegment]) -> _Leaving:
    """Read what leaves: the facts that it says, the root of each segment, the paths that checkpoints will need."""
    _, facts = start_check.begin(connection, _Nowhere())
    leaving = _Leaving(start=start, facts=facts, segments=segments)
    asked = _asked(connection, start, len(segments))
    for segment in segments:
        leaves = []
        for stored in history.read_all(connection, leaving.start.last_id, segment.last_id):
            entry = stored.entry
            facts.add(jsonable(entry.at), entry.event, entry.actor, entry.recall_id, entry.detail)
            leaves.append(merkle.leaf_of(stored.digest))
        if len(leaves) != merkle.SEGMENT_ENTRIES or merkle.root_of(leaves).hex() != segment.root:
            raise WrongStateError(f"segment {segment.number} of the history is not what its root says: nothing leaves")
        entries = leaving.start.entries + merkle.SEGMENT_ENTRIES
        leaving.start = HistoryStart(entries=entries, last_id=segment.last_id, digest=stored.digest)
        if segment.number in asked:
            paths = merkle.paths_of(leaves)
            leaving.paths |= {number: kept_path(paths[place]) for number, place in asked[segment.number]}
    return leaving


def _asked(connection: Connection, start: HistoryStart, segments: int) -> Mapping[int, list[tuple[int, int]]]:
    """Return the checkpoints that end in each segment that leaves: their numbers, and where in it they end."""
    found = defaultdict[int, list[tuple[int, int]]](list)
    up_to = start.entries + segments * merkle.SEGMENT_ENTRIES
    for number, entries in checkpoints.between(connection, start.entries, up_to):
        segment, place = divmod(entries - 1, merkle.SEGMENT_ENTRIES)
        found[segment].append((number, place))
    return found


def _forget_people(connection: Connection, facts: ChainFacts) -> None:
    """Keep no commitment of whom nothing names any more, and seal those that stay."""
    if facts.seal is not None or commitments.any_kept(connection):
        persons.forget_commitments(connection)
        facts.erased = dict(commitments.of_erased(connection, facts.erased))
        facts.seal = commitments.seal(connection)


class _Nowhere:
    """Takes the facts of items and calls that leave along with their recalls."""

    def end_item(self, item_id: int, columns: Mapping[str, Any]) -> None:
        """Forget it."""

    correct_item = end_item
    close_call = end_item
    end_send = end_item

    def reopen_item(self, item_id: int) -> None:
        """Forget it."""
