"""What the log says of things that wait in the spool: once that the database is away, and once that it is back.

A database that is there and refuses something is another matter: why it does is said, at most once a minute.
"""

import logging
from collections.abc import Callable, Sequence

from ledger.clock import Clock
from ledger.errors import LedgerError
from ledger.patience import OutageLog
from ledger.services.recording.write_apart import Written, is_away

SAY_AGAIN_SECONDS = 60.0

log = logging.getLogger(__name__)


class WaitingLog:
    """Hears how writing went; safe to share between threads."""

    def __init__(self, outage: OutageLog, clock: Clock, ask: Callable[[], object]) -> None:
        """`ask` asks the database something harmless, and raises what keeps it from answering."""
        self._outage, self._clock, self._ask = outage, clock, ask
        self._said_at: float | None = None
        self._unsaid = 0

    @property
    def is_outage(self) -> bool:
        """Say whether somebody is to be told when the database is back."""
        return self._outage.is_on

    def now(self) -> float:
        """Return the monotonic second, for what begins."""
        return self._clock.monotonic()

    def note(self, begun: float, found: Sequence[Written]) -> None:
        """Note what became of things whose writing began at a monotonic second."""
        if any(not one.is_left for one in found):
            self._outage.note_back(begun)
        left = next((one.error for one in found if one.error is not None and one.is_left), None)
        if left is not None:
            self.failed(left, "what was sent waits in the spool")

    def failed(self, error: Exception, what: str) -> None:
        """Say what waits because of an error, if it is time to."""
        if is_away(error) and isinstance(error, LedgerError):
            self._outage.note_away(error)
            return
        self._unsaid += 1
        now = self._clock.monotonic()
        if self._said_at is None or now >= self._said_at + SAY_AGAIN_SECONDS:
            times = f" ({self._unsaid:,} times since this was last said)" if self._unsaid > 1 else ""
            self._said_at, self._unsaid = now, 0
            log.warning("%s%s: %s", what, times, text_of_error(error))

    def look(self) -> None:
        """Ask whether the database is back, when somebody was told that it is away; nothing is raised for an answer."""
        if self.is_outage:
            begun = self._clock.monotonic()
            try:
                self._ask()
            except Exception as error:
                self.failed(error, "what was sent waits in the spool")
            else:
                self._outage.note_back(begun)


def text_of_error(error: Exception) -> str:
    """Say an error in one line; one that is none of ours with its kind."""
    text = " ".join(str(error).split())
    return text if isinstance(error, LedgerError) else f"{type(error).__name__}: {text}"
