"""Recalls: planned, run by a worker, watched, stopped, gone on with."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from ledger.core.access.roles import Permission
from ledger.core.recalls import recall as recalling
from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recalls.recall_filter import recall_filter
from ledger.core.recalls.selection import select
from ledger.entrypoints.api.files import (
    Form,
    WantedForm,
    WantedLanguage,
    WantedZone,
    csv_form_of,
    described,
    file_of,
    form_of,
    json_lines,
    whole_list,
)
from ledger.entrypoints.api.idempotency import OnlyOnce
from ledger.entrypoints.api.models import (
    BreakGlassRequest,
    Item,
    Page,
    PauseRequest,
    Plan,
    Recall,
    RecallRequest,
    RefusalRequest,
    Result,
    ReviewRequest,
    RunRequest,
    Short,
    SpotCheck,
    Verified,
    VerifyRequest,
)
from ledger.entrypoints.api.parameters import Cursor, Limit, Recalled, page_of
from ledger.entrypoints.formats.recalls_csv import COLUMNS, STATE, recalls_as_csv
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs, within
from ledger.entrypoints.http.seen_recall import Seen
from ledger.errors import ApprovalNeededError
from ledger.services.recalls.lifecycle import RunIn
from ledger.services.reports.list_page import PAGE_ROWS_MAX, ListPage

router = APIRouter(prefix="/v1", route_class=Door, tags=["recalls"])


def _run_in(request: Request) -> RunIn:
    return RunIn.LOCAL_WORKER if request.app.state.with_worker else RunIn.ANY_WORKER


_TO_DO = needs(Permission.RECALL, 400, 404, 409, 422)
_TO_ANSWER = needs(Permission.APPROVE, 400, 404, 409, 422)


@router.post("/recalls", status_code=201, response_model=Plan, **needs(Permission.RECALL, 400, 409, 422))
def plan(request: Request, asked: RecallRequest, parts: LedgerParts, who: Who, once: OnlyOnce) -> Response:
    """Plan a recall: say what it would do, and call nothing. It runs once, and only for some minutes."""

    def work() -> Plan:
        wanted = asked.model_dump(exclude={"reason", "include_shared", "sticky_seconds", "campaigns"})
        bounds = within(who, asked.robot)
        if asked.campaigns is not None:
            wanted["campaign"] = parts.names.meant(asked.campaigns, bounds)
        made = parts.planner.plan(
            select(**wanted, within=bounds),
            reason=asked.reason,
            actor=who.name,
            include_shared=asked.include_shared,
            is_proven=who.is_proven,
            run_in=_run_in(request),
        )
        if asked.sticky_seconds is not None:
            parts.sticky.stick(made.recall_id, asked.sticky_seconds, actor=who.name)
        return Plan.model_validate(made)

    return once(201, work, kept_without=("token", "excerpts", "also_waiting"))


@router.get("/recalls", response_model=Page[Result], **described(needs(Permission.SEE, 422), (*COLUMNS, STATE)))
def recalls(
    request: Request,
    response: Response,
    parts: LedgerParts,
    who: Who,
    recalled: Recalled,
    status: Annotated[list[Status] | None, Query(description="Only in these states.")] = None,
    campaign: Annotated[list[Short] | None, Query(description="Asked for, or of a message that ended.")] = None,
    actor: Annotated[Short | None, Query(description="Only of this one.")] = None,
    form: WantedForm = None,
    language: WantedLanguage = None,
    zone: WantedZone = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Result] | Response:
    """Return where recalls stand, newest first: a page of JSON, or all of them as CSV or lines of JSON.

    A plan that nobody ran counts by the time of its making.
    """
    asked = replace(recall_filter(campaign=campaign or None, actor=actor), started=recalled)

    def read(after: str | None, most: int = PAGE_ROWS_MAX) -> ListPage[recalling.Result]:
        return parts.pages.recalls(statuses=status or (), asked=asked, cursor=after, limit=most, who=who)

    wanted = form_of(request, form)
    if wanted is Form.JSON:
        return page_of(request, response, read(cursor, limit), Result)
    csv_form = csv_form_of(wanted, language, zone=zone)
    first, rest = whole_list(request, read)
    if wanted is Form.NDJSON:
        return file_of(json_lines(first, rest, Result), "recalls", wanted)
    return file_of(recalls_as_csv(chain([first], rest), csv_form, now=parts.clock.now()), "recalls", wanted)


@router.get("/recalls/{id}", **needs(Permission.SEE, 404, 422))
def recall(seen: Seen, parts: LedgerParts) -> Recall:
    """Return one recall: where it stands, what was asked for, who did what."""
    report = parts.recall_reports.summary(seen.id)
    names = ("selection", "plan", "timeline", "disputes", "before_reading", "still_there")
    more = {name: getattr(report, name) for name in names}
    return Recall.model_validate(report.result.to_json() | more)


@router.get("/recalls/{id}/items", **needs(Permission.SEE, 404, 422))
def items(
    request: Request,
    response: Response,
    seen: Seen,
    parts: LedgerParts,
    outcome: Annotated[list[Outcome] | None, Query(description="Only what ended so.")] = None,
    pending: Annotated[bool, Query(description="Only what waits.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Item]:
    """Return the messages of a recall, each with how it ended, in the order of their recording."""
    page = parts.pages.items(seen.id, outcomes=outcome or (), only_pending=pending, cursor=cursor, limit=limit)
    return page_of(request, response, page, Item)


class RecallCommand:
    """Something that somebody does with a recall, once."""

    def __init__(self, request: Request, seen: Seen, parts: LedgerParts, who: Who, once: OnlyOnce) -> None:
        self.recall_id, self.parts, self.actor, self.is_proven = seen.id, parts, who.name, who.is_proven
        self.bounds = who.bounds
        self.run_in = _run_in(request)
        self._once = once

    def __call__(self, status: int, action: Callable[[], recalling.Result]) -> Response:
        """Do it, and answer with where the recall stands then."""
        return self._once(status, lambda: Result.model_validate(action()))


Do = Annotated[RecallCommand, Depends()]


@router.post("/recalls/{id}/run", status_code=202, response_model=Result, **_TO_DO)
def run(do: Do, asked: Annotated[RunRequest | None, Body()] = None) -> Response:
    """Start a plan; a worker makes the calls. Watch it at `/events`.

    With the token of the plan, what is run is what was shown to this caller, or nothing: `plan_token_wrong`,
    `wrong_state` (it was run), `plan_ended`, `plan_changed`.

    When a second person has to agree first, `status` stays `planned`, and `approval` says who asked and until when.
    With `at` it stays so until then, and `scheduled_at` says it.
    """

    token = asked.token if asked is not None else None

    def start() -> recalling.Result:
        if asked is not None and asked.stop_sending:
            campaigns = do.parts.recall_reports.result(do.recall_id).campaigns
            do.parts.sending_stops.stop(campaigns, actor=do.actor, bounds=do.bounds, recall_id=do.recall_id)
        try:
            if asked is not None and asked.at is not None:
                return do.parts.schedules.set(
                    do.recall_id, asked.at, actor=do.actor, is_proven=do.is_proven, plan_token=token
                )
            return do.parts.lifecycle.run(
                do.recall_id, actor=do.actor, is_proven=do.is_proven, run_in=do.run_in, plan_token=token
            )
        except ApprovalNeededError:
            return do.parts.recall_reports.result(do.recall_id)

    return do(202, start)


@router.post("/recalls/{id}/approve", status_code=202, response_model=Result, **_TO_ANSWER)
def approve(do: Do) -> Response:
    """Agree, as a second person, to what another one wants to run; it starts at once."""
    return do(
        202,
        lambda: do.parts.lifecycle.approve(do.recall_id, actor=do.actor, is_proven=do.is_proven, run_in=do.run_in),
    )


@router.post("/recalls/{id}/refuse", response_model=Result, **_TO_ANSWER)
def refuse(asked: RefusalRequest, do: Do) -> Response:
    """Do not agree to what another person wants to run; its plan is over."""
    return do(
        200,
        lambda: do.parts.lifecycle.refuse(do.recall_id, reason=asked.reason, actor=do.actor, is_proven=do.is_proven),
    )


@router.post("/recalls/{id}/break-glass", status_code=202, response_model=Result, **_TO_DO)
def break_glass(asked: BreakGlassRequest, do: Do) -> Response:
    """Start a plan without the second person that it needs; it stays open until another one has reviewed it.

    One that needs none just starts.
    """
    return do(
        202,
        lambda: do.parts.lifecycle.run(
            do.recall_id, actor=do.actor, is_proven=do.is_proven, break_glass=asked.reason, run_in=do.run_in
        ),
    )


@router.post("/recalls/{id}/review", response_model=Result, **_TO_ANSWER)
def review(asked: ReviewRequest, do: Do) -> Response:
    """Say, as another person, what to make of a recall that was started without a second one."""
    return do(
        200,
        lambda: do.parts.lifecycle.review(do.recall_id, reason=asked.reason, actor=do.actor, is_proven=do.is_proven),
    )


@router.post("/recalls/{id}/pause", response_model=Result, **_TO_DO)
def pause(do: Do, asked: Annotated[PauseRequest | None, Body()] = None) -> Response:
    """Make no more calls until somebody resumes; what is under way ends by its answer."""
    why = (asked or PauseRequest()).reason
    return do(200, lambda: do.parts.lifecycle.pause(do.recall_id, why=why, actor=do.actor))


@router.post("/recalls/{id}/resume", status_code=202, response_model=Result, **_TO_DO)
def resume(do: Do) -> Response:
    """Go on with a recall that is paused."""
    return do(202, lambda: do.parts.lifecycle.resume(do.recall_id, actor=do.actor, run_in=do.run_in))


@router.post("/recalls/{id}/retry", status_code=202, response_model=Result, **_TO_DO)
def retry(do: Do) -> Response:
    """Ask again for what ended refused, partial or unknown, while its deadline lasts."""
    return do(
        202,
        lambda: do.parts.lifecycle.retry(do.recall_id, actor=do.actor, is_proven=do.is_proven, run_in=do.run_in),
    )


@router.post("/recalls/{id}/verify", response_model=Verified, **_TO_DO)
def verify(asked: VerifyRequest, do: Do, once: OnlyOnce) -> Response:
    """Ask DingTalk, at a call each, what became of what is unknown or partial, and of a sample of what is recalled."""
    parts, recall_id = do.parts, do.recall_id

    def work() -> Verified:
        cost = parts.read_status.cost(recall_id)
        drawn = parts.spot_checker.draw(recall_id, asked.sample)
        if asked.dry_run:
            return Verified(calls=cost + len(drawn), settled=0, checked=None, result=None)
        result = parts.read_status.run(recall_id, actor=do.actor)
        found = parts.spot_checker.run(recall_id, drawn, actor=do.actor) if drawn else None
        return Verified(
            calls=cost + len(drawn),
            settled=cost - parts.read_status.cost(recall_id),
            checked=SpotCheck.model_validate(found) if found is not None else None,
            result=Result.model_validate(result),
        )

    return once(200, work)


@router.post("/recalls/{id}/cancel", response_model=Result, **_TO_DO)
def cancel(do: Do) -> Response:
    """Stop a recall for good; what waits ends cancelled, what is under way ends by its answer."""
    return do(200, lambda: do.parts.lifecycle.cancel(do.recall_id, actor=do.actor))


@router.post("/recalls/{id}/unstick", response_model=Result, **_TO_DO)
def unstick(do: Do) -> Response:
    """Leave alone what arrives late from now on."""
    return do(200, lambda: do.parts.sticky.unstick(do.recall_id, actor=do.actor))
