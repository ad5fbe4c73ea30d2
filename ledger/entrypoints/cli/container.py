"""`ledger run` as the first process of a container: it stays, because nothing outlives it there.

Where the sender became the first process itself, its end would be that of its companion, and of a spool inside the
container, with the keys of the last moment.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from ledger.entrypoints.cli import companion
from ledger.entrypoints.cli.inbox import Inbox
from ledger.entrypoints.cli.run_sign import LastWord, RunSign
from ledger.settings import Settings

FORWARDED = tuple(
    signal.Signals[name] for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH")
)
# Containers are given ten seconds to stop.
PATIENCE_SECONDS = 5.0


def is_first_process() -> bool:
    """Return whether this is the first process of a container."""
    return os.getpid() == 1


def stand_beside(
    become_sender: Callable[[], None], settings: Settings, inbox: Inbox | None = None, sign: RunSign | None = None
) -> int:
    """Run the sender as a child, hand on what is sent to this process, and return its exit code as a shell would."""
    # Held until this process ends.
    _ = sign.hold() if sign is not None else None
    sender = os.fork()
    if sender == 0:
        become_sender()
        os._exit(1)
    from_keyboard = {signal.SIGINT, signal.SIGQUIT} if sys.stdin is not None and os.isatty(0) else set()

    def forward(number: int, _frame: FrameType | None) -> None:
        try:
            os.kill(sender, number)
        except ProcessLookupError:  # it is gone already
            return

    for number in FORWARDED:
        # A terminal sends what is typed to everybody in front of it.
        signal.signal(number, signal.SIG_IGN if number in from_keyboard else forward)
    ended = _Children(sender)
    last_word = LastWord(sign) if sign is not None else None
    companion.accompany(settings, ended.sender_is_gone, inbox, last_word, PATIENCE_SECONDS)
    return ended.code


class _Children:
    """Buries whoever dies, as the first process has to, and remembers how the sender did."""

    def __init__(self, sender: int) -> None:
        self._sender = sender
        self.code = 0
        # A child that dies wakes the one that waits.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})

    def sender_is_gone(self, seconds: float) -> bool:
        """Wait for so many seconds; return whether the sender is gone."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if process == self._sender:
                code = os.waitstatus_to_exitcode(status)
                self.code = code if code >= 0 else 128 - code
                return True
            if process == 0:
                break
        signal.sigtimedwait({signal.SIGCHLD}, seconds)
        return False
