"""Ctrl-C during a run: the first is remembered until nothing is half done, the second leaves at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from ledger.entrypoints.process.exits import Code

STOPPING = "stopping when the calls in flight are answered; Ctrl-C again leaves at once"


class InterruptedRun(Exception):  # noqa: N818 - no error: somebody wants to stop
    """Ctrl-C was pressed; raised where nothing is half done."""


class Stop:
    """Takes Ctrl-C over, and other signals when they are named, as long as it is entered."""

    def __init__(self, *also: signal.Signals, say_so: Callable[[], None] | None = None) -> None:
        self.is_asked_for = False
        self.say_so = say_so or write_stopping
        self._signals: tuple[signal.Signals, ...] = (signal.SIGINT, *also)
        self._is_ours = threading.current_thread() is threading.main_thread()
        self._before: list[Any] = []

    def __enter__(self) -> "Stop":
        if self._is_ours:
            # `nohup` has a process ignore that its terminal is gone: it stays so.
            is_deaf = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            self._signals = tuple(one for one in self._signals if one != signal.SIGHUP or not is_deaf)
            self._before = [signal.signal(number, self._asked) for number in self._signals]
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_ours:
            for number, before in zip(self._signals, self._before, strict=True):
                signal.signal(number, before)

    def _asked(self, number: int, _frame: FrameType | None) -> None:
        # Only a person at the keyboard can mean it twice: supervisors repeat themselves.
        if self.is_asked_for and number == signal.SIGINT:
            with suppress(OSError):
                os.write(2, b"\x1b[?25h\n" if os.isatty(2) else b"\n")
            os._exit(Code.INTERRUPTED)
        if not self.is_asked_for:
            self.is_asked_for = True
            self.say_so()


@contextmanager
def outliving_its_terminal() -> Iterator[None]:
    """Go on when the terminal closes or the connection to it breaks: what runs was confirmed, and time is short."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def write_stopping() -> None:
    """Say what Ctrl-C did, past Python's buffers: a signal may come in the middle of a write."""
    with suppress(OSError):
        os.write(2, f"{STOPPING}\n".encode())
