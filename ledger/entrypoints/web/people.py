"""A person: everything that reached a user id and can still be recalled, and with whom it is shared."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ledger.core.roles import Permission
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.web.page import ROWS, Viewed
from ledger.entrypoints.web.selection_form import SelectionForm

router = APIRouter(route_class=Door, include_in_schema=False)


@router.get("/people", **needs(Permission.SEE))
def people(
    request: Request,
    parts: LedgerParts,
    who: Who,
    view: Viewed,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Find what reached a person; without one, ask for whom to look."""
    asked = SelectionForm(user=SelectionForm.read(request.query_params).user)
    page = None
    if asked.user:
        page = parts.pages.messages(asked.selection(view.times, who), only_recallable=True, cursor=cursor, limit=ROWS)
    return view.show("people.html", asked=asked, page=page, is_first=cursor is None)
