"""People instead of numbers: who has messages of a recall or of a selection, who lost them, who never got any."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ledger.core.cursor import decode_name, encode_name
from ledger.core.reached_people import PeopleCount, PersonLine, PersonStanding
from ledger.core.recall import Outcome
from ledger.core.selection import Selection
from ledger.errors import EmptySelectionError
from ledger.services.reports.list_page import ListPage
from ledger.store import person_lines, recalls
from ledger.store.database import Database
from ledger.store.person_lines import PeopleFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose people: those of one recall, or else of what is selected of the messages that the ledger holds."""

    recall_id: int | None = None
    selection: Selection = field(default_factory=Selection)


class PeopleReports:
    """Answers in people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(
        self,
        whose: Whose,
        *,
        standing: PersonStanding | None = None,
        outcome: Outcome | None = None,
        limit: int | None = None,
    ) -> Iterator[PersonLine]:
        """Yield people by their ids, without ever holding them all: those who stand there, or lost a message so.

        Raise UnknownRecallError, EmptySelectionError when nothing says whose.
        """
        with self._database.read() as connection:
            yield from _lines(connection, whose, PeopleFilter(standing=standing, outcome=outcome), limit)

    def page(
        self,
        whose: Whose,
        *,
        standing: PersonStanding | None = None,
        outcome: Outcome | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> ListPage[PersonLine]:
        """Return some people by their ids; raise as `lines` does."""
        after = decode_name(cursor) if cursor is not None else None
        wanted = PeopleFilter(standing=standing, outcome=outcome, after=after)
        with self._database.read() as connection:
            found = list(_lines(connection, whose, wanted, limit + 1))
        more = encode_name(found[limit - 1].user) if len(found) > limit else None
        return ListPage(values=found[:limit], cursor=more)

    def count(self, whose: Whose) -> PeopleCount:
        """Count people by where they stand, and name the first of those who still have a message."""
        with self._database.read() as connection:
            return count_people(connection, whose)


def count_people(connection: Connection, whose: Whose) -> PeopleCount:
    """Count people in a transaction that reads already, as `PeopleReports.count` does."""
    if whose.recall_id is None:
        return person_lines.count_people_of_selection(connection, _chosen(whose))
    return person_lines.count_people_of_recall(connection, recalls.get(connection, whose.recall_id))


def _lines(connection: Connection, whose: Whose, wanted: PeopleFilter, limit: int | None) -> Iterator[PersonLine]:
    if whose.recall_id is None:
        return person_lines.people_of_selection(connection, _chosen(whose), wanted, limit)
    return person_lines.people_of_recall(connection, recalls.get(connection, whose.recall_id), wanted, limit)


def _chosen(whose: Whose) -> Selection:
    if whose.selection.is_empty:
        raise EmptySelectionError
    return whose.selection
