"""Sends under way: written down before their request leaves and when their answer is there; what becomes of them then
is the business of who follows them: a ledger in this process, or the companion of `ledger run`.

Nothing here ever raises into a sender. Only the standard library is used here, since senders without ours use it too.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Generic, TypeVar

from ..clock import Clock
from ..core.recording.capture import Exchange, answered_of, asked_of
from ..core.recording.send_calls import send_path
from . import lines
from .journal import Journal
from .segments import Segment

# What can be waited for once a send is over.
Entry = TypeVar("Entry")


class OpenSend(Generic[Entry]):
    """One send that is under way. Say once how it ended: `answered`, `lost` or `void`; none of them raises."""

    def __init__(self, exchange: Exchange, segment: Segment | None, journal: "SendJournal[Entry]") -> None:
        self.exchange, self._segment, self._journal = exchange, segment, journal

    @property
    def id(self) -> str:
        """The name by which the journal knows it."""
        return self.exchange.id

    def answered(self, status: int, body: object) -> Entry | None:
        """Take in what an answer says (`body` is bytes, text or parsed JSON); None when nothing is left to record."""
        return self._journal.end(replace(self.exchange, status=status, answered=answered_of(body)), self._segment)

    def lost(self, why: str) -> Entry | None:
        """Take in that no answer came to a request that may have arrived."""
        return self._journal.end(replace(self.exchange, trouble=why), self._segment)

    def void(self) -> None:
        """Forget a request that certainly never left."""
        self._journal.forget(self.exchange, self._segment)


class SendJournal(ABC, Generic[Entry]):
    """Tells sends from other requests, and writes down how each begins and ends.

    `campaign` and `source` are for sends that have none of their own. `keeps_excerpt` says whether the beginning of
    what a message says is written down as well.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        *,
        campaign: str | None = None,
        source: str | None = None,
        keeps_excerpt: bool = False,
    ) -> None:
        self._journal, self._clock, self._keeps_excerpt = journal, clock, keeps_excerpt
        self._campaign, self._source = campaign, source

    def sending(
        self,
        method: str,
        url: str,
        body: object,
        *,
        campaign: str | None = None,
        source: str | None = None,
        expires_in: float | None = None,
        instead: str | None = None,
    ) -> OpenSend[Entry] | None:
        """Begin to follow a request that is about to leave; None when it is no send, or on any fault of ours.

        `instead` is the id of the send that it takes the place of, which is voided next: a program that dies between
        the two leaves one trace.
        """
        try:
            path = send_path(method, url)
            if path is None:
                return None
            exchange = Exchange(
                id=self._journal.new_id(),
                path=path,
                asked=asked_of(body, keeps_excerpt=self._keeps_excerpt),
                sent_at=self._clock.now(),
                campaign=campaign or self._campaign,
                source=source or self._source,
                expires_in=expires_in,
            )
            return OpenSend(exchange, self._begin(exchange, instead), self)
        except Exception as error:
            self._cannot_follow(error)
            return None

    def end(self, exchange: Exchange, segment: Segment | None) -> Entry | None:
        """Write down how a send ended, and hand it on; whatever goes wrong, its key is kept or said."""
        try:
            return self._take(exchange, segment)
        except Exception as error:
            self._not_recorded(exchange, error)
            return None

    def forget(self, exchange: Exchange, segment: Segment | None) -> None:
        """Write down that a send never left."""
        try:
            if segment is not None:
                self._journal.end(segment, lines.void(exchange.id))
        except Exception as error:
            self._cannot_follow(error)

    def _begin(self, exchange: Exchange, instead: str | None) -> Segment | None:
        try:
            return self._journal.begin(lines.sending(exchange, instead))
        except OSError:  # the journal has complained of it, and may take the end
            return None

    def _write_end(self, exchange: Exchange, segment: Segment | None, entries: int = 1) -> Segment:
        """Write how a send ended that leaves so much to record; raise OSError when no folder takes it."""
        whole = lines.whole(exchange)
        if segment is not None:
            over, void = lines.over(exchange), lines.void(exchange.id)
            holder = self._journal.end(segment, over, whole=whole, void=void, entries=entries)
            if holder is not None:
                return holder
        # It has no beginning here: none could be written, or the process was forked off or the journal closed since.
        return self._journal.add(whole, entries)

    @abstractmethod
    def _take(self, exchange: Exchange, segment: Segment | None) -> Entry | None:
        """Write down that a send is over, and hand it on."""

    @abstractmethod
    def _not_recorded(self, exchange: Exchange, error: Exception) -> None:
        """Say the key of a send that nothing else holds, so that it can be taken back in."""

    @abstractmethod
    def _cannot_follow(self, error: Exception) -> None:
        """Say that something of ours went wrong with a send."""
