"""Writes log lines: whoever says something never waits for whoever reads the log.

A reader that stops reading, as a stuck log collector does, fills its pipe, and the next write waits for ever: nobody
would be answered, and no send forwarded, for the sake of a line. Where there is no room for one, a thread of its own
waits for it, and further lines wait here, as many as fit.
"""

import logging
import os
import queue
import select
import threading
from contextlib import suppress

MOST_WAITING = 10_000
# A key that is neither in the database nor in the spool is in the log, or lost: such a line has this weight, is never
# left out, and whoever says it waits for a moment that it is written.
NEVER_LEFT_OUT = logging.CRITICAL
PATIENCE_SECONDS = 0.2
# So much a pipe takes at once that has room at all (PIPE_BUF).
AT_ONCE_BYTES = select.PIPE_BUF
# So long may what waits take to be written in the end.
CLOSING_SECONDS = 2.0


class LogWriter(logging.Handler):
    """Hands lines to a thread, which writes them to a file descriptor."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor, self._room = descriptor, select.poll()
        self._room.register(descriptor, select.POLLOUT)
        self._waiting: queue.SimpleQueue[tuple[bytes, threading.Event | None]] = queue.SimpleQueue()
        # How many lines the thread has yet to write: while there are any, others line up behind them.
        self._unwritten = self._left_out = 0
        self._starting, self._counting = threading.Lock(), threading.Lock()
        self._thread: threading.Thread | None = None
        os.register_at_fork(after_in_child=self._start_anew)

    def emit(self, record: logging.LogRecord) -> None:
        """Format a line, as its thread knows whose request it is about, and let it be written."""
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        text = f"{line}\n".encode("utf-8", "backslashreplace")
        if not self._unwritten and len(text) <= AT_ONCE_BYTES and self._has_room():
            self._write(text)
            return
        written = threading.Event() if record.levelno >= NEVER_LEFT_OUT else None
        if written is None and self._unwritten >= MOST_WAITING:
            self._left_out += 1
            return
        self._say_what_was_left_out()
        self._put(text, written)
        if not self._is_started():
            self._write_what_waits()
        elif written is not None:
            written.wait(PATIENCE_SECONDS)

    def flush(self) -> None:
        """Return once all that was said before is written, or after a while."""
        if self._thread is None or not self._thread.is_alive():
            return
        end = threading.Event()
        self._put(b"", end)
        end.wait(CLOSING_SECONDS)

    def _has_room(self) -> bool:
        """Say whether a line can be written without waiting; of a reader that left, that nobody waits for it either."""
        return bool(self._room.poll(0))

    def _put(self, text: bytes, written: threading.Event | None = None) -> None:
        with self._counting:
            self._unwritten += 1
        self._waiting.put((text, written))

    def _is_started(self) -> bool:
        """Start the thread unless it runs, and say whether it does: an interpreter that ends starts none any more."""
        if self._thread is not None and self._thread.is_alive():
            return True
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="ledger-log", daemon=True)
                with suppress(RuntimeError):
                    self._thread.start()
        return self._thread.is_alive()

    def _start_anew(self) -> None:
        self._waiting, self._thread, self._unwritten = queue.SimpleQueue(), None, 0
        self._starting, self._counting = threading.Lock(), threading.Lock()

    def _run(self) -> None:
        while True:
            self._write_one(*self._waiting.get())
            if self._waiting.empty():
                self._say_what_was_left_out()

    def _say_what_was_left_out(self) -> None:
        count, self._left_out = self._left_out, 0
        if count:
            self._put(f"{self.format(_left_out(count))}\n".encode())

    def _write_what_waits(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._write_one(*self._waiting.get_nowait())

    def _write_one(self, text: bytes, written: threading.Event | None) -> None:
        self._write(text)
        with self._counting:
            self._unwritten -= 1
        if written is not None:
            written.set()

    def _write(self, left: bytes) -> None:
        """Write past Python's own buffers: an interpreter that ends would wait for whoever holds one of them."""
        with suppress(OSError):  # what it does not take is lost, since there is nobody to tell
            while left:
                left = left[os.write(self._descriptor, left) :]


def _left_out(count: int) -> logging.LogRecord:
    text = "%s lines were left out here: whoever reads the log did not keep up"
    return logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, (f"{count:,}",), None)
