"""Messages: handed in by programs, and looked up while they can still be recalled."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ledger.core.access.roles import Permission
from ledger.core.recording.recorded_message import RecordedMessage
from ledger.entrypoints.api.files import Form, WantedForm, described, file_of, form_of, json_lines, whole_list
from ledger.entrypoints.api.idempotency import OnlyOnce
from ledger.entrypoints.api.models import Message, Page, Received, Short
from ledger.entrypoints.api.parameters import Cursor, Limit, Selected, page_of
from ledger.entrypoints.api.rows import CSV, JSON, NDJSON, GivenRows
from ledger.entrypoints.formats.csv_form import CsvForm
from ledger.entrypoints.formats.messages_csv import COLUMNS, messages_as_csv
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.http.problems import RejectedError
from ledger.errors import BusyError
from ledger.patience import Patience
from ledger.services.recording.rows import Defaults
from ledger.services.reports.list_page import PAGE_ROWS_MAX, ListPage

_EXAMPLE = {
    "processQueryKey": "qgLmBd0xWvXbQ2xEhGNf+HkKQLRrLxOQb8Fzk/X5xaU=",
    "robotCode": "dingrobot1",
    "userIds": ["zhang.san", "li.si"],
    "campaign": "spring",
    "sentAt": "2026-03-01T10:00:00+08:00",
}
_ROW = {
    "type": "object",
    "description": "A row as in `ledger import`, or a captured call: `request`, `response`, `sentAt`.",
    "properties": {
        "processQueryKey": {"type": "string", "minLength": 1, "maxLength": 1024},
        "robotCode": {"type": "string", "minLength": 1, "maxLength": 256},
        "userIds": {"type": "array", "items": {"type": "string"}, "maxItems": 1000},
        "campaign": {"type": ["string", "null"]},
        "sentAt": {"type": "string", "format": "date-time"},
        "openConversationId": {"type": ["string", "null"]},
        "source": {"type": ["string", "null"]},
        "expiresAt": {"type": ["string", "null"], "format": "date-time", "description": "Recalled by itself then."},
        "expiresIn": {"type": ["number", "null"], "minimum": 0, "description": "The same, so many seconds after it."},
        "chat": {"enum": ["one_to_one", "group", "private", None]},
        "request": {"type": "object"},
        "response": {"type": "object"},
    },
    "examples": [_EXAMPLE],
}
_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": {"oneOf": [_ROW, {"type": "array", "items": _ROW}]}, "example": [_EXAMPLE]},
        NDJSON: {"schema": {"type": "string", "description": "A row a line."}},
        CSV: {"schema": {"type": "string", "description": "A header, and a row a line."}},
    },
}

# So long does a request wait for its turn before it is asked to come again.
PATIENCE_SECONDS = 1.0
BETWEEN_TRIES_SECONDS = 0.005
BETWEEN_LOOKS_SECONDS = 0.5
# What so little takes of the memory is bounded by how many connections there may be.
SMALL_BYTES = 65_536
_PROBLEMS = (400, 409, 413, 415, 422, 429)

router = APIRouter(prefix="/v1", route_class=Door, tags=["messages"])


@router.post("/messages", response_model=Received, **needs(Permission.RECORD, *_PROBLEMS, requestBody=_BODY))
async def record(
    request: Request,
    parts: LedgerParts,
    who: Who,
    once: OnlyOnce,
    campaign: Annotated[Short | None, Query(description="For rows without one.")] = None,
    robot: Annotated[Short | None, Query(description="For rows without one.")] = None,
    source: Annotated[Short | None, Query(description="For rows without one.")] = None,
) -> Response:
    """Record one message, or thousands at once; recording twice changes nothing.

    Rows that cannot be recorded are listed and stop nothing; when there is no other, the answer is 422. After 1,000 of
    them nothing more is read: 422 too, with what was recorded up to there. A request has 50,000 rows at most.
    """
    kind = _kind(request)
    defaults = Defaults(campaign=campaign, robot=robot, source=source)

    async with _turn(request), _rows(request, await request.body(), kind) as rows:

        def work() -> Received:
            rows.check()
            received = parts.recorder.record_beside_others(
                rows, defaults, bounds=who.bounds, on_rejected=rows.note_rejected
            )
            if who.campaigns:
                # A key that is known already may be of a campaign that is out of bounds: which one is not said.
                hidden = tuple(replace(one, note="known already, and not all the same") for one in received.differing)
                received = replace(received, differing=hidden)
            if rows.why_stopped is not None:
                raise RejectedError(received.to_json(), rows.why_stopped)
            if received.read and received.rejected_count == received.read:
                raise RejectedError(received.to_json())
            return Received.model_validate(received)

        return await run_in_threadpool(once, 200, work, is_repeatable=True)


@router.get("/messages", response_model=Page[Message], **described(needs(Permission.SEE, 422), COLUMNS))
def messages(
    request: Request,
    response: Response,
    parts: LedgerParts,
    selected: Selected,
    recallable: Annotated[bool, Query(description="Only those that can still be recalled.")] = False,
    form: WantedForm = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Message] | Response:
    """Return the messages that the ledger holds, soonest deadline first: a page of JSON, or all as CSV or lines."""

    def read(after: str | None, most: int = PAGE_ROWS_MAX) -> ListPage[RecordedMessage]:
        return parts.pages.messages(selected, only_recallable=recallable, cursor=after, limit=most)

    wanted = form_of(request, form)
    if wanted is Form.JSON:
        return page_of(request, response, read(cursor, limit), Message)
    first, rest = whole_list(request, read)
    if wanted is Form.NDJSON:
        return file_of(json_lines(first, rest, Message), "messages", wanted)
    csv_form = CsvForm(for_spreadsheets=wanted is Form.EXCEL)
    return file_of(messages_as_csv(chain([first], rest), csv_form), "messages", wanted)


def _kind(request: Request) -> str:
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind not in (JSON, NDJSON, CSV):
        raise HTTPException(415, f"messages come as {JSON}, {NDJSON} or {CSV}, not as {kind}")
    return kind


@asynccontextmanager
async def _turn(request: Request) -> AsyncIterator[None]:
    """Keep how many record at once within a bound: what a request holds is in memory until it is written down.

    Small requests go on as they come: few of them together are a group that is written in one transaction.
    """
    if request.headers.get("content-length", "").isdecimal() and int(request.headers["content-length"]) <= SMALL_BYTES:
        yield
        return
    turns: threading.BoundedSemaphore = request.app.state.turns

    async def take() -> None:
        if not turns.acquire(blocking=False):
            raise BusyError("as much is being recorded as can be at once: try again in a moment")

    await Patience(seconds=PATIENCE_SECONDS, every_seconds=BETWEEN_TRIES_SECONDS, on=BusyError).retrying_async(take)
    try:
        yield
    finally:
        turns.release()


@asynccontextmanager
async def _rows(request: Request, body: bytes, kind: str) -> AsyncIterator[GivenRows]:
    """Give the rows of a body, which end when nobody waits for the answer any more."""
    rows = GivenRows(body, kind)

    async def look() -> None:
        is_gone = False
        while not is_gone:
            await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
            is_gone = await request.is_disconnected()
        rows.client_is_gone = True

    looking = asyncio.create_task(look())
    try:
        yield rows
    finally:
        looking.cancel()
