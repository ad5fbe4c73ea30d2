"""Courses: how a recall goes and has gone, in time; what a page draws of it, and what it may promise."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock, parse_time
from ledger.core.recalls.course import CallsOfSecond
from ledger.core.recalls.pace import Pace, seconds_for
from ledger.core.recalls.recall import Result, Status
from ledger.core.recording.message import AppName, Chat
from ledger.settings import Settings
from ledger.store.database import Database
from ledger.store.recalls import course, items, recalls
from ledger.store.upkeep import figures

# How fast a recall goes is seen over so long.
PACE_WINDOW = timedelta(seconds=10)

PaceNow = Callable[[Connection], datetime]
Api = tuple[AppName, Chat]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How one recall goes.

    `calls` are those that left, by the second, `planned_rate` how many may leave in one. `first_deadline` is the
    nearest of what waits. `seconds_left` is None when nothing is to be expected: nothing waits, or nothing moves.
    """

    calls: Sequence[CallsOfSecond]
    planned_rate: float
    first_deadline: datetime | None
    keys_per_second: float
    seconds_left: float | None
    last_calls: Sequence[Any]


class Courses:
    """Reads courses."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, pace_now: PaceNow) -> None:
        """`pace_now` is the time by which paces are kept, which nobody sets."""
        self._database, self._clock, self._settings, self._pace_now = database, clock, settings, pace_now

    def read(self, result: Result, *, calls: int) -> Course:
        """Return how a recall goes, with so many of its latest calls."""
        with self._database.read() as connection:
            recall = recalls.get(connection, result.recall_id)
            by_second = course.calls_by_second(connection, recall.id)
            waits = result.status in (Status.RUNNING, Status.PAUSED)
            apis = self._apis(connection, recall.id) if waits else {}
            latest = course.last_calls(connection, recall.id, calls) if calls else ()
            speed = self._speed(connection, recall) if result.status is Status.RUNNING else 0.0
            return Course(
                calls=by_second,
                planned_rate=self._planned_rate({*apis, *((one.app, one.chat) for one in latest)}),
                first_deadline=first_deadline(connection, recall, apis) if waits else None,
                keys_per_second=speed,
                seconds_left=self._seconds_left(connection, recall, result, apis, speed) if waits else None,
                last_calls=latest,
            )

    def _apis(self, connection: Connection, recall_id: int) -> Mapping[Api, int]:
        counts = course.waiting_by_api(connection, recall_id)
        # What is not copied yet is in no count, and what is in flight in none either.
        return {api: max(count, 1) for api, count in counts.items()}

    def _planned_rate(self, apis: Collection[Api]) -> float:
        """Return how many calls may leave in a second, of all APIs that a recall uses together."""
        return sum(self._settings.rate_of(app) for app, _ in apis)

    def _speed(self, connection: Connection, recall: recalls.Recall) -> float:
        now = self._clock.now()
        since = max(recall.activated_at or now, now - PACE_WINDOW)
        # Over less than a second, a call more or less would be all the difference.
        return items.count_ended_since(connection, recall.id, since) / max((now - since).total_seconds(), 1.0)

    def _seconds_left(
        self,
        connection: Connection,
        recall: recalls.Recall,
        result: Result,
        apis: Mapping[Api, int],
        speed: float,
    ) -> float | None:
        """Return how long the rest takes at the pace of this moment; slower when it has been seen to be slower."""
        if not result.pending or not apis:
            return None
        keys_per_call = max(recall.plan.get("eligible", 0) / max(recall.plan.get("calls", 0), 1), 1.0)
        share = result.pending / sum(apis.values())
        now, taking, is_held_back = self._pace_now(connection), 0.0, False
        known = {(one.app, one.api): one for one in figures.stored_paces(connection)}
        for (app, chat), count in apis.items():
            pace = _pace(known, app, chat)
            calls = math.ceil(count * share / keys_per_call)
            taking = max(taking, seconds_for(pace, calls, now, self._settings.rate_of(app)))
            is_held_back |= _is_held_back(pace, now)
        if result.status is not Status.RUNNING or not self._has_been_watched(recall):
            return taking
        if speed:
            return max(taking, result.pending / speed)
        return taking if is_held_back else None

    def _has_been_watched(self, recall: recalls.Recall) -> bool:
        return recall.activated_at is not None and self._clock.now() - recall.activated_at >= PACE_WINDOW


def first_deadline(connection: Connection, recall: recalls.Recall, apis: Collection[Api]) -> datetime | None:
    """Return when the first message that waits in a recall is lost; of a plan, the first that it takes."""
    known = course.first_waiting_deadline(connection, recall.id, apis)
    if known is None and recall.unfrozen_items:
        planned = recall.plan.get("first_deadline")
        return parse_time(planned) if planned else None
    return known


def _is_held_back(pace: Pace, now: datetime) -> bool:
    """Say whether calls leave more slowly at present than the settings allow."""
    return pace.share < 1 or (pace.blocked_until is not None and pace.blocked_until > now - timedelta(seconds=1))


def _pace(known: Mapping[tuple[str, str], figures.StoredPace], app: AppName, chat: Chat) -> Pace:
    """Return the pace of one API; a ban concerns the address, so it holds for what was never called as well."""
    one = known.get((app, chat))
    if one is not None:
        return Pace(share=one.share, blocked_until=one.blocked_until)
    return Pace(blocked_until=max((one.blocked_until for one in known.values() if one.blocked_until), default=None))
