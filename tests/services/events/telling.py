"""Events for tests that need no connection for them: they come from the journal, or stand in the table."""

from collections.abc import Iterable
from itertools import count

from ledger import Ledger
from ledger.core.events.message_events import EventKind, EventPush, MessageEvent
from ledger.core.recording.message import MessageKey, RobotCode, UserId
from ledger.store.events.message_events import insert_pushes

_NUMBERS = count(1)


def tell(
    book: Ledger,
    kind: EventKind,
    keys: Iterable[str],
    users: Iterable[str | None] = (None,),
    *,
    robot: str | None = "robot-1",
) -> list[str]:
    """Record that something happened to messages, an event for each of them and each user; return the events' ids."""
    pushes = []
    for key in keys:
        for user in users:
            number = next(_NUMBERS)
            event = MessageEvent(
                event_id=f"event-{number}",
                kind=kind,
                process_query_key=MessageKey(key),
                robot_code=None if robot is None else RobotCode(robot),
                user_id=None if user is None else UserId(user),
            )
            pushes.append(
                EventPush(app="default", at=book.parts.clock.now(), source="tests", number=number, event=event)
            )
    with book.parts.opened().write() as connection:
        insert_pushes(connection, pushes)
    return [push.event.event_id for push in pushes if push.event is not None]


def tell_of_recall(
    book: Ledger, keys: Iterable[str], users: Iterable[str | None] = (None,), *, robot: str | None = "robot-1"
) -> list[str]:
    """Record that messages were recalled."""
    return tell(book, EventKind.RECALL, keys, users, robot=robot)
