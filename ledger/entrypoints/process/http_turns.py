"""Whose turn it is among connections that sent their next request before its turn came: a few of them at a time.

A client may send hundreds of requests at once, on hundreds of connections. Were each of these answered as soon as the
one before it is, they would fill every turn of the loop, and somebody who asks once would wait behind all of them.
"""

import asyncio
from collections import deque
from collections.abc import Callable

# So many requests that came ahead of their time are begun between two looks at what else there is to do.
STARTS_PER_TURN = 4


class Turns:
    """Those who wait, in the order in which they came; for one loop."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_due = False

    def wait(self, go_on: Callable[[], None]) -> None:
        """Call back when it is its turn, and never at once."""
        self._waiting.append(go_on)
        self._go_on_soon()

    def _go_on_soon(self) -> None:
        if self._waiting and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._is_due = False
        try:
            for _ in range(min(STARTS_PER_TURN, len(self._waiting))):
                self._waiting.popleft()()
        finally:
            self._go_on_soon()
