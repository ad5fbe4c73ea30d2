"""Rows of `notices` and what is beside them: an outbox, how its places stand, and what was told already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from ledger.core.json_value import JsonValue
from ledger.core.notices.notices import LEASE, LONGEST_WAIT, Notice, next_try
from ledger.notice_events import NoticeEvent
from ledger.store.dialects import insert_into
from ledger.store.schema import history, notice_marks, notice_places, notices


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenNotice:
    """A notice that somebody took to send to one place, which was tried so often, this time included."""

    id: int
    notice: Notice
    place: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePlace(JsonValue):
    """How a place stands: when a notice has arrived last, since when and why none does, how many wait or never came."""

    name: str
    reached_at: datetime | None = None
    failing_since: datetime | None = None
    error: str | None = None
    waiting: int = 0
    given_up: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEntry:
    """An entry of the history of which somebody may want to hear."""

    id: int
    at: datetime
    event: str
    actor: str
    recall_id: int
    detail: Mapping[str, object]


def move_mark(connection: Connection, name: str, before: str | None, now: str) -> bool:
    """Set what was told under a name, if it is still as it was seen; say whether it was, and nobody else did it."""
    if before is not None:
        mine = (notice_marks.c.name == name) & (notice_marks.c.value == before)
        return connection.execute(update(notice_marks).where(mine).values(value=now)).rowcount == 1
    new = insert_into(connection, notice_marks).values(name=name, value=now).on_conflict_do_nothing()
    return connection.execute(new.execution_options(preserve_rowcount=True)).rowcount == 1


def drop_mark(connection: Connection, name: str) -> None:
    """Forget what was told under a name."""
    connection.execute(delete(notice_marks).where(notice_marks.c.name == name))


def marks(connection: Connection) -> dict[str, str]:
    """Return all that was told."""
    return {row.name: row.value for row in connection.execute(select(notice_marks))}


def told_by_history(connection: Connection, after: int, events: Iterable[str]) -> list[ToldEntry]:
    """Return the entries of recalls after one that are of some events, in their order."""
    columns = history.c
    wanted = (columns.id > after) & columns.event.in_(sorted(events)) & columns.recall_id.is_not(None)
    found = select(columns.id, columns.at, columns.event, columns.actor, columns.recall_id, columns.detail)
    return [ToldEntry(**row._mapping) for row in connection.execute(found.where(wanted).order_by(columns.id))]


def add(connection: Connection, notice: Notice, places: Iterable[str]) -> None:
    """Put a notice into the outbox, for each place that is to hear of it."""
    values = {"uid": notice.uid, "event": notice.event.value, "at": notice.at, "facts": dict(notice.facts)}
    rows = [{**values, "place": place, "attempts": 0, "next_at": notice.at} for place in places]
    if rows:
        connection.execute(insert(notices), rows)


def is_due(connection: Connection, now: datetime) -> bool:
    """Say whether any notice is due."""
    return connection.scalar(select(notices.c.id).where(_due(now)).limit(1)) is not None


def take(connection: Connection, now: datetime) -> TakenNotice | None:
    """Take the oldest that is due: nobody else does before a lease is over, whatever becomes of us."""
    columns = notices.c
    mine = select(columns.id).where(_due(now)).order_by(columns.id).limit(1).with_for_update(skip_locked=True)
    number = connection.scalar(mine)
    if number is None:
        return None
    taken = update(notices).where(columns.id == number).values(next_at=now + LEASE, attempts=columns.attempts + 1)
    row = connection.execute(taken.returning(*columns)).one()
    notice = Notice(uid=row.uid, event=NoticeEvent(row.event), at=row.at, facts=row.facts)
    return TakenNotice(id=row.id, notice=notice, place=row.place, attempts=row.attempts)


def _due(now: datetime) -> ColumnElement[bool]:
    # What lies further ahead than anybody ever waits says that somebody set a clock back.
    return (notices.c.next_at <= now) | (notices.c.next_at > now + LONGEST_WAIT)


def arrived(connection: Connection, sent: TakenNotice, now: datetime) -> None:
    """Note that a notice has arrived; nothing of it is kept."""
    connection.execute(delete(notices).where(notices.c.id == sent.id))
    _note(connection, sent.place, {"reached_at": now, "failing_since": None, "error": None})


def failed(connection: Connection, sent: TakenNotice, error: str, now: datetime) -> bool:
    """Note that a notice did not arrive, and why; say whether it is given up."""
    again = next_try(sent.attempts, now)
    place = notice_places.c
    mine = notices.c.id == sent.id
    connection.execute(
        delete(notices).where(mine) if again is None else update(notices).where(mine).values(next_at=again)
    )
    _note(connection, sent.place, {"error": error, "failing_since": func.coalesce(place.failing_since, now)})
    if again is None:
        connection.execute(update(notice_places).where(place.name == sent.place).values(given_up=place.given_up + 1))
    return again is None


def note_test(connection: Connection, place: str, error: str | None, now: datetime) -> None:
    """Note what came of a test, which was never in the outbox."""
    if error is None:
        _note(connection, place, {"reached_at": now, "failing_since": None, "error": None})
    else:
        _note(connection, place, {"error": error, "failing_since": func.coalesce(notice_places.c.failing_since, now)})


def drop_others(connection: Connection, places: Sequence[str]) -> None:
    """Forget what is for places that the settings do not name any more."""
    connection.execute(delete(notices).where(notices.c.place.not_in(places)))


def standing(connection: Connection) -> dict[str, NoticePlace]:
    """Return how each place stands that notices ever went to or are to go to."""
    waiting = {
        row.place: row.count
        for row in connection.execute(select(notices.c.place, func.count().label("count")).group_by(notices.c.place))
    }
    rows = {row.name: row._mapping for row in connection.execute(select(notice_places))}
    return {
        name: NoticePlace(**{**rows.get(name, {"name": name}), "waiting": waiting.get(name, 0)})
        for name in sorted(rows.keys() | waiting.keys())
    }


def failing(connection: Connection) -> list[str]:
    """Return the names of the places where notices do not arrive at present."""
    known = select(notice_places.c.name).where(notice_places.c.failing_since.is_not(None))
    return list(connection.scalars(known.order_by(notice_places.c.name)))


def _note(connection: Connection, name: str, values: Mapping[str, object]) -> None:
    mine = update(notice_places).where(notice_places.c.name == name).values(**values)
    if connection.execute(mine).rowcount == 0:
        new = insert_into(connection, notice_places).values(name=name, given_up=0).on_conflict_do_nothing()
        connection.execute(new)
        connection.execute(mine)
