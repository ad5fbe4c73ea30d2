"""The history: what became of every message that anybody tried to take back, searched and paged."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ledger.core.access.roles import Permission
from ledger.core.limits import check_text
from ledger.core.period import ALWAYS, period_of_recall
from ledger.core.recalls.recall import Outcome
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.web.page import ROWS, Viewed
from ledger.entrypoints.web.selection_form import SelectionForm
from ledger.entrypoints.web.times import in_api
from ledger.errors import InputError

router = APIRouter(route_class=Door, include_in_schema=False)


@router.get("/history", **needs(Permission.SEE))
def history(
    request: Request,
    parts: LedgerParts,
    who: Who,
    view: Viewed,
    outcome: Annotated[str, Query(max_length=20)] = "",
    actor: Annotated[str, Query(max_length=256)] = "",
    recalled_since: Annotated[str, Query(max_length=40)] = "",
    recalled_until: Annotated[str, Query(max_length=40)] = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Show outcomes, newest first, that fit every field that is filled in."""
    asked, error, page = SelectionForm.read(request.query_params), None, None
    wanted = Outcome(outcome) if outcome in tuple(Outcome) else None
    more = {"outcome": outcome, "actor": actor}
    recalled, times = ALWAYS, {"recalled_since": recalled_since, "recalled_until": recalled_until}
    try:
        check_text("actor", actor)
        recalled = period_of_recall(view.times.read(recalled_since), view.times.read(recalled_until))
        selection = asked.selection(view.times, who)
        page = parts.pages.history(
            selection, outcome=wanted, actor=actor or None, recalled=recalled, cursor=cursor, limit=ROWS
        )
    except InputError as refused:
        error = refused
    return view.show(
        "history.html",
        status=200 if error is None else 422,
        asked=asked,
        outcome=outcome,
        recalled=times,
        query=asked.query(**more, **times),
        file_query="" if error else asked.api_query(view.times, **more, **in_api(recalled)),
        actor=actor,
        outcomes=list(Outcome),
        error=error,
        near=parts.names.near_in_history(selection, actor or None) if page is not None and not page.values else (),
        page=page,
        is_first=cursor is None,
    )
