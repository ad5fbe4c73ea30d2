"""Pages while the database is away: they say so at once, whatever keeps the database from answering.

A refused connection is said as it comes. What hangs (a machine that is gone, a network that swallows) is found by a
question of our own: it has a connection to itself, and while it has no answer, no further page waits for one.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from fastapi import Response

from ledger.errors import DatabaseUnavailableError, LedgerError
from ledger.parts import Parts

# A page that takes so long is late; then the database is asked whether it is there, and has so long to answer.
LATE_SECONDS, ANSWER_SECONDS = 1.0, 0.5
_HANGS = "the database does not answer"

Attempt = Callable[[], Awaitable[Response]]


class PromptPages:
    """Gives pages as soon as they are there, and up as soon as the database is known to be away."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._asked: Future[bool] | None = None
        # Nobody else holds what is not waited for any more.
        self._left: set[asyncio.Future[Response]] = set()

    async def answer(self, attempt: Attempt) -> Response:
        """Return the page that an attempt makes; raise DatabaseUnavailableError when it would have to wait."""
        if self._asked is not None and not self._asked.done():
            raise DatabaseUnavailableError(_HANGS)
        making = asyncio.ensure_future(attempt())
        try:
            while not (await asyncio.wait({making}, timeout=LATE_SECONDS))[0]:
                if not await self._is_there():
                    self._leave(making)
                    raise DatabaseUnavailableError(_HANGS)
        except asyncio.CancelledError:
            making.cancel()
            raise
        return making.result()

    def _leave(self, making: "asyncio.Future[Response]") -> None:
        self._left.add(making)

        def forget(done: "asyncio.Future[Response]") -> None:
            self._left.discard(done)
            # What became of it is nobody's any more; asyncio wants somebody to have looked.
            _ = done.cancelled() or done.exception()

        making.add_done_callback(forget)

    async def _is_there(self) -> bool:
        if self._asked is None or self._asked.done():
            self._asked = _in_thread(self._ask)
        answered = asyncio.wrap_future(self._asked)
        done, _ = await asyncio.wait({asyncio.shield(answered)}, timeout=ANSWER_SECONDS)
        return bool(done) and self._asked.result()

    def _ask(self) -> bool:
        try:
            self._parts.database.ask()
        except LedgerError:
            return False
        return True


def _in_thread(action: Callable[[], bool]) -> "Future[bool]":
    """Do something in a thread of its own, since those of the service may all be waiting for the same."""
    future: Future[bool] = Future()

    def run() -> None:
        try:
            future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="ledger-is-database-there", daemon=True).start()
    return future
