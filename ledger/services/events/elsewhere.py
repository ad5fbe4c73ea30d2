"""Writing down what other hands have recalled: what events tell is looked for, what a read status says is handed in."""

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.actors import WORKER
from ledger.core.audit.chain_facts import ELSEWHERE
from ledger.core.events.elsewhere import ToldGone
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.events import elsewhere

log = logging.getLogger(__name__)


class ElsewhereFinder:
    """Writes it down, with an entry of the history in the same transaction; any number may look."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def run_once(self) -> int:
        """Write down what is certain and new; return how many messages that are."""
        with self._database.read() as connection:
            if not any(one.is_gone for one in elsewhere.told_gone(connection)):
                return 0
        with self._database.write() as connection:
            now = self._clock.now()
            # Looked at again: a recall of ours may have asked meanwhile.
            told = list(elsewhere.told_gone(connection))
            entries, new = written_down(connection, told, now)
            history.append(connection, entries)
        if new:
            log.info("%s messages were recalled by other hands", f"{new:,}")
        return new


def written_down(connection: Connection, told: Sequence[ToldGone], now: datetime) -> tuple[list[history.Entry], int]:
    """Write down what is gone; return what the history has to say of what is new, and how many messages that are."""
    new = elsewhere.mark(connection, [one for one in told if one.is_gone], now)
    rows = [[one.message_id, one.robot_code, one.process_query_key, one.cause] for one in new]
    entries = [
        history.Entry(
            at=now,
            event=ELSEWHERE,
            actor=WORKER,
            recall_id=None,
            detail={"messages": rows[start : start + history.ITEMS_PER_ENTRY]},
        )
        for start in range(0, len(rows), history.ITEMS_PER_ENTRY)
    ]
    return entries, len(new)
