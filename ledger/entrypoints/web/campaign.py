"""A campaign: what was sent under its tag to whom, when and by which source."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ledger.core.roles import Permission
from ledger.entrypoints.api.door import Book, Door, Who, needs
from ledger.entrypoints.web.page import ROWS, Viewed
from ledger.entrypoints.web.selecting import Asked

router = APIRouter(route_class=Door, include_in_schema=False)


@router.get("/campaign", **needs(Permission.SEE))
def campaign(
    book: Book,
    who: Who,
    view: Viewed,
    name: Annotated[str, Query(min_length=1, max_length=256)],
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Show the messages of a campaign, soonest deadline first."""
    asked = Asked(campaign=name)
    page = book.lister.messages(asked.selection(view.times, who), cursor=cursor, limit=ROWS)
    line = book.campaign_line(name, within=who.robots)
    return view.show("campaign.html", name=name, line=line, page=page, is_first=cursor is None, asked=asked)
