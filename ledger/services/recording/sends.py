"""Recording sends: what doors see of a send call is journaled before it leaves, and recorded when its answer is there.

Nothing here ever raises into a sender, and nothing waits unless the sender asked for that.
"""

import logging
from contextlib import suppress

from ledger.clock import Clock
from ledger.core.recording.capture import Exchange, outcomes_of
from ledger.errors import InvalidMessageError
from ledger.services.recording.group_writer import PATIENCE_SECONDS, GroupWriter, PendingWrite
from ledger.spool import lines
from ledger.spool.journal import Journal
from ledger.spool.segments import Segment
from ledger.spool.sends import SendJournal

log = logging.getLogger(__name__)


class SendRecorder(SendJournal[PendingWrite]):
    """Follows sends into the journal of this process, and hands them to its writer."""

    def __init__(
        self,
        journal: Journal,
        writer: GroupWriter,
        clock: Clock,
        *,
        campaign: str | None = None,
        source: str | None = None,
        keeps_excerpt: bool = False,
    ) -> None:
        super().__init__(journal, clock, campaign=campaign, source=source, keeps_excerpt=keeps_excerpt)
        self._writer = writer

    def wait(self, entry: PendingWrite | None, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Return once an entry is on disk; a fault has been logged and raises nothing."""
        try:
            if entry is not None:
                self._writer.wait(entry, patience_seconds)
        except Exception as error:
            log.error("a send is not on disk: %s", error)

    def _take(self, exchange: Exchange, segment: Segment | None) -> PendingWrite | None:
        try:
            contents = outcomes_of(exchange)
        except InvalidMessageError as error:
            self._keep_apart(exchange, segment, error)
            return None
        holder = None
        if segment is not None and not contents:
            self._journal.end(segment, lines.over(exchange))
        elif segment is not None:
            # A send without a beginning in the journal is written there by the writer, if need be.
            with suppress(OSError):
                holder = self._write_end(exchange, segment, len(contents))
        # Written in the order in which they are handed in, so that who waits for the last waits for all.
        pending = [self._writer.submit(content, holder) for content in contents]
        return pending[-1] if pending else None

    def _keep_apart(self, exchange: Exchange, segment: Segment | None, error: InvalidMessageError) -> None:
        """Leave what is no message to the spool, which keeps it for a person."""
        log.critical("an answer has a key and makes no message (%s): it is kept in the spool", error)
        holder = self._write_end(exchange, segment)
        self._journal.sync(holder)
        self._journal.hand_over(holder)

    def _not_recorded(self, exchange: Exchange, error: Exception) -> None:
        log.critical("NOT RECORDED (%s: %s): %s", type(error).__name__, error, lines.last_word(exchange))

    def _cannot_follow(self, error: Exception) -> None:
        log.error("a send could not be followed: %s: %s", type(error).__name__, error)
