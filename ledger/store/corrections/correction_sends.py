"""Rows of `correction_sends`, the queue of corrections: claimed before they leave, ended once, never sent again.

A send belongs to its owner as long as its lease lasts. What is lost with its owner may have gone out: it is unknown.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, update

from ledger.core.corrections.correction import Batch, SendOutcome, WhyNot
from ledger.core.recalls.lease import LONGEST_LEASE
from ledger.core.recalls.recall import Status
from ledger.core.recording.message import AppName
from ledger.store.audit.commitments import Columns
from ledger.store.audit.returned_rows import read_returned, returned_columns
from ledger.store.recording.selecting import among
from ledger.store.schema import correction_sends, corrections

# What never changes of a send once it is written down.
FROZEN_OF_SEND = ("id", "app", "robot_code", "recipients")
LOST = "lost"
WENT_AWAY = "its owner went away before it wrote down an answer"
_BATCH_ROWS = 1000
_columns = correction_sends.c
_unended = _columns.outcome.is_(None)
_on_its_way = and_(_unended, _columns.owner.is_not(None))
_waits = and_(_unended, _columns.owner.is_(None))
_FREED: dict[str, Any] = {"owner": None, "slot_at": None, "lease_until": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingSend:
    """A send that may be claimed; `attempts` were made before, of which so many certainly `never_left`."""

    id: int
    correction_id: int
    app: AppName
    robot_code: str
    people: Sequence[str]
    attempts: int
    never_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingSend:
    """A send on its way; `leave_at` is when it may leave, in seconds of the even clock of this machine."""

    id: int
    correction_id: int
    app: AppName
    robot_code: str
    people: Sequence[str]
    attempts: int
    never_left: int
    slot_at: datetime
    leave_at: float
    campaign: str
    msg_key: str
    msg_param: str
    run_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSend:
    """How a send ended, as it is written down."""

    outcome: SendOutcome
    code: str | None = None
    reason: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    duration_ms: int | None = None
    process_query_key: str | None = None
    undelivered: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LostSend:
    """A send that was given up: nobody will say whether it went out."""

    id: int
    correction_id: int
    app: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCounts:
    """What became of people, by outcome (None: not sent yet); `missed` are those whom DingTalk named, by why.

    `refusals` are the refused people by what was answered, a code and its words.
    """

    people: Mapping[SendOutcome | None, int]
    missed: Mapping[str, int]
    refusals: Mapping[tuple[str, str], int]
    in_flight: int
    calls: int


def add(connection: Connection, correction_id: int, batches: Sequence[Batch]) -> Columns:
    """Write down who gets which call; return what was written, by column, as it is frozen."""
    rows = [
        {
            "correction_id": correction_id,
            "app": batch.app,
            "robot_code": batch.robot_code,
            "recipients": list(batch.people),
            "undelivered": {},
        }
        for batch in batches
    ]
    is_sqlite = connection.dialect.name == "sqlite"
    columns = [_columns[name] for name in FROZEN_OF_SEND]
    returned = returned_columns(columns, is_sqlite=is_sqlite)
    adding = insert(correction_sends).returning(*returned, sort_by_parameter_order=True)
    return read_returned(connection.execute(adding, rows).all(), columns, is_sqlite=is_sqlite)


def apps_of(connection: Connection, correction_id: int) -> set[AppName]:
    """Return the apps by which something of a correction has yet to be sent.

    They are looked up one after the other: each look at the queue asks, and reading all of it for two or three is slow.
    """
    mine = select(_columns.app).where(_columns.correction_id == correction_id, _unended)
    first, found, app = mine.order_by(_columns.app).limit(1), set[AppName](), ""
    while (found_app := connection.scalar(first.where(_columns.app > app))) is not None:
        app = str(found_app)
        found.add(AppName(app))
    return found


def waiting(
    connection: Connection, correction_ids: Sequence[int], app: AppName, now: datetime, limit: int
) -> list[WaitingSend]:
    """Return the next sends of corrections by one app that may leave, locked against other claims."""
    due = or_(_columns.not_before.is_(None), _columns.not_before <= now)
    found = list[WaitingSend]()
    for correction_id in correction_ids:
        mine = select(correction_sends).where(_columns.correction_id == correction_id, _columns.app == app, _waits, due)
        some = mine.order_by(_columns.id).limit(limit - len(found)).with_for_update(skip_locked=True)
        found += [
            WaitingSend(
                id=row.id,
                correction_id=row.correction_id,
                app=AppName(row.app),
                robot_code=row.robot_code,
                people=row.recipients,
                attempts=row.attempts,
                never_left=row.never_left,
            )
            for row in connection.execute(some)
        ]
        if len(found) >= limit:
            break
    return found


def claim(
    connection: Connection, send_id: int, *, owner: str, attempts: int, slot_at: datetime, lease_until: datetime
) -> None:
    """Write the intent: who is about to make a call that is locked, and until when it is theirs."""
    values = {"owner": owner, "attempts": attempts, "slot_at": slot_at, "lease_until": lease_until, "not_before": None}
    connection.execute(update(correction_sends).where(_columns.id == send_id).values(values))


def lock_open(connection: Connection, send_ids: Sequence[int]) -> frozenset[int]:
    """Return those of some sends that are still on their way, locked; the others were given up for lost meanwhile."""
    these = among(_columns.id, send_ids, is_sqlite=connection.dialect.name == "sqlite")
    statement = select(_columns.id).where(these, _on_its_way).order_by(_columns.id).with_for_update()
    return frozenset(connection.scalars(statement))


def end(connection: Connection, send_id: int, ended: EndedSend, *, by: str, now: datetime) -> None:
    """Write down how a send ended that is locked."""
    values = {name: getattr(ended, name) for name in EndedSend.__slots__ if name != "undelivered"}
    values |= {"undelivered": dict(ended.undelivered or {}), "finished_at": now, "ended_by": by}
    connection.execute(update(correction_sends).where(_columns.id == send_id).values(values))


def put_back(
    connection: Connection, send_id: int, *, attempts: int, never_left: int, not_before: datetime | None = None
) -> None:
    """Let a send that certainly did not go out wait again."""
    mine = update(correction_sends).where(_columns.id == send_id)
    connection.execute(mine.values(**_FREED, attempts=attempts, never_left=never_left, not_before=not_before))


def make_due(connection: Connection, correction_id: int) -> None:
    """Let what waits for a while be sent at once."""
    mine = update(correction_sends).where(_columns.correction_id == correction_id, _waits)
    connection.execute(mine.values(not_before=None))


def cancel_waiting(connection: Connection, correction_id: int, *, by: str, now: datetime) -> list[int]:
    """End what waits of a correction; return the numbers. What is on its way ends by its answer."""
    mine = update(correction_sends).where(_columns.correction_id == correction_id, _waits)
    ended = {"outcome": SendOutcome.CANCELLED, "finished_at": now, "ended_by": by, "not_before": None}
    return sorted(connection.scalars(mine.values(ended).returning(_columns.id)))


def owners(connection: Connection) -> list[str]:
    """Return who has sends on their way."""
    return list(connection.scalars(select(_columns.owner).where(_on_its_way).distinct()))


def give_up_lost(
    connection: Connection,
    now: datetime,
    dead_owners: Sequence[str],
    *,
    leases_by: datetime | None,
    held: Collection[int],
) -> list[LostSend]:
    """End as unknown what was on its way when its owner died, or its lease ended; return it.

    Judged by a moment of the pace's clock, or not at all; but nothing that is `held`.
    """
    over: ColumnElement[bool] = _columns.owner.in_(dead_owners)
    if leases_by is not None:
        over = or_(over, _columns.lease_until <= leases_by, _columns.lease_until > leases_by + LONGEST_LEASE)
    if held:
        over = and_(over, _columns.id.not_in(held))
    # Whose round it was is beside the correction.
    run_by = select(func.coalesce(corrections.c.moved_by, corrections.c.actor)).where(
        corrections.c.id == _columns.correction_id
    )
    ended = {
        "outcome": SendOutcome.UNKNOWN,
        "code": LOST,
        "reason": WENT_AWAY,
        "finished_at": now,
        "ended_by": run_by.scalar_subquery(),
    }
    lost = update(correction_sends).where(_on_its_way, over).values(ended)
    rows = connection.execute(lost.returning(*(_columns[name] for name in LostSend.__slots__))).all()
    return sorted((LostSend(**row._mapping) for row in rows), key=lambda one: one.id)


def has_unended(connection: Connection, correction_id: int) -> bool:
    """Say whether anything of a correction waits or is on its way."""
    mine = select(_columns.id).where(_columns.correction_id == correction_id, _unended).limit(1)
    return connection.execute(mine).first() is not None


def any_at_work(connection: Connection) -> bool:
    """Say whether any correction runs, or anything of one is on its way."""
    runs = exists().where(corrections.c.status == Status.RUNNING)
    return bool(connection.scalar(select(or_(runs, exists().where(_on_its_way)))))


def counts(connection: Connection, correction_id: int) -> SendCounts:
    """Count the people of a correction by what became of them."""
    people, missed, refusals = Counter[SendOutcome | None](), Counter[str](), Counter[tuple[str, str]]()
    in_flight = calls = 0
    for row in _rows(connection, correction_id):
        calls += row.attempts - row.never_left
        outcome = SendOutcome(row.outcome) if row.outcome else None
        if outcome is SendOutcome.SPLIT:
            continue
        people[outcome] += len(row.recipients)
        in_flight += len(row.recipients) if outcome is None and row.owner is not None else 0
        missed.update({why: len(users) for why, users in row.undelivered.items()})
        if outcome is SendOutcome.REFUSED:
            refusals[row.code or "", row.reason or ""] += len(row.recipients)
    return SendCounts(people=people, missed=missed, refusals=refusals, in_flight=in_flight, calls=calls)


def people_of(connection: Connection, correction_id: int) -> Iterator[str]:
    """Yield everybody whom a correction was for."""
    for row in _rows(connection, correction_id):
        if row.outcome != SendOutcome.SPLIT:
            yield from row.recipients


def written_to(connection: Connection, recall_id: int) -> dict[str, WhyNot]:
    """Return who is not to get another correction of a recall: whom one reached, or may have, or is about to."""
    mine = select(corrections.c.id).where(corrections.c.recall_id == recall_id, corrections.c.started_at.is_not(None))
    found: dict[str, WhyNot] = {}
    for correction_id in connection.scalars(mine.order_by(corrections.c.id)).all():
        for row in _rows(connection, correction_id):
            if row.outcome == SendOutcome.SENT:
                missed = {user for users in row.undelivered.values() for user in users}
                found |= {user: WhyNot.CORRECTED for user in row.recipients if user not in missed}
            elif row.outcome in (None, SendOutcome.UNKNOWN):
                found |= {user: WhyNot.MAYBE_CORRECTED for user in row.recipients if user not in found}
    return found


def _rows(connection: Connection, correction_id: int) -> Iterator[Any]:
    names = ("recipients", "undelivered", "outcome", "code", "reason", "owner", "attempts", "never_left")
    wanted = [_columns[name] for name in names]
    statement = select(*wanted).where(_columns.correction_id == correction_id).order_by(_columns.id)
    yield from connection.execute(statement.execution_options(yield_per=_BATCH_ROWS))
