"""Rows of `history_segments`, `checkpoints`, `anchors`: how far the history is signed, and where that has arrived."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from ledger.store.audit.raw_rows import raw_rows
from ledger.store.dialects import insert_into
from ledger.store.schema import anchors, checkpoints, history, history_segments

_BATCH_ROWS = 1000
# What ends a recall, or leaves it to people.
ENDS_OF_RECALLS = ("finished", "cancel", "refused", "paused", "schedule_missed")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedSegment:
    """A closed segment: its place, the number of its last entry, its root (hex)."""

    number: int
    last_id: int
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCheckpoint:
    """A checkpoint as it stands in the database; `last_id` is the number of the last entry that it covers."""

    id: int
    at: datetime
    entries: int
    last_id: int
    document: Mapping[str, Any]
    path: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorState:
    """Where checkpoints go, by name: which one arrived last, and when; since when none does, and why."""

    name: str
    checkpoint_id: int | None
    arrived_at: datetime | None
    tried_at: datetime
    failing_since: datetime | None
    error: str | None


def segments(connection: Connection) -> list[ClosedSegment]:
    """Return the closed segments in their order."""
    rows = connection.execute(select(history_segments).order_by(history_segments.c.number))
    return [ClosedSegment(**row._mapping) for row in rows]


def add_segments(connection: Connection, closed: Sequence[ClosedSegment]) -> None:
    """Note segments that are closed now; whoever was quicker has noted the same."""
    if not closed:
        return
    rows = [{"number": one.number, "last_id": one.last_id, "root": one.root} for one in closed]
    connection.execute(insert_into(connection, history_segments).on_conflict_do_nothing(), rows)


def digests_after(connection: Connection, last_id: int) -> Iterator[tuple[int, str]]:
    """Yield number and digest of the entries after one, in their order and in constant memory."""
    statement = select(history.c.id, history.c.digest).where(history.c.id > last_id).order_by(history.c.id)
    for rows in connection.execute(statement.execution_options(yield_per=_BATCH_ROWS)).partitions(_BATCH_ROWS):
        yield from map(tuple, rows)


def some_digests_after(connection: Connection, last_id: int, count: int) -> list[tuple[int, str]]:
    """Return number and digest of so many entries after one."""
    statement = select(history.c.id, history.c.digest).where(history.c.id > last_id).order_by(history.c.id)
    return [(row.id, str(row.digest)) for row in connection.execute(statement.limit(count))]


def last_entry(connection: Connection) -> int:
    """Return the number of the last entry, 0 without any."""
    return connection.scalar(select(func.max(history.c.id))) or 0


def a_recall_ended_after(connection: Connection, last_id: int) -> bool:
    """Say whether any entry after one tells of the end of a recall."""
    ended = (history.c.id > last_id) & history.c.event.in_(ENDS_OF_RECALLS)
    return connection.scalar(select(history.c.id).where(ended).limit(1)) is not None


def add(connection: Connection, *, at: datetime, entries: int, last_id: int, document: Mapping[str, Any]) -> int:
    """Keep a checkpoint; return its number."""
    row = {"at": at, "entries": entries, "last_id": last_id, "document": dict(document)}
    return int(connection.execute(insert(checkpoints).values(row).returning(checkpoints.c.id)).scalar_one())


def latest(connection: Connection) -> StoredCheckpoint | None:
    """Return the last checkpoint."""
    row = connection.execute(select(checkpoints).order_by(checkpoints.c.id.desc()).limit(1)).one_or_none()
    return StoredCheckpoint(**row._mapping) if row is not None else None


def documents(connection: Connection) -> Iterator[Any]:
    """Yield all checkpoints as they were signed, the first one first, whatever somebody made of them."""
    for (document,) in raw_rows(connection, [checkpoints.c.document], checkpoints.c.id):
        yield document


def between(connection: Connection, entries: int, up_to: int) -> list[tuple[int, int]]:
    """Return number and entries of the checkpoints of more entries than some, and no more than others."""
    columns = checkpoints.c
    wanted = select(columns.id, columns.entries).where(columns.entries > entries, columns.entries <= up_to)
    return [(row.id, row.entries) for row in connection.execute(wanted)]


def keep_paths(connection: Connection, paths: Mapping[int, Sequence[str]]) -> None:
    """Keep of checkpoints, by number, the path of the last entry of each to the root of its segment."""
    for number, path in paths.items():
        connection.execute(update(checkpoints).where(checkpoints.c.id == number).values(path=list(path)))


def kept_paths(connection: Connection, up_to: int) -> Iterator[tuple[int, Any]]:
    """Yield the paths that are kept, with the entries of their checkpoints, of which there are no more than some."""
    columns = checkpoints.c
    kept = select(columns.entries, columns.path).where(columns.path.is_not(None), columns.entries <= up_to)
    yield from map(tuple, connection.execute(kept))


def anchor_states(connection: Connection) -> dict[str, AnchorState]:
    """Return how each place stands that checkpoints ever went to."""
    rows = connection.execute(select(anchors).order_by(anchors.c.name))
    return {row.name: AnchorState(**row._mapping) for row in rows}


def arrived(connection: Connection, name: str, checkpoint_id: int, now: datetime) -> None:
    """Note that a checkpoint has arrived."""
    _note(
        connection,
        name,
        {
            "checkpoint_id": checkpoint_id,
            "arrived_at": now,
            "tried_at": now,
            "failing_since": None,
            "error": None,
        },
    )


def failed(connection: Connection, name: str, error: str, now: datetime) -> None:
    """Note that none arrives, and why; since when, is kept."""
    known = anchor_states(connection).get(name)
    since = known.failing_since if known is not None and known.failing_since is not None else now
    _note(connection, name, {"tried_at": now, "failing_since": since, "error": error})


def _note(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    mine = update(anchors).where(anchors.c.name == name).values(**values)
    if connection.execute(mine).rowcount == 0:
        connection.execute(insert_into(connection, anchors).values(name=name, **values).on_conflict_do_nothing())
