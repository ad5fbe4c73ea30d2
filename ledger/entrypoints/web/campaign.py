"""A campaign: what was sent under its tag to whom, when and by which source."""

from contextlib import suppress
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse

from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.core.access.roles import Permission
from ledger.core.campaigns.campaign import no_messages
from ledger.core.campaigns.campaign_patterns import literally
from ledger.core.recalls.plan import NO_APP
from ledger.core.recalls.recall import Status
from ledger.core.recalls.recall_filter import recall_filter
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.web.marks import marks_of
from ledger.entrypoints.web.page import ROWS, Viewed
from ledger.entrypoints.web.selection_form import SelectionForm
from ledger.errors import InputError
from ledger.parts import Parts
from ledger.services.upkeep.robots import app_of

EVERY_MS, SOON_MS = 10_000, 1000
AT_WORK = (Status.RUNNING, Status.PAUSED)

Name = Annotated[str, Query(min_length=1, max_length=256)]

router = APIRouter(route_class=Door, include_in_schema=False)


@router.get("/campaign", **needs(Permission.SEE))
def campaign(
    parts: LedgerParts,
    who: Who,
    view: Viewed,
    name: Name,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Show the messages of a campaign, soonest deadline first."""
    asked = SelectionForm(campaign=literally(name))
    selection = asked.selection(view.times, who)
    page = parts.pages.messages(selection, cursor=cursor, limit=ROWS)
    count = parts.campaign_counts.read(who.bounds)
    line = None
    if count is not None:
        line = next((one for one in count.lines if one.campaign == name), no_messages(name))
    current = (
        *parts.pages.recalls(statuses=AT_WORK, asked=recall_filter(campaign=name), limit=ROWS, who=who).values,
        *parts.pages.requests(limit=ROWS, who=who).waiting,
        *parts.pages.scheduled(limit=ROWS, who=who),
    )
    # A count may be of a moment ago; who has just pressed a button wants to see what it did.
    is_shown = line is not None and (line.messages or who.bounds == EVERYTHING)
    return view.show(
        "campaign.html",
        # It comes again until it is counted, and then from time to time.
        every_ms=SOON_MS if line is None else EVERY_MS,
        name=name,
        line=line,
        no_app=_of_no_app(parts, name, who.bounds) if is_shown else 0,
        marks=marks_of(current, view.now).get(name, ()),
        stopped_by=parts.sending_stops.stopped_by(name) if is_shown else None,
        counted_at=count.at if count is not None else None,
        page=page,
        is_first=cursor is None,
        asked=asked,
        near=parts.names.near(selection) if not page.values and cursor is None else (),
    )


@router.post("/campaign/stop", **needs(Permission.RECALL))
def stop(parts: LedgerParts, who: Who, name: Name) -> Response:
    """Let nothing more of a campaign be sent."""
    parts.sending_stops.stop([name], actor=who.name, bounds=who.bounds)
    return _back_to(name)


@router.post("/campaign/allow", **needs(Permission.RECALL))
def allow(parts: LedgerParts, who: Who, name: Name) -> Response:
    """Let a campaign be sent again; who asks for that twice has what was wanted."""
    with suppress(InputError):
        parts.sending_stops.allow(name, actor=who.name, bounds=who.bounds)
    return _back_to(name)


def _of_no_app(parts: Parts, name: str, bounds: Bounds) -> int:
    """Return how much of what can be recalled no app can: a plan would leave it out."""
    if parts.settings.has_app_for_any_robot:
        return 0
    counted = parts.campaign_reports.recallable_by_robot(name, bounds)
    return sum(count for robot, count in counted.items() if app_of(parts.settings, robot) == NO_APP)


def _back_to(name: str) -> Response:
    return RedirectResponse(f"/campaign?{urlencode({'name': name})}", 303)
