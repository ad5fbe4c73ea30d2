"""The HTTP client: one request in, one answer or its absence out. It decides nothing.

Sources: open.dingtalk.com, the pages of the recall calls, of one-on-one sends, of read status and of access tokens.
"""

import itertools
import json
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx

from ledger.core.answer import THROUGH_PROXY, Answer, NoAnswer
from ledger.core.limits import storable
from ledger.core.never_left import never_left
from ledger.core.proxies import Proxies, Proxy
from ledger.core.recalls.pauses import certificate_not_trusted, proxy_refuses
from ledger.core.recording.message import Chat, Route
from ledger.core.recording.send_calls import path_of
from ledger.dingtalk.departure import IDLE_SECONDS, Departure, Leave
from ledger.dingtalk.proxies import environment_proxies
from ledger.dingtalk.transport import ProxiedTransport
from ledger.dingtalk.trust import not_trusted

# The lower-case t of "otoMessages" is the API's own, and differs from the send path.
RECALL_PATHS = {
    Chat.ONE_TO_ONE: "/v1.0/robot/otoMessages/batchRecall",
    Chat.GROUP: "/v1.0/robot/groupMessages/recall",
    Chat.PRIVATE: "/v1.0/robot/privateChatMessages/batchRecall",
}
READ_STATUS_PATH = "/v1.0/robot/oToMessages/readStatus"
READERS_PATHS = {
    Chat.GROUP: "/v1.0/robot/groupMessages/query",
    Chat.PRIVATE: "/v1.0/robot/privateChatMessages/query",
}
READERS_PER_PAGE = 200
INTERNAL_TOKEN_PATH = "/v1.0/oauth2/accessToken"  # noqa: S105
THIRD_PARTY_TOKEN_PATH = "/v1.0/oauth2/corpAccessToken"  # noqa: S105
STREAM_PATH = "/v1.0/gateway/connections/open"
TOKEN_HEADER = "x-acs-dingtalk-access-token"  # noqa: S105
TOKEN_FIELD = "accessToken"  # noqa: S105
REQUEST_ID_HEADER = "x-acs-request-id"
MASK = "***"
SHORTEST_SECRET_CHARACTERS = 8
KEPT_TEXT_CHARACTERS = 2000
# A pool looks through all its connections for each request: with 200 of them, that took most of a processor.
THREADS_PER_POOL = 16

# What proxies answer that want a login or forbid the way: an HTTP status, or what httpcore says of a SOCKS login.
_PROXY_REFUSAL = re.compile(r"(401|403|407|511)\b|Invalid username/password|Requested .+ from proxy server, but got")


