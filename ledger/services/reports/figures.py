"""The meter: figures of the whole ledger, read from the database for those who watch it.

What waits is counted at each reading. What has ended is counted from the meter's own start on, and never falls.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.deadline import WINDOW
from ledger.core.recalls.quota import bounds_of, month_of
from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recording.packing import Packing, packings
from ledger.services.upkeep.chores import HEARTBEAT
from ledger.services.upkeep.robots import count_unconfigured
from ledger.settings import Settings
from ledger.store.audit import checkpoints
from ledger.store.database import Database
from ledger.store.notices import notices
from ledger.store.recalls import break_glass, usage
from ledger.store.recording import keyless
from ledger.store.upkeep import chores, figures

# Waiting items whose deadline is nearer than this are worth waking somebody for.
NEAR_DEADLINE = timedelta(minutes=15)
# Counting hundreds of thousands takes its time (measured at 300,000: 0.3 s): never more than this share of it.
LARGEST_SHARE_OF_COUNTING = 0.05
MOST_MESSAGES_COUNTED = 2_000_000
# Numbers of calls are given before their transactions end: what is so old has ended for sure.
SURELY_WRITTEN = timedelta(seconds=60)
MOST_SENDS_COUNTED = 100_000
ENTRIES_PER_READ = 1000
MOST_CODES = 30
OTHER_CODES = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPace:
    """How fast calls of one app and API may leave: the allowed rate, the share of it in use, seconds of waiting."""

    app: str
    api: str
    limit_per_second: float
    share: float
    blocked_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What may take a while to count: messages within their deadline, calls of the month, and items that wait.

    `unconfigured` of these messages are of robots that no app is configured for. `packings` are sources that could send
    with fewer calls.
    """

    open_messages: int
    unconfigured: int
    used_calls: int
    waiting: Mapping[Status, int]
    near_deadline: Mapping[Status, int]
    packings: Sequence[Packing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All figures at one moment; those in the second half are counters, and count since the meter was made."""

    heartbeat_age_seconds: float | None
    recalls: Mapping[Status, int]
    paces: Sequence[ApiPace]
    keyless_sends: int
    purge_lag_seconds: float
    to_review: int
    counted: Counted
    checkpoint_age_seconds: float | None
    anchors_failing_seconds: Mapping[str, float]
    notices_failing: Sequence[str]

    calls: Mapping[figures.Ended, int]
    outcomes: Mapping[Outcome, int]
    refusals: Mapping[str, int]
    purged_messages: int


class Meter:
    """Reads figures; safe to share between threads."""

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, pace_now: Callable[[Connection], datetime]
    ) -> None:
        """`pace_now` is the time by which paces are kept, which nobody sets."""
        self._database, self._clock, self._settings, self._pace_now = database, clock, settings, pace_now
        self._lock = threading.Lock()
        self._counts = _Counts()
        self._counted: Counted | None = None
        self._count_again_at = self._counted_at = clock.now()
        with database.read() as connection:
            self._counts.begin(connection)

    def read(self) -> Figures:
        """Return the figures of this moment; raise DatabaseError when the database is away."""
        with self._lock, self._database.read() as connection:
            now, pace_now = self._clock.now(), self._pace_now(connection)
            self._counts.go_on(connection, now)
            heartbeat = chores.last_done(connection, HEARTBEAT)
            oldest = figures.oldest_deadline(connection)
            latest = checkpoints.latest(connection)
            return Figures(
                heartbeat_age_seconds=_seconds_since(heartbeat, now) if heartbeat else None,
                recalls=figures.count_recalls(connection),
                paces=[self._pace(one, pace_now) for one in figures.stored_paces(connection)],
                keyless_sends=keyless.count_lost(connection, now - WINDOW),
                purge_lag_seconds=_seconds_since(oldest, now) if oldest else 0.0,
                to_review=break_glass.count_open(connection),
                counted=self._count(connection, now),
                checkpoint_age_seconds=_seconds_since(latest.at, now) if latest is not None else None,
                anchors_failing_seconds={
                    name: _seconds_since(one.failing_since, now) if one.failing_since is not None else 0.0
                    for name, one in checkpoints.anchor_states(connection).items()
                },
                notices_failing=[name for name in notices.failing(connection) if name in self._settings.notice_places],
                calls=Counter(self._counts.calls),
                outcomes=Counter(self._counts.outcomes),
                refusals=Counter(self._counts.refusals),
                purged_messages=self._counts.purged,
            )

    def _pace(self, pace: figures.StoredPace, now: datetime) -> ApiPace:
        blocked = max((pace.blocked_until - now).total_seconds(), 0.0) if pace.blocked_until else 0.0
        limit = self._settings.rate_of(pace.app)
        return ApiPace(app=pace.app, api=pace.api, limit_per_second=limit, share=pace.share, blocked_seconds=blocked)

    def _count(self, connection: Connection, now: datetime) -> Counted:
        """Count again, unless that was done just now, measured by how long it took."""
        if self._counted is None or not self._counted_at <= now < self._count_again_at:
            self._counted = Counted(
                open_messages=figures.count_open_messages(connection, now, MOST_MESSAGES_COUNTED),
                unconfigured=sum(count_unconfigured(connection, self._settings, now, MOST_MESSAGES_COUNTED).values()),
                used_calls=usage.used_calls(connection, month_of(now), *bounds_of(now)),
                waiting=figures.count_waiting(connection),
                near_deadline=figures.count_waiting(connection, now + NEAR_DEADLINE),
                packings=packings(figures.count_sent(connection, MOST_SENDS_COUNTED)),
            )
            took = self._clock.now() - now
            self._counted_at, self._count_again_at = now, now + took / LARGEST_SHARE_OF_COUNTING
        return self._counted


class _Counts:
    """Follows the calls and the history from some point on."""

    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.refusals: Counter[str] = Counter()
        self.purged = 0
        self.calls: Counter[figures.Ended] = Counter()
        self._settled: Counter[figures.Ended] = Counter()
        self._call = self._entry = 0

    def begin(self, connection: Connection) -> None:
        """Count from here on."""
        self._call, self._entry = figures.last_call(connection), figures.last_entry(connection)

    def go_on(self, connection: Connection, now: datetime) -> None:
        """Count what has come since."""
        settled = figures.settled_calls(connection, self._call, now - SURELY_WRITTEN)
        self._settled += figures.count_calls(connection, self._call, settled)
        self._call = settled
        self.calls = self._settled + figures.count_calls(connection, settled)
        while entries := figures.entries_after(connection, self._entry, ENTRIES_PER_READ):
            for entry in entries:
                self._take(entry)
            self._entry = entries[-1].id

    def _take(self, entry: figures.Told) -> None:
        self.purged += entry.purged
        for outcome, code in entry.ended:
            self.outcomes[outcome] += 1
            if outcome is Outcome.REFUSED:
                self.refusals[self._known(code)] += 1

    def _known(self, code: str | None) -> str:
        """Return a code, as long as there are few: each is a time series of its own."""
        name = code or "none"
        return name if name in self.refusals or len(self.refusals) < MOST_CODES else OTHER_CODES


def _seconds_since(moment: datetime, now: datetime) -> float:
    return max((now - moment).total_seconds(), 0.0)
