"""One connection of a client: uvicorn's HTTP/1.1 protocol, within limits of number, size and time."""

import json
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ledger.entrypoints.process.http_framing import Framing
from ledger.entrypoints.process.http_turns import Turns

if TYPE_CHECKING:
    import asyncio

# So much is parsed at once, whatever the system hands over: a head is refused before it is parsed whole.
SLICE_BYTES = 16 * 1024
# So long may a client take nothing of its answer.
STALL_SECONDS = 60
SAY_AGAIN_SECONDS = 60.0

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Occupancy:
    """How many connections there are, of each address and in all, and may be."""

    most: int
    most_per_address: int
    _by_address: Counter[str] = field(default_factory=Counter)
    _warned_at: float | None = None

    def enter(self, address: str) -> bool:
        """Count a connection; say whether there is room for it."""
        self._by_address[address] += 1
        if self._by_address[address] > self.most_per_address:
            self._say(f"{address} has more than {self.most_per_address:,} connections", "CONNECTIONS_PER_ADDRESS_MAX")
            return False
        if self._by_address.total() > self.most:
            self._say(f"there are more than {self.most:,} connections", "CONNECTIONS_MAX")
            return False
        return True

    def leave(self, address: str) -> None:
        """Count a connection no more."""
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def _say(self, text: str, setting: str) -> None:
        now = time.monotonic()
        if self._warned_at is None or now - self._warned_at > SAY_AGAIN_SECONDS:
            self._warned_at = now
            log.warning("%s: further ones are answered with 503; LEDGER_%s raises that", text, setting)


class BoundedConnection(H11Protocol):
    """A connection that is cut when it asks too much, and looked at once a second with `look`."""

    def __init__(self, config: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self.conn: Framing = Framing()
        self._occupancy: Occupancy = config.occupancy
        self._turns: Turns = config.turns
        self._is_between = self._is_in_line = False
        self._stalled_seconds = self._waiting_bytes = 0

    def connection_made(self, transport: "asyncio.Transport") -> None:  # type: ignore[override]
        """Begin, when there is room."""
        super().connection_made(transport)
        if not self._occupancy.enter(self._address):
            self._refuse(503, "busy", "there are more connections than can be served: try again in a moment")

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._occupancy.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what came, a slice at a time."""
        for start in range(0, len(data), SLICE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + SLICE_BYTES])

    def on_response_complete(self) -> None:
        """Go on with the next request; one that is here already waits in line with those of others."""
        self._is_between = True
        try:
            super().on_response_complete()
        finally:
            self._is_between = False

    def handle_events(self) -> None:
        """Take in what came, once it is its turn."""
        if self._is_between and self.conn.trailing_data[0]:
            self._is_in_line = True
            self._unset_keepalive_if_required()
            self.flow.pause_reading()
            self._turns.wait(self._take_turn)
        elif not self._is_in_line:
            super().handle_events()

    def _take_turn(self) -> None:
        self._is_in_line = False
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self.handle_events()

    def look(self) -> None:
        """Cut what is too slow; called once a second."""
        if self._is_in_line:
            return
        why = self.conn.why_too_slow(is_waiting_for_us=self.flow.read_paused)
        if why is None and self._is_stalled():
            why = "it takes nothing of its answer"
        if why is not None:
            log.info("a connection of %s is cut: %s", self._address, why)
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with a request, and close."""
        fault = self.conn.fault
        # The parser goes on to quote the bytes, in Python's words.
        text, _, _ = str(fault or msg).partition(": bytearray")
        self._refuse(fault.error_status_hint if fault else 400, "unreadable", f"this is no HTTP request: {text}")

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: Java's client offers HTTP/2 with its first request, and does not mind being refused."""

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else "here"

    def _is_stalled(self) -> bool:
        waiting = self.transport.get_write_buffer_size()
        is_moving = not self.flow.write_paused or waiting < self._waiting_bytes
        self._stalled_seconds = 0 if is_moving else self._stalled_seconds + 1
        self._waiting_bytes = waiting
        return self._stalled_seconds > STALL_SECONDS

    def _refuse(self, status: int, code: str, text: str) -> None:
        """Close, with an answer when none has begun."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(_answer(status, code, text))
        self.transport.close()


def _answer(status: int, code: str, text: str) -> bytes:
    """Write an RFC 9457 problem down; `message` is what senders look for."""
    title = HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": status, "detail": text, "code": code, "message": text}
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
    return f"{head}connection: close\r\n\r\n".encode() + body
