"""A recall to take along: every item as CSV or JSON, written in constant memory."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from ledger.core.access.roles import Permission
from ledger.core.recalls.recall import Item
from ledger.entrypoints.formats.csv_form import CsvForm
from ledger.entrypoints.formats.history_csv import written_as_csv
from ledger.entrypoints.http.door import Door, LedgerParts, needs
from ledger.entrypoints.http.read_watch import handed_out
from ledger.entrypoints.http.seen_recall import Seen
from ledger.entrypoints.web.page import Viewed
from ledger.services.reports.list_page import PAGE_ROWS_MAX, every_page
from ledger.services.reports.people import Whose

router = APIRouter(prefix="/recalls/{id}", route_class=Door, include_in_schema=False)


@router.get("/items.csv", **needs(Permission.SEE))
def as_csv(
    request: Request,
    seen: Seen,
    parts: LedgerParts,
    view: Viewed,
    raw: Annotated[bool, Query()] = False,
    per_person: Annotated[bool, Query()] = False,
) -> Response:
    """Return every item as a row of CSV, for a spreadsheet unless raw."""
    pages = _pages(request, parts, seen)
    first = next(pages)
    form = CsvForm(
        for_spreadsheets=not raw,
        per_person=per_person,
        language=None if raw else view.words.file_language,
        zone=None if raw else ZoneInfo(view.times.zone_name),
    )
    return _file(written_as_csv(first, pages, form), f"recall-{seen.id}.csv", "text/csv")


@router.get("/report.json", **needs(Permission.SEE))
def as_json(request: Request, seen: Seen, parts: LedgerParts) -> Response:
    """Return the recall, what was asked for, who did what, and every item, as `ledger show --json` does."""
    pages = _pages(request, parts, seen)
    whole = parts.recall_reports.summary(seen.id).to_json()
    head = {name: value for name, value in whole.items() if name not in ("items", "skipped", "calls")}
    head["people"] = parts.people.count(Whose(recall_id=seen.id)).to_json()
    return _file(_written(head, pages), f"recall-{seen.id}.json", "application/json")


def _pages(request: Request, parts: LedgerParts, seen: Seen) -> Iterator[Sequence[Item]]:
    for items in every_page(lambda cursor: parts.pages.items(seen.id, cursor=cursor, limit=PAGE_ROWS_MAX)):
        handed_out(request, len(items))
        yield items


def _written(head: dict[str, object], pages: Iterator[Sequence[Item]]) -> Iterator[str]:
    yield json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}") + ',\n "items": ['
    before = "\n"
    for items in pages:
        for item in items:
            yield before + json.dumps(item.to_json(), ensure_ascii=False)
            before = ",\n"
    yield "\n]}\n"


def _file(written: Iterator[str], name: str, kind: str) -> Response:
    return StreamingResponse(
        written, headers={"Content-Disposition": f'attachment; filename="{name}"'}, media_type=kind
    )
