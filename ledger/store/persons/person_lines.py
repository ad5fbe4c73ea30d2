"""People as lines: what each of them has of the messages of a recall, or of a selection, in the order of their ids.

All is added up in the database, which sorts on disk what is much: here there is never more than the lines asked for.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    collate,
    column,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)

from ledger.core.persons.reached_people import NAMED, PeopleCount, PersonLine, PersonStanding
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.selection import Selection
from ledger.store.events.elsewhere import is_elsewhere
from ledger.store.persons.people import each_recipient
from ledger.store.recalls.candidates import IN_DOUBT, RECALLED, past
from ledger.store.recalls.holding import DOUBTFUL
from ledger.store.recalls.recalls import Recall
from ledger.store.recalls.unfrozen import unfrozen_ids
from ledger.store.recording.selecting import among, selected_messages
from ledger.store.schema import messages, recall_items
from ledger.store.types import Document

_BATCH_ROWS = 1000
# What became of a message for one person.
_LEFT, _RECALLED, _UNKNOWN, _UNDELIVERED = range(4)
# What is sorted in memory on PostgreSQL.
_WORK_MEMORY = "SET LOCAL work_mem TO '32MB'"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFilter:
    """Which people somebody looks for: who stands there, of whom a message ended so, and who comes after an id."""

    standing: PersonStanding | None = None
    outcome: Outcome | None = None
    after: str | None = None


EVERYBODY = PeopleFilter()
# Where somebody stands, and their id: people are listed so, those first who still have a message.
PersonPlace = tuple[PersonStanding, str]
_RANKS = {standing: rank for rank, standing in enumerate(PersonStanding)}


def people_of_recall(
    connection: Connection, recall: Recall, wanted: PeopleFilter = EVERYBODY, limit: int | None = None
) -> Iterator[PersonLine]:
    """Yield the people of a recall."""
    return _lines(connection, _of_recall(connection, recall), wanted, limit)


def people_of_selection(
    connection: Connection, selection: Selection, wanted: PeopleFilter = EVERYBODY, limit: int | None = None
) -> Iterator[PersonLine]:
    """Yield the people of the selected messages that the ledger holds."""
    return _lines(connection, _of_selection(connection, selection), wanted, limit)


def look_at_recall(
    connection: Connection,
    recall: Recall,
    limit: int,
    *,
    standing: PersonStanding | None = None,
    after: PersonPlace | None = None,
) -> tuple[PeopleCount, list[PersonLine]]:
    """Count the people of a recall, and return some of those who stand there and come after a place, in one look."""
    return _look(connection, _of_recall(connection, recall), limit, standing, after)


def look_at_selection(
    connection: Connection,
    selection: Selection,
    limit: int,
    *,
    standing: PersonStanding | None = None,
    after: PersonPlace | None = None,
) -> tuple[PeopleCount, list[PersonLine]]:
    """Do the same for the people of the selected messages."""
    return _look(connection, _of_selection(connection, selection), limit, standing, after)


def count_people_of_recall(connection: Connection, recall: Recall) -> PeopleCount:
    """Count the people of a recall by where they stand."""
    return _count(connection, _of_recall(connection, recall))


def count_people_of_selection(connection: Connection, selection: Selection) -> PeopleCount:
    """Count the people of the selected messages by where they stand."""
    return _count(connection, _of_selection(connection, selection))


def _of_recall(connection: Connection, recall: Recall) -> FromClause:
    """Return a row for each message and person of a recall: what is no item yet is still there."""
    outcome = recall_items.c.outcome
    fate = case((outcome == Outcome.RECALLED, _RECALLED), (outcome.in_(DOUBTFUL), _UNKNOWN), else_=_LEFT)
    mine = recall_items.c.recall_id == recall.id
    parts = [select(recall_items.c.recipients, outcome, fate.label("fate")).where(mine)]
    missed = [select(recall_items.c.undelivered, outcome).where(mine)]
    if coming := unfrozen_ids(connection, recall):
        these = among(messages.c.id, coming, is_sqlite=connection.dialect.name == "sqlite")
        nothing = literal(None, Text()).label("outcome")
        parts.append(select(messages.c.recipients, nothing, literal(_LEFT).label("fate")).where(these))
        missed.append(select(messages.c.undelivered, nothing).where(these))
    return _deliveries(connection, parts, missed)


def _of_selection(connection: Connection, selection: Selection) -> FromClause:
    done, outcome = past().label("done"), literal(None, Text()).label("outcome")
    chosen = selected_messages(selection, is_sqlite=connection.dialect.name == "sqlite")
    # OFFSET keeps the look at recalls where it is: once a message, not once a recipient.
    gone = is_elsewhere().label("gone")
    found = select(messages.c.recipients, done, gone).where(*chosen).offset(0).subquery("found")
    is_lost = or_(found.c.done == RECALLED, found.c.gone)
    fate = case((is_lost, _RECALLED), (found.c.done == IN_DOUBT, _UNKNOWN), else_=_LEFT)
    reached = select(found.c.recipients, outcome, fate.label("fate"))
    return _deliveries(connection, [reached], [select(messages.c.undelivered, outcome).where(*chosen)])


def _deliveries(connection: Connection, parts: list[Select[Any]], missed: list[Select[Any]]) -> Subquery:
    """Return a row for each recipient of some parts, and for each of whom a message was kept away, of `missed`."""
    is_sqlite, rows = connection.dialect.name == "sqlite", list[Select[Any]]()
    for number, part in enumerate(parts):
        table = part.subquery(f"part_{number}")
        each, user = each_recipient(table, is_sqlite=is_sqlite)
        rows.append(select(user.label("user_id"), table.c.outcome, table.c.fate).select_from(table.join(each, true())))
    nothing = literal("{}") if is_sqlite else cast(literal("{}"), Document)
    for number, part in enumerate(missed):
        table = part.subquery(f"missed_{number}")
        kinds, users, user = _each_undelivered(table, is_sqlite=is_sqlite)
        undelivered = type_coerce(table.c.undelivered, Text()) if is_sqlite else table.c.undelivered
        rows.append(
            select(user.label("user_id"), table.c.outcome, literal(_UNDELIVERED).label("fate"))
            .select_from(table.join(kinds, true()).join(users, true()))
            .where(undelivered != nothing)
        )
    return union_all(*rows).subquery("deliveries")


def _each_undelivered(of: FromClause, *, is_sqlite: bool) -> tuple[FromClause, FromClause, ColumnElement[str]]:
    """Return the kinds of users that a message never reached, and the users of each kind, as rows."""
    if is_sqlite:
        kinds = func.json_each(of.c.undelivered).table_valued("value", name="kind")
        users = func.json_each(kinds.c.value).table_valued("value", name="missed")
        return kinds, users, users.c.value
    kinds = (
        func.jsonb_each(of.c.undelivered).table_valued("key", column("value", Document), name="kind").render_derived()
    )
    users = (
        func.jsonb_array_elements_text(kinds.c.value).table_valued(column("user_id", Text), name="missed")
    ).render_derived()
    return kinds, users, collate(users.c.user_id, "C")


def _added_up(deliveries: FromClause, wanted: PeopleFilter) -> Select[Any]:
    user, fate = deliveries.c.user_id, deliveries.c.fate
    recalled, left, unknown, missed = (_sum(fate == one) for one in (_RECALLED, _LEFT, _UNKNOWN, _UNDELIVERED))
    standings = {
        PersonStanding.LEFT: left > 0,
        PersonStanding.UNKNOWN: and_(left == 0, unknown > 0),
        PersonStanding.LOST: and_(left == 0, unknown == 0, recalled > 0),
        PersonStanding.NEVER: and_(left == 0, unknown == 0, recalled == 0),
    }
    statement = select(
        user,
        recalled.label("recalled"),
        left.label("left"),
        unknown.label("unknown"),
        missed.label("undelivered"),
    ).group_by(user)
    if wanted.after is not None:
        statement = statement.where(user > wanted.after)
    if wanted.standing is not None:
        statement = statement.having(standings[wanted.standing])
    if wanted.outcome is not None:
        ended_so = and_(deliveries.c.outcome == wanted.outcome.value, fate != _UNDELIVERED)
        statement = statement.having(_sum(ended_so) > 0)
    return statement


def _lines(
    connection: Connection, deliveries: FromClause, wanted: PeopleFilter, limit: int | None
) -> Iterator[PersonLine]:
    statement = _added_up(deliveries, wanted).order_by(deliveries.c.user_id).limit(limit)
    _allow_memory(connection)
    with connection.execute(statement.execution_options(yield_per=_BATCH_ROWS)) as rows:
        yield from map(_read_line, rows)


def _count(connection: Connection, deliveries: FromClause) -> PeopleCount:
    people = _people(deliveries)
    _allow_memory(connection)
    return _read_count(connection.execute(_counted(people, is_sqlite=connection.dialect.name == "sqlite")).one())


def _look(
    connection: Connection,
    deliveries: FromClause,
    limit: int,
    standing: PersonStanding | None,
    after: PersonPlace | None,
) -> tuple[PeopleCount, list[PersonLine]]:
    """Return both from one statement: adding up is most of the work, and is done once."""
    people = _people(deliveries)
    columns = people.c
    rank = case(
        (columns.left > 0, _RANKS[PersonStanding.LEFT]),
        (columns.unknown > 0, _RANKS[PersonStanding.UNKNOWN]),
        (columns.recalled > 0, _RANKS[PersonStanding.LOST]),
        else_=_RANKS[PersonStanding.NEVER],
    )
    lines = select(columns.user_id, columns.recalled, columns.left, columns.unknown, columns.undelivered)
    if standing is not None:
        lines = lines.where(rank == _RANKS[standing])
    if after is not None:
        place = _RANKS[after[0]]
        lines = lines.where(or_(rank > place, and_(rank == place, columns.user_id > after[1])))
    some = lines.order_by(rank, columns.user_id).limit(limit).subquery("some")
    count = _counted(people, is_sqlite=connection.dialect.name == "sqlite").subquery("count")
    _allow_memory(connection)
    both = union_all(select(literal(0), count), select(literal(1), some))
    rows = [tuple(row) for row in connection.execute(both)]
    counted = next(_read_count(row[1:]) for row in rows if not row[0])
    found = [_read_line(row[1:]) for row in rows if row[0]]
    return counted, sorted(found, key=lambda line: (_RANKS[line.standing], line.user))


def _people(deliveries: FromClause) -> CTE:
    """Return a row for each person, made once however often it is asked."""
    return _added_up(deliveries, EVERYBODY).cte("people").prefix_with("MATERIALIZED")


def _counted(people: CTE, *, is_sqlite: bool) -> Select[Any]:
    left, unknown, recalled = people.c.left, people.c.unknown, people.c.recalled
    first = select(people.c.user_id).where(left > 0).order_by(people.c.user_id).limit(NAMED).subquery("first")
    named = func.json_group_array(first.c.user_id) if is_sqlite else cast(func.json_agg(first.c.user_id), Text())
    return select(
        select(type_coerce(named, Text())).scalar_subquery().label("named"),
        func.count().label("everybody"),
        _sum(left > 0).label("still"),
        _sum(and_(left == 0, unknown > 0)).label("nobody_knows"),
        _sum(and_(left == 0, unknown == 0, recalled > 0)).label("lost"),
    ).select_from(people)


def _read_count(row: Sequence[Any]) -> PeopleCount:
    names, everybody, *counts = row
    still, nobody_knows, lost = (count or 0 for count in counts)
    reached = still + nobody_knows + lost
    return PeopleCount(
        people=reached,
        lost=lost,
        left=still,
        unknown=nobody_knows,
        never=everybody - reached,
        still=tuple(json.loads(names or "[]")),
    )


def _read_line(row: Sequence[Any]) -> PersonLine:
    user, recalled, left, unknown, undelivered = row
    reached = recalled + left + unknown
    return PersonLine(
        user=user, messages=reached, recalled=recalled, left=left, unknown=unknown, undelivered=undelivered
    )


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _allow_memory(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(_WORK_MEMORY)
