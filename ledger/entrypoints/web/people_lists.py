"""The people of a recall or of a campaign, one a line, to look at and to take along."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from ledger.core.access.roles import Permission
from ledger.core.campaigns.campaign_patterns import literally
from ledger.core.persons.reached_people import PersonLine, PersonStanding
from ledger.core.recalls.recall_state import state_of
from ledger.entrypoints.formats.csv_form import CsvForm
from ledger.entrypoints.formats.evidence.workbook import write_workbook
from ledger.entrypoints.formats.people_rows import COLUMNS, people_as_csv, person_cells
from ledger.entrypoints.formats.translations import column_in
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.http.read_watch import counted_out
from ledger.entrypoints.http.seen_recall import Seen
from ledger.entrypoints.http.written_file import written_at, written_texts
from ledger.entrypoints.web.page import ROWS, View, Viewed
from ledger.entrypoints.web.selection_form import SelectionForm
from ledger.parts import Parts
from ledger.services.reports.list_page import batches
from ledger.services.reports.people import Whose

router = APIRouter(route_class=Door, include_in_schema=False)

BATCH_ROWS = 1000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Only = Annotated[str, Query(max_length=20)]
Cursor = Annotated[str | None, Query(max_length=1500)]
Name = Annotated[str, Query(min_length=1, max_length=256)]
_SEE = needs(Permission.SEE)


@router.get("/recalls/{id}/people", **_SEE)
def of_recall(seen: Seen, parts: LedgerParts, view: Viewed, only: Only = "", cursor: Cursor = None) -> Response:
    """Show the people of a recall."""
    result = parts.recall_reports.result(seen.id)
    base = f"/recalls/{seen.id}"
    state = state_of(result, view.now)
    whose = Whose(recall_id=seen.id)
    return _shown(parts, view, whose, only, cursor, base=base, query="", result=result, state=state, name=None)


@router.get("/campaign/people", **_SEE)
def of_campaign(
    parts: LedgerParts, who: Who, view: Viewed, name: Name, only: Only = "", cursor: Cursor = None
) -> Response:
    """Show the people whom messages of a campaign reached that the ledger still holds."""
    asked = SelectionForm(campaign=literally(name))
    whose = Whose(selection=asked.selection(view.times, who))
    query = asked.query(campaign=None, name=name)
    return _shown(parts, view, whose, only, cursor, base="/campaign", query=query, result=None, name=name)


@router.get("/recalls/{id}/people.csv", **_SEE)
def of_recall_as_csv(request: Request, seen: Seen, parts: LedgerParts, view: Viewed, only: Only = "") -> Response:
    """Return the people of a recall as CSV for a spreadsheet."""
    return _csv(view, _lines(request, parts, Whose(recall_id=seen.id), only), f"recall-{seen.id}-people")


@router.get("/recalls/{id}/people.xlsx", **_SEE)
def of_recall_as_workbook(request: Request, seen: Seen, parts: LedgerParts, view: Viewed, only: Only = "") -> Response:
    """Return the people of a recall as a workbook."""
    return _workbook(view, _lines(request, parts, Whose(recall_id=seen.id), only), f"recall-{seen.id}-people")


@router.get("/campaign/people.csv", **_SEE)
def of_campaign_as_csv(
    request: Request, parts: LedgerParts, who: Who, view: Viewed, name: Name, only: Only = ""
) -> Response:
    """Return the people of a campaign as CSV for a spreadsheet."""
    whose = Whose(selection=SelectionForm(campaign=literally(name)).selection(view.times, who))
    return _csv(view, _lines(request, parts, whose, only), "people")


@router.get("/campaign/people.xlsx", **_SEE)
def of_campaign_as_workbook(
    request: Request, parts: LedgerParts, who: Who, view: Viewed, name: Name, only: Only = ""
) -> Response:
    """Return the people of a campaign as a workbook."""
    whose = Whose(selection=SelectionForm(campaign=literally(name)).selection(view.times, who))
    return _workbook(view, _lines(request, parts, whose, only), "people")


def _shown(parts: Parts, view: View, whose: Whose, only: str, cursor: str | None, **values: Any) -> Response:
    standing = _standing(only)
    look = parts.people.look(whose, standing=standing, cursor=cursor, limit=ROWS)
    return view.show(
        "people_list.html",
        page=look.page,
        count=look.count,
        only=standing.value if standing else "",
        standings=list(PersonStanding),
        is_first=cursor is None,
        **values,
    )


def _standing(only: str) -> PersonStanding | None:
    return PersonStanding(only) if only in tuple(PersonStanding) else None


def _lines(request: Request, parts: Parts, whose: Whose, only: str) -> Iterator[PersonLine]:
    return counted_out(request, parts.people.lines(whose, standing=_standing(only)))


def _csv(view: View, lines: Iterator[PersonLine], name: str) -> Response:
    form = CsvForm(for_spreadsheets=True, language=view.words.file_language)
    written = people_as_csv(batches(lines, BATCH_ROWS), form)
    return written_texts(written, f"{name}.csv", "text/csv")


def _workbook(view: View, lines: Iterator[PersonLine], name: str) -> Response:
    columns = [column_in(view.words.file_language, column) for column in COLUMNS]
    sheet = (str(view.words("people.title")), columns, map(person_cells, lines))
    return written_at(lambda path: write_workbook(path, [sheet]), f"{name}.xlsx", XLSX)
