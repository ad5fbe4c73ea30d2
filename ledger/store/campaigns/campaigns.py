"""What `messages` holds by campaign, read from what triggers have counted: as quick with millions as with a thousand.

Counted by the minute of their deadlines, messages are inside their window or past it, a minute at a time. Only those
whose minute it is just now are looked at one by one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    DateTime,
    Row,
    RowMapping,
    Select,
    Text,
    and_,
    case,
    exists,
    func,
    literal,
    select,
    true,
)

from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.core.campaigns.campaign import CampaignLine
from ledger.store.events.elsewhere import is_elsewhere, of_campaigns
from ledger.store.recalls.holding import is_recalled
from ledger.store.recording.selecting import in_bounds, rows_of
from ledger.store.schema import message_counts, messages, recall_items
from ledger.store.types import UtcDateTime

_Bounds = tuple[datetime, datetime, datetime, datetime]
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedCampaign:
    """What is known of a campaign, and how much ever changed in it: as long as that is the same, so are its people."""

    line: CampaignLine
    changes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """How many messages can be recalled, and the first and the last of their deadlines."""

    messages: int
    first: datetime | None
    last: datetime | None


_NOTHING = _Span(messages=0, first=None, last=None)


def count_campaigns(connection: Connection, now: datetime, robots: Collection[str] = ()) -> list[CountedCampaign]:
    """Return what the ledger holds (of some robots, or of all), a line a campaign, soonest deadline first.

    Ended ones come last.
    """
    rows = connection.execute(_sums(now, robots)).mappings().all()
    these_now = _of_this_minute(connection, now, robots)
    elsewhere = _Elsewhere.of(connection, now, robots)
    minutes = {row["campaign"]: (row["first"], row["last"]) for row in rows}
    spans = _spans(connection, minutes, robots, wide=elsewhere.keys())
    counted = [
        _counted(row, these_now.get(row["campaign"], _NOTHING), spans.get(row["campaign"]), elsewhere[row["campaign"]])
        for row in rows
    ]
    ended = [one for one in counted if one.line.first_deadline is None]
    open_ones = [one for one in counted if one.line.first_deadline is not None]
    open_ones.sort(key=lambda one: (one.line.first_deadline, one.line.campaign or ""))
    return open_ones + sorted(ended, key=lambda one: one.line.campaign or "")


def campaign_names(connection: Connection, bounds: Bounds = EVERYTHING) -> list[str]:
    """Return the campaigns of which the ledger holds messages, as far as they are within bounds."""
    named = select(message_counts.c.campaign).where(message_counts.c.campaign != "")
    return list(connection.scalars(named.where(*in_bounds(bounds, message_counts)).distinct()))


def recallable_by_robot(connection: Connection, campaign: str, now: datetime) -> dict[str, int]:
    """Return how many messages of a campaign each robot sent that can be recalled, to the minute."""
    columns = message_counts.c
    left = func.sum(columns.messages - columns.recalled)
    mine = (columns.campaign == campaign, columns.minute >= _minute_of(now))
    statement = select(columns.robot_code, left.label("left")).where(*mine).group_by(columns.robot_code)
    return {row.robot_code: int(row.left) for row in connection.execute(statement.having(left > 0))}


# How much ever changed in some messages, and the last minute of their deadlines.
Changes = tuple[int, int]


def changes_of(connection: Connection, campaigns: Collection[str] = ()) -> Changes:
    """Return what stays the same as long as the messages of some campaigns do, or all messages.

    A campaign that was forgotten with its last message begins anew, and later than it ended.
    """
    columns = message_counts.c
    statement = select(func.sum(columns.changes), func.max(columns.minute))
    if campaigns:
        statement = statement.where(columns.campaign.in_(sorted(campaigns)))
    changes, minute = connection.execute(statement).one()
    return int(changes or 0), int(minute or 0)


def count_recipients_unknown(connection: Connection) -> int:
    """Return how many messages the ledger holds of which nobody can say whom they reached."""
    return int(connection.scalar(select(func.sum(message_counts.c.recipients_unknown))) or 0)


@dataclass(slots=True)
class _Gone:
    """How many messages other hands have taken back, and how many of them would be inside their window, beyond now."""

    messages: int = 0
    later: int = 0


class _Elsewhere(dict[str, _Gone]):
    """What other hands have taken back, by campaign."""

    @classmethod
    def of(cls, connection: Connection, now: datetime, robots: Collection[str]) -> "_Elsewhere":
        """Count it; what is in this minute is looked at one by one anyway."""
        found, beyond = cls(), _start_of(_minute_of(now) + 1)
        for one in of_campaigns(connection, robots):
            gone = found.setdefault(one.campaign or "", _Gone())
            gone.messages += 1
            gone.later += one.deadline >= beyond
        return found

    def __missing__(self, _campaign: str) -> _Gone:
        return _Gone()


def _counted(row: RowMapping, now: _Span, later: _Span | None, gone: _Gone) -> CountedCampaign:
    first, last = (later.first, later.last) if later is not None else (None, None)
    line = CampaignLine(
        campaign=row["campaign"] or None,
        messages=int(row["messages"]),
        recipients=int(row["recipients"]),
        recipients_unknown=int(row["recipients_unknown"]),
        recallable=int(row["later"]) - gone.later + now.messages,
        recalled=int(row["recalled"]),
        first_deadline=now.first or first,
        last_deadline=last or now.last,
        recalled_elsewhere=gone.messages,
    )
    return CountedCampaign(line=line, changes=int(row["changes"]))


def _sums(now: datetime, robots: Collection[str]) -> Select[tuple[int, ...]]:
    minutes = _by_minute(robots)
    columns = minutes.c
    is_later = columns.minute > _minute_of(now)
    is_left = and_(is_later, columns.messages > columns.recalled)
    return (
        select(
            columns.campaign,
            *(
                func.sum(columns[name]).label(name)
                for name in ("messages", "recipients", "recipients_unknown", "recalled", "changes")
            ),
            func.sum(case((is_later, columns.messages - columns.recalled), else_=0)).label("later"),
            func.min(case((is_left, columns.minute))).label("first"),
            func.max(case((is_left, columns.minute))).label("last"),
        )
        .group_by(columns.campaign)
        .having(func.sum(columns.messages) > 0)
    )


def _by_minute(robots: Collection[str]) -> CTE:
    columns = message_counts.c
    sums = (columns.messages, columns.recipients, columns.recipients_unknown, columns.recalled, columns.changes)
    return (
        select(columns.campaign, columns.minute, *(func.sum(column).label(column.name) for column in sums))
        .where(columns.robot_code.in_(sorted(robots)) if robots else true())
        .group_by(columns.campaign, columns.minute)
        .cte("minutes")
    )


def _of_this_minute(connection: Connection, now: datetime, robots: Collection[str]) -> dict[str, _Span]:
    """Look at messages whose deadline is in what is left of this minute."""
    columns = messages.c
    campaign = func.coalesce(columns.campaign, "").label("campaign")
    statement = (
        select(
            campaign,
            func.count().label("messages"),
            func.min(columns.deadline).label("first"),
            func.max(columns.deadline).label("last"),
        )
        .where(columns.deadline > now, columns.deadline < _start_of(_minute_of(now) + 1))
        .where(_within(robots), ~_is_recalled(), ~is_elsewhere())
        .group_by(campaign)
    )
    return {
        row.campaign: _Span(messages=row.messages, first=row.first, last=row.last)
        for row in connection.execute(statement)
    }


def _spans(
    connection: Connection,
    minutes: Mapping[str, tuple[int | None, int | None]],
    robots: Collection[str],
    wide: Collection[str],
) -> dict[str, _Span]:
    """Look up the first and the last deadline of what can be recalled, in the minutes in which they are.

    Where other hands took something back, which no trigger has counted, they may be anywhere in between.
    """
    wanted = {
        campaign: _bounds(first, last, is_wide=campaign in wide)
        for campaign, (first, last) in minutes.items()
        if first is not None and last
    }
    tagged = {campaign: both for campaign, both in wanted.items() if campaign}
    found: list[Row[Any]] = []
    if tagged:
        found += connection.execute(_spans_of(connection, tagged, robots))
    if "" in wanted:
        mine = messages.c.campaign.is_(None)
        ends = _ends(mine, [literal(moment, UtcDateTime) for moment in wanted[""]], robots)
        found += connection.execute(select(literal("").label("campaign"), *ends))
    return {row.campaign: _Span(messages=0, first=row.first, last=row.last) for row in found}


def _spans_of(connection: Connection, bounds: Mapping[str, _Bounds], robots: Collection[str]) -> Select[Any]:
    is_sqlite = connection.dialect.name == "sqlite"
    moments = list(zip(*bounds.values(), strict=True))
    # What is no column of a table is not turned into times as the database stores them.
    typed = [[(f"{one:%Y-%m-%d %H:%M:%S.%f}" if is_sqlite else one, DateTime(timezone=True)) for one in some]
             for some in moments]  # fmt: skip
    names = ("first_from", "first_to", "last_from", "last_to")
    named = rows_of(
        connection,
        campaign=[(campaign, Text()) for campaign in bounds],
        **dict(zip(names, typed, strict=True)),
    )
    mine = messages.c.campaign == named.c.campaign
    return select(named.c.campaign, *_ends(mine, [named.c[name] for name in names], robots))


def _bounds(first: int, last: int, *, is_wide: bool) -> _Bounds:
    """Return from where to where the first deadline is looked for, and the last one."""
    begin, end = _start_of(first), _start_of(last + 1)
    return (begin, end, begin, end) if is_wide else (begin, _start_of(first + 1), _start_of(last), end)


def _ends(
    mine: ColumnElement[bool], bounds: Sequence[ColumnElement[Any]], robots: Collection[str]
) -> tuple[ColumnElement[datetime], ColumnElement[datetime]]:
    """Return the first and the last deadline; each in the order of an index, so that it ends at the first found."""
    first_from, first_to, last_from, last_to = bounds
    deadline = messages.c.deadline
    left = (
        select(deadline)
        .where(mine, _within(robots), ~_is_recalled(), ~is_elsewhere())
        .limit(1)
        .correlate_except(messages)
    )
    first = left.where(deadline >= first_from, deadline < first_to).order_by(deadline)
    last = left.where(deadline >= last_from, deadline < last_to).order_by(deadline.desc())
    return first.scalar_subquery().label("first"), last.scalar_subquery().label("last")


def _within(robots: Collection[str]) -> ColumnElement[bool]:
    return messages.c.robot_code.in_(sorted(robots)) if robots else true()


def _is_recalled() -> ColumnElement[bool]:
    return exists().where(recall_items.c.message_id == messages.c.id, is_recalled(recall_items))


def _minute_of(moment: datetime) -> int:
    return (moment - _EPOCH) // _MINUTE


def _start_of(minute: int) -> datetime:
    return _EPOCH + minute * _MINUTE
