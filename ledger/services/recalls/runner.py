"""Running recalls: commit the intent, call out, commit the outcome, until every item has ended.

Any number of runners, in any number of processes, work on the same queue: it is in the database.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Protocol, TypeVar

from ledger.clock import Clock
from ledger.core.answer import Answer, NoAnswer
from ledger.core.deadline import is_past
from ledger.core.message import AppName, Route
from ledger.core.pace import SLACK_SECONDS
from ledger.errors import DatabaseUnavailableError, LedgerError
from ledger.patience import OutageLog, Patience
from ledger.services.recalls import leases
from ledger.services.recalls.call_result import Ending, Unsent
from ledger.services.recalls.claimer import BETWEEN_LOOKS, LONGEST_NAP, Claim, Claimer
from ledger.services.recalls.freezer import Freezer
from ledger.services.recalls.kept_answers import Endings, KeptAnswer, KeptAnswers
from ledger.services.recalls.pace_clock import PaceClock
from ledger.services.recalls.settler import Settler
from ledger.settings import Settings
from ledger.store import calls
from ledger.store.database import Database

# A thread that wakes later than this has lost its slot: slots leave room for calls that arrive later than others by
# twice as much, so that the way to DingTalk may take as long again before any second sees too many.
LATEST_AFTER_SLOT_SECONDS = SLACK_SECONDS / 2
DATABASE_PATIENCE_SECONDS = 300.0
DATABASE_RETRY_SECONDS = 1.0
LOOK_FOR_THE_DEAD_SECONDS = 5.0
# Whoever closes this process waits so long beyond the time-out of a call.
SETTLING_SECONDS = 10.0
BETWEEN_PROGRESS_SECONDS = 0.2
LARGEST_SHARE_OF_PROGRESS = 0.1

log = logging.getLogger(__name__)

T = TypeVar("T")

Ended = tuple[Ending, datetime]
Flying = dict[Future[Ended], calls.Call]


class Calls(Protocol):
    """Whoever makes one recall call; raises LedgerError when somebody must fix something first."""

    def prepare(self, app: AppName) -> NoAnswer | None:
        """Get ready to call for an app, so that the call itself leaves at once."""

    def recall(self, route: Route, keys: Sequence[str]) -> Answer | NoAnswer:
        """Make one call."""


class Runner:
    """Makes the calls of running recalls."""

    def __init__(
        self,
        database: Database,
        caller: Calls,
        clock: Clock,
        pace_clock: PaceClock,
        settings: Settings,
        executor: Executor,
        held: set[int],
        outage: OutageLog,
        freezer: Freezer,
        *,
        random: Random | None = None,
    ) -> None:
        self._database, self._caller, self._clock, self._executor = database, caller, clock, executor
        self._in_flight = settings.calls_in_flight
        self.presence = Presence()
        self.outage = outage
        # The calls whose answers this process waits for or has; and the answers that no run could write down.
        self._held, self._freezer = held, freezer
        self._left_over: list[tuple[calls.Call, Ending, datetime]] = []
        self._kept = KeptAnswers(settings.spool_folder)
        # However often the database is away, answers must not be lost to that.
        self._patience = Patience(seconds=DATABASE_PATIENCE_SECONDS, every_seconds=DATABASE_RETRY_SECONDS, clock=clock)
        self._closing_seconds = settings.http_timeout_seconds + SETTLING_SECONDS
        self._claimer = Claimer(database, clock, pace_clock, settings, leases.own_name())
        self._settler = Settler(database, clock, pace_clock, random or Random())  # noqa: S311  (spreads retries, guards nothing)
        self._looked_for_the_dead = clock.now() - timedelta(days=1)

    def run(
        self,
        apps: frozenset[AppName],
        goes_on: Callable[[Claim], bool],
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        """Work on the recalls of these apps as long as `goes_on` says so of the last look at the queue.

        After `stop`, return at once.
        """
        with self.presence.noted():
            self._run(apps, goes_on, on_progress)

    def stop(self) -> bool:
        """Open no more calls, and wait for a while until those in flight are settled; say whether they are."""
        return self.presence.end(self._closing_seconds)

    def _run(self, apps: frozenset[AppName], goes_on: Callable[[Claim], bool], on_progress: Callable[[], None]) -> None:
        self._settle_left_over()
        self._insist(self.adopt)
        flying: Flying = {}
        look_on, going = _LookingOn(on_progress, self._clock), True
        try:
            while True:
                # Once it is over, nothing more is opened; what is in flight is still waited for.
                going = going and not self.presence.is_over
                free = self._in_flight - len(flying) if going else 0
                looked_at = self._clock.monotonic()
                claim = self._insist(partial(self._claim, apps, free))
                for call in claim.calls:
                    self._held.add(call.id)
                    flying[self._submit(call)] = call
                going = going and goes_on(claim)
                if not flying and not going:
                    break
                if claim.is_freezing and going:
                    self._freeze(looked_at + BETWEEN_LOOKS.total_seconds())
                else:
                    self._wait(flying, claim, looked_at)
                self._settle(flying, [future for future in flying if future.done()])
                look_on.sometimes()
        finally:
            # Whatever interrupts us, what has left is waited for and written down.
            wait(flying)
            try:
                self._settle(flying, list(flying))
            finally:
                self._left_over += [(call, *future.result()) for future, call in flying.items()]
        look_on.now()

    def _submit(self, call: calls.Call) -> Future[Ended]:
        try:
            return self._executor.submit(self._make, call)
        except RuntimeError:
            # The interpreter is on its way out, and starts no threads any more.
            self.presence.is_over = True
            stayed: Future[Ended] = Future()
            stayed.set_result((Unsent(why="this program is ending"), self._clock.now()))
            return stayed

    def _claim(self, apps: frozenset[AppName], free: int) -> Claim:
        return self._claimer.claim(apps, free, self._dead(), frozenset(self._held))

    def _freeze(self, until: float) -> None:
        """Copy what recalls have yet to copy, until it is time for the next look."""
        while self._insist(self._freezer.freeze_some) and self._clock.monotonic() < until:
            self._freezer.let_others_write()

    def _wait(self, flying: Flying, claim: Claim, looked_at: float) -> None:
        """Wait until it is time to look at the queue again, or until calls are over; they are settled together."""
        nap = min(self._seconds_until(claim.look_again_at), LONGEST_NAP.total_seconds())
        if not flying:
            self._clock.sleep(nap)
            return
        wait(flying, timeout=nap, return_when=FIRST_COMPLETED)
        wait(flying, timeout=self._seconds_until(looked_at + BETWEEN_LOOKS.total_seconds()))

    def _seconds_until(self, monotonic: float) -> float:
        return max(monotonic - self._clock.monotonic(), 0.0)

    def _settle(self, flying: Flying, done: Sequence[Future[Ended]]) -> None:
        endings = [(flying[future], *future.result()) for future in done]
        self._write_down(endings)
        for future in done:
            self._held.discard(flying.pop(future).id)

    def _settle_left_over(self) -> None:
        """Settle what a run had to leave behind since the database was away for longer than its patience."""
        endings, self._left_over = self._left_over, []
        try:
            self._write_down(endings)
        except BaseException:
            self._left_over += endings
            raise
        self._held -= {call.id for call, *_ in endings}

    def _write_down(self, endings: Endings) -> None:
        if endings:
            self._insist(lambda: self._settle_or_keep(endings))
            self._kept.forget(endings)

    def _settle_or_keep(self, endings: Endings) -> None:
        try:
            self._settler.settle(endings)
        except DatabaseUnavailableError:
            self._kept.keep(endings)
            raise

    def _insist(self, action: Callable[[], T]) -> T:
        """Do something with the database, however often it is away, for a while."""
        return self._patience.retrying(lambda: self.outage.observe(action))

    def adopt(self) -> None:
        """Settle answers that a process of this machine had, and kept in a file, before it died."""

        def settle(kept: Sequence[KeptAnswer]) -> None:
            answers = {one.call_id: one for one in kept}
            with self._database.read() as connection:
                open_calls = [call for call in calls.still_open(connection, answers) if answers[call.id].is_of(call)]
            self._settler.settle([(call, answers[call.id].ending, answers[call.id].at) for call in open_calls])

        self._kept.adopt(settle)

    def _dead(self) -> Sequence[str]:
        """Name, now and then, owners of calls that died on this machine: no need to wait for their leases."""
        now = self._clock.now()
        if abs((now - self._looked_for_the_dead).total_seconds()) < LOOK_FOR_THE_DEAD_SECONDS:
            return ()
        self._looked_for_the_dead = now
        with self._database.read() as connection:
            gone = leases.surely_gone(calls.owners(connection))
        if gone:
            self.adopt()
        return gone

    def _make(self, call: calls.Call) -> Ended:
        """Wait for the slot and make the call; runs in a thread of its own and touches no database."""
        try:
            ending = self._ending(call)
        except LedgerError as error:
            ending = Unsent(why=str(error), error=error)
        except Exception as error:
            log.exception("call %s of recall %s failed", call.id, call.recall_id)
            ending = NoAnswer(reason=f"{type(error).__name__} in this program")
        return ending, self._clock.now()

    def _ending(self, call: calls.Call) -> Ending:
        unready = self._caller.prepare(call.route.app)
        if unready is not None:
            return unready
        self._clock.sleep(self._seconds_until(call.leave_at))
        now = self._clock.now()
        if self._clock.monotonic() > call.leave_at + LATEST_AFTER_SLOT_SECONDS:
            return Unsent(why="this process was held up beyond its slot")
        if any(is_past(item.deadline, now) for item in call.items):
            return Unsent(why="the deadline of a key passed before the call left")
        return self._caller.recall(call.route, [item.process_query_key for item in call.items])


class Presence:
    """Counts the threads at work, and tells them when it is over."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._at_work: list[int] = []
        self.is_over = False

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Be at work as long as the block lasts."""
        me = threading.get_ident()
        with self._changed:
            self._at_work.append(me)
        try:
            yield
        finally:
            with self._changed:
                self._at_work.remove(me)
                self._changed.notify_all()

    def end(self, patience_seconds: float) -> bool:
        """Tell all that it is over, and wait until the others have gone; say whether they have."""
        me = threading.get_ident()
        self.is_over = True
        with self._changed:
            return self._changed.wait_for(lambda: all(one == me for one in self._at_work), patience_seconds)


class _LookingOn:
    """Shows progress now and then only: counting a large recall takes longer than making a call."""

    def __init__(self, on_progress: Callable[[], None], clock: Clock) -> None:
        self._on_progress, self._clock, self._next_at = on_progress, clock, clock.monotonic()

    def sometimes(self) -> None:
        """Show it unless that was done just now, or takes too much of the time."""
        started = self._clock.monotonic()
        if started >= self._next_at:
            self.now()
            took = self._clock.monotonic() - started
            self._next_at = started + max(BETWEEN_PROGRESS_SECONDS, took / LARGEST_SHARE_OF_PROGRESS)

    def now(self) -> None:
        """Show it; who only looks on may do without the database for once."""
        with suppress(DatabaseUnavailableError):
            self._on_progress()
