"""Sticky recalls: what is still recorded under a selection after its recall is recalled as it arrives, for a time."""

import logging
from datetime import timedelta

from ledger.clock import Clock, format_time
from ledger.core.access.actors import WORKER
from ledger.core.deadline import WINDOW
from ledger.core.recalls.recall import Result, Status
from ledger.errors import (
    ApprovalNeededError,
    DatabaseError,
    InputError,
    LedgerError,
    UnauthenticatedError,
    WrongStateError,
)
from ledger.services.recalls.lifecycle import Lifecycle
from ledger.services.recalls.planning.planner import Planner
from ledger.services.reports.late_messages import LateMessages
from ledger.services.reports.recalls import RecallReports
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.recalls import approvals, reached, recalls

log = logging.getLogger(__name__)


class StickyRecalls:
    """Makes recalls sticky and follows them up."""

    def __init__(
        self, database: Database, clock: Clock, planner: Planner, lifecycle: Lifecycle, reports: RecallReports
    ) -> None:
        self._database, self._clock = database, clock
        self._planner, self._lifecycle, self._reports = planner, lifecycle, reports
        self._late = LateMessages(clock)

    def stick(self, recall_id: int, seconds: float, *, actor: str) -> Result:
        """Let a recall take what arrives late, for at most a day; 0 ends that, and does nothing where it is not so."""
        if not 0 <= seconds <= WINDOW.total_seconds():
            raise InputError("a recall can be sticky for at most 24 hours: give a time between 0 and 86400 seconds")
        now = self._clock.now()
        until = now + timedelta(seconds=seconds) if seconds else None
        with self._database.write() as connection:
            recall = recalls.get(connection, recall_id, lock=True)
            if until is not None and recall.status is Status.CANCELLED:
                raise WrongStateError(f"recall {recall_id} was cancelled: plan a new one")
            if until is not None or recall.sticky_until is not None:
                recalls.change(connection, recall_id, sticky_until=until)
                detail = {"until": format_time(until) if until else None}
                event = "sticky" if until else "unstuck"
                entry = history.Entry(at=now, event=event, actor=actor, recall_id=recall_id, detail=detail)
                history.append(connection, [entry])
        return self._reports.result(recall_id)

    def unstick(self, recall_id: int, *, actor: str) -> Result:
        """Leave alone what arrives late from now on."""
        return self.stick(recall_id, 0, actor=actor)

    def run_once(self) -> list[int]:
        """Start recalls of what has arrived late for sticky ones; return their numbers. A runner does the rest.

        While one of them waits for a second person, no other is planned: it would ask for the same again.
        """
        now = self._clock.now()
        with self._database.read() as connection:
            ran = [recall for recall in recalls.sticky(connection, now) if recall.status is Status.FINISHED]
            waiting = approvals.followed_by_waiting(connection, now)
            due = [recall for recall in ran if recall.id not in waiting and self._late.count(connection, recall)]
        return [recall_id for recall in due if (recall_id := self._follow_up(recall)) is not None]

    def _follow_up(self, recall: recalls.Recall) -> int | None:
        try:
            plan = self._planner.follow(recall)
            if plan is not None:
                self._lifecycle.start(plan.recall_id, started_by=WORKER, is_proven=self._was_proven(recall.id))
        except DatabaseError:
            raise
        except ApprovalNeededError as error:
            log.warning("sticky recall %s: %s", recall.id, error)
            return None
        except UnauthenticatedError as error:
            # Nobody can be asked on behalf of a mere name, and a further plan every few seconds would be no help.
            log.warning("recall %s is sticky no more: %s", recall.id, error)
            self.unstick(recall.id, actor=WORKER)
            return None
        except LedgerError as error:
            # Somebody else was quicker, or must fix something; the others are not held up by it.
            log.warning("sticky recall %s: %s", recall.id, error)
            return None
        return plan.recall_id if plan is not None else None

    def _was_proven(self, recall_id: int) -> bool:
        with self._database.read() as connection:
            return reached.was_proven(connection, recall_id)
