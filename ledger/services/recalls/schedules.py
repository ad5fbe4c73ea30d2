"""Recalls set in advance: planned and confirmed now, started at their moment by whatever worker comes first.

Starting one is one transaction that looks whether it still waits, so that any number of workers start it once, and one
that dies over it has done all of it or nothing. What was confirmed is what runs; only what others have taken meanwhile
is left out.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.clock import CLOCKS_DIFFER, Clock, format_time, parse_time
from ledger.core.access.actors import SCHEDULE, Acting
from ledger.core.recalls.plan import Standing
from ledger.core.recalls.plan_messages import PlanMessages, digest_of
from ledger.core.recalls.recall import Plan, Result, Status
from ledger.core.recalls.schedule import Schedule, check_moment
from ledger.core.recalls.selection import Selection
from ledger.errors import LedgerError, ScheduleMissedError
from ledger.services.recalls.approving.approvals import Approvals
from ledger.services.recalls.lifecycle import Lifecycle
from ledger.services.recalls.planning.freezer import Freezer
from ledger.services.recalls.planning.plan_check import PlanCheck
from ledger.services.reports.recalls import RecallReports
from ledger.settings import Settings
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.events import elsewhere
from ledger.store.recalls import plan_messages, recalls, schedules
from ledger.store.recalls.candidates import standings_since

log = logging.getLogger(__name__)


class Schedules:
    """Sets recalls in advance, and starts them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        lifecycle: Lifecycle,
        freezer: Freezer,
        reports: RecallReports,
    ) -> None:
        self._database, self._clock, self._lifecycle = database, clock, lifecycle
        self._freezer, self._reports = freezer, reports
        self._plans, self._approvals = PlanCheck(clock, settings), Approvals(settings)
        self._margin = timedelta(seconds=settings.margin_seconds)

    def check(self, plan: Plan, run_at: datetime) -> None:
        """Raise BadMomentError when a plan cannot wait so long, before anybody is asked to confirm it."""
        if plan.first_deadline is not None:
            check_moment(run_at, self._clock.now(), plan.first_deadline, self._margin)

    def set(
        self, recall_id: int, run_at: datetime, *, actor: str, is_proven: bool = False, plan_token: str | None = None
    ) -> Result:
        """Let a confirmed plan run at a moment; raise BadMomentError for one that has passed, or is too late.

        Raise ApprovalNeededError when a second person has to agree before then; it is set nevertheless. With
        `plan_token`, set exactly what was shown, as `Lifecycle.run` does.
        """
        with self._database.write() as connection:
            recalls.lock_activation(connection)
            if plan_token is not None:
                self._plans.check_shown(connection, recall_id, plan_token, actor)
            recall = self._plans.ready(connection, recall_id)
            now, acting = self._clock.now(), Acting(actor, is_proven)
            check_moment(run_at, now, parse_time(recall.plan["first_deadline"]), self._margin)
            schedules.note(
                connection, recall_id, Schedule(run_at=run_at, set_by=actor, set_at=now, is_proven=is_proven)
            )
            detail = {"at": format_time(run_at), "proven": is_proven}
            entry = history.Entry(at=now, event="scheduled", actor=actor, recall_id=recall_id, detail=detail)
            history.append(connection, [entry])
            waits = self._approvals.ask(connection, recall, acting, now, until=run_at)
        facts = {"recall": recall_id, "actor": actor}
        log.info("recall %s waits until %s", recall_id, format_time(run_at), extra={"facts": facts})
        if waits is not None:
            raise waits
        return self._reports.result(recall_id)

    def run_once(self) -> list[int]:
        """Start what is due; return the numbers. A runner does the rest."""
        with self._database.read() as connection:
            due = schedules.waiting(connection, self._clock.now())
        return [recall_id for recall_id in due if self._start(recall_id)]

    def _start(self, recall_id: int) -> bool:
        """Start one, or end it when it cannot run any more; say whether it was started here."""
        with self._database.write() as connection:
            recalls.lock_activation(connection)
            recall, schedule = recalls.get(connection, recall_id, lock=True), schedules.get(connection, recall_id)
            if schedule is None or recall.status is not Status.PLANNED:
                # Another worker was quicker, or somebody has cancelled it.
                return False
            missed = self._why_missed(connection, recall, schedule)
            if missed is not None:
                self._miss(connection, recall_id, missed)
            else:
                self._leave_out_taken(connection, recall)
                acting = Acting(schedule.set_by, schedule.is_proven)
                self._lifecycle.activate(connection, recall, acting, "started", noted_as=SCHEDULE)
        if missed is not None:
            self._freezer.finish(recall_id)
            return False
        self._freezer.freeze_some(recall_id)
        return True

    def _why_missed(self, connection: Connection, recall: recalls.Recall, schedule: Schedule) -> LedgerError | None:
        now = self._clock.now()
        if now >= parse_time(recall.plan["last_deadline"]):
            return ScheduleMissedError(
                f"recall {recall.id} was to run at {format_time(schedule.run_at)}, and no worker came before the "
                "deadline of its last message: keep `ledger worker` or `ledger serve` running"
            )
        return self._approvals.lacking(connection, recall, Acting(schedule.set_by, schedule.is_proven), now)

    def _miss(self, connection: Connection, recall_id: int, error: LedgerError) -> None:
        now, text = self._clock.now(), {"code": error.code, "message": str(error)}
        changes = {"status": Status.CANCELLED, "finished_at": now, "moved_by": SCHEDULE, "error": text}
        recalls.change(connection, recall_id, **changes)
        detail = {**text, "by": SCHEDULE}
        entry = history.Entry(at=now, event="schedule_missed", actor=SCHEDULE, recall_id=recall_id, detail=detail)
        history.append(connection, [entry])
        log.error("recall %s did not run: %s", recall_id, error, extra={"facts": {"recall": recall_id, **text}})

    def _leave_out_taken(self, connection: Connection, recall: recalls.Recall) -> None:
        """Skip what other recalls have recalled since the plan, or are at, and what other hands have taken back."""
        packed = plan_messages.packed_of(connection, recall.id)
        if packed is None:
            return
        seen, taken = PlanMessages.unpacked(packed), dict[int, Standing]()
        if not Selection.from_json(recall.selection).include_elsewhere:
            taken = dict.fromkeys(elsewhere.marked(connection).intersection(seen.taken), Standing.ELSEWHERE)
        if recalls.was_active_since(connection, recall.planned_at - CLOCKS_DIFFER, recall.id):
            taken |= self._taken(connection, recall, seen)
        if not taken:
            return
        packed = seen.without(taken).packed()
        plan_messages.replace(connection, recall.id, packed)
        left = {
            "unfrozen_items": recall.unfrozen_items - len(taken),
            "unfrozen_skips": recall.unfrozen_skips + len(taken),
        }
        recalls.change(connection, recall.id, **left)
        gone = sum(standing is Standing.ALREADY_RECALLED for standing in taken.values())
        detail = {"messages": len(taken), "already_recalled": gone, "seen": digest_of(packed)}
        entry = history.Entry(
            at=self._clock.now(), event="left_out", actor=SCHEDULE, recall_id=recall.id, detail=detail
        )
        history.append(connection, [entry])

    def _taken(self, connection: Connection, recall: recalls.Recall, seen: PlanMessages) -> Mapping[int, Standing]:
        # First what others have yet to copy, then what they have copied: another process may move it on in between.
        held = set(plan_messages.held_ids(connection, other_than=recall.id)).intersection(seen.taken)
        taken = standings_since(connection, recall.id, recall.planned_at - CLOCKS_DIFFER, seen.taken)
        return dict.fromkeys(held, Standing.IN_PROGRESS) | taken
