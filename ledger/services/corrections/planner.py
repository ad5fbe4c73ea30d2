"""Planning a correction: gather who lost a message, let core decide who gets one, write down what it would do."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.actors import Acting, check_actor
from ledger.core.corrections.correction import SEND_API, Addressed, CorrectionPlan, campaign_of
from ledger.core.corrections.correction_text import CorrectionText, preview_of
from ledger.core.limits import check_reason
from ledger.core.recalls.approval import Approval
from ledger.core.recalls.pace import seconds_for, shifted
from ledger.core.recalls.plan_seal import sealed
from ledger.core.recalls.quota import bounds_of, month_of, quota
from ledger.core.recalls.recall import Status
from ledger.core.recording.message import AppName
from ledger.services.corrections import gathering
from ledger.services.corrections.approvals import CorrectionApprovals
from ledger.services.corrections.entries import entry
from ledger.services.recalls.approving.rules import rules_of
from ledger.services.recalls.approving.second_person import most_alone
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.services.recalls.planning.planner import TOKEN_BEGIN, TOKEN_BYTES
from ledger.services.recalls.planning.preflight import Preflight
from ledger.services.recalls.planning.run_in import RunIn
from ledger.settings import Settings
from ledger.store.audit import commitments, history
from ledger.store.corrections import corrections
from ledger.store.database import Database
from ledger.store.recalls import paces, recalls, usage
from ledger.store.recalls.recalls import Recall

# What stands beside the plan that is kept, or follows from that.
_NOT_KEPT = ("msg_param", "preview")


class CorrectionPlanner:
    """Makes plans of corrections; sends nothing."""

    def __init__(
        self, database: Database, clock: Clock, pace_clock: PaceClock, settings: Settings, preflight: Preflight
    ) -> None:
        self._database, self._clock, self._pace_clock, self._settings = database, clock, pace_clock, settings
        self._preflight, self._approvals = preflight, CorrectionApprovals(settings)
        self._valid_for = timedelta(seconds=settings.plan_valid_seconds)

    def plan(
        self,
        recall_id: int,
        text: CorrectionText,
        *,
        reason: str,
        actor: str,
        is_proven: bool = False,
        keeps_empty: bool = True,
        run_in: RunIn = RunIn.CALLER,
    ) -> CorrectionPlan:
        """Write down who gets a correction of a recall and what that takes; one for nobody only if `keeps_empty`.

        Raise UnknownRecallError, WrongStateError while the recall has not finished or another correction of it is under
        way, InputError for no reason or actor.
        """
        check_reason("a correction", reason)
        check_actor(actor)
        now = self._clock.now()
        with self._database.read() as connection:
            recall = recalls.get(connection, recall_id)
            gathering.check_recall(connection, recall, now)
            addressed, others = gathering.gather(connection, recall_id)
            gathering.check_not_recalled(connection, addressed, now)
            plan = self._plan(connection, recall, text, addressed, others.messages, now)
            people = {user for batch in addressed.batches for user in batch.people}
            acting = Acting(actor, is_proven)
            if self._approvals.reach(connection, recall_id, people, acting, now) is not None:
                plan = replace(plan, approval=Approval())
            facts = {"eligible": plan.people, "quota": plan.quota, "approval": plan.approval}
            stops = self._preflight.stops(connection, facts, addressed.apps, run_in)
        plan = replace(plan, stops=stops, token=TOKEN_BEGIN + secrets.token_urlsafe(TOKEN_BYTES))
        if not plan.people and not keeps_empty:
            return plan
        return self._write(plan, text, addressed, reason, actor, now)

    def _plan(
        self,
        connection: Connection,
        recall: Recall,
        text: CorrectionText,
        addressed: Addressed,
        by_hand: Mapping[str, int],
        now: datetime,
    ) -> CorrectionPlan:
        calls = len(addressed.batches)
        used = usage.used_calls(connection, month_of(now), *bounds_of(now))
        counts = addressed.counts()
        robots: dict[str, int] = {}
        for batch in addressed.batches:
            robots[batch.robot_code] = robots.get(batch.robot_code, 0) + len(batch.people)
        return CorrectionPlan(
            correction_id=0,
            recall_id=recall.id,
            status=Status.PLANNED,
            people=addressed.people,
            calls=calls,
            skipped=sum(counts.values()),
            skipped_by_reason=counts,
            by_hand=by_hand,
            campaign=campaign_of(recall.id, recall.selection),
            msg_key=text.msg_key,
            msg_param=text.msg_param,
            preview=preview_of(text),
            estimated_seconds=self._seconds(connection, addressed),
            quota=quota(self._settings.monthly_calls, used, calls, self._settings.quota_reserve_calls),
            robots=robots,
            earlier=tuple(sorted(one.id for one in corrections.started_of(connection, recall.id))),
            valid_until=now + self._valid_for,
        )

    def _seconds(self, connection: Connection, addressed: Addressed) -> float:
        """Return how long it takes: every app sends at a rate of its own, all at the same time."""
        self._pace_clock.look(connection, may_write=False)
        calls: dict[AppName, int] = {}
        for batch in addressed.batches:
            calls[batch.app] = calls.get(batch.app, 0) + 1
        now, to_wall = self._clock.now(), self._pace_clock.to_wall
        seconds = [
            seconds_for(
                shifted(paces.read_pace(connection, app, SEND_API), to_wall), count, now, self._settings.rate_of(app)
            )
            for app, count in calls.items()
        ]
        return round(max(seconds, default=0.0), 3)

    def _write(
        self,
        plan: CorrectionPlan,
        text: CorrectionText,
        addressed: Addressed,
        reason: str,
        actor: str,
        now: datetime,
    ) -> CorrectionPlan:
        with self._database.write() as connection:
            seen = gathering.seen_in(addressed, commitments.to_write(connection))
            says = {name: value for name, value in plan.to_json().items() if name not in _NOT_KEPT}
            # Its number is beside it, and is not known yet.
            kept = sealed(says, plan.token, actor=actor, selection=sealed_with(plan.recall_id, text, seen))
            values: dict[str, Any] = {
                "recall_id": plan.recall_id,
                "reason": reason,
                "actor": actor,
                "campaign": plan.campaign,
                "msg_key": text.msg_key,
                "msg_param": text.msg_param,
                "plan": kept,
                "seen": seen,
                "planned_at": now,
            }
            number = corrections.create(connection, values)
            facts = {name: values[name] for name in ("reason", "campaign", "msg_key", "plan", "seen")}
            rules = rules_of(self._settings, addressed.apps, most_alone(connection, self._settings))
            made = corrections.get(connection, number)
            planned = entry(made, "planned", actor, now, **facts, msg_param=text.digest, settings=rules)
            history.append(connection, [planned])
        return replace(plan, correction_id=number)


def sealed_with(recall_id: int, text: CorrectionText, seen: str) -> Mapping[str, Any]:
    """Return what the token of a plan is bound to beside its figures: what is said, and to whom."""
    return {"recall": recall_id, "msg_key": text.msg_key, "msg_param": text.digest, "seen": seen}
