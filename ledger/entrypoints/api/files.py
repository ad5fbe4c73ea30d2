"""Lists that are taken along whole: which form a request asks for, and the answer that is a file."""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any, TypeVar

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from ledger.entrypoints.api.models import ApiModel
from ledger.entrypoints.formats.csv_form import CsvForm
from ledger.entrypoints.formats.sent_times import zone_of
from ledger.entrypoints.formats.translations import FileLanguage
from ledger.entrypoints.http.door import parts_of, patience
from ledger.entrypoints.http.read_watch import handed_out
from ledger.services.reports.list_page import ListPage, every_page

Value = TypeVar("Value")

CSV, NDJSON = "text/csv", "application/x-ndjson"


class Form(StrEnum):
    """How a list is written; those beside JSON hold all that fits, from the first to the last.

    `csv` is for programs, verbatim; `excel` is CSV that a spreadsheet shows as it was meant.
    """

    JSON = "json"
    CSV = "csv"
    EXCEL = "excel"
    NDJSON = "ndjson"


WantedForm = Annotated[Form | None, Query(alias="format", description="Wins over the Accept header.")]


WantedLanguage = Annotated[
    FileLanguage | None,
    Query(description="With format=excel: the words that columns and codes have beside them."),
]


WantedZone = Annotated[
    str | None,
    Query(description="With format=excel: the zone in which times are written, as in Asia/Shanghai.", max_length=64),
]


def csv_form_of(
    wanted: Form, language: FileLanguage | None, *, per_person: bool = False, zone: str | None = None
) -> CsvForm:
    """Return how CSV is written, for programs as it always was; raise InputError for no zone that there is."""
    if wanted is not Form.EXCEL:
        return CsvForm(per_person=per_person)
    named = zone_of(zone) if zone else None
    return CsvForm(for_spreadsheets=True, per_person=per_person, language=language, zone=named)


def form_of(request: Request, wanted: Form | None) -> Form:
    """Return the form that a request asks for."""
    accepted = request.headers.get("accept", "")
    if wanted is not None:
        return wanted
    if CSV in accepted:
        return Form.CSV
    return Form.NDJSON if NDJSON in accepted else Form.JSON


def file_of(written: Iterator[str], name: str, form: Form) -> Response:
    """Return an answer that a browser keeps as a file."""
    kind, ending = (NDJSON, "jsonl") if form is Form.NDJSON else (CSV, "csv")
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return StreamingResponse(written, headers=headers, media_type=kind)


def whole_list(
    request: Request, read: Callable[[str | None], ListPage[Value]]
) -> tuple[Sequence[Value], Iterator[Sequence[Value]]]:
    """Return the first page of a list, and the others, each read when its turn comes."""
    # Half a file looks like a whole one: in the middle too it waits a little for a database that goes away.
    waiting = patience(parts_of(request))

    def read_page(after: str | None) -> ListPage[Value]:
        page = waiting.retrying(lambda: read(after))
        handed_out(request, len(page.values))
        return page

    found = every_page(read_page)
    # What fails, fails here: nothing has been written yet.
    return next(found), found


def json_lines(first: Sequence[Any], rest: Iterator[Sequence[Any]], kind: type[ApiModel]) -> Iterator[str]:
    """Write values as JSON, a line each."""
    for values in chain([first], rest):
        yield "".join(kind.model_validate(value).model_dump_json() + "\n" for value in values)


def described(route: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Return what a route says of itself, with the forms of its list beside JSON."""
    forms = {
        CSV: {"schema": {"type": "string"}, "example": ",".join(columns)},
        NDJSON: {"schema": {"type": "string", "description": "One a line."}},
    }
    return route | {"responses": route["responses"] | {200: {"content": forms}}}
