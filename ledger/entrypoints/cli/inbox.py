"""Where the companion of `ledger run` takes in what its sender could write to no folder: a socket of this machine."""

import queue
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import BytesIO
from secrets import token_hex
from typing import Self

from ledger.spool.courier import KEPT, NOT_KEPT, is_ours
from ledger.spool.frames import Record, read_records

# Returns of each record whether it is on disk.
Take = Callable[[Sequence[Record]], Sequence[bool]]


class Inbox:
    """Listens from the start, so that the sender finds it, and answers once `serve` was called."""

    def __init__(self, listener: socket.socket, address: str) -> None:
        self._listener, self.address = listener, address
        self._lock, self._open = threading.Lock(), 0

    @classmethod
    def opened(cls) -> Self | None:
        """Listen at a name that needs no room on any disk; None where the system knows no such names."""
        if sys.platform != "linux":
            return None
        address = f"dingtalk-ledger-{token_hex(16)}"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(f"\0{address}")
            listener.listen()
        except OSError:
            listener.close()
            return None
        return cls(listener, address)

    def fileno(self) -> int:
        """Return the descriptor that has to stay open."""
        return self._listener.fileno()

    @property
    def is_busy(self) -> bool:
        """Say whether some process of the sender is still connected, or not all that it said was taken in."""
        return self._open > 0

    def serve(self, take: Take) -> None:
        """Answer from now on, in threads that end with the process."""
        threading.Thread(target=self._accept, args=(take,), name="ledger-inbox", daemon=True).start()

    def _accept(self, take: Take) -> None:
        while True:
            connection, _ = self._listener.accept()
            with self._lock:
                self._open += 1
            threading.Thread(target=self._answer, args=(connection, take), name="ledger-inbox", daemon=True).start()

    def _answer(self, connection: socket.socket, take: Take) -> None:
        # Read at once, whatever the database does: few lines fit into a socket, and a full one holds the sender up.
        heard: queue.SimpleQueue[list[Record]] = queue.SimpleQueue()
        reader = threading.Thread(target=_listen, args=(connection, heard), name="ledger-inbox", daemon=True)
        reader.start()
        while records := heard.get():
            answers = b"".join(KEPT if is_kept else NOT_KEPT for is_kept in take(records))
            # A sender that was killed hears nothing more, and may have said more than was taken in up to now.
            with suppress(OSError):
                connection.sendall(answers)
        connection.close()
        with self._lock:
            self._open -= 1


def _listen(connection: socket.socket, heard: "queue.SimpleQueue[list[Record]]") -> None:
    """Hand on what is said, and nothing at the end."""
    rest = b""
    try:
        while is_ours(connection) and (piece := _received(connection)):
            whole, end, rest = (rest + piece).rpartition(b"\n")
            records = [record for _, found in read_records(BytesIO(whole + end)) for record in found]
            if records:
                heard.put(records)
    finally:
        heard.put([])


def _received(connection: socket.socket) -> bytes:
    """Return what comes next, nothing at the end; of a sender that left without our answers, the error comes first."""
    for _ in range(2):
        with suppress(OSError):
            return connection.recv(65536)
    return b""
