"""Freezing: what a plan takes and leaves out is written in transactions of bounded size, seen only when it is whole."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.message import Route
from ledger.core.plan import Candidate, Standing
from ledger.core.recall import Plan
from ledger.errors import DatabaseUnavailableError, PlanEndedError
from ledger.store import history, plans
from ledger.store.database import Database
from ledger.store.frozen import frozen_by

# So many items hold SQLite's write lock for some 30 ms; then others have it.
ROWS_PER_TRANSACTION = 1000
ROWS_PER_TRANSACTION_POSTGRESQL = 5000
# Whoever waits for SQLite's write lock looks for it now and then, and starves when it is taken again at once.
PAUSE_SECONDS = 0.01
MANY_ITEMS = 2000
_STANDINGS = tuple(Standing)


class SortedCandidates:
    """What was decided of each message of a plan, in a few bytes each."""

    def __init__(self) -> None:
        self.routes: dict[Route, int] = {}
        self._apps: list[str] = []
        self._taken, self._lanes = array("q"), array("q")
        self._skipped, self._standings = array("q"), array("b")

    def add(self, candidate: Candidate, standing: Standing) -> None:
        """Note what was decided; what another recall has recalled stands in that recall's history already."""
        if standing is Standing.ELIGIBLE:
            if candidate.route not in self.routes:
                self.routes[candidate.route] = len(self.routes)
                self._apps.append(candidate.route.app)
            self._taken.append(candidate.message_id)
            self._lanes.append(plans.lane_of(self.routes[candidate.route], in_doubt=candidate.in_doubt))
        elif standing is not Standing.ALREADY_RECALLED:
            self._skipped.append(candidate.message_id)
            self._standings.append(_STANDINGS.index(standing))

    @property
    def counts(self) -> Mapping[str, int]:
        """How many become items, and how many skips."""
        return {"items": len(self._taken), "skips": len(self._skipped)}

    def taken(self, rows: int) -> Iterator[Sequence[plans.Taken]]:
        """Yield what becomes items, so many at a time, in the order in which it came."""
        for start in range(0, len(self._taken), rows):
            here = slice(start, start + rows)
            yield [self._one_taken(*pair) for pair in zip(self._taken[here], self._lanes[here], strict=True)]

    def skipped(self, rows: int) -> Iterator[Sequence[plans.Skipped]]:
        """Yield what does not, so many at a time."""
        for start in range(0, len(self._skipped), rows):
            pairs = zip(self._skipped[start : start + rows], self._standings[start : start + rows], strict=True)
            yield [plans.Skipped(message_id=one, standing=_STANDINGS[standing]) for one, standing in pairs]

    def _one_taken(self, message_id: int, lane: int) -> plans.Taken:
        route = plans.lane_of(lane, in_doubt=True) if lane < 0 else lane
        return plans.Taken(message_id=message_id, app=self._apps[route], lane=lane, in_doubt=lane < 0)


class PlanWriter:
    """Writes one plan, whose row has been made."""

    def __init__(self, database: Database, clock: Clock, recall_id: int) -> None:
        self._database, self._clock, self._recall_id = database, clock, recall_id
        self._rows = ROWS_PER_TRANSACTION if database.is_sqlite else ROWS_PER_TRANSACTION_POSTGRESQL

    def fill(self, snapshot: Connection, found: SortedCandidates) -> None:
        """Write items and skips of what a transaction has read that still sees it."""
        for taken in found.taken(self._rows):
            with self._database.write() as connection:
                plans.prefer_indexes(connection)
                self._insist(connection)
                plans.take(connection, snapshot, self._recall_id, taken)
            self._let_others_write()
        for skipped in found.skipped(self._rows):
            with self._database.write() as connection:
                self._insist(connection)
                plans.skip(connection, snapshot, self._recall_id, skipped)
            self._let_others_write()

    def frozen(self, *, items: int, skips: int) -> Mapping[str, Any]:
        """Return the digests of all that was written: of so many items and skips."""
        with self._database.read() as connection:
            plans.prefer_indexes(connection)
            return frozen_by(connection, self._recall_id, items=items, skips=skips)

    def complete(self, plan: Plan, entry: history.Entry, next_lane: int) -> None:
        """Let the plan be seen, and write its entry of the history."""
        with self._database.write() as connection:
            self._insist(connection)
            plans.complete(connection, self._recall_id, plan.to_json(), next_lane)
            history.append(connection, [entry])
        if plan.eligible >= MANY_ITEMS:
            with self._database.write() as connection:
                plans.refresh_statistics(connection)

    def discard(self) -> None:
        """Delete what was written; without the database, the purge does that later."""
        with suppress(DatabaseUnavailableError):
            more = True
            while more:
                with self._database.write() as connection:
                    more = plans.delete_one(connection, self._recall_id, ROWS_PER_TRANSACTION)
                self._let_others_write()

    def _insist(self, connection: Connection) -> None:
        if not plans.lock_incomplete(connection, self._recall_id):
            raise PlanEndedError("making this plan took so long that it was given up: plan it again")

    def _let_others_write(self) -> None:
        if self._database.is_sqlite:
            self._clock.sleep(PAUSE_SECONDS)
