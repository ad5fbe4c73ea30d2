"""Readings of the audit are sealed by an entry of the history: their number, and a digest over all of them."""

from collections.abc import Iterator

from ledger.clock import Clock
from ledger.core.access.actors import WORKER
from ledger.core.audit.reads import SEALED, SEALED_AFTER, SEALED_READS, Read
from ledger.store.audit import audit_reads, history
from ledger.store.audit.audit_reads import Unsealed
from ledger.store.database import Database


class ReadSealer:
    """Adds that entry once there are many, or the first of them is a day old."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def run_if_due(self) -> None:
        """Seal what is not, when it is time."""
        with self._database.read() as connection:
            is_due = self._is_due(audit_reads.unsealed(connection))
        if is_due:
            self.run_once()

    def run_once(self) -> int:
        """Seal what is not; return how many readings that was."""
        with self._database.write() as connection:
            audit_reads.lock(connection)
            part = audit_reads.unsealed(connection)
            if not part.count:
                return 0
            count, digest = audit_reads.digest_between(connection, part.after, part.last)
            audit_reads.note_sealed(connection, part.last)
            detail = {"after": part.after, "last": part.last, "count": count, "digest": digest}
            entry = history.Entry(at=self._clock.now(), event=SEALED, actor=WORKER, recall_id=None, detail=detail)
            history.append(connection, [entry])
        return count

    def newest(self, limit: int | None = None) -> Iterator[Read]:
        """Yield readings, newest first, sealed or not."""
        with self._database.read() as connection:
            yield from audit_reads.newest(connection, limit)

    def _is_due(self, part: Unsealed) -> bool:
        # A time that lies ahead says that somebody set the clock back.
        is_old = part.since is not None and not part.since <= self._clock.now() < part.since + SEALED_AFTER
        return bool(part.count) and (is_old or part.count >= SEALED_READS)
