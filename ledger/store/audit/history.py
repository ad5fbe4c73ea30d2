"""Rows of `history`: appended in a chain of digests, and read back to check it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, text

from ledger.clock import format_time
from ledger.core.access.actors import WORKER
from ledger.core.audit.chain import GENESIS, digest
from ledger.core.recalls.frozen import mark_of
from ledger.store.audit.raw_rows import raw_rows
from ledger.store.recalls.endings import Ended
from ledger.store.recalls.lost_calls import LOST, LostCall
from ledger.store.schema import history, history_starts

ITEMS_PER_ENTRY = 1000
# What is written in one transaction is told of with the time of its decision, and machines differ: less than this is
# no clock that was set back.
CLOCKS_DIFFER = timedelta(hours=1)
CLOCK_SET_BACK = "clock_set_back"
# What an upgrade says when it has changed what entries are made of; a last digest that was kept before is in it.
CHAINED_ANEW = "chained_anew"
# What tells of single calls and items.
OF_ITEMS = (
    *("call", "lost", "expired", "cancelled", "unanswered", "reopened", "frozen"),
    *("reads_answered", "spot_checked"),
    *("correction_call", "correction_lost", "correction_left_unsent"),
)
# What every transaction that changes something says is put together once: that takes longer than to run it.
_ONE_WRITER = text("SELECT pg_advisory_xact_lock(hashtext('ledger history'))")
_LAST = select(history.c.digest, history.c.at).order_by(history.c.id.desc()).limit(1)
_INSERT = insert(history)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was done: an event, by whom, to which recall, with its facts as JSON values."""

    at: datetime
    event: str
    actor: str
    recall_id: int | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry as it stands in the database."""

    id: int
    entry: Entry
    digest: str


def link(previous: str, entry: Entry) -> str:
    """Return the digest of an entry that comes after the one with the digest `previous`."""
    return digest(
        previous,
        at=entry.at,
        event=entry.event,
        actor=entry.actor,
        recall_id=entry.recall_id,
        detail=entry.detail,
    )


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Add entries to the chain, as the last statements of the transaction whose changes they tell of."""
    if not entries:
        return
    if connection.dialect.name == "postgresql":
        # One writer at a time, or two would chain to the same entry.
        connection.execute(_ONE_WRITER)
    last = connection.execute(_LAST).one_or_none()
    previous = last.digest if last else GENESIS
    if last and goes_back(last.at, entries[0].at):
        back = {"from": format_time(last.at)}
        entries = [
            Entry(at=entries[0].at, event=CLOCK_SET_BACK, actor=WORKER, recall_id=None, detail=back),
            *entries,
        ]
    rows = []
    for entry in entries:
        previous = link(previous, entry)
        rows.append(
            {
                "at": entry.at,
                "event": entry.event,
                "actor": entry.actor,
                "recall_id": entry.recall_id,
                "detail": dict(entry.detail),
                "digest": previous,
            }
        )
    connection.execute(_INSERT, rows)


def digest_at(connection: Connection, number: int) -> str | None:
    """Return the digest of one entry, also of the last one of those that have left."""
    of_left = select(history_starts.c.digest).where(history_starts.c.last_id == number)
    found: str | None = connection.scalar(select(history.c.digest).where(history.c.id == number).union_all(of_left))
    return found


