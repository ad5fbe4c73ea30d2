"""People as lines: what each of them has of the messages of a recall, or of a selection, in the order of their ids.

All is added up in the database, which sorts on disk what is much: here there is never more than the lines asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
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
    select,
    true,
    type_coerce,
    union_all,
)

from ledger.core.reached_people import NAMED, PeopleCount, PersonLine, PersonStanding
from ledger.core.recall import Outcome
from ledger.core.selection import Selection
from ledger.store.candidates import IN_DOUBT, RECALLED, past
from ledger.store.holding import DOUBTFUL
from ledger.store.people import each_recipient
from ledger.store.recalls import Recall
from ledger.store.schema import history, messages, person_secrets, recall_items
from ledger.store.selecting import among, selected_messages
from ledger.store.types import Document
from ledger.store.unfrozen import unfrozen_ids

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


def count_people_of_recall(connection: Connection, recall: Recall) -> PeopleCount:
    """Count the people of a recall by where they stand."""
    return _count(connection, _of_recall(connection, recall))


def count_people_of_selection(connection: Connection, selection: Selection) -> PeopleCount:
    """Count the people of the selected messages by where they stand."""
    return _count(connection, _of_selection(connection, selection))


def standing_of(connection: Connection, recall: Recall) -> tuple[int, int, int]:
    """Return what stays the same as long as the people of a recall do, once none of its messages is to be frozen.

    What changes its items is an entry of the history, in the same transaction; what renames people, another secret.
    """
    entry = connection.scalar(select(func.max(history.c.id)).where(history.c.recall_id == recall.id))
    secret = connection.scalar(select(func.max(person_secrets.c.id)))
    return recall.id, entry or 0, secret or 0


def _of_recall(connection: Connection, recall: Recall) -> FromClause:
    """Return a row for each message and person of a recall: what is no item yet is still there."""
    outcome = recall_items.c.outcome
    fate = case((outcome == Outcome.RECALLED, _RECALLED), (outcome.in_(DOUBTFUL), _UNKNOWN), else_=_LEFT)
    mine = select(recall_items.c.recipients, recall_items.c.undelivered, outcome, fate.label("fate"))
    parts = [mine.where(recall_items.c.recall_id == recall.id)]
    if coming := unfrozen_ids(connection, recall):
        these = among(messages.c.id, coming, is_sqlite=connection.dialect.name == "sqlite")
        waiting = (literal(None, Text()).label("outcome"), literal(_LEFT).label("fate"))
        parts.append(select(messages.c.recipients, messages.c.undelivered, *waiting).where(these))
    return _deliveries(connection, parts)


def _of_selection(connection: Connection, selection: Selection) -> FromClause:
    done, outcome = past().label("done"), literal(None, Text()).label("outcome")
    chosen = selected_messages(selection, is_sqlite=connection.dialect.name == "sqlite")
    # OFFSET keeps the look at recalls where it is: once a message, not once a recipient.
    found = select(messages.c.recipients, messages.c.undelivered, done).where(*chosen).offset(0).subquery("found")
    fate = case((found.c.done == RECALLED, _RECALLED), (found.c.done == IN_DOUBT, _UNKNOWN), else_=_LEFT)
    return _deliveries(connection, [select(found.c.recipients, found.c.undelivered, outcome, fate.label("fate"))])


def _deliveries(connection: Connection, parts: list[Select[Any]]) -> Subquery:
    is_sqlite, rows = connection.dialect.name == "sqlite", list[Select[Any]]()
    for number, part in enumerate(parts):
        table = part.subquery(f"part_{number}")
        each, user = each_recipient(table, is_sqlite=is_sqlite)
        columns = table.c
        rows.append(select(user.label("user_id"), columns.outcome, columns.fate).select_from(table.join(each, true())))
        kinds, users, user = _each_undelivered(table, is_sqlite=is_sqlite)
        nothing = literal("{}") if is_sqlite else cast(literal("{}"), Document)
        missed = (user.label("user_id"), columns.outcome, literal(_UNDELIVERED).label("fate"))
        undelivered = type_coerce(columns.undelivered, Text()) if is_sqlite else columns.undelivered
        rows.append(
            select(*missed).select_from(table.join(kinds, true()).join(users, true())).where(undelivered != nothing)
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
        for user, recalled, left, unknown, undelivered in rows:
            reached = recalled + left + unknown
            yield PersonLine(
                user=user, messages=reached, recalled=recalled, left=left, unknown=unknown, undelivered=undelivered
            )


def _count(connection: Connection, deliveries: FromClause) -> PeopleCount:
    is_sqlite = connection.dialect.name == "sqlite"
    # Asked of twice, it is made once.
    people = _added_up(deliveries, EVERYBODY).cte("people")
    left, unknown, recalled = people.c.left, people.c.unknown, people.c.recalled
    first = select(people.c.user_id).where(left > 0).order_by(people.c.user_id).limit(NAMED).subquery("first")
    named = func.json_group_array(first.c.user_id) if is_sqlite else func.json_agg(first.c.user_id)
    statement = select(
        func.count(),
        _sum(left > 0),
        _sum(and_(left == 0, unknown > 0)),
        _sum(and_(left == 0, unknown == 0, recalled > 0)),
        select(type_coerce(named, JSON)).scalar_subquery(),
    ).select_from(people)
    _allow_memory(connection)
    everybody, *counts, names = connection.execute(statement).one()
    still, nobody_knows, lost = (count or 0 for count in counts)
    reached = still + nobody_knows + lost
    return PeopleCount(
        people=reached,
        lost=lost,
        left=still,
        unknown=nobody_knows,
        never=everybody - reached,
        still=tuple(names or ()),
    )


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _allow_memory(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(_WORK_MEMORY)
