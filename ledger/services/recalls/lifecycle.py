"""The life of a recall: started once from its plan, paused, resumed, retried, cancelled. The runner makes the calls."""

import logging
from collections.abc import Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock, format_time
from ledger.core.access.actors import OURSELVES, Acting
from ledger.core.limits import check_reason
from ledger.core.recalls.pace import shifted, unblocked
from ledger.core.recalls.recall import OnProgress, Result, Status
from ledger.core.recording.message import AppName
from ledger.errors import LedgerError, NothingEligibleError, WrongStateError
from ledger.services.recalls.approving.approvals import Approvals
from ledger.services.recalls.pacing import leases
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.services.recalls.planning.freezer import Freezer
from ledger.services.recalls.planning.plan_check import PlanCheck
from ledger.services.recalls.planning.run_in import RunIn as RunIn
from ledger.services.recalls.running.call_loop import Claim
from ledger.services.recalls.running.runner import Calls, Runner
from ledger.services.reports.recalls import RecallReports
from ledger.settings import Settings
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.faults import repeated
from ledger.store.recalls import calls, endings, lost_calls, paces, queue, recalls, schedules
from ledger.trace import request_id

log = logging.getLogger(__name__)


class Lifecycle:
    """Moves recalls from state to state, and runs them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        pace_clock: PaceClock,
        settings: Settings,
        caller: Calls,
        runner: Runner,
        reports: RecallReports,
        held: Set[int],
        freezer: Freezer,
    ) -> None:
        self._database, self._clock, self._settings = database, clock, settings
        self._reports, self._held, self._freezer = reports, held, freezer
        self._pace_clock = pace_clock
        self._caller, self._runner = caller, runner
        self._plans = PlanCheck(clock, settings)
        self._approvals = Approvals(settings)

    def run(
        self,
        recall_id: int,
        *,
        actor: str | None = None,
        is_proven: bool = False,
        break_glass: str | None = None,
        on_progress: OnProgress | None = None,
        run_in: RunIn = RunIn.CALLER,
        at_once: bool = False,
        plan_token: str | None = None,
    ) -> Result:
        """Run a plan to its end, once; raise when it is too old, was run before, or its messages have changed hands.

        Raise ApprovalNeededError when a second person has to agree; that it is wanted is noted then. With
        `break_glass`, the reason for that, it runs without, and waits for a review. With `at_once`, call although a
        wait is set: somebody knows that a ban or block is lifted. `is_proven` says that a token names the actor. With
        `plan_token`, run exactly what was shown: raise PlanTokenError when that is not its token, or not this actor's.
        """
        self.start(recall_id, actor=actor, is_proven=is_proven, break_glass=break_glass, plan_token=plan_token)
        if at_once:
            self._clear_wait(recall_id, actor)
        return self._go_on(recall_id, on_progress, run_in)

    def start(
        self,
        recall_id: int,
        *,
        actor: str | None = None,
        is_proven: bool = False,
        started_by: str | None = None,
        break_glass: str | None = None,
        plan_token: str | None = None,
    ) -> None:
        """Let a plan run, by whatever runner there is; raise as `run` does.

        `started_by` is whom the history names, for the start and for what comes of it, when nobody did it by hand; it
        stays the recall of its actor, who cannot be the second person that agrees.
        """
        with self._database.write() as connection:
            recalls.lock_activation(connection)
            if plan_token is not None:
                self._plans.check_shown(connection, recall_id, plan_token, actor)
            recall = self._plans.ready(connection, recall_id)
            who = Acting(actor or recall.actor, is_proven)
            waits = self._approvals.ask(connection, recall, who, self._clock.now(), break_glass)
            if waits is None:
                self.activate(connection, recall, Acting(started_by or who.name, is_proven), "started")
        if waits is not None:
            raise waits
        # The first calls need no more than this, and the runner goes on with it beside them.
        self._freezer.freeze_some(recall_id)

    def check_shown(self, recall_id: int, plan_token: str, actor: str) -> None:
        """Raise what `run` would raise for a plan that is to run as it was shown to somebody; nothing is done."""
        with self._database.write() as connection:
            self._plans.check_shown(connection, recall_id, plan_token, actor)
            self._plans.ready(connection, recall_id)

    def approve(
        self,
        recall_id: int,
        *,
        actor: str,
        is_proven: bool = False,
        on_progress: OnProgress | None = None,
        run_in: RunIn = RunIn.CALLER,
    ) -> Result:
        """Agree to what another person wants to run, and run it, at its moment if it has one; raise as `run` does."""
        with self._database.write() as connection:
            recalls.lock_activation(connection)
            recall = self._plans.ready(connection, recall_id, may_wait=True)
            acting = Acting(actor, is_proven)
            requested_by = self._approvals.agree(connection, recall, acting, self._clock.now())
            is_scheduled = schedules.get(connection, recall_id) is not None
            if not is_scheduled:
                self.activate(connection, recall, Acting(requested_by, is_proven), "started")
        if is_scheduled:
            # A worker starts it at its moment.
            return self._reports.result(recall_id)
        self._freezer.freeze_some(recall_id)
        return self._go_on(recall_id, on_progress, run_in)

    def refuse(self, recall_id: int, *, actor: str, reason: str, is_proven: bool = False) -> Result:
        """Do not agree to what another person wants to run; its plan is over, and what it follows is sticky no more."""
        now = self._clock.now()
        with self._database.write() as connection:
            recall = recalls.get(connection, recall_id, lock=True)
            if recall.status is not Status.PLANNED:
                raise WrongStateError(f"recall {recall_id} is {recall.status}: it does not wait for a second person")
            self._approvals.refuse(connection, recall, Acting(actor, is_proven), now, reason)
            ended = endings.cancel(connection, recall_id, now, actor)
            recalls.change(connection, recall_id, status=Status.CANCELLED, finished_at=now, moved_by=actor)
            entries = history.ended_entries(recall_id, actor, "cancelled", ended, now)
            if recall.follows is not None:
                recalls.change(connection, recall.follows, sticky_until=None)
                entries.append(
                    history.Entry(
                        at=now, event="unstuck", actor=actor, recall_id=recall.follows, detail={"until": None}
                    )
                )
            history.append(connection, entries)
        self._freezer.finish(recall_id)
        return self._reports.result(recall_id)

    def review(self, recall_id: int, *, actor: str, reason: str, is_proven: bool = False) -> Result:
        """Say, as another person, what to make of a recall that was started without a second one."""
        with self._database.write() as connection:
            recall = recalls.get(connection, recall_id, lock=True)
            self._approvals.review(connection, recall, Acting(actor, is_proven), self._clock.now(), reason)
        return self._reports.result(recall_id)

    def resume(
        self,
        recall_id: int,
        *,
        actor: str,
        on_progress: OnProgress | None = None,
        run_in: RunIn = RunIn.CALLER,
        at_once: bool = False,
    ) -> Result:
        """Go on with a recall that was paused or whose process went away; what waits to be asked again is due now.

        With `at_once`, call although a wait is set, as `run` does.
        """
        with self._database.write() as connection:
            recall = recalls.get(connection, recall_id, lock=True)
            if recall.status is Status.PLANNED:
                raise self._approvals.why_not_running(connection, recall, self._clock.now())
            if recall.status in (Status.FINISHED, Status.CANCELLED):
                raise WrongStateError(f"recall {recall_id} is {recall.status}: nothing of it waits")
            endings.make_due(connection, recall_id)
            self.activate(connection, recall, Acting(actor), "resumed")
        if at_once:
            self._clear_wait(recall_id, actor)
        return self._go_on(recall_id, on_progress, run_in)

    def retry(
        self,
        recall_id: int,
        *,
        actor: str,
        is_proven: bool = False,
        on_progress: OnProgress | None = None,
        run_in: RunIn = RunIn.CALLER,
    ) -> Result:
        """Ask again for what ended refused, partial or unknown, while its deadline lasts.

        Raise RetryTooLargeError when that goes beyond what one person may do alone.
        """
        # What was cancelled before it was copied ends so: it is not asked now.
        self._freezer.finish(recall_id)
        now = self._clock.now()
        with self._database.write() as connection:
            recalls.lock_activation(connection)
            recall = recalls.get(connection, recall_id, lock=True)
            if recall.status is Status.PLANNED:
                raise self._approvals.why_not_running(connection, recall, now)
            reopened = endings.reopen(connection, recall_id, now)
            if not reopened:
                raise NothingEligibleError(
                    f"recall {recall_id} has nothing to ask again: each message is recalled, past its 24 hours, "
                    "refused for good, or was never asked"
                )
            acting = Acting(actor, is_proven)
            self._approvals.check_retry(connection, recall, acting, now)
            endings.share_doubts(connection, recall_id)
            self.activate(connection, recall, acting, "retried", reopened=len(reopened))
            history.append(connection, history.reopened_entries(recall_id, actor, reopened, now))
        return self._go_on(recall_id, on_progress, run_in)

    def cancel(self, recall_id: int, *, actor: str) -> Result:
        """Stop a recall: what waits ends cancelled, what is in flight ends by its answer."""
        # An answer that a process kept before it died is one, too.
        self._runner.adopt()
        now = self._clock.now()
        with self._database.write() as connection:
            recall = recalls.get(connection, recall_id, lock=True)
            if recall.status is Status.FINISHED:
                raise WrongStateError(f"recall {recall_id} has finished: there is nothing left to cancel")
            dead = leases.surely_gone(lost_calls.owners(connection))
            self._pace_clock.look(connection, may_write=True)
            by = leases.time_of_leases(self._pace_clock, leases.lease_of(self._settings))
            given_up = lost_calls.give_up_lost(
                connection, now, dead, recall_id=recall_id, leases_by=by, held=frozenset(self._held)
            )
            lost = history.lost_entries(given_up, now)
            ended = endings.cancel(connection, recall_id, now, actor)
            if recall.status is not Status.CANCELLED or ended:
                recalls.change(connection, recall_id, status=Status.CANCELLED, finished_at=now, moved_by=actor)
                entries = history.ended_entries(recall_id, actor, "cancelled", ended, now)
                whole = history.Entry(
                    at=now,
                    event="cancel",
                    actor=actor,
                    recall_id=recall_id,
                    detail={"cancelled": len(ended) + recall.unfrozen_items, "by": actor},
                )
                lost += [whole, *entries]
            history.append(connection, lost)
        self._freezer.finish(recall_id)
        return self._reports.result(recall_id)

    def pause(self, recall_id: int, *, actor: str, why: str) -> Result:
        """Stop making calls until somebody resumes; what is in flight ends by its answer."""
        why = check_reason("a pause", why)
        return self._pause(recall_id, "interrupted", f"{why}: `ledger resume {recall_id}` goes on", actor)

    def _pause(self, recall_id: int, code: str, message: str, actor: str | None = None) -> Result:
        now, text = self._clock.now(), {"code": code, "message": message} | ({"by": actor} if actor else {})
        with self._database.write() as connection:
            recall = recalls.get(connection, recall_id, lock=True)
            if recall.status is Status.RUNNING:
                recalls.change(connection, recall_id, status=Status.PAUSED, error=text)
                entry = history.Entry(
                    at=now, event="paused", actor=actor or OURSELVES, recall_id=recall_id, detail=text
                )
                history.append(connection, [entry])
                log.info("recall %s paused: %s", recall_id, message, extra={"facts": {"recall": recall_id}})
        return self._reports.result(recall_id)

    def activate(
        self,
        connection: Connection,
        recall: recalls.Recall,
        acting: Acting,
        event: str,
        *,
        noted_as: str | None = None,
        **facts: int,
    ) -> None:
        """Let a recall go on, inside the transaction of who has found that it may.

        `noted_as` is whose act the history names, when that is done on behalf of who acts.
        """
        now, asked_by, actor = self._clock.now(), request_id(), acting.name
        apps = {app for app, _ in queue.apis_of(connection, recall.id)}
        rules = self._approvals.rules(connection, apps)
        detail: dict[str, Any] = {**facts, "settings": rules, "by": actor}
        if acting.is_proven:
            detail["proven"] = True
        if asked_by is not None:
            detail["request_id"] = asked_by
        recalls.change(
            connection,
            recall.id,
            status=Status.RUNNING,
            error=None,
            activated_at=_after(recall.activated_at, now),
            started_at=recall.started_at or now,
            finished_at=None,
            moved_by=actor,
        )
        entry = history.Entry(at=now, event=event, actor=noted_as or actor, recall_id=recall.id, detail=detail)
        history.append(connection, [entry])
        log.info("recall %s %s by %s", recall.id, event, actor, extra={"facts": {"recall": recall.id, "actor": actor}})

    @repeated
    def _clear_wait(self, recall_id: int, actor: str | None) -> None:
        """Let calls of a recall leave although their APIs are blocked; the history says who wanted that."""
        now = self._clock.now()
        with self._database.write() as connection:
            apis = queue.apis_of(connection, recall_id)
            before = {api: paces.lock_pace(connection, *api) for api in apis}
            for api, pace in before.items():
                paces.save_pace(connection, *api, unblocked(pace))
            self._pace_clock.look(connection, may_write=False)
            waits = [shifted(pace, self._pace_clock.to_wall).blocked_until for pace in before.values()]
            ends = [until for until in waits if until is not None and until > now]
            who = actor or recalls.get(connection, recall_id).actor
            detail = {"until": format_time(max(ends)) if ends else None}
            entry = history.Entry(at=now, event="wait_cleared", actor=who, recall_id=recall_id, detail=detail)
            history.append(connection, [entry])

    def _go_on(self, recall_id: int, on_progress: OnProgress | None, run_in: RunIn) -> Result:
        """Make the calls of a running recall, and of others of the same apps beside it, until it has ended.

        The nearest deadline goes first whichever process took a recall in hand; the result names the others. Or leave
        that to a worker; when it is one of this process, what it lacks is said at once.
        """
        others: set[int] = set()

        def goes_on(claim: Claim[calls.Call]) -> bool:
            others.update(call.recall_id for call in claim.calls if call.recall_id != recall_id)
            return recall_id in claim.going_on

        def named(result: Result) -> Result:
            return replace(result, beside=tuple(sorted(others)))

        def tell() -> None:
            if on_progress is not None:
                on_progress(named(self._reports.progress(recall_id)))

        if run_in is RunIn.ANY_WORKER:
            return self._reports.result(recall_id)
        with self._database.read() as connection:
            apps = frozenset(app for app, _ in queue.apis_of(connection, recall_id))
        error = self._unready(apps)
        if error is not None:
            return self._pause(recall_id, error.code, str(error))
        if run_in is not RunIn.CALLER:
            return self._reports.result(recall_id)
        with self._runner.presence.noted():
            self._runner.run(apps, goes_on, tell)
            return named(self._reports.result(recall_id))

    def _unready(self, apps: frozenset[AppName]) -> LedgerError | None:
        """Get ready to call for each app; return what somebody must fix first."""
        try:
            for app in sorted(apps):
                self._caller.prepare(app)
        except LedgerError as error:
            return error
        return None


def _after(moment: datetime | None, now: datetime) -> datetime:
    """Return now, or a little after `moment` when the clock does not show that it was before: no two are the same."""
    return now if moment is None else max(now, moment + timedelta(microseconds=1))
