"""Finding out what other hands have recalled: what events tell is looked for, what a read status says is handed in."""

import logging

from ledger.clock import Clock
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
        # Loaded here, not above: each `ledger campaigns` looks, and hardly one of them finds anything.
        from ledger.services.events.elsewhere_entries import write_down

        with self._database.write() as connection:
            # Looked at again: a recall of ours may have asked meanwhile.
            new = write_down(connection, list(elsewhere.told_gone(connection)), self._clock.now())
        if new:
            log.info("%s messages were recalled by other hands", f"{new:,}")
        return new
