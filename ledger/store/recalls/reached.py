"""What recalls reach that were started without a second person: whose they are, and which messages and people."""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from ledger.core.access.actors import EXPIRY, is_ours
from ledger.core.recalls.approval import Decision
from ledger.core.recalls.plan_messages import PlanMessages, Taken
from ledger.core.recalls.recall import Outcome, Status
from ledger.store.recalls import plan_messages
from ledger.store.recalls.schedules import is_scheduled
from ledger.store.recording.selecting import among
from ledger.store.schema import approvals, break_glass, history, messages, recall_items, recalls

_BATCH_ROWS = 1000
# Nobody loses a message by an item that ended otherwise. Named one by one, they are looked up in an index.
_TOUCHED = (Outcome.RECALLED, Outcome.REFUSED, Outcome.PARTIAL, Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedAlone:
    """A recall that no second person agreed to, and the names behind it.

    It is proven when each of those who started it, or let it ask again, had a token. `people` and `messages` are those
    of its plan, `by_campaign` has messages and deliveries of each of its campaigns, None when nobody has counted them.
    """

    recall_id: int
    names: frozenset[str]
    is_proven: bool
    is_cancelled: bool
    people: int
    messages: int
    by_campaign: Mapping[str | None, tuple[int, int]] | None

    def may_hold(self, campaigns: Collection[str | None]) -> bool:
        """Say whether it may hold messages of some campaigns."""
        return self.by_campaign is None or not self.by_campaign.keys().isdisjoint(campaigns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """One message of a recall, and whom it reached."""

    message_id: int
    campaign: str | None
    recipients: tuple[str, ...]


def started_alone(
    connection: Connection, since: datetime, *, other_than: int | None, with_waiting: bool = False
) -> list[StartedAlone]:
    """Return the recalls that went on since a moment and that no second person agreed to.

    Behind each is who planned it, who started it, or set its moment, and who let it ask again. A review is an
    agreement, too. `with_waiting` adds what will start at its moment unless somebody is asked before.
    """
    agreed = select(approvals.c.recall_id).where(approvals.c.verdict == Decision.APPROVED)
    reviewed = select(break_glass.c.recall_id).where(break_glass.c.reviewed_by.is_not(None))
    counts: ColumnElement[bool] = recalls.c.activated_at >= since
    if with_waiting:
        is_asked = exists().where(approvals.c.recall_id == recalls.c.id)
        counts = or_(counts, and_(recalls.c.status == Status.PLANNED, is_scheduled(), ~is_asked))
    # What vanishes by itself was decided by whoever sent it.
    counts = and_(counts, recalls.c.actor != EXPIRY)
    alone = and_(counts, recalls.c.id.not_in(agreed.union_all(reviewed)))
    if other_than is not None:
        alone = and_(alone, recalls.c.id != other_than)
    columns = (recalls.c.id, recalls.c.actor, recalls.c.status, recalls.c.plan)
    found = connection.execute(select(*columns).where(alone)).all()
    names, unproven = {row.id: {row.actor} for row in found}, set[int]()
    acts = and_(alone, history.c.event.in_(("started", "retried", "scheduled")))
    joined = select(history.c.recall_id, history.c.actor, history.c.detail).join_from(
        recalls, history, history.c.recall_id == recalls.c.id
    )
    for recall_id, actor, detail in connection.execute(joined.where(acts)) if found else ():
        if not is_ours(actor):
            names[recall_id].add(actor)
        if not detail.get("proven"):
            unproven.add(recall_id)
    return [
        StartedAlone(
            recall_id=row.id,
            names=frozenset(names[row.id]),
            is_proven=row.id not in unproven,
            is_cancelled=row.status == Status.CANCELLED,
            people=row.plan.get("recipients", 0),
            messages=row.plan.get("eligible", 0),
            by_campaign=_by_campaign(row.plan),
        )
        for row in found
    ]


def _by_campaign(plan: Mapping[str, Any]) -> Mapping[str | None, tuple[int, int]] | None:
    counted = plan.get("by_campaign")
    if counted is None:
        return None
    return {one["campaign"]: (one["messages"], one["deliveries"]) for one in counted}


def was_proven(connection: Connection, recall_id: int) -> bool:
    """Say whether whoever started a recall had a token."""
    started = and_(history.c.recall_id == recall_id, history.c.event == "started")
    return all(detail.get("proven") for detail in connection.scalars(select(history.c.detail).where(started)))


def reached_by(
    connection: Connection, recall_ids: Collection[int], campaigns: Collection[str | None] | None = None
) -> Generator[Reached]:
    """Yield the messages that recalls have taken back, or may yet: of some campaigns, or of all.

    Who does not read to the end closes it.
    """
    if not recall_ids:
        return
    columns = recall_items.c
    touched = or_(columns.outcome.is_(None), columns.outcome.in_(_TOUCHED))
    statement = select(columns.message_id, columns.campaign, columns.recipients).where(
        columns.recall_id.in_(sorted(recall_ids)), touched
    )
    if campaigns is not None:
        named = columns.campaign.in_(sorted(one for one in campaigns if one is not None))
        statement = statement.where(or_(named, columns.campaign.is_(None)) if None in campaigns else named)
    with connection.execute(statement.execution_options(yield_per=_BATCH_ROWS)) as rows:
        for row in rows:
            yield Reached(message_id=row.message_id, campaign=row.campaign, recipients=tuple(row.recipients))
    for one in plan_messages.of_recalls(connection, recall_ids):
        if one.status is not Status.CANCELLED:
            yield from reached_by_plan(connection, one.messages, one.next_item, campaigns)


def reached_by_plan(
    connection: Connection,
    plan: PlanMessages,
    start: int = 0,
    campaigns: Collection[str | None] | None = None,
) -> Iterator[Reached]:
    """Yield the messages that a plan takes from a place on, as far as they are there: of some campaigns, or of all."""
    for place in range(start, len(plan.taken), _BATCH_ROWS):
        taken = plan.items(place, place + _BATCH_ROWS)
        yield from _with_recipients(
            connection, [one for one in taken if campaigns is None or one.campaign in campaigns]
        )


def _with_recipients(connection: Connection, taken: Sequence[Taken]) -> Iterator[Reached]:
    is_sqlite = connection.dialect.name == "sqlite"
    these = among(messages.c.id, [one.message_id for one in taken], is_sqlite=is_sqlite)
    rows = connection.execute(select(messages.c.id, messages.c.recipients).where(these)) if taken else ()
    recipients = {row.id: tuple(row.recipients) for row in rows}
    for one in taken:
        if one.message_id in recipients:
            yield Reached(message_id=one.message_id, campaign=one.campaign, recipients=recipients[one.message_id])
