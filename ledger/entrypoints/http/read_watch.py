"""Notes who reads the audit over HTTP: which routes are readings of it, and how many rows of it an answer gave out."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger.clock import Clock
from ledger.core.audit.reads import Read, filters_of

Value = TypeVar("Value")
AUDITED = frozenset(
    (
        *("/v1/history", "/v1/recalls", "/v1/recalls/{id}", "/v1/recalls/{id}/items"),
        *("/v1/recalls/{id}/corrections", "/recalls/{id}/correction"),
        # Who has what is nobody's business either, without a note of who looked.
        *("/v1/people", "/v1/recalls/{id}/people", "/people", "/campaign/people"),
        *("/campaign/people.csv", "/campaign/people.xlsx"),
        *("/recalls/{id}/people", "/recalls/{id}/people.csv", "/recalls/{id}/people.xlsx"),
        *("/history", "/recalls", "/recalls/{id}", "/recalls/{id}/items.csv", "/recalls/{id}/report.json"),
    )
)
_OF_COURSE = ("application/json", "text/html")


def handed_out(request: Request, rows: int) -> None:
    """Count rows that an answer gives out."""
    request.state.rows = getattr(request.state, "rows", 0) + rows


def counted_out(request: Request, values: Iterable[Value]) -> Iterator[Value]:
    """Yield values, and count each as given out."""
    for value in values:
        handed_out(request, 1)
        yield value


class ReadWatch:
    """Stands before the routes; it hands on what they answer as it is, and notes it once it has left."""

    def __init__(self, app: ASGIApp, *, clock: Clock, note: Callable[[Read], None]) -> None:
        self._app, self._clock, self._note = app, clock, note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and note it when it read the audit."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        status, form = 0, ""

        async def send_and_see(message: Message) -> None:
            nonlocal status, form
            if message["type"] == "http.response.start":
                status = message["status"]
                form = Headers(raw=message.get("headers", [])).get("content-type", "").partition(";")[0]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            route = getattr(scope.get("route"), "path", "")
            if route in AUDITED and 200 <= status < 300:
                self._note(self._read(scope, route, form))

    def _read(self, scope: Scope, route: str, form: str) -> Read:
        state: dict[str, Any] = scope.get("state", {})
        filters = filters_of(parse_qsl(scope["query_string"].decode("ascii", "replace"), errors="replace"))
        if form not in _OF_COURSE:
            filters["form"] = (form,)
        number = scope.get("path_params", {}).get("id")
        return Read(
            at=self._clock.now(),
            actor=state["identity"].name,
            route=route,
            recall_id=None if number is None else int(number),
            filters=filters,
            rows=state.get("rows", 0),
        )
