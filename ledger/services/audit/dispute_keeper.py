"""What a whole check found is kept until the next one, so that whoever looks at a recall sees what is disputed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ledger.clock import Clock
from ledger.core.audit.findings import Findings
from ledger.errors import DatabaseError
from ledger.store.audit import disputes
from ledger.store.database import Database

log = logging.getLogger(__name__)


class DisputeKeeper:
    """Keeps the findings of the latest check. A check is as good where nothing can be written: then nothing is kept."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    @contextmanager
    def noting(self) -> Iterator[Findings]:
        """Hand out what a check notes its findings in; once it is through, they take the place of those before."""
        # It sees the ledger as it stood at its beginning, however long it takes.
        findings, began_at = Findings(), self._clock.now()
        yield findings
        try:
            with self._database.write() as connection:
                disputes.keep(connection, findings, began_at)
        except DatabaseError as error:
            log.debug("what was found is not kept: %s", error)
