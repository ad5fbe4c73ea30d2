"""The history: what became of every key, a page at a time, or whole as CSV or lines of JSON in constant memory."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from ledger.core import recall as recalling
from ledger.core.recall import Outcome
from ledger.core.roles import Permission
from ledger.entrypoints.api.models import Item, Page, Short
from ledger.entrypoints.api.parameters import Cursor, Limit, Selected, page_of
from ledger.entrypoints.formats.csv_form import CsvForm
from ledger.entrypoints.formats.history_csv import COLUMNS, written_as_csv
from ledger.entrypoints.http.door import Door, LedgerParts, needs, patience
from ledger.services.reports import pages

CSV, NDJSON = "text/csv", "application/x-ndjson"

router = APIRouter(prefix="/v1", route_class=Door, tags=["history"])


class Form(StrEnum):
    """How the history is written; those beside JSON hold all that fits, from the first to the last.

    `csv` is for programs, verbatim; `excel` is CSV that a spreadsheet shows as it was meant.
    """

    JSON = "json"
    CSV = "csv"
    EXCEL = "excel"
    NDJSON = "ndjson"


_STREAMS = {
    200: {
        "content": {
            CSV: {"schema": {"type": "string"}, "example": ",".join(COLUMNS)},
            NDJSON: {"schema": {"type": "string", "description": "An item a line."}},
        }
    }
}


def _needs() -> dict[str, Any]:
    message = needs(Permission.SEE, 422)
    return message | {"responses": message["responses"] | _STREAMS}


@router.get("/history", response_model=Page[Item], **_needs())
def history(
    request: Request,
    response: Response,
    parts: LedgerParts,
    selected: Selected,
    outcome: Annotated[Outcome | None, Query(description="Only what ended so.")] = None,
    actor: Annotated[Short | None, Query(description="Only what this one recalled.")] = None,
    form: Annotated[Form | None, Query(alias="format", description="Wins over the Accept header.")] = None,
    per_person: Annotated[bool, Query(description="In CSV, a row for each recipient.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Item] | Response:
    """Return the outcome of every key, newest first: a page of JSON, or all of it as CSV or lines of JSON."""

    def read(after: str | None, most: int = pages.PAGE_ROWS_MAX) -> pages.ListPage[recalling.Item]:
        return parts.pages.history(selected, outcome=outcome, actor=actor, cursor=after, limit=most)

    wanted = form or _accepted(request)
    if wanted is Form.JSON:
        return page_of(request, response, read(cursor, limit), Item)
    # Half a file looks like a whole one: in the middle too it waits a little for a database that goes away.
    found = pages.every_page(lambda after: patience(parts).retrying(lambda: read(after)))
    # What fails, fails here: nothing has been written yet.
    first = next(found)
    if wanted is Form.NDJSON:
        return _file(_lines(first, found), "history.jsonl", NDJSON)
    csv_form = CsvForm(for_spreadsheets=wanted is Form.EXCEL, per_person=per_person)
    return _file(written_as_csv(first, found, csv_form), "history.csv", CSV)


def _file(written: Iterator[str], name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(written, headers=headers, media_type=kind)


def _accepted(request: Request) -> Form:
    accepted = request.headers.get("accept", "")
    if CSV in accepted:
        return Form.CSV
    return Form.NDJSON if NDJSON in accepted else Form.JSON


def _lines(first: Sequence[recalling.Item], rest: Iterator[Sequence[recalling.Item]]) -> Iterator[str]:
    yield _written(first)
    for items in rest:
        yield _written(items)


def _written(items: Sequence[recalling.Item]) -> str:
    return "".join(Item.model_validate(item).model_dump_json() + "\n" for item in items)
