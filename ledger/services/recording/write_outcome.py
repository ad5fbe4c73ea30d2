"""What became of something that was handed in, and the place where whoever waits for that finds it.

A `concurrent.futures.Future` could be such a place: but whoever waits for one takes its lock twice, and with sixteen
threads that took a twelfth of what a record takes.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum


class WriteOutcome(StrEnum):
    """What became of something that was handed in."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    SPOOLED = "spooled"  # on disk, and replayed when the database is back
    REFUSED = "refused"  # the database holds nothing like it; kept for a person to look at


class OutcomeToCome:
    """Settled once, by whoever comes first; safe to share between threads and with signal handlers."""

    __slots__ = ("_callbacks", "_found", "_gate")

    def __init__(self) -> None:
        # Open once there is an outcome. What is found is what stands first: appending takes no lock.
        self._gate = threading.Lock()
        self._gate.acquire()
        self._found: list[tuple[WriteOutcome | Exception]] = []
        self._callbacks: list[Callable[[], object]] = []

    def done(self) -> bool:
        """Say whether there is an outcome."""
        return bool(self._found)

    def result(self, timeout_seconds: float | None = None) -> WriteOutcome:
        """Return the outcome once there is one, or raise the error that it is; raise TimeoutError after so long."""
        if not self._found:
            if not self._gate.acquire(timeout=-1 if timeout_seconds is None else timeout_seconds):
                raise TimeoutError
            # For others who wait.
            self._gate.release()
        (found,) = self._found[0]
        if isinstance(found, Exception):
            raise found
        return found

    def exception(self) -> Exception | None:
        """Return the error that an outcome that is there is, None when it is none."""
        (found,) = self._found[0]
        return found if isinstance(found, Exception) else None

    def settle(self, found: WriteOutcome | Exception) -> bool:
        """Let everybody know, and say whether nobody did before: then that stays."""
        ours = (found,)
        self._found.append(ours)
        if self._found[0] is not ours:
            return False
        self._gate.release()
        self._call()
        return True

    async def is_done_within(self, seconds: float) -> bool:
        """Wait so long in an event loop, which goes on meanwhile, and say whether there is an outcome then."""
        import asyncio  # whoever has a loop has loaded it; others need not

        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not done.done():
                done.set_result(None)

        def tell() -> None:
            with suppress(RuntimeError):  # the loop is closed, and so nobody waits
                loop.call_soon_threadsafe(wake)

        self._callbacks.append(tell)
        if self._found:
            self._call()
        await asyncio.wait([done], timeout=seconds)
        return self.done()

    def _call(self) -> None:
        while self._callbacks:
            try:
                call = self._callbacks.pop()
            except IndexError:  # another thread was quicker
                return
            call()
