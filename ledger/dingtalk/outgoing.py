"""Posts documents to receivers other than DingTalk, over the same proxies and with the same certificates."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from ledger.core.proxies import Proxies
from ledger.dingtalk.proxies import environment_proxies
from ledger.dingtalk.transport import ProxiedTransport
from ledger.dingtalk.trust import not_trusted
from ledger.errors import LedgerError

MOST_ANSWER_BYTES = 1_000_000
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=0)


class Outgoing:
    """Makes one request at a time, on a connection of its own: hours may pass between two.

    What goes wrong is raised as `error`, which names the host alone of an address.
    """

    def __init__(
        self, timeout_seconds: float, error: type[LedgerError], transport: httpx.BaseTransport | None = None
    ) -> None:
        self._timeout, self._error, self._transport = httpx.Timeout(timeout_seconds), error, transport

    def post(self, url: str, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Post a document and return what was answered."""
        host = urlsplit(url).hostname
        proxies = environment_proxies() if self._transport is None else Proxies()
        transport = self._transport or ProxiedTransport(proxies, _ONE)
        try:
            with httpx.Client(timeout=self._timeout, transport=transport, trust_env=False) as client:
                answer = client.post(url, content=body, headers={"content-type": content_type, **(headers or {})})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = not_trusted(error) or type(error).__name__
            raise self._error(f"{host} cannot be reached ({why})") from None
        if not answer.is_success:
            raise self._error(f"{host} answered with status {answer.status_code}")
        if len(answer.content) > MOST_ANSWER_BYTES:
            raise self._error(f"{host} answered with {len(answer.content):,} bytes")
        return answer.content
