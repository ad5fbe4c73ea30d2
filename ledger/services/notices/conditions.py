"""Conditions that somebody hears of once they hold: each has a mark, which says what was told of it already."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.clock import format_time, parse_time
from ledger.core.recalls.quota import QuotaLevel, bounds_of, level_of, month_of
from ledger.notice_events import NoticeEvent
from ledger.settings import Settings
from ledger.spool.spool import Depth
from ledger.store.audit import checkpoints
from ledger.store.campaigns import watched
from ledger.store.campaigns.campaigns import count_campaigns
from ledger.store.events.message_events import used_pushes
from ledger.store.recalls import usage

# So long there was no worker, and it is no restart any more.
NO_WORKER = timedelta(minutes=3)
# How often a worker writes down that it lives, for the one after it.
SEEN_EVERY = timedelta(minutes=1)
SEEN = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What holds now: its mark, what the mark says once it is told, and the facts; None where nothing holds."""

    mark: str
    told: str | None
    event: NoticeEvent
    facts: Mapping[str, Any]


def conditions(
    connection: Connection, settings: Settings, now: datetime, depth: Depth, marks: Mapping[str, str]
) -> Iterator[Condition]:
    """Yield every condition, whether it holds or not."""
    yield _quota(connection, settings, now)
    yield from _spool(settings, depth)
    yield from _checkpoints(connection)
    yield _events(connection, settings, now)
    yield from _closing(connection, now, marks)


def absence(seen: str | None, now: datetime) -> Mapping[str, Any] | None:
    """Return the facts of a time without any worker, if there was one, by when one was seen last."""
    if seen is None or now - parse_time(seen) <= NO_WORKER:
        return None
    return {"from": seen, "until": format_time(now)}


def _quota(connection: Connection, settings: Settings, now: datetime) -> Condition:
    limit, month = settings.monthly_calls, month_of(now)
    used = usage.used_calls(connection, month, *bounds_of(now))
    level = level_of(used, limit, settings.quota_reserve_calls)
    told = None if level is QuotaLevel.ENOUGH else f"{month} {level}"
    return Condition(mark="quota", told=told, event=NoticeEvent.QUOTA, facts={"used": used, "limit": limit})


def _events(connection: Connection, settings: Settings, now: datetime) -> Condition:
    """Nobody hears of it who listens to none anyway."""
    limit, month = settings.stream_monthly_events, month_of(now)
    used = used_pushes(connection, month) if settings.stream else 0
    told = month if used >= limit else None
    return Condition(mark="events", told=told, event=NoticeEvent.EVENTS, facts={"used": used, "limit": limit})


def _spool(settings: Settings, depth: Depth) -> Iterator[Condition]:
    """Each machine has a spool of its own; what has just been written there is on its way."""
    host = socket.gethostname()
    place = f"{host} {settings.spool_folder}"
    waits = "waits" if depth.bytes else None
    yield Condition(
        mark=f"spool {place}", told=waits, event=NoticeEvent.SPOOL, facts={"host": host, "bytes": depth.bytes}
    )
    rows = depth.refused_rows
    yield Condition(
        mark=f"refused {place}",
        told=str(rows) if rows else None,
        event=NoticeEvent.REFUSED_ROWS,
        facts={"host": host, "rows": rows},
    )


def _checkpoints(connection: Connection) -> Iterator[Condition]:
    for state in checkpoints.anchor_states(connection).values():
        since = None if state.failing_since is None else format_time(state.failing_since)
        facts = {"name": state.name, "since": since, "error": state.error}
        yield Condition(mark=f"checkpoint {state.name}", told=since, event=NoticeEvent.CHECKPOINT, facts=facts)


def _closing(connection: Connection, now: datetime, marks: Mapping[str, str]) -> Iterator[Condition]:
    wanted = watched.listed(connection)
    if not wanted:
        return
    lines = {one.line.campaign: one.line for one in count_campaigns(connection, now)}
    for one in wanted:
        line = lines.get(one.campaign)
        first = line.first_deadline if line is not None and line.recallable else None
        is_near = first is not None and first - now <= timedelta(seconds=one.before_seconds)
        mark = f"closing {one.campaign}"
        # While it goes on closing, message by message, it is told once.
        told = (marks.get(mark) or format_time(now)) if is_near else None
        facts = {
            "campaigns": [one.campaign],
            "recallable": line.recallable if line is not None else 0,
            "first_deadline": None if first is None else format_time(first),
            "by": one.watched_by,
        }
        yield Condition(mark=mark, told=told, event=NoticeEvent.CLOSING, facts=facts)
