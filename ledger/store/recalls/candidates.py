"""The selected messages as a plan sees them: each with what recalls have done with it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Set
from datetime import datetime
from itertools import repeat

from sqlalchemy import ColumnElement, Connection, case, func, select, true, type_coerce
from sqlalchemy.types import NullType

from ledger.core.recalls.plan import Candidate, Standing
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.selection import Selection
from ledger.core.recording.message import AppName, Chat, ConversationId, RobotCode, Route
from ledger.store.events import elsewhere
from ledger.store.recalls import plan_messages
from ledger.store.recalls.holding import DOUBTFUL, is_held, is_taken
from ledger.store.recording.selecting import among, selected_messages
from ledger.store.schema import messages, recall_items, recalls

# What recalls have done with a message, the most of it first.
RECALLED, HELD, IN_DOUBT = 3, 2, 1
# So many messages are looked up one by one; beyond, reading what recalls have taken lately is quicker.
_MOST_PROBES = 10_000
STANDINGS = {RECALLED: Standing.ALREADY_RECALLED, HELD: Standing.IN_PROGRESS}


def candidates(
    connection: Connection,
    selection: Selection,
    app_of: Callable[[str], AppName],
    batch_rows: int,
    which: ColumnElement[bool] | None = None,
    campaigns: "Campaigns | None" = None,
) -> Iterator[Candidate]:
    """Yield the selected messages, nearest deadline first, each with what other recalls have done with it.

    With a condition, only those for which it holds. Their campaigns are added to a list.
    """
    places = Campaigns() if campaigns is None else campaigns
    is_sqlite = connection.dialect.name == "sqlite"
    columns = messages.c
    statement = (
        select(
            columns.id,
            columns.chat,
            columns.robot_code,
            columns.open_conversation_id,
            # As the driver has it: SQLAlchemy's own reading of a time takes several times as long.
            type_coerce(columns.deadline, NullType()),
            columns.recipient_count,
            columns.campaign,
            past(),
            *((columns.recipients,) if selection.users else ()),
        )
        .where(*selected_messages(selection, is_sqlite=is_sqlite))
        .where(true() if which is None else which)
        .order_by(columns.deadline, columns.id)
    )
    routes, gone = Routes(app_of), frozenset[int]() if selection.include_elsewhere else elsewhere.marked(connection)
    # What a recall is at is said of it, also when other hands took it back as well.
    standings = dict.fromkeys(gone, Standing.ELSEWHERE)
    standings.update(dict.fromkeys(plan_messages.held_ids(connection), Standing.IN_PROGRESS))
    with connection.execute(statement.execution_options(yield_per=batch_rows)) as result:
        # A column at a time: of a million messages, a step for each cell is the larger part of a plan.
        for rows in result.partitions():
            ids, chats, robots, conversations, raw, sizes, campaign, done, *users = zip(*rows, strict=True)
            every = (
                ids,
                map(routes.__getitem__, zip(chats, robots, conversations, strict=True)),
                _read_texts(raw) if is_sqlite else raw,
                users[0] if users else repeat((), len(ids)),
                [STANDINGS.get(most) or standings.get(number) for most, number in zip(done, ids, strict=True)],
                [most == IN_DOUBT for most in done],
                sizes,
                map(places.__getitem__, campaign),
            )
            yield from map(Candidate._make, zip(*every, strict=True))


class Campaigns(dict[str | None, int]):
    """The place of each campaign in the order in which they came."""

    def __missing__(self, campaign: str | None) -> int:
        place = self[campaign] = len(self)
        return place


class Routes(dict[tuple[str, str, str | None], Route]):
    """Routes by what a message says of them; each is made once."""

    def __init__(self, app_of: Callable[[str], AppName]) -> None:
        super().__init__()
        self._app_of = app_of

    def __missing__(self, parts: tuple[str, str, str | None]) -> Route:
        chat, robot, conversation = parts
        route = Route(
            app=self._app_of(robot),
            chat=Chat(chat),
            robot_code=RobotCode(robot),
            open_conversation_id=None if conversation is None else ConversationId(conversation),
        )
        self[parts] = route
        return route


def _read_texts(raw: Iterable[str]) -> list[datetime]:
    # A million of them: several times as fast as `replace`.
    return [datetime.fromisoformat(f"{one}+00:00") for one in raw]


def past() -> ColumnElement[int | None]:
    """Say the most that any recall has done with a message, looked up once: see RECALLED and the others."""
    done = case(
        (recall_items.c.outcome == Outcome.RECALLED, RECALLED),
        (is_held(recall_items, recalls), HELD),
        (recall_items.c.outcome.in_(DOUBTFUL), IN_DOUBT),
    )
    of_message = (recall_items.c.message_id == messages.c.id, recalls.c.id == recall_items.c.recall_id)
    return select(func.max(done)).where(*of_message).correlate(messages).scalar_subquery()


def taken_since(connection: Connection, recall_id: int, moment: datetime, ids: Collection[int]) -> set[int]:
    """Return which of some messages another recall has recalled, or is at, that went on since a moment."""
    return set(standings_since(connection, recall_id, moment, ids))


def first_taker_since(connection: Connection, recall_id: int, moment: datetime, wanted: Set[int]) -> int | None:
    """Return a recall that has taken any of some messages since a moment, None for none; looked for to the first."""
    statement = (
        select(recall_items.c.message_id, recall_items.c.recall_id)
        .join_from(recall_items, recalls, recalls.c.id == recall_items.c.recall_id)
        .where(recalls.c.id != recall_id, recalls.c.activated_at >= moment, is_taken(recall_items, recalls))
    )
    if len(wanted) <= _MOST_PROBES:
        these = among(recall_items.c.message_id, wanted, is_sqlite=connection.dialect.name == "sqlite")
        statement = statement.where(these).limit(1)
    with connection.execute(statement.execution_options(yield_per=_MOST_PROBES)) as found:
        return next((taker for message_id, taker in found if message_id in wanted), None)


def standings_since(
    connection: Connection, recall_id: int, moment: datetime, ids: Collection[int]
) -> dict[int, Standing]:
    """Return the same, each with what became of it."""
    is_gone = recall_items.c.outcome == Outcome.RECALLED
    statement = (
        select(recall_items.c.message_id, is_gone)
        .join_from(recall_items, recalls, recalls.c.id == recall_items.c.recall_id)
        .where(recalls.c.id != recall_id, recalls.c.activated_at >= moment, is_taken(recall_items, recalls))
    )
    if len(ids) <= _MOST_PROBES:
        statement = statement.where(
            among(recall_items.c.message_id, ids, is_sqlite=connection.dialect.name == "sqlite")
        )
    wanted, taken = set(ids), dict[int, Standing]()
    with connection.execute(statement.execution_options(yield_per=_MOST_PROBES)) as found:
        for message_id, gone in found:
            if message_id in wanted and taken.get(message_id) is not Standing.ALREADY_RECALLED:
                taken[message_id] = Standing.ALREADY_RECALLED if gone else Standing.IN_PROGRESS
    return taken


def holders(connection: Connection, selection: Selection) -> list[int]:
    """Return the recalls that are at any of the selected messages."""
    selected = selected_messages(selection, is_sqlite=connection.dialect.name == "sqlite")
    statement = (
        select(recall_items.c.recall_id)
        .distinct()
        .join_from(recall_items, recalls, recalls.c.id == recall_items.c.recall_id)
        .join(messages, messages.c.id == recall_items.c.message_id)
        .where(*selected)
        .where(is_held(recall_items, recalls))
    )
    found = set(connection.scalars(statement))
    for recall in plan_messages.held(connection):
        theirs = among(messages.c.id, recall.taken, is_sqlite=connection.dialect.name == "sqlite")
        if connection.execute(select(messages.c.id).where(*selected, theirs).limit(1)).first() is not None:
            found.add(recall.recall_id)
    return sorted(found)
