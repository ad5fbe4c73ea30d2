"""Now: what can still be recalled and for how long, what is being recalled, and what needs somebody."""

from fastapi import APIRouter, Response

from ledger.core.campaign import CampaignLine
from ledger.core.recall import Status
from ledger.core.roles import Permission
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.process.attention import troubles
from ledger.entrypoints.web.health import Kept
from ledger.entrypoints.web.page import Viewed
from ledger.entrypoints.web.recall_progress import RecallProgress

SHOWN_RECALLS = 20
SHOWN_CAMPAIGNS = 200
EVERY_MS, SOON_MS = 5000, 1000

router = APIRouter(route_class=Door, include_in_schema=False)


@router.get("/", **needs(Permission.SEE))
def now(parts: LedgerParts, who: Who, view: Viewed, checkups: Kept) -> Response:
    """Show what can still be recalled, what is being recalled, and what needs somebody."""
    count = parts.campaign_counts.read(who.bounds)
    lines = count.lines if count is not None else ()
    open_lines = [line for line in lines if _is_open(line)]
    running = parts.pages.recalls(statuses=(Status.RUNNING,), limit=SHOWN_RECALLS, who=who)
    stopped = parts.pages.recalls(statuses=(Status.PAUSED,), limit=SHOWN_RECALLS, who=who)
    waiting = parts.pages.waiting(limit=SHOWN_RECALLS, who=who)
    to_review = parts.pages.to_review(limit=SHOWN_RECALLS, who=who)
    return view.show(
        "now.html",
        every_ms=SOON_MS if running.values or count is None else EVERY_MS,
        counted_at=count.at if count is not None else None,
        campaigns=open_lines[:SHOWN_CAMPAIGNS],
        more_campaigns=max(len(open_lines) - SHOWN_CAMPAIGNS, 0),
        over=[line for line in lines if not _is_open(line)][:SHOWN_CAMPAIGNS],
        recallable=sum(line.recallable for line in lines),
        first_deadline=next((line.first_deadline for line in lines if line.first_deadline), None),
        running=[RecallProgress(result, parts.courses.read(result, calls=0)) for result in running.values],
        paused=stopped.values,
        waiting=waiting,
        to_review=to_review,
        troubles=list(troubles(parts, checkups.checks)),
    )


def _is_open(line: CampaignLine) -> bool:
    """Say whether somebody may still have to do something about a campaign."""
    return line.first_deadline is not None or line.keyless > 0 or bool(line.unrecallable)
