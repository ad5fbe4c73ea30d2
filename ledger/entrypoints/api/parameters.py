"""Which messages an address means, and which part of a long list it asks for."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from ledger.core.period import Period, period_of_recall
from ledger.core.recalls.selection import Selection, select
from ledger.entrypoints.api.models import USERS_MAX, ApiModel, Key, Moment, Page, Short
from ledger.entrypoints.http.door import who_asks, within
from ledger.entrypoints.http.read_watch import handed_out
from ledger.services.reports.list_page import PAGE_ROWS_MAX, ListPage

Limit = Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX, description="At most so many.")]
Cursor = Annotated[str | None, Query(max_length=200, description="Where to go on, from the `next` of an answer.")]
# A name may be long.
NameCursor = Annotated[str | None, Query(max_length=1500, description="Where to go on, from the `next` of an answer.")]
_Texts = Query(min_length=1, max_length=USERS_MAX)


def _selection(
    request: Request,
    campaign: Annotated[list[Short] | None, _Texts] = None,
    untagged: Annotated[bool, Query(description="Without a campaign.")] = False,
    source: Annotated[Short | None, Query()] = None,
    user: Annotated[list[Short] | None, _Texts] = None,
    key: Annotated[list[Key] | None, _Texts] = None,
    robot: Annotated[Short | None, Query()] = None,
    since: Annotated[Moment | None, Query(description="Sent at or after.")] = None,
    until: Annotated[Moment | None, Query(description="Sent before.")] = None,
) -> Selection:
    bounds = within(who_asks(request), robot)
    return select(
        campaign=campaign,
        untagged=untagged,
        source=source,
        users=user,
        keys=key,
        robot=robot,
        since=since,
        until=until,
        within=bounds,
    )


def _recalled(
    recalled_since: Annotated[Moment | None, Query(description="Of recalls that started at or after.")] = None,
    recalled_until: Annotated[Moment | None, Query(description="Of recalls that started before.")] = None,
) -> Period:
    return period_of_recall(recalled_since, recalled_until)


Recalled = Annotated[Period, Depends(_recalled)]
Selected = Annotated[Selection, Depends(_selection)]


def page_of(request: Request, response: Response, page: ListPage[Any], kind: type[ApiModel]) -> Page[Any]:
    """Render a page, with the address of the next one, which also stands in the Link header."""
    handed_out(request, len(page.values))
    following = None
    if page.cursor is not None:
        parts = request.url.include_query_params(cursor=page.cursor)
        following = f"{parts.path}?{parts.query}"
        response.headers["Link"] = f'<{following}>; rel="next"'
    return Page[Any](items=[kind.model_validate(value) for value in page.values], next=following)
