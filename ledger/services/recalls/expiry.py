"""Messages that shall vanish by themselves: what is due, and soon will be, is recalled together, without anybody.

A plan is made and started as by hand, but for the second person: whoever sent a message may decide how long it stays.
The wish is taken out of the messages in the transaction that starts their recall. So it is done once over any number of
workers, and one that dies has started it or done nothing.
"""

import logging
from datetime import datetime, timedelta

from ledger.clock import Clock
from ledger.core.access.actors import EXPIRY, Acting
from ledger.core.recalls.recall import Plan, Status
from ledger.core.recalls.recall_filter import recall_filter
from ledger.core.recording.expiry import AGAIN_AFTER
from ledger.errors import DatabaseError, LedgerError
from ledger.services.recalls.lifecycle import Lifecycle
from ledger.services.recalls.planning.freezer import Freezer
from ledger.services.recalls.planning.plan_check import PlanCheck
from ledger.services.recalls.planning.planner import Planner
from ledger.settings import Settings
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.recalls import plan_messages, recalls
from ledger.store.recording import expiring

# While somebody has to fix something, a further recall would only pause as well.
BETWEEN_WHILE_PAUSED = timedelta(minutes=10)

log = logging.getLogger(__name__)


class Expiry:
    """Recalls what shall vanish by itself."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        planner: Planner,
        lifecycle: Lifecycle,
        freezer: Freezer,
    ) -> None:
        self._database, self._clock = database, clock
        self._planner, self._lifecycle, self._freezer = planner, lifecycle, freezer
        self._plans = PlanCheck(clock, settings)
        self._window = timedelta(seconds=settings.expiry_window_seconds)

    def is_due(self) -> bool:
        """Say whether any message is due; a look that costs next to nothing."""
        with self._database.read() as connection:
            first = expiring.first_due(connection)
        return first is not None and first <= self._clock.now()

    def run_once(self) -> int | None:
        """Start a recall of what is due, with what soon will be; return its number. A runner does the rest."""
        if not self.is_due() or self._is_held_up():
            return None
        now = self._clock.now()
        self._forget(now + self._window)
        plan = self._planner.expiring(now + self._window)
        if plan is None:
            # Other recalls are at them, or no app is configured for their robots.
            with self._database.write() as connection:
                expiring.postpone(connection, now, now + AGAIN_AFTER)
            return None
        return self._started(plan)

    def _is_held_up(self) -> bool:
        with self._database.read() as connection:
            paused = recalls.listed(connection, statuses=(Status.PAUSED,), asked=recall_filter(actor=EXPIRY), limit=1)
        return any(one.planned_at > self._clock.now() - BETWEEN_WHILE_PAUSED for one in paused)

    def _forget(self, until: datetime) -> None:
        """Let be what is recalled already, and say of what nobody could recall in time."""
        now = self._clock.now()
        with self._database.write() as connection:
            expiring.forget_recalled(connection, until)
            missed = expiring.forget_missed(connection, now)
            if missed:
                detail = {"messages": missed}
                entry = history.Entry(at=now, event="expiry_missed", actor=EXPIRY, recall_id=None, detail=detail)
                history.append(connection, [entry])
        if missed:
            facts = {"messages": missed, "event": "expiry_missed"}
            log.error(
                "%s messages were to vanish by themselves and are past their deadline: no worker came in time",
                missed,
                extra={"facts": facts},
            )

    def _started(self, plan: Plan) -> int | None:
        try:
            with self._database.write() as connection:
                recalls.lock_activation(connection)
                recall = self._plans.ready(connection, plan.recall_id)
                seen = plan_messages.unfrozen(connection, plan.recall_id)
                if seen is not None:
                    expiring.forget(connection, seen.messages.taken)
                    expiring.postpone_some(connection, seen.messages.skipped, self._clock.now() + AGAIN_AFTER)
                self._lifecycle.activate(connection, recall, Acting(EXPIRY), "started")
        except DatabaseError:
            raise
        except LedgerError as error:
            # Somebody else was quicker with some of them; the next look sees what is left.
            log.info("recall %s of what expires: %s", plan.recall_id, error)
            return None
        self._freezer.freeze_some(plan.recall_id)
        return plan.recall_id
