"""Now: what can still be recalled and for how long, what is being recalled, and what needs somebody."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response

from ledger.core.access.roles import Permission
from ledger.core.campaigns.board import Order, is_open
from ledger.core.recalls.recall import Status
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.process.attention import troubles
from ledger.entrypoints.web.board_search import BoardQuery
from ledger.entrypoints.web.day_strip import day_strip
from ledger.entrypoints.web.health import Kept
from ledger.entrypoints.web.marks import marks_of
from ledger.entrypoints.web.page import Viewed
from ledger.entrypoints.web.recall_progress import RecallProgress
from ledger.entrypoints.web.urgency import urgency
from ledger.services.reports.recall_lines import NEVER

SHOWN_RECALLS = 20
# The nearest of so many are shown at first, and of so many at all.
SHOWN_CAMPAIGNS, MOST_CAMPAIGNS, SHOWN_OVER = 50, 2000, 200
EVERY_MS, SOON_MS = 5000, 1000

router = APIRouter(route_class=Door, include_in_schema=False)


@router.get("/", **needs(Permission.SEE))
def now(
    parts: LedgerParts, who: Who, view: Viewed, checkups: Kept, asked: Annotated[BoardQuery, Depends()]
) -> Response:
    """Show what can still be recalled, what is being recalled, and what needs somebody."""
    count = parts.campaign_counts.read(who.bounds)
    lines = count.lines if count is not None else ()
    open_lines = [line for line in lines if is_open(line)]
    senders = parts.campaign_senders.read(who.bounds) if asked.search.asks_for_senders else None
    # Who sent what takes a while to find out with very many messages; until then, the page looks again.
    is_sought = asked.search.asks_for_senders and senders is None
    found = [] if is_sought else asked.search.arrange(open_lines, senders.lines if senders else (), view.now)
    shown = MOST_CAMPAIGNS if asked.show_all else SHOWN_CAMPAIGNS
    with parts.database.one_reading():
        running = parts.pages.recalls(statuses=(Status.RUNNING,), limit=SHOWN_RECALLS, who=who)
        stopped = parts.pages.recalls(statuses=(Status.PAUSED,), limit=SHOWN_RECALLS, who=who)
        requests = parts.pages.requests(limit=SHOWN_RECALLS, who=who)
        scheduled = parts.pages.scheduled(limit=SHOWN_RECALLS, who=who)
        to_review = parts.pages.to_review(limit=SHOWN_RECALLS, who=who)
        corrections = parts.correction_reports.needing_somebody(who.bounds)[:SHOWN_RECALLS]
        plans = (*requests.waiting, *requests.stale, *scheduled)
        recalls = {one.recall_id for one in (*running.values, *stopped.values, *plans, *to_review)}
        first_lost = parts.recall_lines.first_lost((*stopped.values, *requests.waiting, *requests.stale))
        needs = [
            *(("to_review", one) for one in to_review),
            *(("waiting", one) for one in requests.waiting),
            *(("stale", one) for one in requests.stale),
            *(("paused", one) for one in stopped.values),
        ]
        marks = marks_of((*running.values, *stopped.values, *requests.waiting, *scheduled), view.now)
        found_troubles = list(troubles(parts, checkups.checks, who.bounds))
        return view.show(
            "now.html",
            every_ms=SOON_MS if running.values or count is None or is_sought else EVERY_MS,
            counted_at=count.at if count is not None else None,
            asked=asked,
            urgency=urgency,
            orders=list(Order),
            is_sought=is_sought,
            strip=day_strip(open_lines, view.now),
            campaigns=[(line, urgency(line.first_deadline, view.now)) for line in found[:shown]],
            found=len(found),
            every_campaign=len(open_lines),
            all_query=urlencode({**view.request.query_params, "all": "1"}),
            over=[line for line in lines if not is_open(line)][:SHOWN_OVER],
            recallable=sum(line.recallable for line in lines),
            first_deadline=next((line.first_deadline for line in lines if line.first_deadline), None),
            running=[RecallProgress(result, parts.courses.read(result, calls=0)) for result in running.values],
            # What loses its first message soonest comes first.
            needs=sorted(needs, key=lambda need: first_lost.get(need[1].recall_id, NEVER)),
            first_lost=first_lost,
            scheduled=scheduled,
            corrections=corrections,
            named=parts.recall_lines.named(recalls | {one.recall_id for one in corrections}),
            marks=marks,
            # What a plan would leave out of what can be recalled: what recalls are at, and what is of robots of no app.
            taken=sum(result.pending for result in (*running.values, *stopped.values)),
            no_app=next((trouble.values["n"] for trouble in found_troubles if trouble.name == "robots"), 0),
            troubles=found_troubles,
        )
