"""The history: what became of every key, a page at a time, or whole as CSV or lines of JSON in constant memory."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ledger.core.access.roles import Permission
from ledger.core.recalls import recall as recalling
from ledger.core.recalls.recall import Outcome
from ledger.entrypoints.api.files import (
    Form,
    WantedForm,
    WantedLanguage,
    WantedZone,
    csv_form_of,
    described,
    file_of,
    form_of,
    json_lines,
    whole_list,
)
from ledger.entrypoints.api.models import Item, Page, Short
from ledger.entrypoints.api.parameters import Cursor, Limit, Recalled, Selected, page_of
from ledger.entrypoints.formats.history_csv import COLUMNS, written_as_csv
from ledger.entrypoints.http.door import Door, LedgerParts, needs
from ledger.services.reports.list_page import PAGE_ROWS_MAX, ListPage

router = APIRouter(prefix="/v1", route_class=Door, tags=["history"])


@router.get("/history", response_model=Page[Item], **described(needs(Permission.SEE, 422), COLUMNS))
def history(
    request: Request,
    response: Response,
    parts: LedgerParts,
    selected: Selected,
    recalled: Recalled,
    outcome: Annotated[Outcome | None, Query(description="Only what ended so.")] = None,
    actor: Annotated[Short | None, Query(description="Only what this one recalled.")] = None,
    form: WantedForm = None,
    per_person: Annotated[bool, Query(description="In CSV, a row for each recipient.")] = False,
    language: WantedLanguage = None,
    zone: WantedZone = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Item] | Response:
    """Return the outcome of every key, newest first: a page of JSON, or all of it as CSV or lines of JSON."""

    def read(after: str | None, most: int = PAGE_ROWS_MAX) -> ListPage[recalling.Item]:
        return parts.pages.history(selected, outcome=outcome, actor=actor, recalled=recalled, cursor=after, limit=most)

    wanted = form_of(request, form)
    if wanted is Form.JSON:
        return page_of(request, response, read(cursor, limit), Item)
    csv_form = csv_form_of(wanted, language, per_person=per_person, zone=zone)
    first, rest = whole_list(request, read)
    if wanted is Form.NDJSON:
        return file_of(json_lines(first, rest, Item), "history", wanted)
    return file_of(written_as_csv(first, rest, csv_form), "history", wanted)
