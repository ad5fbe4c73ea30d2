"""Attempts: how often somebody may be wrong before they are told to wait, by address and in all.

A right token is never kept waiting: else whoever tries wrong ones could keep the operators out, from their own address
behind a proxy or from everywhere at once, just when something has to be recalled. Tokens cannot be guessed.
"""

import threading
from collections import deque
from datetime import datetime, timedelta

from ledger.clock import Clock
from ledger.errors import TooManyAttemptsError

WINDOW = timedelta(minutes=5)
MOST_OF_ONE_ADDRESS = 10
MOST_IN_ALL = 200


class Lockout:
    """Remembers, in this process, who was wrong lately: it keeps the noise down."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._wrong: deque[tuple[datetime, str]] = deque()

    def was_wrong(self, address: str) -> None:
        """Count a wrong token; raise TooManyAttemptsError once an address, or everybody together, had too many."""
        with self._lock:
            self._forget()
            mine = sum(1 for _, other in self._wrong if other == address)
            if mine >= MOST_OF_ONE_ADDRESS or len(self._wrong) >= MOST_IN_ALL:
                minutes = WINDOW.total_seconds() / 60
                raise TooManyAttemptsError(f"too many wrong tokens were tried: try again in {minutes:.0f} minutes")
            self._wrong.append((self._clock.now(), address))

    def _forget(self) -> None:
        until = self._clock.now() - WINDOW
        while self._wrong and self._wrong[0][0] < until:
            self._wrong.popleft()
