"""Live progress: where a recall stands, as server-sent events, each of which holds the whole state."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from ledger.core.access.roles import Permission
from ledger.core.recalls import recall as recalling
from ledger.core.recalls.recall import Status
from ledger.entrypoints.api.models import Result
from ledger.entrypoints.http.door import Door, LedgerParts, admit, needs
from ledger.entrypoints.http.seen_recall import Seen
from ledger.errors import DatabaseUnavailableError, LedgerError
from ledger.parts import Parts

BETWEEN_LOOKS_SECONDS = 0.5
# Counting a large recall takes a while: looking takes at most so much of the time.
LARGEST_SHARE = 0.1
SIGN_OF_LIFE_SECONDS = 10.0
RECONNECT_MILLISECONDS = 2000
MEDIA_TYPE = "text/event-stream"
_OVER = (Status.FINISHED, Status.CANCELLED)

router = APIRouter(prefix="/v1", route_class=Door, tags=["recalls"])


def _needs() -> dict[str, Any]:
    message = needs(Permission.SEE, 404, 422)
    stream = {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}, "description": "Events without an end."}
    return message | {
        "responses": message["responses"] | {200: stream, 204: {"description": "It is over, as you know."}}
    }


@router.get("/recalls/{id}/events", response_class=Response, **_needs())
async def events(
    seen: Seen,
    request: Request,
    parts: LedgerParts,
    last_seen: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> Response:
    """Follow a recall: an event `progress` whenever something changed, its data a result as at `/v1/recalls/{id}`.

    The stream ends when the recall does; a browser that comes back then gets 204, and stops.
    """
    result = await run_in_threadpool(parts.recall_reports.progress, seen.id)
    if result.status in _OVER and last_seen == _id_of(result):
        return Response(status_code=204)
    return StreamingResponse(_follow(request, parts, result, last_seen), media_type=MEDIA_TYPE)


async def _follow(request: Request, parts: Parts, result: recalling.Result, seen: str | None) -> AsyncIterator[str]:
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n"
    written_at, pause = time.monotonic(), BETWEEN_LOOKS_SECONDS
    while True:
        if _id_of(result) != seen:
            seen, written_at = _id_of(result), time.monotonic()
            yield _event(result)
        if result.status in _OVER:
            return
        if time.monotonic() - written_at > SIGN_OF_LIFE_SECONDS:
            written_at = time.monotonic()
            yield ": still here\n\n"
        until = time.monotonic() + pause
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, BETWEEN_LOOKS_SECONDS))
            if not await _goes_on(request):
                return
        started = time.monotonic()
        try:
            result = await run_in_threadpool(parts.recall_reports.progress, result.recall_id)
        except DatabaseUnavailableError:
            continue
        except LedgerError:
            return
        pause = max(BETWEEN_LOOKS_SECONDS, (time.monotonic() - started) / LARGEST_SHARE)


async def _goes_on(request: Request) -> bool:
    """Say whether somebody is there who may still look: a token may have been revoked meanwhile."""
    if request.app.state.stopping.is_set() or await request.is_disconnected():
        return False
    try:
        await admit(request, Permission.SEE)
    except DatabaseUnavailableError:
        return True
    except LedgerError:
        return False
    return True


def _event(result: recalling.Result) -> str:
    return f"id: {_id_of(result)}\nevent: progress\ndata: {Result.model_validate(result).model_dump_json()}\n\n"


def _id_of(result: recalling.Result) -> str:
    """Name a state: the same name, the same state; the time that passes is none."""
    state = Result.model_validate(result).model_dump_json(exclude={"elapsed_seconds", "working_seconds"})
    return hashlib.sha256(state.encode()).hexdigest()[:16]
