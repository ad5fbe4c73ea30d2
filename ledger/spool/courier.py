"""The way of a sender under `ledger run` when no folder can be written: straight to its companion, over a socket.

The companion answers each line with a byte, once it is on disk or nowhere. Nobody waits for that while it sends: what
is not answered when the sender ends is said. Only the standard library is used here, since foreign senders use it.
"""

import atexit
import os
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from .frames import framed
from .steps import Steps

KEPT, NOT_KEPT = b"+", b"-"
MOST_UNANSWERED = 10_000
SEND_SECONDS = 1.0
FINISH_SECONDS = 5.0


class Courier:
    """Carries lines to an address; safe to share between threads.

    `lost` gets the id of each send whose line nobody kept, and a text that holds the line.
    """

    def __init__(self, address: str, lost: Callable[[str, str], object]) -> None:
        self._address, self._lost = f"\0{address}", lost
        self._steps = Steps()
        self._socket: socket.socket | None = None
        self._unanswered: deque[tuple[str, bytes]] = deque()
        atexit.register(self.finish)
        os.register_at_fork(after_in_child=self._forget)

    def carry(self, send_id: str, line: bytes) -> None:
        """Hand the line of a send over; raise OSError when nobody takes it."""
        with self._steps.alone() as is_interrupted:
            if is_interrupted:
                self._steps.postpone(partial(self._carry_or_say, send_id, line))
            else:
                self._carry(send_id, line)

    def finish(self) -> None:
        """Wait a little for the last answers, and say what came to nothing."""
        self._steps.take(self._finish)

    def _carry(self, send_id: str, line: bytes) -> None:
        self._hear(0)
        if len(self._unanswered) >= MOST_UNANSWERED:
            raise OSError("the companion does not answer")
        if self._socket is None:
            self._socket = _connected(self._address)
        try:
            self._socket.sendall(framed(line))
        except OSError:
            self._give_up()
            raise
        self._unanswered.append((send_id, line))

    def _carry_or_say(self, send_id: str, line: bytes) -> None:
        try:
            self._carry(send_id, line)
        except OSError:
            self._say(send_id, line)

    def _finish(self) -> None:
        until = time.monotonic() + FINISH_SECONDS
        while self._unanswered and (left := until - time.monotonic()) > 0:
            self._hear(left)
        self._give_up()

    def _hear(self, seconds: float) -> None:
        """Take answers in, and wait for the first of them for so long."""
        while self._socket is not None and self._unanswered and _is_readable(self._socket, seconds):
            try:
                answers = self._socket.recv(4096)
            except OSError:
                answers = b""
            if not answers:
                self._give_up()
                return
            for number in range(len(answers)):
                unkept = self._unanswered.popleft()
                if answers[number : number + 1] != KEPT:
                    self._say(*unkept)
            seconds = 0

    def _give_up(self) -> None:
        """Close the connection; what was not answered may be kept or not."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        while self._unanswered:
            self._say(*self._unanswered.popleft())

    def _say(self, send_id: str, line: bytes) -> None:
        self._lost(send_id, f"NOT RECORDED (the companion did not keep it): {line.decode('ascii').rstrip()}")

    def _forget(self) -> None:
        """Start anew in a process that was forked off: what is under way is that of the one that forked."""
        if self._socket is not None:
            self._socket.close()
        self._steps, self._socket = Steps(), None
        self._unanswered.clear()


def is_ours(connection: socket.socket) -> bool:
    """Return whether the other end is a process of this user: everybody on this machine can name the address."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", found)
    return bool(user == os.getuid())


def _connected(address: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(SEND_SECONDS)
        connection.connect(address)
        if not is_ours(connection):
            raise PermissionError("the companion is somebody else's")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_readable(connection: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
