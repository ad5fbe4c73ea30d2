"""Requests as they come off the wire: what is not plain HTTP/1.1, too large or too slow is refused here, in one place.

h11 holds requests to the standard. This adds what a server has to say itself: how much, how many, and how long.
"""

import re
from typing import Any

import h11

# The request line with its address, and all headers.
HEAD_MAX_BYTES = 64 * 1024
HEADERS_MAX = 128
# From the first byte of a head to its last, and before any byte comes on a new connection.
HEAD_SECONDS = 10
# A body may take so long, and a second more for so many bytes that came.
BODY_SECONDS = 20
BODY_BYTES_PER_SECOND_MIN = 1000
# What comes of a body that is answered already is read for so long, so that the answer is not lost on its way.
LINGER_SECONDS = 5
# Parsing a piece costs as much as a hundred bytes do: so many may be tiny.
TINY_PIECES_MAX = 4000
TINY_PIECE_BYTES = 16
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_START_OF_A_REQUEST = re.compile(rb"[\r\n]*(?:[A-Za-z]|$)")


class Framing(h11.Connection):
    """One connection's requests; `fault` holds why one was refused."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, HEAD_MAX_BYTES)
        self.fault: h11.RemoteProtocolError | None = None
        self._has_answered = False
        self._body_bytes = self._pieces = self._head_seconds = self._body_seconds = 0

    def next_event(self) -> Any:
        """Return what h11 does; raise RemoteProtocolError, with a status as its hint."""
        try:
            if self.their_state is h11.IDLE:
                self._count_headers()
            event = super().next_event()
            if isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data):
                self._count(event)
            elif isinstance(event, h11.EndOfMessage):
                self._check_rest()
        except h11.RemoteProtocolError as error:
            self.fault = error
            raise
        return event

    def why_too_slow(self, *, is_waiting_for_us: bool) -> str | None:
        """Say, asked once a second, why the other side has had time enough, if so."""
        if self.their_state is h11.IDLE:
            is_idle = self.our_state is h11.IDLE and self._has_answered and not self.trailing_data[0]
            self._head_seconds = 0 if is_idle else self._head_seconds + 1
            return "no whole head came" if self._head_seconds > HEAD_SECONDS else None
        if self.their_state is not h11.SEND_BODY or is_waiting_for_us:
            return None
        self._body_seconds += 1
        if self.our_state in (h11.DONE, h11.MUST_CLOSE):
            return "its body goes on after the answer" if self._body_seconds > LINGER_SECONDS else None
        most = BODY_SECONDS + self._body_bytes / BODY_BYTES_PER_SECOND_MIN
        return "its body came too slowly" if self._body_seconds > most else None

    def start_next_cycle(self) -> None:
        """Make ready for another request."""
        super().start_next_cycle()
        self._has_answered = True

    def _count_headers(self) -> None:
        # Before they are parsed, which costs far more than to count them.
        head, _ = self.trailing_data
        end = _END_OF_HEAD.search(head)
        if head.count(b"\n", 0, end.start() if end else len(head)) > HEADERS_MAX:
            raise h11.RemoteProtocolError(f"a request may have {HEADERS_MAX} headers", error_status_hint=431)

    def _begin(self, request: h11.Request) -> None:
        self._body_bytes = self._pieces = self._head_seconds = self._body_seconds = 0
        size = len(request.target) + sum(len(name) + len(value) + 4 for name, value in request.headers)
        if size > HEAD_MAX_BYTES:
            raise h11.RemoteProtocolError("the head is too long", error_status_hint=431)
        if request.http_version not in (b"1.0", b"1.1"):
            raise h11.RemoteProtocolError("this server speaks HTTP/1.1 and 1.0", error_status_hint=505)
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in request.headers}:
            raise h11.RemoteProtocolError("a body has a Content-Length or a Transfer-Encoding, never both")

    def _count(self, piece: h11.Data) -> None:
        self._body_bytes += len(piece.data)
        self._pieces += 1
        if self._pieces > TINY_PIECES_MAX and self._body_bytes < self._pieces * TINY_PIECE_BYTES:
            raise h11.RemoteProtocolError("the chunks of the body are too small: send it in larger ones")

    def _check_rest(self) -> None:
        """Refuse a body that goes on after its end: what follows a request is another one."""
        rest, _ = self.trailing_data
        if not _START_OF_A_REQUEST.match(rest):
            raise h11.RemoteProtocolError("the body is longer than its Content-Length says")