class Client:
    """Makes requests over kept connections; safe to share between threads. Time-outs are in seconds."""

    def __init__(
        self, *, timeout_seconds: float, max_connections: int, transport: httpx.BaseTransport | None = None
    ) -> None:
        limits = httpx.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=IDLE_SECONDS,
        )
        # A transport that is handed in goes its own way, and tells nothing of it.
        self._proxies = environment_proxies() if transport is None else Proxies()
        self._tells_of_departures = transport is None
        self._pools = [
            httpx.Client(
                timeout=httpx.Timeout(timeout_seconds),
                follow_redirects=False,
                trust_env=False,
                transport=transport or ProxiedTransport(self._proxies, limits),
            )
            for _ in range(1 + (max_connections - 1) // THREADS_PER_POOL)
        ]
        self._next_pool = itertools.cycle(self._pools)
        self._own = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connections."""
        for pool in self._pools:
            pool.close()

    @property
    def _http(self) -> httpx.Client:
        """The pool of this thread, always the same."""
        if not hasattr(self._own, "pool"):
            self._own.pool = next(self._next_pool)
        pool: httpx.Client = self._own.pool
        return pool

    def recall(
        self, api_url: str, token: str, route: Route, keys: Sequence[str], leave: Leave | None = None
    ) -> Answer | NoAnswer:
        """Ask to recall at most 20 keys of one route; `leave` is called once the connection is there."""
        body: dict[str, Any] = {"robotCode": route.robot_code, "processQueryKeys": list(keys)}
        if route.open_conversation_id is not None:
            body["openConversationId"] = route.open_conversation_id
        request = self._http.build_request("POST", api_url + RECALL_PATHS[route.chat], json=body)
        if leave is None:
            return self._send(request, token=token)
        if not self._tells_of_departures:
            leave(False)
            return self._send(request, token=token)
        departure = Departure(request, leave)
        answer = self._send(request, token=token)
        # It left without a word: from now on calls wait before they connect.
        self._tells_of_departures = departure.has_left or not isinstance(answer, Answer)
        return answer

    def send(
        self, api_url: str, token: str, robot_code: str, people: Sequence[str], msg_key: str, msg_param: str
    ) -> Answer | NoAnswer:
        """Ask to send one message to at most 20 people, each in a chat of their own with the robot."""
        body = {"robotCode": robot_code, "userIds": list(people), "msgKey": msg_key, "msgParam": msg_param}
        request = self._http.build_request("POST", api_url + path_of(Chat.ONE_TO_ONE), json=body)
        return self._send(request, token=token)

    def read_status(self, api_url: str, token: str, robot_code: str, key: str) -> Answer | NoAnswer:
        """Ask who has read one one-on-one message; costs one call of the quota."""
        parameters = {"robotCode": robot_code, "processQueryKey": key}
        return self._send(self._http.build_request("GET", api_url + READ_STATUS_PATH, params=parameters), token=token)

    def readers(
        self, api_url: str, token: str, route: Route, key: str, next_token: str | None = None
    ) -> Answer | NoAnswer:
        """Ask for a page of those who have read one message of a conversation; costs one call of the quota.

        The fields are optional by the page, and missing ones are errors by its table: all are sent.
        """
        body = {
            "robotCode": route.robot_code,
            "openConversationId": route.open_conversation_id,
            "processQueryKey": key,
            "maxResults": READERS_PER_PAGE,
        }
        if next_token is not None:
            body["nextToken"] = next_token
        return self._send(self._http.build_request("POST", api_url + READERS_PATHS[route.chat], json=body), token=token)

    def internal_token(self, api_url: str, app_key: str, app_secret: str) -> Answer | NoAnswer:
        """Ask for the token of an internal app."""
        body = {"appKey": app_key, "appSecret": app_secret}
        request = self._http.build_request("POST", api_url + INTERNAL_TOKEN_PATH, json=body)
        return self._send(request, secrets=(app_secret,))

    def third_party_token(self, api_url: str, body: Mapping[str, str]) -> Answer | NoAnswer:
        """Ask for the token of a third-party app; the body has suiteKey, suiteSecret, authCorpId and suiteTicket."""
        request = self._http.build_request("POST", api_url + THIRD_PARTY_TOKEN_PATH, json=dict(body))
        return self._send(request, secrets=(body["suiteSecret"], body["suiteTicket"]))

    def open_stream(self, api_url: str, body: Mapping[str, Any]) -> Answer | NoAnswer:
        """Ask for the address and the ticket of a Stream connection; the body has clientId, clientSecret and more."""
        request = self._http.build_request("POST", api_url + STREAM_PATH, json=dict(body))
        return self._send(request, secrets=(body["clientSecret"],))

    def _send(
        self, request: httpx.Request, *, token: str | None = None, secrets: tuple[str, ...] = ()
    ) -> Answer | NoAnswer:
        if token is not None:
            request.headers[TOKEN_HEADER] = token
            secrets = (token, *secrets)
        proxy = self._proxies.of(str(request.url))
        try:
            response = self._http.send(request)
        except httpx.TransportError as error:
            if detail := not_trusted(error):
                raise certificate_not_trusted(f"{request.url.scheme}://{request.url.netloc.decode()}", detail) from None
            return _no_answer(error, proxy, secrets)
        except httpx.HTTPError as error:
            return NoAnswer(reason=_masked(f"{type(error).__name__}: {error}", *secrets))
        return _answer(response, proxy, *secrets)


def _no_answer(error: httpx.TransportError, proxy: Proxy | None, secrets: tuple[str, ...]) -> NoAnswer:
    """Return what a failure means; raise ProxyRefusedError when the proxy itself refuses to go on."""
    detail = _masked(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, *secrets)
    if proxy is not None:
        if isinstance(error, httpx.ProxyError) and _PROXY_REFUSAL.match(str(error)):
            raise proxy_refuses(proxy.url, str(error).rstrip(".")) from None
        detail = f"{THROUGH_PROXY}{proxy.url}: {detail}"
    return NoAnswer(reason=detail, sent=not never_left(error))


def _answer(response: httpx.Response, proxy: Proxy | None, *secrets: str) -> Answer:
    # An answer may repeat what was sent; a success is read for what it says, and may itself be a secret.
    text = _masked(response.text, *secrets)
    body = _body(response.text, secrets)
    if response.status_code == 200 and TOKEN_FIELD in text:
        text = ""
    return Answer(
        status=response.status_code,
        body=body,
        text=text[:KEPT_TEXT_CHARACTERS],
        request_id=response.headers.get(REQUEST_ID_HEADER) or _request_id(body),
        server_time=_date(response.headers.get("date")),
        proxy=proxy.url if proxy is not None else None,
    )


def _body(text: str, secrets: tuple[str, ...]) -> Any:
    try:
        return _cleaned(json.loads(text), secrets)
    except (ValueError, RecursionError):
        return None


def _cleaned(value: Any, secrets: tuple[str, ...]) -> Any:
    """Mask what was sent in every text of a parsed answer: any of them may be kept as a reason."""
    if isinstance(value, str):
        return _masked(value, *secrets)
    if isinstance(value, list):
        return [_cleaned(item, secrets) for item in value]
    if isinstance(value, dict):
        return {_masked(name, *secrets): _cleaned(item, secrets) for name, item in value.items()}
    return value


def _request_id(body: object) -> str | None:
    if not isinstance(body, Mapping):
        return None
    found = next((value for name, value in body.items() if str(name).lower() == "requestid"), None)
    return storable(found) if found else None


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


def _masked(text: str, *secrets: str) -> str:
    for secret in secrets:
        # What is shorter is no secret worth the name, and would tear the text to pieces.
        if len(secret) >= SHORTEST_SECRET_CHARACTERS:
            text = text.replace(secret, MASK).replace(json.dumps(secret)[1:-1], MASK)
    return text
