"""Stream connections: DingTalk gives an address and a ticket, and a WebSocket leads there. Frames are texts here.

Source: open-dingtalk's developerpedia, docs/learn/stream/protocol.md. A ticket is for one connection, in 90 seconds.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, urlsplit

from ledger.core.answer import Answer, NoAnswer, error_of, is_throttled, read_proxy, read_refusal
from ledger.core.events.stream_frames import SUBSCRIPTIONS
from ledger.core.proxies import Proxies, Proxy
from ledger.dingtalk.client import Client
from ledger.dingtalk.credentials import stream_credentials
from ledger.dingtalk.proxies import environment_proxies
from ledger.dingtalk.trust import not_trusted, trusted
from ledger.errors import CredentialsError, SettingsError, StreamError
from ledger.settings import Settings

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

# A push is a few hundred bytes.
LARGEST_FRAME_BYTES = 4 * 1024 * 1024
CLOSING_SECONDS = 1.0
# So often is the other end asked whether it is there, and so long may it be silent then.
KEEPALIVE_SECONDS = 20.0
# At DEBUG the library writes down whatever passes, the ticket too.
_SILENT = logging.getLogger(f"{__name__}.frames")
_SILENT.setLevel(logging.INFO)
EXTRA = "LEDGER_STREAM needs an extra: pip install 'dingtalk-ledger[stream]'"


def is_installed() -> bool:
    """Say whether the package is there that Stream connections need."""
    return find_spec("websockets") is not None


class StreamConnection:
    """One open connection; `send` and `close` may be called by other threads than the one that reads."""

    def __init__(self, socket: "ClientConnection") -> None:
        self._socket = socket

    def frames(self) -> Iterator[str | bytes]:
        """Yield what comes, until the connection ends, whoever ended it."""
        from websockets.exceptions import WebSocketException

        with suppress(WebSocketException, OSError, EOFError):
            yield from self._socket

    def send(self, text: str) -> bool:
        """Send an answer; say whether it could be sent."""
        from websockets.exceptions import WebSocketException

        try:
            self._socket.send(text)
        except (WebSocketException, OSError):
            return False
        return True

    def close(self) -> None:
        """End it; twice is no harm."""
        from websockets.exceptions import WebSocketException

        with suppress(WebSocketException, OSError):
            self._socket.close()


class StreamDialer:
    """Opens Stream connections of apps."""

    def __init__(self, client: Client, settings: Settings, proxies: Proxies | None = None) -> None:
        self._client, self._settings = client, settings
        self._proxies = environment_proxies() if proxies is None else proxies

    def connect(self, app: str) -> StreamConnection:
        """Open a connection of an app, with a ticket of its own.

        Raise PausedError when somebody must fix something, SettingsError without the package, StreamError when it
        cannot be had now.
        """
        if not is_installed():
            raise SettingsError(EXTRA)
        return StreamConnection(self._dialled(*self._place(app)))

    def _place(self, name: str) -> tuple[str, str]:
        """Return the address, and the ticket for it."""
        app = self._settings.app(name)
        client_id, secret = stream_credentials(name, app)
        body = {
            "clientId": client_id,
            "clientSecret": secret,
            "subscriptions": list(SUBSCRIPTIONS),
            "ua": "dingtalk-ledger",
        }
        answer = self._client.open_stream(app.api_url or "", body)
        if isinstance(answer, NoAnswer):
            raise StreamError(f"DingTalk gives app {name!r} no Stream connection: {answer.reason}")
        said = answer.body if isinstance(answer.body, Mapping) else {}
        endpoint, ticket = said.get("endpoint"), said.get("ticket")
        if answer.status != 200 or not _is_text(endpoint) or not _is_text(ticket):
            raise _refused(name, answer)
        return str(endpoint), str(ticket)

    def _dialled(self, endpoint: str, ticket: str) -> "ClientConnection":
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        parts = urlsplit(endpoint)
        is_secure = parts.scheme == "wss"
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise StreamError(f"DingTalk named no address of a WebSocket: {endpoint[:200]!r}")
        where = f"{'https' if is_secure else 'http'}://{parts.netloc}"
        proxy = self._proxies.of(where)
        timeout = self._settings.http_timeout_seconds
        try:
            opened = connect(
                f"{endpoint}?ticket={quote_plus(ticket)}",
                ssl=trusted() if is_secure else None,
                proxy=_for_websockets(proxy),
                open_timeout=timeout,
                close_timeout=CLOSING_SECONDS,
                ping_interval=KEEPALIVE_SECONDS,
                ping_timeout=KEEPALIVE_SECONDS,
                max_size=LARGEST_FRAME_BYTES,
                compression=None,
                logger=_SILENT,
            )
            # It has to be entered, and is closed by us: from another thread, too.
            return ExitStack().enter_context(opened)
        # The ticket stands in the address: what a library says of its failure may repeat that.
        except (WebSocketException, OSError, ValueError, EOFError) as error:
            detail = (not_trusted(error) or f"{type(error).__name__}: {error}").replace(ticket, "***")
            way = f" through the proxy {proxy.url}" if proxy is not None else ""
            raise StreamError(f"{where} cannot be reached{way} ({detail.replace(quote_plus(ticket), '***')})") from None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _refused(name: str, answer: Answer) -> Exception:
    """Return the error that an answer means which opens no connection."""
    if error := read_proxy(answer):
        return error
    code, message = error_of(answer)
    if answer.status == 200 or answer.status >= 500 or is_throttled(answer):
        return StreamError(f"DingTalk gives app {name!r} no Stream connection: {code}: {message}")
    return read_refusal(answer) or CredentialsError(
        f"DingTalk gives app {name!r} no Stream connection ({code}: {message}). Check its credentials, and that the "
        "developer console has Stream mode chosen for its events"
    )


def _for_websockets(proxy: Proxy | None) -> str | None:
    if proxy is None:
        return None
    host = proxy.url.partition("://")[2]
    if proxy.user is None:
        return proxy.url
    return f"{proxy.scheme}://{quote(proxy.user, safe='')}:{quote(proxy.password or '', safe='')}@{host}"
