"""Rows of `corrections`: planned, moved from state to state, counted. Their sends are in `correction_sends.py`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update

from ledger.core.corrections.correction import OPEN, TakenBack
from ledger.core.corrections.correction_text import CorrectionText
from ledger.core.cursor import LARGEST_ID
from ledger.core.recalls.approval import Approval, Decision
from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recording.message import AppName, Chat
from ledger.errors import UnknownCorrectionError
from ledger.store.schema import corrections, history, recall_items

_BATCH_ROWS = 1000
NOBODY_NAMED = "nobody_named"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One row of `corrections`."""

    id: int
    recall_id: int
    status: Status
    reason: str
    actor: str
    campaign: str
    msg_key: str
    msg_param: str
    plan: Mapping[str, Any]
    seen: str
    error: Mapping[str, str] | None
    planned_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    moved_by: str | None
    requested_by: str | None
    requested_at: datetime | None
    valid_until: datetime | None
    verdict: str | None
    decided_by: str | None
    decided_at: datetime | None
    refusal: str | None

    @property
    def runs_for(self) -> str:
        """Who has it as it is."""
        return self.moved_by or self.actor

    @property
    def text(self) -> CorrectionText:
        """What it says."""
        return CorrectionText(msg_key=self.msg_key, msg_param=self.msg_param)

    @property
    def approval(self) -> Approval | None:
        """Where its second person stands; None when nobody was asked."""
        if self.requested_by is None:
            return Approval() if self.plan.get("approval") else None
        is_approved, is_refused = self.verdict == Decision.APPROVED, self.verdict == Decision.REFUSED
        return Approval(
            requested_by=self.requested_by,
            requested_at=self.requested_at,
            valid_until=self.valid_until,
            approved_by=self.decided_by if is_approved else None,
            approved_at=self.decided_at if is_approved else None,
            refused_by=self.decided_by if is_refused else None,
            refused_at=self.decided_at if is_refused else None,
            refusal=self.refusal,
        )


@dataclass(slots=True, kw_only=True)
class NotOneByOne:
    """Messages of a recall that no correction reaches: by the kind of their chat, or since it is not known to whom."""

    messages: dict[str, int]

    def add(self, kind: str) -> None:
        """Count one more."""
        self.messages[kind] = self.messages.get(kind, 0) + 1


def create(connection: Connection, values: Mapping[str, Any]) -> int:
    """Write down a plan; return its number."""
    adding = insert(corrections).values(status=Status.PLANNED, **values).returning(corrections.c.id)
    number: int = connection.execute(adding).scalar_one()
    return number


def get(connection: Connection, correction_id: int, *, lock: bool = False) -> Correction:
    """Return one correction, locked when it is about to change; raise UnknownCorrectionError."""
    if not 0 < correction_id <= LARGEST_ID:
        raise UnknownCorrectionError(correction_id)
    statement = select(corrections).where(corrections.c.id == correction_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise UnknownCorrectionError(correction_id)
    return _correction(row)


def of_recall(connection: Connection, recall_id: int) -> list[Correction]:
    """Return the corrections of a recall, and plans of some, the newest first."""
    mine = corrections.c.recall_id == recall_id
    return _listed(connection, mine)


def started_of(connection: Connection, recall_id: int) -> list[Correction]:
    """Return the corrections of a recall that were started, the newest first."""
    return _listed(connection, and_(corrections.c.recall_id == recall_id, corrections.c.started_at.is_not(None)))


def running(connection: Connection) -> list[Correction]:
    """Return the corrections that are running, the oldest first."""
    return _listed(connection, corrections.c.status == Status.RUNNING)[::-1]


def unfinished(connection: Connection) -> list[Correction]:
    """Return the corrections that were started and have not ended, the oldest first."""
    return _listed(connection, corrections.c.status.in_(OPEN))[::-1]


def needing_somebody(connection: Connection, now: datetime) -> list[Correction]:
    """Return the corrections that are paused, or wait for a second person, the oldest first."""
    columns = corrections.c
    waits = and_(
        columns.status == Status.PLANNED,
        columns.requested_by.is_not(None),
        columns.verdict.is_(None),
        columns.valid_until > now,
    )
    return _listed(connection, or_(columns.status == Status.PAUSED, waits))[::-1]


def started_alone(connection: Connection, since: datetime) -> list[Correction]:
    """Return the corrections that were started since a moment without a second person."""
    alone = or_(corrections.c.verdict.is_(None), corrections.c.verdict != Decision.APPROVED)
    return _listed(connection, and_(corrections.c.started_at > since, alone))


def started_by_a_mere_name(connection: Connection, some: Sequence[Correction]) -> set[int]:
    """Return those of some corrections that somebody started whom no token named."""
    mine = and_(history.c.recall_id.in_({one.recall_id for one in some}), history.c.event == "correction_started")
    told = connection.scalars(select(history.c.detail).where(mine))
    return {detail["correction"] for detail in told if not detail.get("proven")}


def change(connection: Connection, correction_id: int, **values: Any) -> None:
    """Change columns of one correction."""
    connection.execute(update(corrections).where(corrections.c.id == correction_id).values(values))


def finish(connection: Connection, correction_id: int, now: datetime) -> bool:
    """Mark a running correction finished; False when it is not running any more."""
    mine = and_(corrections.c.id == correction_id, corrections.c.status == Status.RUNNING)
    statement = update(corrections).where(mine).values(status=Status.FINISHED, finished_at=now)
    return connection.execute(statement).rowcount == 1


def give_up(connection: Connection, planned_before: datetime) -> list[int]:
    """Delete plans that nobody wanted to start in their time, for they did nothing; return their numbers."""
    old = and_(corrections.c.status == Status.PLANNED, corrections.c.planned_at < planned_before)
    never_asked = and_(old, corrections.c.requested_by.is_(None))
    return sorted(connection.scalars(delete(corrections).where(never_asked).returning(corrections.c.id)))


def taken_back(connection: Connection, recall_id: int, others: NotOneByOne) -> Iterator[TakenBack]:
    """Yield the messages of a recall that went to people one by one; `others` counts the rest."""
    names = ("app", "robot_code", "outcome", "recipients", "undelivered", "chat")
    columns = [recall_items.c[name] for name in names]
    mine = select(*columns).where(recall_items.c.recall_id == recall_id).order_by(recall_items.c.id)
    for row in connection.execute(mine.execution_options(yield_per=_BATCH_ROWS)):
        if row.chat != Chat.ONE_TO_ONE:
            others.add(row.chat)
        elif not row.recipients and not row.undelivered:
            others.add(NOBODY_NAMED)
        else:
            yield TakenBack(
                app=AppName(row.app),
                robot_code=row.robot_code,
                outcome=Outcome(row.outcome) if row.outcome else None,
                recipients=row.recipients,
                undelivered=row.undelivered,
            )


def lock_starting(connection: Connection) -> None:
    """Let one correction at a time start, so that nobody gets two."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("ledger corrections"))))


def _listed(connection: Connection, condition: ColumnElement[bool]) -> list[Correction]:
    rows: Sequence[Row[Any]] = connection.execute(
        select(corrections).where(condition).order_by(corrections.c.id.desc())
    ).all()
    return [_correction(row) for row in rows]


def _correction(row: Row[Any]) -> Correction:
    values = {one.name: getattr(row, one.name) for one in fields(Correction)}
    return Correction(**values | {"status": Status(row.status)})
