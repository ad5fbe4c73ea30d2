"""A person: what reached a user id and can still be recalled, alone and shared with others; near ids for none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ledger.core.access.roles import Permission
from ledger.core.near_names import NearNames
from ledger.core.recalls.selection import Selection
from ledger.core.recording.recorded_message import RecordedMessage
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.http.read_watch import handed_out
from ledger.entrypoints.web.page import ROWS, Viewed
from ledger.entrypoints.web.selection_form import SelectionForm
from ledger.parts import Parts
from ledger.services.reports.list_page import ListPage

router = APIRouter(route_class=Door, include_in_schema=False)

ALONE, SHARED = "alone", "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Messages of a person, alone or shared: how many there are, and some of them."""

    name: str
    count: int
    page: ListPage[RecordedMessage]


@router.get("/people", **needs(Permission.SEE))
def people(
    request: Request,
    parts: LedgerParts,
    who: Who,
    view: Viewed,
    group: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Find what reached a person; without one, ask for whom to look."""
    asked = SelectionForm(user=SelectionForm.read(request.query_params).user)
    groups = list[Group]()
    near: Sequence[NearNames] = ()
    if asked.user:
        selection = asked.selection(view.times, who)
        names = (group,) if group in (ALONE, SHARED) else (ALONE, SHARED)
        groups = [one for name in names if (one := _group(parts, selection, name, cursor)).page.values]
        handed_out(request, sum(len(one.page.values) for one in groups))
        near = parts.names.near(selection) if not groups else ()
    return view.show("people.html", asked=asked, groups=groups, near=near, is_first=cursor is None)


def _group(parts: Parts, selection: Selection, name: str, cursor: str | None) -> Group:
    wanted = {"only_recallable": True, "shared": name == SHARED}
    page = parts.pages.messages(selection, **wanted, cursor=cursor, limit=ROWS)
    # What is on the page whole is counted there.
    is_whole = cursor is None and page.cursor is None
    return Group(
        name=name, count=len(page.values) if is_whole else parts.pages.count_messages(selection, **wanted), page=page
    )
