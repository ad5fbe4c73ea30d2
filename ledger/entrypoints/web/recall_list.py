"""Recalls: when, what, of whom, how it stands and whom it waits for; what waits for a person is on top."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from ledger.core.access.roles import Permission
from ledger.core.recalls.recall import Result, Status
from ledger.core.recalls.recall_filter import EVERY_RECALL
from ledger.core.recalls.recall_state import RecallState, state_of
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.web.page import ROWS, View, Viewed
from ledger.entrypoints.web.recall_progress import RecallProgress
from ledger.entrypoints.web.recall_search import RecallSearch
from ledger.errors import InputError
from ledger.services.reports.recall_lines import RecallLine

EVERY_MS, SOON_MS = 5000, 2000
MOST_WAITING = 100
# What can be chosen, as a status of the ledger; what else is asked of it is another question.
CHOICES = {
    RecallState.TO_APPROVE.value: Status.PLANNED,
    RecallState.SCHEDULED.value: Status.PLANNED,
    **{state.value: Status(state) for state in RecallState if state.value in tuple(Status)},
    RecallState.PARTLY.value: Status.FINISHED,
    RecallState.NOTHING.value: Status.FINISHED,
}
# A file has every plan, or none.
_WITHOUT_FILE = (RecallState.TO_APPROVE.value, RecallState.SCHEDULED.value)

router = APIRouter(route_class=Door, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ListedRecall:
    """A line of the list, with what is drawn of it."""

    line: RecallLine
    state: RecallState
    progress: RecallProgress


@router.get("/recalls", **needs(Permission.SEE))
def recalls(
    parts: LedgerParts,
    who: Who,
    view: Viewed,
    asked: Annotated[RecallSearch, Depends()],
    status: Annotated[str, Query(max_length=20)] = "",
    waits: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Show where recalls stand that fit every field that is filled in, newest first; or those that wait for me."""
    chosen = status if status in CHOICES else ""
    error, page, found = None, None, EVERY_RECALL
    with parts.database.one_reading():
        waiting = parts.recall_lines.waiting_for(who, limit=MOST_WAITING)
        try:
            found = asked.filter(view.times)
            # Plans that nobody has run are many, and nobody's business unless they are asked for.
            wanted = replace(found, **_asked_of(chosen, view.now), with_plans=chosen == RecallState.PLANNED)
            statuses = (CHOICES[chosen],) if chosen else ()
            page = parts.pages.recalls(statuses=statuses, asked=wanted, cursor=cursor, limit=ROWS, who=who)
        except InputError as refused:
            error = refused
        results = [*page.values] if page is not None else []
        if chosen in _WITHOUT_FILE:
            # Of those that wait, some are past help, which takes a look at their messages.
            results = [one for one in results if _is_in(chosen, one, view.now)]
        is_top = not chosen and not asked.query() and cursor is None
        if waits:
            results, page = waiting, None
        elif is_top:
            known = {one.recall_id for one in waiting}
            results = [*waiting, *(one for one in results if one.recall_id not in known)]
        lines = [_listed(line, view) for line in parts.recall_lines.of(results)]
    is_moving = any(one.status is Status.RUNNING for one in results)
    return view.show(
        "recalls.html",
        status=200 if error is None else 422,
        every_ms=(SOON_MS if is_moving else EVERY_MS) if cursor is None and error is None else 0,
        lines=lines,
        page=page,
        asked=asked,
        error=error,
        query=asked.query(),
        whole_query=asked.query(status=chosen),
        file_query=asked.api_query(found, status=CHOICES[chosen].value if chosen else ""),
        choices=list(CHOICES),
        has_file=chosen not in _WITHOUT_FILE,
        chosen=chosen,
        waits=bool(waits),
        waiting=len(waiting),
        mine=frozenset(one.recall_id for one in waiting),
        is_first=cursor is None,
    )


def _asked_of(chosen: str, now: datetime) -> dict[str, Any]:
    """Return what a choice asks of a recall beside its status."""
    asked: dict[str, dict[str, Any]] = {
        RecallState.TO_APPROVE: {"asked_at": now},
        RecallState.SCHEDULED: {"only_scheduled": True},
        RecallState.FINISHED: {"is_whole": True},
        RecallState.PARTLY: {"is_whole": False, "has_recalled": True},
        RecallState.NOTHING: {"is_whole": False, "has_recalled": False},
    }
    return asked.get(chosen, {})


def _is_in(chosen: str, result: Result, now: datetime) -> bool:
    """Say whether a plan that waits is what was chosen; one with a moment may wait for a second person as well."""
    return chosen == RecallState.SCHEDULED or state_of(result, now) == chosen


def _listed(line: RecallLine, view: View) -> ListedRecall:
    return ListedRecall(line, state_of(line.result, view.now), RecallProgress(line.result))
