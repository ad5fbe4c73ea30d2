"""The loop of everybody who makes calls: claim them with their intent, call out in threads, write down how they ended.

What is claimed, what a call asks, and what its end means is the business of who runs it: of recalls (`runner.py`), and
of corrections.
"""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, Protocol, TypeVar

from ledger.clock import Clock
from ledger.core.answer import NoAnswer
from ledger.core.recalls.pace import SLACK_SECONDS
from ledger.core.recording.message import AppName
from ledger.errors import DatabaseUnavailableError, LedgerError
from ledger.patience import OutageLog, Patience
from ledger.services.recalls.pacing import leases
from ledger.services.recalls.running.call_result import Ending, Unsent
from ledger.settings import Settings

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
# Looks are so far apart that, at high rates, each opens many calls in one transaction.
BETWEEN_LOOKS = timedelta(milliseconds=50)
LONGEST_NAP = timedelta(seconds=1)

log = logging.getLogger(__name__)

T = TypeVar("T")


class CallToMake(Protocol):
    """A call whose intent is written down; `leave_at` is when it may leave, in seconds of the even clock."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def leave_at(self) -> float:
        """When it may leave."""


CallT = TypeVar("CallT", bound=CallToMake)
Ended = tuple[Ending, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Generic[CallT]):
    """What one look at the queue gave: calls to make, when to look again, and which recalls or corrections go on.

    `look_again_at` is in seconds of the even clock. With `is_freezing`, some of them have yet to become items.
    """

    calls: Sequence[CallT]
    look_again_at: float
    going_on: frozenset[int]
    is_freezing: bool = False


class StayedError(Exception):
    """A call that did not leave after all, and why."""


class CallLoop(ABC, Generic[CallT]):
    """Makes calls as long as there are any.

    `held` are the numbers of those whose answers this process waits for or has: while it lives, they are not lost.
    """

    def __init__(
        self, clock: Clock, settings: Settings, executor: Executor, held: set[int], outage: OutageLog, what: str
    ) -> None:
        self._clock, self._executor, self._what = clock, executor, what
        self._in_flight = settings.calls_in_flight
        self.presence = Presence()
        self.outage = outage
        # The answers that no run could write down.
        self._held, self._left_over = held, list[tuple[CallT, Ending, datetime]]()
        # However often the database is away, answers must not be lost to that.
        self._patience = Patience(seconds=DATABASE_PATIENCE_SECONDS, every_seconds=DATABASE_RETRY_SECONDS, clock=clock)
        self._closing_seconds = settings.http_timeout_seconds + SETTLING_SECONDS
        self._looked_for_the_dead = clock.now() - timedelta(days=1)

    @abstractmethod
    def _claim(self, apps: frozenset[AppName], free: int) -> Claim[CallT]:
        """Open up to so many calls, and end what needs none."""

    @abstractmethod
    def _ending(self, call: CallT) -> Ending:
        """Make a call in its slot; raise StayedError when it stays, LedgerError when somebody must fix something."""

    @abstractmethod
    def _write_down(self, endings: Sequence[tuple[CallT, Ending, datetime]]) -> None:
        """Write down how calls ended, however often the database is away."""

    @abstractmethod
    def _owners(self) -> Sequence[str]:
        """Return who has calls in flight."""

    def _begin(self) -> None:
        """Do what comes before the first look."""

    def _meanwhile(self, _claim: Claim[CallT], _until: float) -> bool:
        """Do something else until the next look; say whether there was anything to do."""
        return False

    def run(
        self,
        apps: frozenset[AppName],
        goes_on: Callable[[Claim[CallT]], bool],
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        """Make the calls of these apps as long as `goes_on` says so of the last look at the queue.

        After `stop`, return at once.
        """
        with self.presence.noted():
            self._run(apps, goes_on, on_progress)

    def stop(self) -> bool:
        """Open no more calls, and wait for a while until those in flight are settled; say whether they are."""
        return self.presence.end(self._closing_seconds)

    def _run(
        self, apps: frozenset[AppName], goes_on: Callable[[Claim[CallT]], bool], on_progress: Callable[[], None]
    ) -> None:
        self._settle_left_over()
        self._begin()
        flying: dict[Future[Ended], CallT] = {}
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
                if not (going and self._meanwhile(claim, looked_at + BETWEEN_LOOKS.total_seconds())):
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

    def _submit(self, call: CallT) -> Future[Ended]:
        try:
            return self._executor.submit(self._make, call)
        except RuntimeError:
            # The interpreter is on its way out, and starts no threads any more.
            self.presence.is_over = True
            stayed: Future[Ended] = Future()
            stayed.set_result((Unsent(why="this program is ending"), self._clock.now()))
            return stayed

    def _wait(self, flying: dict[Future[Ended], CallT], claim: Claim[CallT], looked_at: float) -> None:
        """Wait until it is time to look at the queue again, or until calls are over; they are settled together."""
        nap = min(self._seconds_until(claim.look_again_at), LONGEST_NAP.total_seconds())
        if not flying:
            self._clock.sleep(nap)
            return
        wait(flying, timeout=nap, return_when=FIRST_COMPLETED)
        wait(flying, timeout=self._seconds_until(looked_at + BETWEEN_LOOKS.total_seconds()))

    def _seconds_until(self, monotonic: float) -> float:
        return max(monotonic - self._clock.monotonic(), 0.0)

    def _settle(self, flying: dict[Future[Ended], CallT], done: Sequence[Future[Ended]]) -> None:
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

    def _insist(self, action: Callable[[], T]) -> T:
        """Do something with the database, however often it is away, for a while."""
        return self._patience.retrying(lambda: self.outage.observe(action))

    def _dead(self) -> Sequence[str]:
        """Name, now and then, owners of calls that died on this machine: no need to wait for their leases."""
        now = self._clock.now()
        if abs((now - self._looked_for_the_dead).total_seconds()) < LOOK_FOR_THE_DEAD_SECONDS:
            return ()
        self._looked_for_the_dead = now
        return leases.surely_gone(self._owners())

    def _leave(self, call: CallT, has_connected: bool = False) -> None:
        """Wait for the slot of a call; raise StayedError when it was missed, but by who had to connect for it first.

        The connection would be closed with it, and the next call would come as late.
        """
        self._clock.sleep(self._seconds_until(call.leave_at))
        if not has_connected and self._clock.monotonic() > call.leave_at + LATEST_AFTER_SLOT_SECONDS:
            raise StayedError("this process was held up beyond its slot")

    def _make(self, call: CallT) -> Ended:
        """Wait for the slot and make the call; runs in a thread of its own and touches no database."""
        try:
            ending = self._ending(call)
        except StayedError as error:
            ending = Unsent(why=str(error))
        except LedgerError as error:
            ending = Unsent(why=str(error), error=error)
        except Exception as error:
            log.exception("%s %s failed", self._what, call.id)
            ending = NoAnswer(reason=f"{type(error).__name__} in this program")
        return ending, self._clock.now()


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
