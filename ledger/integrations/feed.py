"""The sink of a sender without a ledger of its own: its sends go to a feed in the spool, which others replay."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..clock import SystemClock
from ..core.recording.capture import Exchange
from ..spool import lines
from ..spool.courier import Courier
from ..spool.journal import FEED, Journal, journal_of
from ..spool.segments import Segment
from ..spool.sends import SendJournal


def say(text: str) -> None:
    """Write a line to stderr, if there is one; the sender's own output is never touched."""
    try:
        # It may be a terminal, which obeys what does not print.
        sys.stderr.write("ledger: " + "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text) + "\n")
        sys.stderr.flush()
    except Exception:  # closed, full, or replaced by something odd: none of it is the sender's trouble
        return


class Feed(SendJournal[None]):
    """Writes sends down; `folders` are where they may be written, in order, and `courier` what is left without any.

    `note` takes a word of how each ended.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        campaign: str | None,
        source: str | None,
        complain: Callable[[str], None] = say,
        note: Callable[[str], None] = lambda _: None,
        courier: str | None = None,
        keeps_excerpt: bool = False,
    ) -> None:
        journal = Journal(*folders, kind=FEED, complain=complain)
        super().__init__(journal, SystemClock(), campaign=campaign, source=source, keeps_excerpt=keeps_excerpt)
        self._complain, self._note = complain, note
        self._courier = Courier(courier, self._lost) if courier else None
        self._named: set[str] = set()

    def wait(self, entry: object) -> None:
        """Return at once: nobody waits for a feed."""

    def _take(self, exchange: Exchange, segment: Segment | None) -> None:
        try:
            self._write_end(exchange, segment)
        except OSError:
            if self._courier is None:
                raise
            self._courier.carry(exchange.id, lines.whole(exchange))
        if exchange.has_key:
            self._name_journal(exchange.id)
            self._note("recorded")
        elif exchange.status is None or not 300 <= exchange.status < 500:
            self._note("keyless")

    def _not_recorded(self, exchange: Exchange, error: Exception) -> None:
        if exchange.has_key:
            self._note("recorded")
            self._lost(exchange.id, f"NOT RECORDED ({type(error).__name__}: {error}): {lines.last_word(exchange)}")

    def _lost(self, exchange_id: str, text: str) -> None:
        """Say the key of a send that was thought recorded, or nearly."""
        self._note(f"lost {exchange_id}")
        self._complain(text)

    def _name_journal(self, exchange_id: str) -> None:
        """Leave word, once, under which name sends of this process wait in the spool; a fork has another one."""
        name = journal_of(exchange_id)
        if name not in self._named:
            self._named.add(name)
            self._note(f"journal {name}")

    def _cannot_follow(self, error: Exception) -> None:
        self._complain(f"a send could not be followed ({type(error).__name__})")
