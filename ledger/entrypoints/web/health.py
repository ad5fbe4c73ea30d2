"""Health: what the doctor found, and the figures of the whole ledger in words."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from ledger.core.access.roles import Permission
from ledger.core.recalls.quota import bounds_of, forecast, level_of
from ledger.core.recalls.recall_state import RecallState
from ledger.entrypoints.http.door import Door, LedgerParts, needs
from ledger.entrypoints.process.attention import troubles
from ledger.entrypoints.web.check_ups import CheckUps, checkups_of
from ledger.entrypoints.web.gauge import gauge
from ledger.entrypoints.web.page import Viewed
from ledger.entrypoints.web.words import DEFAULT

EVERY_MS = 10_000

router = APIRouter(route_class=Door, include_in_schema=False)

Kept = Annotated[CheckUps, Depends(checkups_of)]


@router.get("/health", **needs(Permission.OPERATE))
def health(parts: LedgerParts, view: Viewed, checkups: Kept) -> Response:
    """Show figures, and what the last check-up found."""
    figures, settings = parts.figures.read(), parts.settings
    used, limit, reserve = figures.counted.used_calls, settings.monthly_calls, settings.quota_reserve_calls
    expected = forecast(used, view.now)
    level = level_of(used, limit, reserve)
    counted = parts.pages.count_states()
    upkeep, most_pushes = parts.upkeep_reports.read(), settings.stream_monthly_events
    push_level = level_of(upkeep.pushes, most_pushes, 0)
    return view.show(
        "health.html",
        every_ms=EVERY_MS,
        figures=figures,
        states=[(state, counted[state]) for state in RecallState if state in counted],
        upkeep=upkeep,
        listens=settings.stream,
        pushes=gauge(upkeep.pushes, most_pushes, level=push_level.value),
        most_pushes=most_pushes,
        quota=gauge(used, limit, forecast=expected, reserve=reserve, level=level.value),
        expected=expected,
        reserve=reserve,
        month_ends=bounds_of(view.now)[1],
        paces=[(pace, gauge(pace.share, 1, level="short")) for pace in figures.paces],
        spool_folders=[str(folder) for folder in settings.spool_folders],
        depth=parts.recorder.depth(),
        monthly_calls=limit,
        troubles=list(troubles(parts, checkups.checks)),
        last=checkups.last,
        # The doctor speaks English; in other languages its values are said instead.
        is_english=view.words.language == DEFAULT,
    )


@router.post("/health", **needs(Permission.OPERATE))
def check(checkups: Kept) -> Response:
    """Make a check-up; it asks DingTalk something harmless."""
    checkups.run_once()
    return RedirectResponse("/health", 303)
