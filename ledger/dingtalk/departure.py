"""Letting a request leave at its moment, on a connection that is open before.

Opening one takes a handshake, of which nobody knows how long it lasts: a call that connects in its slot comes late, and
those after it, on connections that are open, come too soon after it for the allowed rate.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

# Called right before a request leaves, with whether a connection was opened for it; what it raises keeps it here.
Leave = Callable[[bool], None]

# What nobody has used for so long is closed here. Servers close it after five seconds or more, and a call that waits
# for its moment on a connection which is being closed would leave a doubt.
IDLE_SECONDS = 4.0

# What httpcore tells, on the thread of the request: https://www.encode.io/httpcore/extensions/#trace
_TRACE, _CONNECTING, _SENDING = "trace", ".connect_tcp.started", "http11.send_request_headers.started"


class Departure:
    """Follows one request to its departure."""

    def __init__(self, request: "httpx.Request", leave: Leave) -> None:
        self._leave, self._has_connected, self.has_left = leave, False, False
        request.extensions[_TRACE] = self._trace

    def _trace(self, event: str, facts: Mapping[str, Any]) -> None:
        self._has_connected |= event.endswith(_CONNECTING)
        # Before it, a proxy may be asked for the way there.
        if event == _SENDING and facts["request"].method != b"CONNECT":
            self.has_left = True
            self._leave(self._has_connected)
