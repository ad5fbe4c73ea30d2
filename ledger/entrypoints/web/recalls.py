"""Recalls: all of them, and one of them from its plan to its report."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from ledger.core.access.roles import Permission
from ledger.core.campaigns.campaign_patterns import literally
from ledger.core.named import meant_by, untaken
from ledger.core.near_names import NearNames
from ledger.core.persons.reached_people import PeopleCount
from ledger.core.readers.read_sample import percents
from ledger.core.recalls.confirmation import Confirmation, confirmation_of
from ledger.core.recalls.recall import Outcome, Result, Status
from ledger.core.recalls.recall_state import state_of
from ledger.core.recalls.selection import Selection
from ledger.core.recalls.stop import PlanStop
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.http.seen_recall import Seen
from ledger.entrypoints.web.beside_plan import Beside
from ledger.entrypoints.web.page import ROWS, Viewed
from ledger.entrypoints.web.rate_line import rate_line
from ledger.entrypoints.web.recall_progress import WAITING, RecallProgress
from ledger.entrypoints.web.settlings import Settlings, settlings_of
from ledger.entrypoints.web.story import story_of
from ledger.entrypoints.web.times import parsed
from ledger.entrypoints.web.urgency import urgency
from ledger.parts import Parts
from ledger.services.recalls.planning.run_in import RunIn
from ledger.services.reports.people import Whose
from ledger.services.reports.recalls import RecallReport

EVERY_MS, PLANNED_MS, RESTING_MS = 1000, 2000, 5000
# Making the page takes at most so much of the time.
LARGEST_SHARE = 0.1
SHOWN_REASONS = 20
SHOWN_CALLS = 50
KEYS_IN_ADDRESS = 20
# So many of what ended recalled are asked about at once.
SPOT_CHECKED = 20
_OVER = (Status.FINISHED, Status.CANCELLED)

router = APIRouter(route_class=Door, include_in_schema=False)

Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("/recalls/{id}", **needs(Permission.SEE))
def recall(
    request: Request,
    seen: Seen,
    parts: LedgerParts,
    who: Who,
    view: Viewed,
    only: Annotated[str, Query(max_length=20)] = "",
    cursor: Cursor = None,
    *,
    beside: Beside,
    settlings: Annotated[Settlings, Depends(settlings_of)],
) -> Response:
    """Show one recall: its plan while nobody has confirmed it, then how far it is, in the end its report."""
    started = time.monotonic()
    # Before what it changes is read: a page that says that it is over shows what came of it, and looks no more.
    is_settling = settlings.is_running(seen.id)
    with parts.database.one_reading():
        report = parts.recall_reports.summary(seen.id, late_of_plans=False)
        result = report.result
        outcomes = (Outcome(only),) if only in tuple(Outcome) else ()
        page = parts.pages.items(seen.id, outcomes=outcomes, only_pending=only == WAITING, cursor=cursor, limit=ROWS)
        waits = result.status is Status.PLANNED and result.approval is not None and result.approval.is_waiting
        ends = ends_at(parts, report)
        may_start = ends is not None and ends > view.now
        is_live = (
            result.status in (Status.RUNNING, Status.PAUSED) or waits or result.is_scheduled or is_settling or may_start
        )
        every_ms = RESTING_MS if result.status is Status.PAUSED else PLANNED_MS if may_start else EVERY_MS
        progress = parts.recall_reports.progress(seen.id) if result.status is Status.RUNNING else result
        course = parts.courses.read(result, calls=SHOWN_CALLS) if result.status is not Status.PLANNED else None
        plan = _plan(report)
        taken = None if plan.get("by_campaign") is None else [one["campaign"] for one in plan["by_campaign"]]
        took_ms = (time.monotonic() - started) * 1000
        return view.show(
            "plan.html" if result.status is Status.PLANNED else "recall.html",
            every_ms=int(max(every_ms, took_ms / LARGEST_SHARE)) if is_live else 0,
            result=result,
            state=state_of(result, view.now),
            trouble=progress.trouble,
            standing=RecallProgress(result, course),
            course=course,
            rate=rate_line(course.calls, course.planned_rate) if course is not None else None,
            ask=parts.recall_reports.ask_again(seen.id) if result.status in _OVER else None,
            spot_checks=parts.spot_checker.cost(seen.id, SPOT_CHECKED) if result.status in _OVER else 0,
            before_read=percents(*[report.before_reading.share] * 2) if report.before_reading is not None else None,
            still_there={one.process_query_key for one in report.still_there},
            is_settling=is_settling,
            settling_error=settlings.error(seen.id),
            story=story_of(report.timeline, result.status, view.now),
            urgency=urgency(course.first_deadline, view.now) if course is not None else "",
            beside=beside,
            correction=parts.correction_reports.open_of(seen.id) if result.status in _OVER else None,
            report=report,
            plan=plan,
            people=_people(parts, result),
            near=_near(parts, report),
            confirmation=confirmation(report),
            reasons=parts.recall_reports.reasons(seen.id, limit=SHOWN_REASONS),
            page=page,
            only=only,
            onlies=[*(outcome.value for outcome in Outcome), WAITING],
            is_first=cursor is None,
            meant=meant_by(report.selection, taken),
            untouched=untaken(report.selection, taken) if plan.get("eligible") else (),
            also_waiting=parts.waiting_beside.of_recall(seen.id) if result.status is Status.PLANNED else (),
            stops=_stops(parts, report, run_in_of(request)),
            ends_at=ends,
            excerpts=parts.planner.excerpts_of(seen.id) if result.status is Status.PLANNED else (),
            is_sticky=result.sticky_until is not None and result.sticky_until > view.now,
            again_query=_again(report),
            is_own=result.approval is not None and result.approval.requested_by == who.name,
        )


def run_in_of(request: Request) -> RunIn:
    """Return who makes the calls of what is started here."""
    return RunIn.LOCAL_WORKER if request.app.state.with_worker else RunIn.ANY_WORKER


def ends_at(parts: LedgerParts, report: RecallReport) -> datetime | None:
    """Return until when a plan may start; None for what waits for somebody or its moment, or is no plan any more."""
    result = report.result
    waits = result.approval is not None and result.approval.requested_by is not None
    if result.status is not Status.PLANNED or waits or result.is_scheduled or result.planned_at is None:
        return None
    return result.planned_at + parts.planner.valid_for


def _stops(parts: LedgerParts, report: RecallReport, run_in: RunIn) -> tuple[PlanStop, ...]:
    if report.result.status is not Status.PLANNED:
        return ()
    return parts.preflight.of_recall(report.result.recall_id, run_in)


def confirmation(report: RecallReport) -> Confirmation | None:
    """Return what it takes to start a plan; None for a recall that is no plan any more."""
    plan = report.plan
    if report.result.status is not Status.PLANNED or not plan.get("eligible"):
        return None
    return confirmation_of(plan, report.selection)


# How fields of the form are named that a selection calls otherwise.
_FIELDS = {"users": "user", "keys": "key", "include_elsewhere": "elsewhere"}


def _again(report: RecallReport) -> str:
    """Return the address of a form that selects the same again; a long list of keys has no room in it."""
    parts = {name: value for name, value in report.selection.items() if not name.startswith("within")}
    campaigns = parts.pop("campaigns", [parts.pop("campaign")] if "campaign" in parts else [])
    pairs = [("campaign", literally(one)) for one in campaigns]
    pairs += [(_FIELDS.get(name, name), value) for name, value in parts.items()]
    return urlencode(pairs, doseq=True) if len(parts.get("keys", ())) <= KEYS_IN_ADDRESS else ""


def _near(parts: Parts, report: RecallReport) -> Sequence[NearNames]:
    """Return names near those of a plan of nothing; it stays in the bounds that it was made in."""
    is_empty = report.result.status is Status.PLANNED and not report.plan.get("eligible")
    return parts.names.near(Selection.from_json(report.selection)) if is_empty else ()


def _people(parts: Parts, result: Result) -> PeopleCount | None:
    """Count people once nothing moves any more: while a recall runs, its page is made anew each second."""
    if result.status in (Status.PLANNED, Status.RUNNING):
        return None
    return parts.people.count(Whose(recall_id=result.recall_id))


def _plan(report: RecallReport) -> dict[str, Any]:
    """Return the stored plan with its times read."""
    plan = dict(report.plan)
    return plan | {name: parsed(plan.get(name)) for name in ("first_deadline", "last_deadline")}
