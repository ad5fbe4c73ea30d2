"""Recalls: planned, run by a worker, watched, stopped, gone on with."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response

from ledger.core import recall as recalling
from ledger.core.recall import Outcome, Status
from ledger.core.roles import Permission
from ledger.entrypoints.api.idempotency import OnlyOnce
from ledger.entrypoints.api.models import (
    Item,
    Page,
    PauseRequest,
    Plan,
    Recall,
    RecallId,
    RecallRequest,
    RefusalRequest,
    Result,
)
from ledger.entrypoints.api.parameters import Cursor, Limit, page_of
from ledger.entrypoints.http.door import Book, Door, Who, needs, within
from ledger.errors import ApprovalNeededError
from ledger.services.recalls.lifecycle import RunIn

router = APIRouter(prefix="/v1", route_class=Door, tags=["recalls"])

Id = Annotated[RecallId, Path(alias="id")]
_TO_DO = needs(Permission.RECALL, 400, 404, 409, 422)
_TO_ANSWER = needs(Permission.APPROVE, 400, 404, 409, 422)


@router.post("/recalls", status_code=201, response_model=Plan, **needs(Permission.RECALL, 400, 409, 422))
def plan(asked: RecallRequest, book: Book, who: Who, once: OnlyOnce) -> Response:
    """Plan a recall: say what it would do, and call nothing. It runs once, and only for some minutes."""

    def work() -> Plan:
        robots = within(who, asked.robot)
        selection = asked.model_dump(exclude={"sticky_seconds"})
        made = book.plan(**selection, within=robots, actor=who.name)
        if asked.sticky_seconds is not None:
            book.stick(made.recall_id, asked.sticky_seconds, actor=who.name)
        return Plan.model_validate(made)

    return once(201, work)


@router.get("/recalls", **needs(Permission.SEE, 422))
def recalls(
    request: Request,
    response: Response,
    book: Book,
    who: Who,
    status: Annotated[list[Status] | None, Query(description="Only in these states.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Result]:
    """Return where recalls stand, newest first."""
    page = book.lister.recalls(statuses=status or (), cursor=cursor, limit=limit, who=who)
    return page_of(request, response, page, Result)


@router.get("/recalls/{id}", **needs(Permission.SEE, 404, 422))
def recall(recall_id: Id, book: Book, who: Who) -> Recall:
    """Return one recall: where it stands, what was asked for, who did what."""
    book.lister.check_within(recall_id, who)
    report = book.summary(recall_id)
    whole = report.result.to_json() | {"selection": report.selection, "plan": report.plan, "timeline": report.timeline}
    return Recall.model_validate(whole)


@router.get("/recalls/{id}/items", **needs(Permission.SEE, 404, 422))
def items(
    request: Request,
    response: Response,
    recall_id: Id,
    book: Book,
    who: Who,
    outcome: Annotated[list[Outcome] | None, Query(description="Only what ended so.")] = None,
    pending: Annotated[bool, Query(description="Only what waits.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Item]:
    """Return the messages of a recall, each with how it ended, in the order of their recording."""
    book.lister.check_within(recall_id, who)
    page = book.lister.items(recall_id, outcomes=outcome or (), only_pending=pending, cursor=cursor, limit=limit)
    return page_of(request, response, page, Item)


class RecallCommand:
    """Something that somebody does with a recall, once."""

    def __init__(self, request: Request, book: Book, who: Who, once: OnlyOnce) -> None:
        self.book, self.actor = book, who.name
        self.run_in = RunIn.LOCAL_WORKER if request.app.state.with_worker else RunIn.ANY_WORKER
        self._who, self._once = who, once

    def __call__(self, status: int, recall_id: int, action: Callable[[], recalling.Result]) -> Response:
        """Do it, and answer with where the recall stands then."""

        def work() -> Result:
            self.book.lister.check_within(recall_id, self._who)
            return Result.model_validate(action())

        return self._once(status, work)


Do = Annotated[RecallCommand, Depends()]


@router.post("/recalls/{id}/run", status_code=202, response_model=Result, **_TO_DO)
def run(recall_id: Id, do: Do) -> Response:
    """Start a plan; a worker makes the calls. Watch it at `/events`.

    When a second person has to agree first, `status` stays `planned`, and `approval` says who asked and until when.
    """

    def start() -> recalling.Result:
        try:
            return do.book.run(recall_id, actor=do.actor, run_in=do.run_in)
        except ApprovalNeededError:
            return do.book.result(recall_id)

    return do(202, recall_id, start)


@router.post("/recalls/{id}/approve", status_code=202, response_model=Result, **_TO_ANSWER)
def approve(recall_id: Id, do: Do) -> Response:
    """Agree, as a second person, to what another one wants to run; it starts at once."""
    return do(202, recall_id, lambda: do.book.approve(recall_id, actor=do.actor, run_in=do.run_in))


@router.post("/recalls/{id}/refuse", response_model=Result, **_TO_ANSWER)
def refuse(recall_id: Id, asked: RefusalRequest, do: Do) -> Response:
    """Do not agree to what another person wants to run; its plan is over."""
    return do(200, recall_id, lambda: do.book.refuse(recall_id, reason=asked.reason, actor=do.actor))


@router.post("/recalls/{id}/pause", response_model=Result, **_TO_DO)
def pause(recall_id: Id, do: Do, asked: Annotated[PauseRequest | None, Body()] = None) -> Response:
    """Make no more calls until somebody resumes; what is under way ends by its answer."""
    why = (asked or PauseRequest()).reason
    return do(200, recall_id, lambda: do.book.pause(recall_id, why=why, actor=do.actor))


@router.post("/recalls/{id}/resume", status_code=202, response_model=Result, **_TO_DO)
def resume(recall_id: Id, do: Do) -> Response:
    """Go on with a recall that is paused."""
    return do(202, recall_id, lambda: do.book.resume(recall_id, actor=do.actor, run_in=do.run_in))


@router.post("/recalls/{id}/retry", status_code=202, response_model=Result, **_TO_DO)
def retry(recall_id: Id, do: Do) -> Response:
    """Ask again for what ended refused, partial or unknown, while its deadline lasts."""
    return do(202, recall_id, lambda: do.book.retry(recall_id, actor=do.actor, run_in=do.run_in))


@router.post("/recalls/{id}/cancel", response_model=Result, **_TO_DO)
def cancel(recall_id: Id, do: Do) -> Response:
    """Stop a recall for good; what waits ends cancelled, what is under way ends by its answer."""
    return do(200, recall_id, lambda: do.book.cancel(recall_id, actor=do.actor))


@router.post("/recalls/{id}/unstick", response_model=Result, **_TO_DO)
def unstick(recall_id: Id, do: Do) -> Response:
    """Leave alone what arrives late from now on."""
    return do(200, recall_id, lambda: do.book.unstick(recall_id, actor=do.actor))
