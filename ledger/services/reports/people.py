"""People instead of numbers: who has messages of a recall or of a selection, who lost them, who never got any."""

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Connection

from ledger.core.cursor import decode_name, encode_name
from ledger.core.persons.reached_people import PeopleCount, PersonLine, PersonStanding
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.selection import Selection
from ledger.errors import BadCursorError, EmptySelectionError
from ledger.services.reports.list_page import ListPage
from ledger.store.database import Database
from ledger.store.persons import person_lines
from ledger.store.persons.person_lines import PeopleFilter, PersonPlace
from ledger.store.recalls import recalls


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose people: those of one recall, or else of what is selected of the messages that the ledger holds."""

    recall_id: int | None = None
    selection: Selection = field(default_factory=Selection)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleLook:
    """How many people there are and where they stand, and some of them: those first who still have a message."""

    count: PeopleCount
    page: ListPage[PersonLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """The people of a recall: their count, and the first of them as a look has them; of few, all."""

    count: PeopleCount
    lines: Sequence[PersonLine]
    is_whole: bool


# So many people are kept, and of so many recalls: the pages that are looked at come at once, however many messages.
KEPT_LINES, KEPT_LISTS = 20_000, 4
_Standing = tuple[int, int, int]


class PeopleReports:
    """Answers in people; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._kept: dict[_Standing, _Head] = {}

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
            head = self._head(connection, whose) if outcome is None else None
            if head is not None and head.is_whole:
                found = _fitting(sorted(head.lines, key=lambda line: line.user), wanted, limit + 1)
            else:
                found = list(_lines(connection, whose, wanted, limit + 1))
        more = encode_name(found[limit - 1].user) if len(found) > limit else None
        return ListPage(values=found[:limit], cursor=more)

    def look(
        self,
        whose: Whose,
        *,
        standing: PersonStanding | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> PeopleLook:
        """Return some people and the count of all, those first who still have a message; raise as `lines` does."""
        after = _place(cursor) if cursor is not None else None
        with self._database.read() as connection:
            head = self._head(connection, whose)
            found = _of_head(head, standing, after, limit + 1) if head is not None else None
            if head is not None and found is not None:
                count = head.count
            else:
                count, found = _look(connection, whose, limit + 1, standing=standing, after=after)
        more = _cursor(found[limit - 1]) if len(found) > limit else None
        return PeopleLook(count=count, page=ListPage(values=found[:limit], cursor=more))

    def count(self, whose: Whose) -> PeopleCount:
        """Count people by where they stand, and name the first of those who still have a message."""
        with self._database.read() as connection:
            head = self._head(connection, whose)
            return count_people(connection, whose) if head is None else head.count

    def _head(self, connection: Connection, whose: Whose) -> _Head | None:
        """Return the people of a recall, which stay the same until the history has another entry of it.

        None where they may change without one, as those of a selection or of a plan.
        """
        recall = recalls.get(connection, whose.recall_id) if whose.recall_id is not None else None
        if recall is None or recall.unfrozen_items:
            return None
        standing = person_lines.standing_of(connection, recall)
        with self._lock:
            if standing in self._kept:
                return self._kept[standing]
        count, found = person_lines.look_at_recall(connection, recall, KEPT_LINES + 1)
        head = _Head(count=count, lines=tuple(found[:KEPT_LINES]), is_whole=len(found) <= KEPT_LINES)
        with self._lock:
            self._kept = {one: lines for one, lines in self._kept.items() if one[0] != recall.id}
            while len(self._kept) >= KEPT_LISTS:
                del self._kept[next(iter(self._kept))]
            self._kept[standing] = head
        return head


def _fitting(lines: Sequence[PersonLine], wanted: PeopleFilter, limit: int) -> list[PersonLine]:
    """Return some of all people by their ids."""
    start = bisect_right(lines, wanted.after, key=lambda line: line.user) if wanted.after is not None else 0
    rest = islice(lines, start, None)
    return list(islice((line for line in rest if wanted.standing in (None, line.standing)), limit))


def _of_head(
    head: _Head, standing: PersonStanding | None, after: PersonPlace | None, limit: int
) -> list[PersonLine] | None:
    """Return some of the first people; None where they may lie beyond."""
    start = bisect_right(head.lines, _rank(after), key=lambda line: _rank((line.standing, line.user))) if after else 0
    rest = islice(head.lines, start, None)
    found = list(islice((line for line in rest if standing in (None, line.standing)), limit))
    return found if len(found) == limit or head.is_whole else None


def _rank(place: PersonPlace) -> tuple[int, str]:
    return list(PersonStanding).index(place[0]), place[1]


def _cursor(line: PersonLine) -> str:
    return encode_name(f"{line.standing} {line.user}")


def _place(cursor: str) -> PersonPlace:
    """Read a place in a list of people; raise BadCursorError for one of another kind of list."""
    standing, _, user = decode_name(cursor).partition(" ")
    if standing not in tuple(PersonStanding):
        raise BadCursorError
    return PersonStanding(standing), user


def count_people(connection: Connection, whose: Whose) -> PeopleCount:
    """Count people in a transaction that reads already, as `PeopleReports.count` does."""
    if whose.recall_id is None:
        return person_lines.count_people_of_selection(connection, _chosen(whose))
    return person_lines.count_people_of_recall(connection, recalls.get(connection, whose.recall_id))


def _lines(connection: Connection, whose: Whose, wanted: PeopleFilter, limit: int | None) -> Iterator[PersonLine]:
    if whose.recall_id is None:
        return person_lines.people_of_selection(connection, _chosen(whose), wanted, limit)
    return person_lines.people_of_recall(connection, recalls.get(connection, whose.recall_id), wanted, limit)


def _look(
    connection: Connection, whose: Whose, limit: int, *, standing: PersonStanding | None, after: PersonPlace | None
) -> tuple[PeopleCount, list[PersonLine]]:
    if whose.recall_id is None:
        chosen = _chosen(whose)
        return person_lines.look_at_selection(connection, chosen, limit, standing=standing, after=after)
    recall = recalls.get(connection, whose.recall_id)
    return person_lines.look_at_recall(connection, recall, limit, standing=standing, after=after)


def _chosen(whose: Whose) -> Selection:
    if whose.selection.is_empty:
        raise EmptySelectionError
    return whose.selection
