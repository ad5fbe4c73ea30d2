"""The selected messages as a plan sees them: each with what recalls have done with it."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, func, select, true

from ledger.core.message import AppName, Chat, Route
from ledger.core.plan import Candidate, Standing
from ledger.core.recall import Outcome
from ledger.core.selection import Selection
from ledger.store.holding import DOUBTFUL, is_held
from ledger.store.schema import messages, recall_items, recalls
from ledger.store.selecting import selected_messages

# What recalls have done with a message, the most of it first.
RECALLED, HELD, IN_DOUBT = 3, 2, 1
STANDINGS = {RECALLED: Standing.ALREADY_RECALLED, HELD: Standing.IN_PROGRESS}


def candidates(
    connection: Connection,
    selection: Selection,
    app_of: Callable[[str], AppName],
    batch_rows: int,
    which: ColumnElement[bool] | None = None,
) -> Iterator[Candidate]:
    """Yield the selected messages, nearest deadline first, each with what other recalls have done with it.

    With a condition, only those for which it holds.
    """
    columns = messages.c
    statement = (
        select(
            columns.id,
            columns.chat,
            columns.robot_code,
            columns.open_conversation_id,
            columns.deadline,
            columns.recipients,
            past().label("past"),
        )
        .where(*selected_messages(selection, is_sqlite=connection.dialect.name == "sqlite"))
        .where(true() if which is None else which)
        .order_by(columns.deadline, columns.id)
    )
    routes: dict[tuple[str, str, str | None], Route] = {}
    with connection.execute(statement.execution_options(yield_per=batch_rows)) as result:
        for row in result:
            yield _candidate(row, routes, app_of)


def _candidate(
    row: Row[Any], routes: dict[tuple[str, str, str | None], Route], app_of: Callable[[str], AppName]
) -> Candidate:
    parts = (row.chat, row.robot_code, row.open_conversation_id)
    route = routes.get(parts)
    if route is None:
        route = routes[parts] = Route(
            app=app_of(row.robot_code),
            chat=Chat(row.chat),
            robot_code=row.robot_code,
            open_conversation_id=row.open_conversation_id,
        )
    return Candidate(
        message_id=row.id,
        route=route,
        deadline=row.deadline,
        recipients=tuple(row.recipients),
        held=STANDINGS.get(row.past),
        in_doubt=row.past == IN_DOUBT,
    )


def past() -> ColumnElement[int | None]:
    """Say the most that any recall has done with a message, looked up once: see RECALLED and the others."""
    done = case(
        (recall_items.c.outcome == Outcome.RECALLED, RECALLED),
        (is_held(recall_items, recalls), HELD),
        (recall_items.c.outcome.in_(DOUBTFUL), IN_DOUBT),
    )
    of_message = (recall_items.c.message_id == messages.c.id, recalls.c.id == recall_items.c.recall_id)
    return select(func.max(done)).where(*of_message).correlate(messages).scalar_subquery()


def holders(connection: Connection, selection: Selection) -> list[int]:
    """Return the recalls that are at any of the selected messages."""
    statement = (
        select(recall_items.c.recall_id)
        .distinct()
        .join_from(recall_items, recalls, recalls.c.id == recall_items.c.recall_id)
        .join(messages, messages.c.id == recall_items.c.message_id)
        .where(*selected_messages(selection, is_sqlite=connection.dialect.name == "sqlite"))
        .where(is_held(recall_items, recalls))
        .order_by(recall_items.c.recall_id)
    )
    return list(connection.scalars(statement))
