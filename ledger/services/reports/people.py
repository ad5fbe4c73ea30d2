"""People instead of numbers: who has messages of a recall or of a selection, who lost them, who never got any."""

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Connection

from ledger.core.cursor import decode_name, encode_name
from ledger.core.reached_people import PeopleCount, PersonLine, PersonStanding
from ledger.core.recall import Outcome
from ledger.core.selection import Selection
from ledger.errors import EmptySelectionError
from ledger.services.reports.list_page import ListPage
from ledger.store import person_lines, recalls
from ledger.store.database import Database
from ledger.store.person_lines import EVERYBODY, PeopleFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose people: those of one recall, or else of what is selected of the messages that the ledger holds."""

    recall_id: int | None = None
    selection: Selection = field(default_factory=Selection)


# Lists of up to so many people are kept, and of so many recalls: pages of them come at once, however many messages.
KEPT_LINES, KEPT_LISTS = 20_000, 4
_Standing = tuple[int, int, int]


class PeopleReports:
    """Answers in people; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._kept: dict[_Standing, Sequence[PersonLine] | None] = {}

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
            kept = self._whole(connection, whose) if outcome is None else None
            if kept is not None:
                found = list(islice(_fitting(kept, wanted), limit + 1))
            else:
                found = list(_lines(connection, whose, wanted, limit + 1))
        more = encode_name(found[limit - 1].user) if len(found) > limit else None
        return ListPage(values=found[:limit], cursor=more)

    def count(self, whose: Whose) -> PeopleCount:
        """Count people by where they stand, and name the first of those who still have a message."""
        with self._database.read() as connection:
            kept = self._whole(connection, whose)
            return count_people(connection, whose) if kept is None else PeopleCount.of(kept)

    def _whole(self, connection: Connection, whose: Whose) -> Sequence[PersonLine] | None:
        """Return all people of a recall, which stay the same until the history has another entry of it.

        None where they may change without one, as those of a selection or of a plan, and where they are very many.
        """
        recall = recalls.get(connection, whose.recall_id) if whose.recall_id is not None else None
        if recall is None or recall.unfrozen_items:
            return None
        standing = person_lines.standing_of(connection, recall)
        with self._lock:
            if standing in self._kept:
                return self._kept[standing]
        found = list(_lines(connection, whose, EVERYBODY, KEPT_LINES + 1))
        kept = tuple(found) if len(found) <= KEPT_LINES else None
        with self._lock:
            self._kept = {one: lines for one, lines in self._kept.items() if one[0] != recall.id}
            while len(self._kept) >= KEPT_LISTS:
                del self._kept[next(iter(self._kept))]
            self._kept[standing] = kept
        return kept


def _fitting(lines: Sequence[PersonLine], wanted: PeopleFilter) -> Iterator[PersonLine]:
    start = bisect_right(lines, wanted.after, key=lambda line: line.user) if wanted.after is not None else 0
    rest = islice(lines, start, None)
    return (line for line in rest if wanted.standing in (None, line.standing))


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
