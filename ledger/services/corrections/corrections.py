"""The life of a correction: started once from its plan, paused, resumed, cancelled. The sender makes the calls."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.actors import OURSELVES, Acting
from ledger.core.corrections.correction import OPEN, Addressed, CorrectionResult
from ledger.core.limits import check_reason
from ledger.core.recalls.plan_seal import is_of
from ledger.core.recalls.recall import Status
from ledger.core.recording.message import AppName
from ledger.errors import (
    LedgerError,
    NothingEligibleError,
    PlanChangedError,
    PlanEndedError,
    PlanTokenError,
    WrongStateError,
)
from ledger.services.corrections import gathering
from ledger.services.corrections.approvals import CorrectionApprovals
from ledger.services.corrections.correction_reports import CorrectionReports
from ledger.services.corrections.entries import entry
from ledger.services.corrections.planner import sealed_with
from ledger.services.corrections.sender import SendCalls, Sender
from ledger.services.recalls.approving.rules import rules_of
from ledger.services.recalls.approving.second_person import most_alone
from ledger.services.recalls.planning.run_in import RunIn
from ledger.services.recalls.running.call_loop import Claim
from ledger.settings import Settings
from ledger.store.audit import commitments, history
from ledger.store.corrections import correction_sends, corrections
from ledger.store.corrections.correction_sends import FROZEN_OF_SEND, LeavingSend
from ledger.store.corrections.corrections import Correction
from ledger.store.database import Database
from ledger.store.recalls import recalls
from ledger.store.recalls.frozen import fact_of
from ledger.trace import request_id

log = logging.getLogger(__name__)

OnSent = Callable[[CorrectionResult], None]


class Corrections:
    """Moves corrections from state to state, and sends them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        caller: SendCalls,
        sender: Sender,
        reports: CorrectionReports,
    ) -> None:
        self._database, self._clock, self._settings = database, clock, settings
        self._caller, self._sender, self._reports = caller, sender, reports
        self._approvals = CorrectionApprovals(settings)
        self._plan_valid = timedelta(seconds=settings.plan_valid_seconds)

    def run(
        self,
        correction_id: int,
        *,
        actor: str,
        is_proven: bool = False,
        plan_token: str | None = None,
        on_progress: OnSent | None = None,
        run_in: RunIn = RunIn.CALLER,
    ) -> CorrectionResult:
        """Send what was planned, once; raise when the plan is too old, was sent before, or no longer holds.

        Raise ApprovalNeededError when a second person has to agree; that it is wanted is noted then. With `plan_token`,
        exactly what was shown: PlanTokenError when that is not its token, or not this actor's.
        """
        acting = Acting(actor, is_proven)
        with self._database.write() as connection:
            correction, addressed = self._ready(connection, correction_id)
            if plan_token is not None:
                _check_token(correction, plan_token, actor)
            people = {user for batch in addressed.batches for user in batch.people}
            waits = self._approvals.ask(connection, correction, people, acting, self._clock.now())
            if waits is None:
                self._start(connection, correction, addressed, acting)
        if waits is not None:
            raise waits
        return self._go_on(correction_id, on_progress, run_in)

    def check_shown(self, correction_id: int, plan_token: str, actor: str) -> None:
        """Raise what `run` would raise for a plan that is to be sent as it was shown to somebody; nothing is done."""
        with self._database.write() as connection:
            correction, _ = self._ready(connection, correction_id)
            _check_token(correction, plan_token, actor)

    def approve(
        self,
        correction_id: int,
        *,
        actor: str,
        is_proven: bool = False,
        on_progress: OnSent | None = None,
        run_in: RunIn = RunIn.CALLER,
    ) -> CorrectionResult:
        """Agree to what another person wants to send, and send it; raise as `run` does."""
        with self._database.write() as connection:
            correction, addressed = self._ready(connection, correction_id)
            now = self._clock.now()
            requested_by = self._approvals.agree(connection, correction, Acting(actor, is_proven), now)
            self._start(connection, correction, addressed, Acting(requested_by, is_proven))
        return self._go_on(correction_id, on_progress, run_in)

    def refuse(self, correction_id: int, *, actor: str, reason: str, is_proven: bool = False) -> CorrectionResult:
        """Do not agree to what another person wants to send: its plan is over."""
        now = self._clock.now()
        with self._database.write() as connection:
            correction = corrections.get(connection, correction_id, lock=True)
            if correction.status is not Status.PLANNED:
                raise WrongStateError(f"{_what(correction)} is {correction.status}: it does not wait for anybody")
            self._approvals.refuse(connection, correction, Acting(actor, is_proven), now, reason)
            values: dict[str, Any] = {"status": Status.CANCELLED, "finished_at": now, "moved_by": actor}
            corrections.change(connection, correction_id, **values)
        return self._reports.result(correction_id)

    def resume(
        self,
        correction_id: int,
        *,
        actor: str,
        on_progress: OnSent | None = None,
        run_in: RunIn = RunIn.CALLER,
    ) -> CorrectionResult:
        """Go on with a correction that was paused or whose process went away: with what was not sent yet."""
        now = self._clock.now()
        with self._database.write() as connection:
            correction = corrections.get(connection, correction_id, lock=True)
            if correction.status not in OPEN:
                raise WrongStateError(f"{_what(correction)} is {correction.status}: nothing of it waits")
            correction_sends.make_due(connection, correction_id)
            values: dict[str, Any] = {"status": Status.RUNNING, "error": None, "moved_by": actor}
            corrections.change(connection, correction_id, **values)
            history.append(connection, [entry(correction, "resumed", actor, now, by=actor, **_request())])
        return self._go_on(correction_id, on_progress, run_in)

    def cancel(self, correction_id: int, *, actor: str) -> CorrectionResult:
        """Stop a correction for good: what waits is not sent, what is on its way ends by its answer."""
        # What was lost with a process that died is unknown, and waits for nobody.
        self._sender.run(frozenset(), lambda _claim: False)
        now = self._clock.now()
        with self._database.write() as connection:
            correction = corrections.get(connection, correction_id, lock=True)
            if correction.status in (Status.FINISHED, Status.CANCELLED):
                raise WrongStateError(f"{_what(correction)} is {correction.status}: there is nothing left to cancel")
            left = correction_sends.cancel_waiting(connection, correction_id, by=actor, now=now)
            values: dict[str, Any] = {"status": Status.CANCELLED, "finished_at": now, "moved_by": actor}
            corrections.change(connection, correction_id, **values)
            history.append(connection, [entry(correction, "cancelled", actor, now, sends=left, by=actor)])
        return self._reports.result(correction_id)

    def pause(self, correction_id: int, *, actor: str, why: str) -> CorrectionResult:
        """Send nothing more until somebody resumes; what is on its way ends by its answer."""
        why = check_reason("a pause", why)
        says = {"code": "interrupted", "message": f"{why}: `ledger resume` goes on", "by": actor}
        return self._pause(correction_id, says, actor)

    def _pause(self, correction_id: int, says: dict[str, str], actor: str | None = None) -> CorrectionResult:
        now = self._clock.now()
        with self._database.write() as connection:
            correction = corrections.get(connection, correction_id, lock=True)
            if correction.status is Status.RUNNING:
                corrections.change(connection, correction_id, status=Status.PAUSED, error=says)
                history.append(connection, [entry(correction, "paused", actor or OURSELVES, now, error=says)])
                log.info("%s paused: %s", _what(correction), says["message"])
        return self._reports.result(correction_id)

    def _ready(self, connection: Connection, correction_id: int) -> tuple[Correction, Addressed]:
        """Return a plan that may be sent, locked, with who gets it now; that is who was seen, or it may not."""
        now = self._clock.now()
        corrections.lock_starting(connection)
        correction = corrections.get(connection, correction_id, lock=True)
        if correction.status is not Status.PLANNED:
            raise WrongStateError(
                f"{_what(correction)} is {correction.status}: a plan is sent once. `ledger resume "
                f"{correction.recall_id}` goes on with one that stopped"
            )
        self._check_age(correction, now)
        recall = recalls.get(connection, correction.recall_id, lock=True)
        other = gathering.open_of(connection, recall.id, now)
        if other is None or other.id != correction.id:
            gathering.check_recall(connection, recall, now)
        addressed, _ = gathering.gather(connection, recall.id)
        gathering.check_not_recalled(connection, addressed, now)
        if gathering.seen_in(addressed, commitments.to_write(connection)) != correction.seen:
            raise PlanChangedError(
                f"who gets {_what(correction)} is not who was shown: messages were recalled, people erased or written "
                "to meanwhile. Nothing was sent: plan it again to see who is left"
            )
        if not addressed.people:
            raise NothingEligibleError(f"nobody gets {_what(correction)}")
        return correction, addressed

    def _check_age(self, correction: Correction, now: datetime) -> None:
        if correction.valid_until is not None:
            if now >= correction.valid_until:
                raise PlanEndedError(f"{_what(correction)} waited for a second person for too long: plan it again")
        elif now - correction.planned_at > self._plan_valid:
            minutes = self._plan_valid.total_seconds() / 60
            raise PlanEndedError(
                f"the plan of {_what(correction)} is more than {minutes:.0f} minutes old: plan it again"
            )

    def _start(self, connection: Connection, correction: Correction, addressed: Addressed, acting: Acting) -> None:
        """Write down who gets which call, and let it run."""
        now = self._clock.now()
        written = correction_sends.add(connection, correction.id, addressed.batches)
        frozen = fact_of(FROZEN_OF_SEND, written, commitments.to_write(connection), of=len(addressed.batches))
        rules = rules_of(self._settings, addressed.apps, most_alone(connection, self._settings))
        facts = {"frozen": frozen, "settings": rules, "by": acting.name, **_request()}
        if acting.is_proven:
            facts["proven"] = True
        values: dict[str, Any] = {"status": Status.RUNNING, "started_at": now, "moved_by": acting.name}
        corrections.change(connection, correction.id, **values)
        history.append(connection, [entry(correction, "started", acting.name, now, **facts)])
        log.info("%s started by %s", _what(correction), acting.name, extra={"facts": {"recall": correction.recall_id}})

    def _go_on(self, correction_id: int, on_progress: OnSent | None, run_in: RunIn) -> CorrectionResult:
        """Send what is left of a running correction, or leave that to a worker; what is missing for it is said."""

        def goes_on(claim: Claim[LeavingSend]) -> bool:
            return correction_id in claim.going_on

        def tell() -> None:
            if on_progress is not None:
                on_progress(self._reports.result(correction_id))

        if run_in is RunIn.ANY_WORKER:
            return self._reports.result(correction_id)
        with self._database.read() as connection:
            apps = frozenset(correction_sends.apps_of(connection, correction_id))
        error = self._unready(apps)
        if error is not None:
            return self._pause(correction_id, {"code": error.code, "message": str(error)})
        if run_in is RunIn.CALLER:
            with self._sender.presence.noted():
                self._sender.run(apps, goes_on, tell)
        return self._reports.result(correction_id)

    def _unready(self, apps: frozenset[AppName]) -> LedgerError | None:
        try:
            for app in sorted(apps):
                self._caller.prepare(app)
        except LedgerError as error:
            return error
        return None


def _check_token(correction: Correction, plan_token: str, actor: str) -> None:
    bound = sealed_with(correction.recall_id, correction.text, correction.seen)
    if actor != correction.actor or not is_of(plan_token, correction.plan, actor=actor, selection=bound):
        raise PlanTokenError(
            f"this is not the token of plan {correction.id}, or it was shown to somebody else: plan it again"
        )


def _what(correction: Correction) -> str:
    return f"the correction of recall {correction.recall_id}"


def _request() -> dict[str, Any]:
    asked_by = request_id()
    return {"request_id": asked_by} if asked_by is not None else {}
