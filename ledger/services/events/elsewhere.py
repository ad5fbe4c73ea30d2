"""Finding out what other hands have recalled: by events that came, and by read statuses that somebody asked for."""

import logging

from ledger.clock import Clock
from ledger.core.actors import WORKER
from ledger.core.chain_facts import ELSEWHERE
from ledger.store import elsewhere, history
from ledger.store.database import Database

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
            told = [one for one in elsewhere.told_gone(connection) if one.is_gone]
            new = elsewhere.mark(connection, told, now)
            entries = [
                history.Entry(
                    at=now,
                    event=ELSEWHERE,
                    actor=WORKER,
                    recall_id=None,
                    detail={
                        "messages": [
                            [one.message_id, one.robot_code, one.process_query_key, one.cause]
                            for one in new[start : start + history.ITEMS_PER_ENTRY]
                        ]
                    },
                )
                for start in range(0, len(new), history.ITEMS_PER_ENTRY)
            ]
            history.append(connection, entries)
        if new:
            log.info("%s messages were recalled by other hands", f"{len(new):,}")
        return len(new)
