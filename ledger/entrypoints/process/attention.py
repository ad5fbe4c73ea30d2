"""What needs somebody, beyond the recalls themselves: the worker, the spool, the quota, clocks, DingTalk's bans."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.core.check_up import Check, Level
from ledger.core.json_value import printable
from ledger.core.recalls.quota import QuotaLevel, level_of
from ledger.core.recalls.recall import Status
from ledger.core.recording.packing import Packing
from ledger.parts import Parts
from ledger.services.reports.figures import NEAR_DEADLINE, Figures
from ledger.services.upkeep.chores import HEARTBEAT_STOPPED

LONG_BAN_SECONDS = 30
LATE_PURGE_SECONDS = 3600
MOST_PACKINGS = 2
MOST_CLOSING = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that somebody should fix: its name finds the words, for which `values` are the numbers.

    `recalls` are those that it is about.
    """

    name: str
    is_bad: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    recalls: tuple[int, ...] = ()


def troubles(parts: Parts, checks: Sequence[Check] = (), bounds: Bounds = EVERYTHING) -> Iterator[Trouble]:
    """Yield what needs somebody at present, `checks` being what the last check-up found; each is worth reading.

    Whoever may touch only some messages is not told what is counted of all of them, nor who sent them.
    """
    figures = parts.figures.read()
    yield from _of_worker(figures)
    if not bounds:
        yield from _of_messages(parts, figures)
    yield from _of_spool(parts)
    if figures.notices_failing:
        yield Trouble(
            name="notices", is_bad=True, values={"places": ", ".join(map(printable, figures.notices_failing))}
        )
    used, limit = figures.counted.used_calls, parts.settings.monthly_calls
    level = level_of(used, limit, parts.settings.quota_reserve_calls)
    if level is not QuotaLevel.ENOUGH:
        yield Trouble(name="quota", is_bad=level is QuotaLevel.USED_UP, values={"used": used, "limit": limit})
    for pace in figures.paces:
        if pace.blocked_seconds > LONG_BAN_SECONDS:
            yield Trouble(name="blocked", values={"app": pace.app, "seconds": int(pace.blocked_seconds)})
    if any(check.name.startswith("clock") and check.level is not Level.OK for check in checks):
        yield Trouble(name="clock")
    # Advice, which can wait until the morning.
    for one in () if bounds else figures.counted.packings[:MOST_PACKINGS]:
        yield _of_packing(one)


def _of_messages(parts: Parts, figures: Figures) -> Iterator[Trouble]:
    if near := figures.counted.near_deadline.get(Status.PAUSED):
        minutes = int(NEAR_DEADLINE.total_seconds() // 60)
        closing = parts.recall_lines.closing(parts.clock.now() + NEAR_DEADLINE, limit=MOST_CLOSING)
        values = {"n": near, "minutes": minutes}
        yield Trouble(name="near_deadline", is_bad=True, values=values, recalls=tuple(closing))
    if figures.counted.unconfigured:
        yield Trouble(name="robots", values={"n": figures.counted.unconfigured})


def _of_packing(one: Packing) -> Trouble:
    values = {
        "source": printable(one.source or ""),
        "sends": one.sends,
        "packed_sends": one.packed_sends,
        "calls": one.recall_calls,
        "packed_calls": one.packed_recall_calls,
    }
    return Trouble(name="packing" if one.source is not None else "packing_of_any", values=values)


def _of_worker(figures: Figures) -> Iterator[Trouble]:
    age = figures.heartbeat_age_seconds
    if age is None or age > HEARTBEAT_STOPPED.total_seconds():
        yield Trouble(name="worker", is_bad=bool(figures.recalls.get(Status.RUNNING)))
    if figures.purge_lag_seconds > LATE_PURGE_SECONDS:
        yield Trouble(name="purge")


def _of_spool(parts: Parts) -> Iterator[Trouble]:
    depth = parts.recorder.depth()
    if depth.bytes:
        yield Trouble(name="spool", values={"n": depth.files, "bytes": depth.bytes})
    if depth.fallback_bytes:
        yield Trouble(name="spool_fallback", values={"folders": ", ".join(map(str, depth.fallback_folders))})
    if depth.refused_bytes:
        yield Trouble(name="spool_refused", values={"n": depth.refused_rows})
