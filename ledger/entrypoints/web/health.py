"""Health: what the doctor found, and the figures of the whole ledger in words."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from ledger.core.roles import Permission
from ledger.entrypoints.http.door import Door, LedgerParts, needs
from ledger.entrypoints.process.attention import troubles
from ledger.entrypoints.web.check_ups import CheckUps, checkups_of
from ledger.entrypoints.web.page import Viewed

EVERY_MS = 10_000

router = APIRouter(route_class=Door, include_in_schema=False)

Kept = Annotated[CheckUps, Depends(checkups_of)]


@router.get("/health", **needs(Permission.OPERATE))
def health(parts: LedgerParts, view: Viewed, checkups: Kept) -> Response:
    """Show figures, and what the last check-up found."""
    return view.show(
        "health.html",
        every_ms=EVERY_MS,
        figures=parts.figures.read(),
        depth=parts.recorder.depth(),
        monthly_calls=parts.settings.monthly_calls,
        troubles=list(troubles(parts, checkups.checks)),
        last=checkups.last,
    )


@router.post("/health", **needs(Permission.OPERATE))
def check(checkups: Kept) -> Response:
    """Make a check-up; it asks DingTalk something harmless."""
    checkups.run_once()
    return RedirectResponse("/health", 303)
