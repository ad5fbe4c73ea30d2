"""Running recalls: commit the intent, call out, commit the outcome, until every item has ended.

Any number of runners, in any number of processes, work on the same queue: it is in the database.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from random import Random
from typing import Protocol

from ledger.clock import Clock
from ledger.core.answer import Answer, NoAnswer
from ledger.core.deadline import is_past
from ledger.core.recording.message import AppName, Route
from ledger.errors import DatabaseUnavailableError
from ledger.patience import OutageLog
from ledger.services.recalls.pacing import leases
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.services.recalls.planning.freezer import Freezer
from ledger.services.recalls.running.call_loop import CallLoop, Claim, StayedError
from ledger.services.recalls.running.call_result import Ending
from ledger.services.recalls.running.claimer import Claimer
from ledger.services.recalls.running.kept_answers import Endings, KeptAnswer, KeptAnswers
from ledger.services.recalls.running.settler import Settler
from ledger.settings import Settings
from ledger.store.database import Database
from ledger.store.recalls import calls, lost_calls


class Calls(Protocol):
    """Whoever makes one recall call; raises LedgerError when somebody must fix something first."""

    def prepare(self, app: AppName) -> NoAnswer | None:
        """Get ready to call for an app, so that the call itself leaves at once."""

    def recall(self, route: Route, keys: Sequence[str], leave: Callable[[bool], None]) -> Answer | NoAnswer:
        """Connect, let `leave` wait for the slot or keep the call here by what it raises, and make the call.

        `leave` is told whether a connection was opened for it.
        """


class Runner(CallLoop[calls.Call]):
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
        super().__init__(clock, settings, executor, held, outage, "call")
        self._database, self._caller, self._freezer = database, caller, freezer
        self._kept = KeptAnswers(settings.spool_folder)
        self._claimer = Claimer(database, clock, pace_clock, settings, leases.own_name())
        self._settler = Settler(database, clock, pace_clock, random or Random(), settings.endpoint_setting)  # noqa: S311  (spreads retries, guards nothing)

    def _begin(self) -> None:
        self._insist(self.adopt)

    def _claim(self, apps: frozenset[AppName], free: int) -> Claim[calls.Call]:
        return self._claimer.claim(apps, free, self._dead(), frozenset(self._held))

    def _meanwhile(self, claim: Claim[calls.Call], until: float) -> bool:
        """Copy what recalls have yet to copy, until it is time for the next look."""
        if not claim.is_freezing:
            return False
        while self._insist(self._freezer.freeze_some) and self._clock.monotonic() < until:
            self._database.let_others_write()
        return True

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

    def adopt(self) -> None:
        """Settle answers that a process of this machine had, and kept in a file, before it died."""

        def settle(kept: Sequence[KeptAnswer]) -> None:
            answers = {one.call_id: one for one in kept}
            with self._database.read() as connection:
                open_calls = [call for call in calls.still_open(connection, answers) if answers[call.id].is_of(call)]
            self._settler.settle([(call, answers[call.id].ending, answers[call.id].at) for call in open_calls])

        self._kept.adopt(settle)

    def _owners(self) -> Sequence[str]:
        with self._database.read() as connection:
            return lost_calls.owners(connection)

    def _dead(self) -> Sequence[str]:
        gone = super()._dead()
        if gone:
            self.adopt()
        return gone

    def _ending(self, call: calls.Call) -> Ending:
        unready = self._caller.prepare(call.route.app)
        if unready is not None:
            return unready
        return self._caller.recall(
            call.route, [item.process_query_key for item in call.items], partial(self._leave, call)
        )

    def _leave(self, call: calls.Call, has_connected: bool = False) -> None:
        super()._leave(call, has_connected)
        if any(is_past(item.deadline, self._clock.now()) for item in call.items):
            raise StayedError("the deadline of a key passed before the call left")
