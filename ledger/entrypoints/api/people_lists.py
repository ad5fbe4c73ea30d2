"""Who has it, who lost it, who never got it: people of a selection, or of a recall, one a line."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ledger.core.access.roles import Permission
from ledger.core.persons.reached_people import PersonStanding
from ledger.core.recalls.recall import Outcome
from ledger.entrypoints.api.files import (
    CSV,
    NDJSON,
    Form,
    WantedForm,
    WantedLanguage,
    csv_form_of,
    described,
    form_of,
    json_lines,
)
from ledger.entrypoints.api.models import PeopleCount, PeoplePage, Person
from ledger.entrypoints.api.parameters import Limit, NameCursor, Selected, page_of
from ledger.entrypoints.formats.people_rows import COLUMNS, people_as_csv
from ledger.entrypoints.formats.translations import FileLanguage
from ledger.entrypoints.http.door import Door, LedgerParts, needs
from ledger.entrypoints.http.read_watch import counted_out
from ledger.entrypoints.http.seen_recall import Seen
from ledger.entrypoints.http.written_file import written_texts
from ledger.parts import Parts
from ledger.services.reports.list_page import batches
from ledger.services.reports.people import Whose

router = APIRouter(prefix="/v1", route_class=Door, tags=["people"])

BATCH_ROWS = 1000
Only = Annotated[PersonStanding | None, Query(description="Who has one left, is unknown, lost all, or never got any.")]
_SELECTED = described(needs(Permission.SEE, 422), COLUMNS)
_OF_RECALL = described(needs(Permission.SEE, 404, 422), COLUMNS)


@router.get("/people", response_model=PeoplePage, **_SELECTED)
def people(
    request: Request,
    response: Response,
    parts: LedgerParts,
    selected: Selected,
    only: Only = None,
    form: WantedForm = None,
    language: WantedLanguage = None,
    limit: Limit = 100,
    cursor: NameCursor = None,
) -> PeoplePage | Response:
    """Return whom the selected messages reached that the ledger still holds, and what they have of them."""
    asked = PeopleAsked(request, response, parts, only, form, language, limit, cursor)
    return asked.answer(Whose(selection=selected))


@router.get("/recalls/{id}/people", response_model=PeoplePage, **_OF_RECALL)
def people_of_recall(
    request: Request,
    response: Response,
    parts: LedgerParts,
    seen: Seen,
    only: Only = None,
    outcome: Annotated[Outcome | None, Query(description="Whose message ended so, at least one.")] = None,
    form: WantedForm = None,
    language: WantedLanguage = None,
    limit: Limit = 100,
    cursor: NameCursor = None,
) -> PeoplePage | Response:
    """Return whom a recall concerns, and what they have of its messages."""
    asked = PeopleAsked(request, response, parts, only, form, language, limit, cursor)
    return asked.answer(Whose(recall_id=seen.id), outcome)


class PeopleAsked:
    """What somebody asks of people, whosever they are."""

    def __init__(
        self,
        request: Request,
        response: Response,
        parts: Parts,
        only: PersonStanding | None,
        form: Form | None,
        language: FileLanguage | None,
        limit: int,
        cursor: str | None,
    ) -> None:
        self._request, self._response, self._parts = request, response, parts
        self._only, self._form, self._limit, self._cursor = only, form_of(request, form), limit, cursor
        self._language = language

    def answer(self, whose: Whose, outcome: Outcome | None = None) -> PeoplePage | Response:
        """Return a page of JSON, or all of them as a file."""
        people = self._parts.people
        if self._form is Form.JSON:
            found = people.page(whose, standing=self._only, outcome=outcome, cursor=self._cursor, limit=self._limit)
            page = page_of(self._request, self._response, found, Person)
            count = PeopleCount.model_validate(people.count(whose)) if self._cursor is None else None
            return PeoplePage(items=page.items, next=page.next, count=count)
        lines = counted_out(self._request, people.lines(whose, standing=self._only, outcome=outcome))
        every = batches(lines, BATCH_ROWS)
        if self._form is Form.NDJSON:
            return written_texts(json_lines((), every, Person), "people.jsonl", NDJSON)
        form = csv_form_of(self._form, self._language)
        return written_texts(people_as_csv(every, form), "people.csv", CSV)
