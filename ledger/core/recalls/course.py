"""How a recall has gone: when it was running, how many calls left when, and how much of the time was work."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Between two signs of life, so much still counts as work; what is longer was a wait.
IDLE = timedelta(seconds=10)
STARTS, STOPS = ("started", "resumed", "retried"), ("paused", "finished", "cancel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A time in which a recall was running; without an end while it goes on."""

    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsOfSecond:
    """The calls that left in one second: how many, how many of them DingTalk threw back, when the last was answered."""

    second: datetime
    calls: int
    throttled: int = 0
    answered_at: datetime | None = None


def runs_of(events: Iterable[tuple[datetime, str]]) -> list[Run]:
    """Return when a recall was running, from what was done with it, in order."""
    runs: list[Run] = []
    since: datetime | None = None
    for at, event in events:
        if event in STARTS and since is None:
            since = at
        elif event in STOPS and since is not None:
            runs.append(Run(since=since, until=max(at, since)))
            since = None
    return [*runs, Run(since=since, until=None)] if since is not None else runs


def working_seconds(runs: Iterable[Run], calls: Sequence[CallsOfSecond], now: datetime) -> float:
    """Return for how long a recall was worked at: pauses do not count, nor do waits in which nothing was asked."""
    work = timedelta()
    for run in runs:
        reached, until = run.since, run.until or max(now, run.since)
        for begins, ends in _signs(calls, run.since, until):
            if begins - reached <= IDLE:
                work += max(begins - reached, timedelta())
            work += max(ends - max(begins, reached), timedelta())
            reached = max(reached, ends)
        if until - reached <= IDLE:
            work += until - reached
    return round(work.total_seconds(), 3)


def _signs(calls: Sequence[CallsOfSecond], since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield from when to when calls were on their way, inside a run."""
    for one in calls:
        ends = max(one.answered_at or one.second, one.second)
        if ends >= since and one.second <= until:
            yield min(max(one.second, since), until), min(max(ends, since), until)
