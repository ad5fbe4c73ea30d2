"""Watching sends: what doors see of a send call is journaled before it leaves, and recorded when its answer is there.

Nothing here ever raises into a sender, and nothing waits unless the sender asked for that.
"""

import logging
from dataclasses import replace

from ledger.clock import Clock
from ledger.core.capture import Exchange, answered_of, asked_of, outcomes_of
from ledger.core.send_calls import send_path
from ledger.services.recording.group_writer import PATIENCE_SECONDS, GroupWriter, PendingWrite
from ledger.spool import lines
from ledger.spool.journal import Journal, Segment

log = logging.getLogger(__name__)


class OpenSend:
    """One send that is under way. Say once how it ended: `answered`, `lost` or `void`; none of them raises."""

    def __init__(self, exchange: Exchange, segment: Segment | None, journal: Journal, writer: GroupWriter) -> None:
        self._exchange, self._segment, self._journal, self._writer = exchange, segment, journal, writer

    def answered(self, status: int, body: object) -> PendingWrite | None:
        """Record what an answer says (`body` is bytes, text or parsed JSON); None when it leaves nothing to record."""
        return self._end(replace(self._exchange, status=status, answered=answered_of(body)))

    def lost(self, why: str) -> PendingWrite | None:
        """Record that no answer came to a request that may have arrived."""
        return self._end(replace(self._exchange, trouble=why))

    def void(self) -> None:
        """Forget a request that certainly never left."""
        self._write_down(lines.void(self._exchange.id), entries=0)

    def _end(self, exchange: Exchange) -> PendingWrite | None:
        try:
            contents = outcomes_of(exchange)
            is_down = self._write_down(lines.over(exchange), entries=len(contents))
            # Written in the order in which they are handed in, so that who waits for the last waits for all.
            pending = [self._writer.submit(content, self._segment if is_down else None) for content in contents]
            return pending[-1] if pending else None
        except Exception:
            log.critical("NOT RECORDED, because of a fault of the ledger: %s", exchange, exc_info=True)
            return None

    def _write_down(self, line: bytes, *, entries: int) -> bool:
        if self._segment is None:
            return False
        try:
            self._journal.end(self._segment, line, entries=entries)
        except OSError as error:
            log.error("the spool cannot be written (%s): fix it, or set LEDGER_SPOOL_DIR", error)
            return False
        return True


class SendRecorder:
    """Tells sends from other requests, and follows them."""

    def __init__(self, journal: Journal, writer: GroupWriter, clock: Clock) -> None:
        self._journal, self._writer, self._clock = journal, writer, clock

    def sending(
        self, method: str, url: str, body: object, *, campaign: str | None = None, source: str | None = None
    ) -> OpenSend | None:
        """Begin to follow a request that is about to leave; None when it is no send, or on any fault of ours."""
        try:
            path = send_path(method, url)
            if path is None:
                return None
            exchange = Exchange(
                id=self._journal.new_id(),
                path=path,
                asked=asked_of(body),
                sent_at=self._clock.now(),
                campaign=campaign,
                source=source,
            )
            return OpenSend(exchange, self._begin(exchange), self._journal, self._writer)
        except Exception:
            log.exception("a send could not be followed")
            return None

    def wait(self, entry: PendingWrite | None, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Return once an entry is on disk; a fault has been logged and raises nothing."""
        try:
            if entry is not None:
                self._writer.wait(entry, patience_seconds)
        except Exception as error:
            log.error("a send is not on disk: %s", error)

    def _begin(self, exchange: Exchange) -> Segment | None:
        try:
            return self._journal.begin(lines.sending(exchange))
        except OSError as error:
            log.error("the spool cannot be written (%s): fix it, or set LEDGER_SPOOL_DIR", error)
            return None
