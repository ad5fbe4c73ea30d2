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
from ledger.store.persons import people_standing, person_lines
from ledger.store.persons.people_standing import Standing
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
    """Some people, as a look has them first, and the count of all; `is_whole` when all of them are here."""

    count: PeopleCount
    lines: Sequence[PersonLine]
    is_whole: bool


# So many people are kept at first; and once somebody looks further, so many: pages come at once, however many messages.
FIRST_LINES, KEPT_LINES = 200, 20_000
# Of so many recalls and campaigns, as long as they are not more people together.
KEPT_LISTS, KEPT_TOGETHER = 100, 80_000


class PeopleReports:
    """Answers in people; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._kept: dict[Whose, tuple[Standing, _Head]] = {}

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
            head = self._whole(connection, whose) if outcome is None else None
            if head is not None:
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
            count, found = self._of_heads(connection, whose, standing, after, limit + 1)
            if count is None or found is None:
                count, found = _look(connection, whose, limit + 1, standing=standing, after=after)
        more = _cursor(found[limit - 1]) if len(found) > limit else None
        return PeopleLook(count=count, page=ListPage(values=found[:limit], cursor=more))

    def count(self, whose: Whose) -> PeopleCount:
        """Count people by where they stand, and name the first of those who still have a message."""
        with self._database.read() as connection:
            head = self._head(connection, whose, FIRST_LINES)
            return count_people(connection, whose) if head is None else head.count

    def _whole(self, connection: Connection, whose: Whose) -> _Head | None:
        """Return all people where they are not too many to be kept, and None otherwise."""
        head = self._head(connection, whose, FIRST_LINES)
        if head is not None and not head.is_whole and head.count.people + head.count.never <= KEPT_LINES:
            head = self._head(connection, whose, KEPT_LINES)
        return head if head is not None and head.is_whole else None

    def _of_heads(
        self,
        connection: Connection,
        whose: Whose,
        standing: PersonStanding | None,
        after: PersonPlace | None,
        limit: int,
    ) -> tuple[PeopleCount | None, list[PersonLine] | None]:
        """Return the count and some people of what is kept, or is to be; None for what may lie beyond."""
        for lines in (FIRST_LINES, KEPT_LINES):
            head = self._head(connection, whose, lines)
            if head is None:
                return None, None
            found = _of_head(head, standing, after, limit)
            if found is not None:
                return head.count, found
        return None, None

    def _head(self, connection: Connection, whose: Whose, lines: int) -> _Head | None:
        """Return so many people or more, which are kept until something may have changed.

        None where that could not be told, as of a plan.
        """
        standing = _standing(connection, whose)
        if standing is None:
            return None
        with self._lock:
            kept = self._kept.get(whose)
        if kept is not None and kept[0] == standing and (kept[1].is_whole or len(kept[1].lines) >= lines):
            return kept[1]
        count, found = _look(connection, whose, lines + 1, standing=None, after=None)
        head = _Head(count=count, lines=tuple(found[:lines]), is_whole=len(found) <= lines)
        with self._lock:
            self._kept.pop(whose, None)
            while self._kept and not self._has_room(len(head.lines)):
                del self._kept[next(iter(self._kept))]
            self._kept[whose] = standing, head
        return head

    def _has_room(self, lines: int) -> bool:
        together = sum(len(head.lines) for _, head in self._kept.values()) + lines
        return len(self._kept) < KEPT_LISTS and together <= KEPT_TOGETHER


def _standing(connection: Connection, whose: Whose) -> Standing | None:
    if whose.recall_id is None:
        return people_standing.of_selection(connection, _chosen(whose))
    return people_standing.of_recall(connection, recalls.get(connection, whose.recall_id))


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
