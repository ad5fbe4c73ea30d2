"""The sink of a sender without a ledger of its own: its sends go to a feed in the spool, which others take in."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..clock import SystemClock
from ..core.capture import Exchange, answered_of, asked_of
from ..core.send_calls import send_path
from ..spool import lines
from ..spool.journal import FEED, Journal, Segment


def say(text: str) -> None:
    """Write a line to stderr, if there is one; the sender's own output is never touched."""
    try:
        sys.stderr.write(f"ledger: {text}\n")
        sys.stderr.flush()
    except Exception:  # closed, full, or replaced by something odd: none of it is the sender's trouble
        return


class Feed:
    """Takes sends in; `campaign` and `source` are for those that have no tags of their own."""

    def __init__(
        self, folder: Path, campaign: str | None, source: str | None, complain: Callable[[str], None] = say
    ) -> None:
        self._journal, self._clock = Journal(folder, FEED), SystemClock()
        self._campaign, self._source, self._complain = campaign, source, complain
        self._has_complained = False

    def sending(
        self, method: str, url: str, body: object, *, campaign: str | None = None, source: str | None = None
    ) -> "FedSending | None":
        """Write down that a send is about to leave; None when it is no send, or on any fault of ours."""
        path = send_path(method, url)
        if path is None:
            return None
        try:
            exchange = Exchange(
                id=self._journal.new_id(),
                path=path,
                asked=asked_of(body),
                sent_at=self._clock.now(),
                campaign=campaign or self._campaign,
                source=source or self._source,
            )
            return FedSending(self, exchange, self._begin(exchange))
        except Exception as error:
            self._complain(f"a send could not be followed ({type(error).__name__})")
            return None

    def wait(self, entry: object) -> None:
        """Return at once: nobody waits for a feed."""

    def end(self, segment: Segment | None, line: bytes, exchange: Exchange, *, leaves_entry: bool) -> None:
        """Write down how a send ended; what cannot be written is said, for a key must not be lost without a word."""
        try:
            if segment is not None:
                self._journal.end(segment, line, entries=int(leaves_entry))
                return
        except Exception as error:
            self._cannot_write(error)
        if exchange.answered.get("processQueryKey") or exchange.answered.get("spaces"):
            self._complain(f"NOT RECORDED: {json.dumps({**exchange.asked, **exchange.answered})}")

    def _begin(self, exchange: Exchange) -> Segment | None:
        try:
            return self._journal.begin(lines.sending(exchange))
        except OSError as error:
            self._cannot_write(error)
            return None

    def _cannot_write(self, error: Exception) -> None:
        if not self._has_complained:
            self._has_complained = True
            self._complain(f"the spool cannot be written ({error}): fix it, or set LEDGER_SPOOL_DIR")


class FedSending:
    """One send that is under way. Say once how it ended; nothing here raises."""

    def __init__(self, feed: Feed, exchange: Exchange, segment: Segment | None) -> None:
        self._feed, self._exchange, self._segment = feed, exchange, segment

    def answered(self, status: int, body: object) -> None:
        """Write down what an answer says."""
        self._end(replace(self._exchange, status=status, answered=answered_of(body)))

    def lost(self, why: str) -> None:
        """Write down that no answer came to a request that may have arrived."""
        self._end(replace(self._exchange, trouble=why))

    def void(self) -> None:
        """Forget a request that certainly never left."""
        self._feed.end(self._segment, lines.void(self._exchange.id), self._exchange, leaves_entry=False)

    def _end(self, exchange: Exchange) -> None:
        self._feed.end(self._segment, lines.over(exchange), exchange, leaves_entry=True)
