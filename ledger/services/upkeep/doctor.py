"""The check-up: is everything there that a recall needs, and if not, what fixes it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from ledger.clock import Clock, SystemClock, format_time
from ledger.core.check_up import Check, Fact, failed, ok, warning
from ledger.core.deadline import WINDOW
from ledger.core.json_value import printable
from ledger.core.recalls.quota import QuotaLevel, bounds_of, level_of, month_of
from ledger.core.recalls.recall import Status
from ledger.core.recording.expiry import count_calls
from ledger.core.recording.message import UNKNOWN
from ledger.errors import LedgerError
from ledger.services.upkeep import anchoring, disks, keeping, listening, packing_advice, privacy, telling
from ledger.services.upkeep.chores import HEARTBEAT, HEARTBEAT_STOPPED
from ledger.services.upkeep.dingtalk_probe import DingTalkProbe
from ledger.services.upkeep.disks import Disk
from ledger.services.upkeep.robots import app_of, count_unconfigured
from ledger.settings import Settings, given_by
from ledger.spool import places
from ledger.spool.spool import Depth, Spool
from ledger.store import migrate, shape
from ledger.store.access import tokens
from ledger.store.campaigns.campaigns import count_recipients_unknown
from ledger.store.database import Database
from ledger.store.recalls import lost_calls, recalls, schedules, usage
from ledger.store.recording import expiring
from ledger.store.recording.messages import any_robot_of
from ledger.store.schema import REVISION
from ledger.store.upkeep import chores, fitness

CLOCKS_DIFFER_SECONDS = 2.0
MOST_MESSAGES_LOOKED_AT = 2_000_000
MOST_ROBOTS = 3


class Doctor:
    """Looks at everything that a recall needs; what rests on the database is left out when that is away."""

    def __init__(
        self,
        database: Database,
        asking: DingTalkProbe,
        clock: Clock,
        settings: Settings,
        depth: Callable[[], Depth],
    ) -> None:
        self._database, self._asking, self._clock, self._settings = database, asking, clock, settings
        self._depth = depth
        self._expiry_window = timedelta(seconds=settings.expiry_window_seconds)

    def examine(self) -> Iterator[Check]:
        """Yield what each look finds, as it is found; whatever that is, nothing is raised."""
        yield ok("settings", given_by())
        database = self._checked("database", self._database_state)
        yield database
        yield self._checked("spool", self._spool_state)
        yield self._checked("privacy", self._privacy)
        for name, look in (
            ("worker", self._worker),
            ("quota", self._quota),
            ("recipients", self._recipients),
            ("packing", self._packing),
            ("robots", self._robots),
            ("tokens", self._tokens),
            ("audit", self._audit),
            ("history", self._history),
            ("notices", self._notices),
            ("events", self._events),
        ):
            yield self._checked(name, look) if database.ok else warning(name, "not looked at: the database comes first")
        yield self._asking.proxies()
        apps = self._settings.app_names
        for app in apps:
            robot = self._robot_of(app, may_ask_database=database.ok)
            count = self._count if database.ok else lambda _: None
            yield from self._asking.check(app, "" if len(apps) == 1 else f" of {app}", robot, count)

    def _count(self, app: str) -> None:
        """Count a call of the check-up itself; a check-up that nobody can write down is one all the same."""
        with suppress(LedgerError), self._database.write() as connection:
            usage.count_usage(connection, app, month_of(self._clock.now()), 1)

    def _checked(self, name: str, look: Callable[[str], Check]) -> Check:
        try:
            return look(name)
        except LedgerError as error:
            return failed(name, str(error))

    def _database_state(self, name: str) -> Check:
        found = migrate.current(self._database)
        migrate.ensure(self._database)
        keeps = self._settings.history_days is None
        if troubles := fitness.troubles_of(self._database, keeps_for_ever=keeps) or self._shape_troubles():
            return failed(name, f"{self._database.shown_url}: " + "; ".join(troubles))
        tables = f"tables of version {REVISION}" + ("" if found else ", made just now")
        message = f"{self._database.shown_url}, {tables}"
        place = self._database.shown_url
        if (folder := disks.folder_of(self._database)) is not None:
            return _of_disk(name, disks.probe(folder), message, "make room, or nothing can be recorded", place=place)
        machine = SystemClock()
        before = machine.now()
        skew = _seconds_between(self._database.server_time(), before + (machine.now() - before) / 2)
        if abs(skew) > CLOCKS_DIFFER_SECONDS:
            side = "ahead of" if skew > 0 else "behind"
            message += f"; its clock is {abs(skew):.0f} s {side} this machine's, and counts: synchronise both (NTP)"
            return warning(name, message, place=place, clock_off_seconds=round(abs(skew)))
        return ok(name, message, place=place)

    def _shape_troubles(self) -> list[str]:
        with self._database.read() as connection:
            return shape.troubles_of(connection)

    def _spool_state(self, name: str) -> Check:
        disk = disks.probe(self._settings.spool_folder)
        if disk.trouble is not None:
            return failed(name, f"{disk.folder} {disk.trouble}: fix it or set LEDGER_SPOOL_DIR")
        depth = self._depth()
        if depth.refused_rows:
            refused = Spool(*places.with_last_resort(*self._settings.spool_folders)).refused
            files = ", ".join(map(str, refused.paths()))
            rows = f"{depth.refused_rows:,} row{'s' if depth.refused_rows > 1 else ''}"
            fix = f"put right what can be and `ledger import` it, then delete the file: {files}"
            message = f"{rows} could not be recorded, each with its reason: {fix}"
            return failed(name, message, refused_rows=depth.refused_rows, place=files)
        files = "1 file" if depth.files == 1 else f"{depth.files:,} files"
        waiting = f"{depth.bytes:,} bytes wait in {files}" if depth.bytes else "nothing waits"
        place = _short(self._settings.spool_dir_or_default)
        facts: dict[str, Fact] = {"place": place, "waiting_bytes": depth.bytes, "waiting_files": depth.files}
        message = f"{place}: {waiting}"
        if depth.fallback_bytes:
            return warning(name, f"{message}, {_elsewhere(depth)}", **facts)
        for second in self._settings.spool_folders[1:]:
            if (trouble := disks.probe(second).trouble) is not None:
                return warning(name, f"{message}; {second} {trouble}: fix it or set LEDGER_SPOOL_FALLBACK_DIR", **facts)
        return _of_disk(name, disk, message, "make room, or keys may be lost when the database is away", **facts)

    def _privacy(self, name: str) -> Check:
        if found := privacy.troubles(self._settings, self._database):
            return warning(name, "; ".join(found))
        return ok(name, "no other user of this machine reads the database file or the settings, or writes to the spool")

    def _worker(self, name: str) -> Check:
        now = self._clock.now()
        with self._database.read() as connection:
            heartbeat = chores.last_done(connection, HEARTBEAT)
            running = recalls.listed(connection, statuses=[Status.RUNNING])
            sticky = recalls.sticky(connection, now)
            is_served = bool(lost_calls.owners(connection))
            waiting = schedules.waiting(connection)
            moment = schedules.get(connection, waiting[0]) if waiting else None
            expires = expiring.first_due(connection)
        age = _seconds_between(now, heartbeat) if heartbeat is not None else None
        if age is not None and age <= HEARTBEAT_STOPPED.total_seconds():
            return ok(name, f"seen {age:.0f} s ago", seen_seconds=round(age))
        facts: dict[str, Fact] = {} if age is None else {"seen_seconds": round(age)}
        seen = "none was ever seen" if age is None else f"none was seen for {_span(age)}"
        if running and not is_served:
            numbers = ", ".join(str(recall.id) for recall in running[:5])
            fix = f"start `ledger worker`, or `ledger resume {running[0].id}`"
            return failed(name, f"{seen}, and nobody is at work on running recalls ({numbers}): {fix}", **facts)
        if moment is not None:
            of = f"recall {waiting[0]}, which waits until {format_time(moment.run_at)}"
            return failed(name, f"{seen}, and nobody will start {of}: start `ledger worker` or `ledger serve`", **facts)
        if expires is not None:
            what = f"nobody recalls what shall vanish by itself, from {format_time(expires)} on"
            return failed(name, f"{seen}, and {what}: start `ledger worker` or `ledger serve`", **facts)
        if sticky:
            return failed(
                name, f"{seen}, and nobody follows sticky recalls: start `ledger worker` or `ledger serve`", **facts
            )
        return warning(name, f"{seen}. Recalls of the command line need none; the purge does", **facts)

    def _quota(self, name: str) -> Check:
        now, limit = self._clock.now(), self._settings.monthly_calls
        with self._database.read() as connection:
            used = usage.used_calls(connection, month_of(now), *bounds_of(now))
            ahead = count_calls(expiring.in_order(connection, now + WINDOW), self._expiry_window)
        message = f"{used:,} of the month's {limit:,} calls used, as far as recorded"
        if ahead:
            message += f"; what vanishes by itself takes {ahead:,} more in the next 24 hours"
        facts: dict[str, Fact] = {"used_calls": used, "limit_calls": limit}
        if ahead:
            facts["ahead_calls"] = ahead
        level = level_of(used + ahead, limit, self._settings.quota_reserve_calls)
        if level is QuotaLevel.USED_UP:
            return failed(
                name, f"{message}: buy more, then set LEDGER_MONTHLY_CALLS, or recalls end in the middle", **facts
            )
        if level is QuotaLevel.SHORT:
            return warning(name, f"{message}: a large recall may not fit in any more", **facts)
        return ok(name, message, **facts)

    def _recipients(self, name: str) -> Check:
        with self._database.read() as connection:
            unknown = count_recipients_unknown(connection)
        if not unknown:
            return ok(name, "every one-on-one message says whom it reached")
        count = f"{unknown:,} message{'' if unknown == 1 else 's'}"
        message = f"{count} whose recipients are not known: recallable by campaign and key, not by user"
        return warning(name, message, messages=unknown)

    def _packing(self, name: str) -> Check:
        with self._database.read() as connection:
            return packing_advice.look(name, connection, self._settings)

    def _robots(self, name: str) -> Check:
        with self._database.read() as connection:
            counted = count_unconfigured(connection, self._settings, self._clock.now(), MOST_MESSAGES_LOOKED_AT)
        if not counted:
            return ok(name, "an app is configured for every robot whose messages can be recalled")
        most = sorted(counted, key=lambda robot: -counted[robot])[:MOST_ROBOTS]
        names = ", ".join(f"{printable(robot)} {counted[robot]:,}" for robot in most)
        more = f" and {len(counted) - len(most):,} more" if len(counted) > len(most) else ""
        count = f"{(number := sum(counted.values())):,} message{'' if number == 1 else 's'}"
        fix = "add each to `robots` of its [apps.NAME] in the file of LEDGER_CONFIG"
        message = f"{count} of robots of no app cannot be recalled ({names}{more}): {fix}"
        return warning(name, message, messages=number, robots=names)

    def _tokens(self, name: str) -> Check:
        with self._database.read() as connection:
            works, exists = tokens.any_works(connection), tokens.any_exists(connection)
        if works:
            return ok(name, "the service lets in who holds one")
        make = "`ledger token create --name NAME --role admin`"
        if exists or self._settings.allowed_hosts:
            return failed(name, f"none works, and the service lets nobody in without: {make}")
        return ok(name, "none: the first `ledger serve` on this machine makes one")

    def _audit(self, name: str) -> Check:
        with self._database.read() as connection:
            return anchoring.look(name, connection, self._settings, self._clock.now())

    def _history(self, name: str) -> Check:
        with self._database.read() as connection:
            return keeping.look(name, connection, self._settings, self._clock.now())

    def _notices(self, name: str) -> Check:
        with self._database.read() as connection:
            return telling.look(name, connection, self._settings)

    def _events(self, name: str) -> Check:
        with self._database.read() as connection:
            return listening.look(name, connection, self._settings, self._clock.now())

    def _robot_of(self, app: str, *, may_ask_database: bool) -> str | None:
        settings = self._settings
        robots = settings.app(app).robots
        if robots or not may_ask_database:
            return robots[0] if robots else None
        try:
            with self._database.read() as connection:
                return any_robot_of(connection, lambda robot: robot != UNKNOWN and app_of(settings, robot) == app)
        except LedgerError:
            return None


def _of_disk(name: str, disk: Disk, message: str, fix: str, **facts: Fact) -> Check:
    if disk.trouble is not None:
        return failed(name, f"{message}; {disk.folder} {disk.trouble}", **facts)
    free = _gigabytes(disk.free_bytes)
    message, facts = f"{message}, {free} free", facts | {"free": free}
    return warning(name, f"{message}: {fix}", **facts) if disk.is_nearly_full else ok(name, message, **facts)


def _elsewhere(depth: Depth) -> str:
    """Say what waits in the folders of need, and how it gets out of there."""
    folders = ", ".join(map(str, depth.fallback_folders))
    of_all = "all of them" if depth.fallback_bytes == depth.bytes else f"{depth.fallback_bytes:,} of them"
    fix = "see why the spool could not be written, and let `ledger campaigns` or a worker record them soon"
    return f"{of_all} in {folders}, of which a restart may empty a temporary one: {fix}"


def _seconds_between(later: datetime, earlier: datetime) -> float:
    return (later - earlier).total_seconds()


def _span(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 600 else f"{seconds / 60:,.0f} min" if seconds < 36000 else "hours"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def _short(folder: Path) -> str:
    """Write a folder below the user's home with ~."""
    try:
        home = Path.home()
    except RuntimeError:  # nobody knows it
        return str(folder)
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)