def digests_that_stand_twice(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Return which of some digests more than one entry has."""
    if not digests:
        return set()
    several = select(history.c.digest).where(history.c.digest.in_(digests)).group_by(history.c.digest)
    return set(connection.execute(several.having(func.count() > 1)).scalars())


def count(connection: Connection) -> int:
    """Return how many entries there are."""
    return connection.scalar(select(func.count()).select_from(history)) or 0


def goes_back(before: datetime, at: datetime) -> bool:
    """Say whether a time is so long before that of the entry before it that a clock must have been set back."""
    return at < before - CLOCKS_DIFFER


def read_all(connection: Connection, after: int = 0, up_to: int | None = None) -> Iterator[StoredEntry]:
    """Yield every entry in the order of writing, whatever somebody made of it; after one and up to another."""
    wanted = [history.c.id > after, *([history.c.id <= up_to] if up_to is not None else [])]
    return _read(connection, wanted)


def of_recalls(connection: Connection, recalls: Sequence[int], last_event: str) -> Iterator[StoredEntry]:
    """Yield all entries of some recalls in the order of writing, and then the last one of an event that has none."""
    last = select(func.max(history.c.id)).where(history.c.event == last_event).scalar_subquery()
    return _read(connection, [or_(history.c.recall_id.in_(recalls), history.c.id == last)])


def first_digest(connection: Connection) -> str:
    """Return the digest of the first entry; nothing when there is none."""
    return str(connection.scalar(select(history.c.digest).order_by(history.c.id).limit(1)) or "")


def last_of(connection: Connection, event: str) -> StoredEntry | None:
    """Return the last entry of an event."""
    last = select(func.max(history.c.id)).where(history.c.event == event).scalar_subquery()
    return next(iter(list(_read(connection, [history.c.id == last]))), None)


def _read(connection: Connection, wanted: Sequence[ColumnElement[bool]]) -> Iterator[StoredEntry]:
    for number, *cells, stored in raw_rows(connection, list(history.c), history.c.id, wanted):
        at, event, actor, recall_id, detail = cells
        entry = Entry(at=at, event=event, actor=actor, recall_id=recall_id, detail=detail)
        yield StoredEntry(id=number, entry=entry, digest=stored)


def of_recall(connection: Connection, recall_id: int) -> list[Entry]:
    """Return what was done with one recall, but for its calls, in the order of doing."""
    mine = (history.c.recall_id == recall_id) & history.c.event.not_in(OF_ITEMS)
    columns = [history.c[field.name] for field in fields(Entry)]
    rows = connection.execute(select(*columns).where(mine).order_by(history.c.id))
    return [Entry(**row._mapping) for row in rows]


def of_events(connection: Connection, recall_id: int, events: Sequence[str]) -> list[Entry]:
    """Return the entries of some events of one recall, in the order of doing."""
    mine = (history.c.recall_id == recall_id) & history.c.event.in_(events)
    columns = [history.c[field.name] for field in fields(Entry)]
    return [Entry(**row._mapping) for row in connection.execute(select(*columns).where(mine).order_by(history.c.id))]


def latest_of(connection: Connection, recalls: Sequence[int], events: Sequence[str]) -> list[Entry]:
    """Return for each of some recalls the last entry of some events, of those that have one."""
    mine = history.c.recall_id.in_(recalls) & history.c.event.in_(events)
    last = select(func.max(history.c.id)).where(mine).group_by(history.c.recall_id)
    columns = [history.c[field.name] for field in fields(Entry)]
    rows = connection.execute(select(*columns).where(history.c.id.in_(last)))
    return [Entry(**row._mapping) for row in rows]


def ended_entries(recall_id: int, actor: str, event: str, ended: Sequence[Ended], at: datetime) -> list[Entry]:
    """Return entries that name items which ended together, by somebody, in lists of bounded length."""
    return [
        Entry(
            at=at,
            event=event,
            actor=actor,
            recall_id=recall_id,
            detail={"items": [one.to_fact() for one in ended[start : start + ITEMS_PER_ENTRY]], "by": actor},
        )
        for start in range(0, len(ended), ITEMS_PER_ENTRY)
    ]


def reopened_entries(recall_id: int, actor: str, item_ids: Sequence[int], at: datetime) -> list[Entry]:
    """Return entries that name items which wait again, in lists of bounded length."""
    return [
        Entry(at=at, event="reopened", actor=actor, recall_id=recall_id, detail={"reopened": list(some)})
        for start in range(0, len(item_ids), ITEMS_PER_ENTRY)
        if (some := item_ids[start : start + ITEMS_PER_ENTRY])
    ]


def lost_entries(lost: Sequence[LostCall], at: datetime) -> list[Entry]:
    """Return entries of calls that were given up."""
    return [
        Entry(
            at=at,
            event="lost",
            actor=WORKER,
            recall_id=one.recall_id,
            detail={
                "call": one.id,
                "verdict": LOST,
                "reason": one.reason,
                "keys": one.key_count,
                "by": one.run_by,
                **route_fact(one.app, one.chat, one.robot_code, one.owner, one.slot_at),
            },
        )
        for one in lost
    ]


def route_fact(app: str, chat: str, robot_code: str, owner: str, slot_at: datetime) -> dict[str, str]:
    """Return on which way a call left, when, and a mark of who made it, as an entry holds it."""
    return {"app": app, "chat": chat, "robot": robot_code, "owner": mark_of(owner), "slot_at": format_time(slot_at)}
