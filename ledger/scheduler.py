"""The worker: APScheduler keeps time for the chores, and the runner serves every recall that runs."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler

from ledger.core.events.stream_state import SAID_EVERY
from ledger.core.recording.message import AppName
from ledger.errors import DatabaseUnavailableError, LedgerError
from ledger.services.audit.read_sealer import ReadSealer
from ledger.services.corrections.sender import Sender
from ledger.services.events.elsewhere import ElsewhereFinder
from ledger.services.recalls.expiry import Expiry
from ledger.services.recalls.pacing.leases import LostCalls
from ledger.services.recalls.planning.freezer import Freezer
from ledger.services.recalls.running.call_loop import Claim
from ledger.services.recalls.running.runner import Calls, Runner
from ledger.services.recalls.schedules import Schedules
from ledger.services.recalls.sticky import StickyRecalls
from ledger.services.upkeep.chores import HEARTBEAT, HEARTBEAT_EVERY, Chore, Chores
from ledger.services.upkeep.people_counter import PeopleCounter
from ledger.services.upkeep.purger import Purger
from ledger.settings import Settings
from ledger.store.recalls.calls import Call

if TYPE_CHECKING:
    from ledger.services.audit.checkpointer import Checkpointer
    from ledger.services.audit.retention import Retention
    from ledger.services.events.stream import EventStream
    from ledger.services.notices.notifier import Notifier

LOOK_FOR_RECALLS_SECONDS = 1
STICKY_SECONDS = 5
PURGE_SECONDS = 600
PEOPLE_SECONDS = 30
LOST_CALLS_SECONDS = 5
FREEZE_SECONDS = 5
READS_SECONDS = 60
ALIGN_SECONDS = 60
SPOOL_SECONDS = 5
NOTICES_SECONDS = 5
ELSEWHERE_SECONDS = 5
CHECKPOINT_LOOK_SECONDS = 5
# Three places may keep it waiting, each for a minute at most.
CHECKPOINT_LEASE_SECONDS = 300
RETENTION_SECONDS = 86_400
# It checks a history of millions of entries first.
RETENTION_LEASE_SECONDS = 3600

log = logging.getLogger(__name__)


class Worker:
    """Runs until stopped. Any number may run on one database: each chore is done once, each item asked once."""

    def __init__(
        self,
        chores: Chores,
        runner: Runner,
        caller: Calls,
        sticky: StickyRecalls,
        purger: Purger,
        people: PeopleCounter,
        lost_calls: LostCalls,
        freezer: Freezer,
        settings: Settings,
        schedules: Schedules,
        expiry: Expiry,
        align_clock: Callable[[], None],
        replay: Callable[[], object],
        reads: ReadSealer,
        retention: "Retention",
        elsewhere: ElsewhereFinder,
        checkpointer: "Checkpointer | None" = None,
        notifier: "Notifier | None" = None,
        stream: "EventStream | None" = None,
        *,
        sender: Sender,
    ) -> None:
        self._chores, self._runner, self._caller, self._settings = chores, runner, caller, settings
        self._sticky, self._align_clock, self._replay = sticky, align_clock, replay
        self._notifier, self._stream, self._sender = notifier, stream, sender
        self._schedules, self._expiry = schedules, expiry
        self._expiring = Chore(name="expiry", every=_seconds(1), lease=_seconds(20), action=expiry.run_once)
        self._stopping = threading.Event()
        self._unready: dict[str, str] = {}
        self._served: frozenset[int] = frozenset()
        self._duties: tuple[Chore, ...] = (
            Chore(name=HEARTBEAT, every=HEARTBEAT_EVERY, lease=_seconds(5), action=lambda: None),
            Chore(name="sticky", every=_seconds(STICKY_SECONDS), lease=_seconds(60), action=self.follow_sticky),
            Chore(
                name="lost calls", every=_seconds(LOST_CALLS_SECONDS), lease=_seconds(60), action=lost_calls.run_once
            ),
            # A runner does it for what runs; what was paused or cancelled meanwhile has no other.
            Chore(name="freeze", every=_seconds(FREEZE_SECONDS), lease=_seconds(60), action=freezer.finish),
            Chore(name="people", every=_seconds(PEOPLE_SECONDS), lease=_seconds(600), action=people.run_once),
            Chore(name="reads", every=_seconds(READS_SECONDS), lease=_seconds(600), action=reads.run_if_due),
            Chore(
                name="elsewhere",
                every=_seconds(ELSEWHERE_SECONDS),
                lease=_seconds(60),
                action=elsewhere.run_once,
            ),
            Chore(name="purge", every=_seconds(PURGE_SECONDS), lease=_seconds(PURGE_SECONDS), action=purger.run_once),
            # Also where the history is kept for ever: what once began to leave goes.
            Chore(
                name="history",
                every=_seconds(RETENTION_SECONDS),
                lease=_seconds(RETENTION_LEASE_SECONDS),
                action=retention.run_once,
            ),
        )
        if checkpointer is not None:
            every, lease = _seconds(CHECKPOINT_LOOK_SECONDS), _seconds(CHECKPOINT_LEASE_SECONDS)
            self._duties += (Chore(name="checkpoint", every=every, lease=lease, action=checkpointer.run_if_due),)

    def run(self) -> None:
        """Work until `stop`; what is in flight then ends by its answer."""
        scheduler = BackgroundScheduler(timezone="UTC")
        for chore in self._duties:
            seconds = chore.every.total_seconds()
            self._add(scheduler, chore.name, min(seconds, 60), partial(self._chores.do, chore))
        self._add(scheduler, "clock", ALIGN_SECONDS, self._align_clock, asks_always=False)
        self._add(scheduler, "spool", SPOOL_SECONDS, self._replay, asks_always=False)
        if self._notifier is not None:
            self._add(scheduler, "notices", NOTICES_SECONDS, self._notifier.run_once)
        self._add(scheduler, "schedules", LOOK_FOR_RECALLS_SECONDS, self.start_scheduled)
        self._add(scheduler, "expiry", LOOK_FOR_RECALLS_SECONDS, self.recall_expiring)
        self._add(scheduler, "recalls", LOOK_FOR_RECALLS_SECONDS, self.serve_recalls)
        self._add(scheduler, "corrections", LOOK_FOR_RECALLS_SECONDS, self.serve_corrections)
        if self._stream is not None:
            self._add(scheduler, "events", SAID_EVERY.total_seconds(), self._stream.look)
            self._stream.start()
        scheduler.start()
        try:
            self._stopping.wait()
        finally:
            self._stopping.set()
            if self._stream is not None:
                self._stream.stop()
            scheduler.shutdown(wait=True)

    def stop(self) -> None:
        """Make `run` return soon; safe in a signal handler."""
        self._stopping.set()

    def serve_recalls(self) -> None:
        """Work on the running recalls of every app that is ready, until none is left."""
        apps = frozenset(AppName(app) for app in self._settings.app_names if self._is_ready(app))
        self._runner.run(apps, self._goes_on)
        self._served = frozenset()

    def serve_corrections(self) -> None:
        """Send what running corrections have left, of every app that is ready, until nothing is left of any."""
        if self._sender.is_needed():
            apps = frozenset(AppName(app) for app in self._settings.app_names if self._is_ready(app))
            self._sender.run(apps, lambda claim: bool(claim.going_on) and not self._stopping.is_set())

    def _goes_on(self, claim: Claim[Call]) -> bool:
        """Say whether anything is left to serve; a recall that is new to this worker is told of."""
        for recall_id in sorted(claim.going_on - self._served):
            log.info("working on recall %s", recall_id, extra={"facts": {"recall": recall_id}})
        self._served = claim.going_on
        return bool(claim.going_on) and not self._stopping.is_set()

    def follow_sticky(self) -> None:
        """Start recalls of what has arrived late for sticky ones."""
        self._sticky.run_once()

    def start_scheduled(self) -> None:
        """Start recalls whose moment has come; as it is a look and then one transaction each, nobody needs a lease."""
        self._schedules.run_once()

    def recall_expiring(self) -> None:
        """Start a recall of what shall vanish by itself, when any of it is due and no other worker is at it."""
        if self._expiry.is_due():
            self._chores.do(self._expiring)

    def _add(
        self,
        scheduler: BackgroundScheduler,
        name: str,
        seconds: float,
        action: Callable[[], object],
        *,
        asks_always: bool = True,
    ) -> None:
        """Do something now and then; `asks_always` when it never goes well without the database."""

        def attempt() -> None:
            try:
                self._runner.outage.observe(action, asks_always=asks_always)
            except DatabaseUnavailableError:
                # Of that, somebody has been told.
                pass
            except LedgerError as error:
                log.warning("%s: %s", name, error)

        scheduler.add_job(
            attempt,
            "interval",
            seconds=seconds,
            id=name,
            max_instances=1,
            coalesce=True,
            # On a busy machine a chore comes late; it is not to be left out for that.
            misfire_grace_time=None,
            next_run_time=datetime.now(UTC),
        )

    def _is_ready(self, app: str) -> bool:
        """Say whether calls can be made for an app; say it aloud once when they cannot."""
        try:
            self._caller.prepare(AppName(app))
        except LedgerError as error:
            if self._unready.get(app) != str(error):
                log.warning("recalls of app %s wait: %s", app, error)
            self._unready[app] = str(error)
            return False
        self._unready.pop(app, None)
        return True


def _seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
