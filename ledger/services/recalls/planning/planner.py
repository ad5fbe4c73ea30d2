"""Planning a recall: gather what is selected, let core decide, keep what it takes until it is run."""

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.actors import EXPIRY, check_acting
from ledger.core.access.bounds import Bounds
from ledger.core.campaigns.look_alikes import MOST_SHOWN, Likeness, LookAlike, like_pairs, look_alikes
from ledger.core.limits import check_reason
from ledger.core.recalls.approval import Approval
from ledger.core.recalls.pace import shifted
from ledger.core.recalls.plan import Forecast, Standing, Tally
from ledger.core.recalls.plan_messages import LeftOut, PlanMessages
from ledger.core.recalls.plan_seal import sealed
from ledger.core.recalls.quota import bounds_of, month_of, quota
from ledger.core.recalls.recall import Plan, PlannedCampaign, PlannedExcerpt, Status
from ledger.core.recalls.selection import Selection
from ledger.core.recalls.stop import PlanStop
from ledger.errors import EmptySelectionError, ForbiddenError
from ledger.services.recalls.approving.approvals import Approvals
from ledger.services.recalls.approving.reach import Starting
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.services.recalls.planning.also_waiting import also_waiting
from ledger.services.recalls.planning.preflight import Preflight
from ledger.services.recalls.planning.run_in import RunIn
from ledger.services.upkeep.robots import app_of
from ledger.settings import Settings
from ledger.store.audit import commitments, history
from ledger.store.campaigns.campaigns import campaign_names
from ledger.store.database import Database
from ledger.store.persons.people import count_people
from ledger.store.recalls import paces, plan_messages, plans, recalls, usage
from ledger.store.recalls.candidates import Campaigns, candidates, holders
from ledger.store.recalls.late import is_late
from ledger.store.recording import excerpts
from ledger.store.recording.expiring import next_due
from ledger.store.recording.messages import count_known_keys

BATCH_ROWS = 1000
# A plan that takes some of more campaigns does not name each.
MOST_CAMPAIGNS = 100
# So many vanish in one recall, and those after them in the next one.
MOST_EXPIRING = 5000
EXPIRED = "it was sent to vanish after a while"
# The token of a plan: nobody can guess it, and everybody sees what it is.
TOKEN_BEGIN, TOKEN_BYTES = "plan_", 24

_KINDS = tuple(Likeness)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What somebody wants to recall, and why; of a recall that it follows, only what came too late."""

    selection: Selection
    reason: str
    actor: str
    include_shared: bool
    follows: recalls.Recall | None = None
    is_proven: bool = False
    keeps_empty: bool = True
    run_in: RunIn = RunIn.CALLER
    is_by_itself: bool = False

    def tally(self, now: datetime) -> Tally:
        """Return sums that are still zero."""
        return Tally(now=now, asked=frozenset(self.selection.users), include_shared=self.include_shared)

    def begin(self, connection: Connection, now: datetime) -> int:
        """Begin the plan; return its number."""
        return plans.create(
            connection,
            reason=self.reason,
            actor=self.actor,
            selection=self.selection.to_json(),
            include_shared=self.include_shared,
            planned_at=now,
            follows=self._followed,
        )

    def entry(
        self,
        recall_id: int,
        plan: Mapping[str, Any],
        now: datetime,
        seen: str,
        rules: Mapping[str, Any],
        selection: Mapping[str, Any],
    ) -> history.Entry:
        """Return what the history says of the plan, of what it saw, and of the settings that were its rules."""
        asked = {
            "reason": self.reason,
            "selection": selection,
            "include_shared": self.include_shared,
        }
        detail = {
            **asked,
            "plan": plan,
            "follows": self._followed,
            "seen": seen,
            "settings": rules,
        }
        return history.Entry(at=now, event="planned", actor=self.actor, recall_id=recall_id, detail=detail)

    @property
    def _followed(self) -> int | None:
        return self.follows.id if self.follows is not None else None


class Planner:
    """Makes plans; calls nothing."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        pace_clock: PaceClock,
        settings: Settings,
        catch_up: Callable[[], None],
        preflight: Preflight,
    ) -> None:
        self._database, self._clock, self._settings, self._catch_up = database, clock, settings, catch_up
        self._pace_clock, self._approvals, self._preflight = pace_clock, Approvals(settings), preflight
        self._told: set[tuple[int, str]] = set()
        self.valid_for = timedelta(seconds=settings.plan_valid_seconds)

    def plan(
        self,
        selection: Selection,
        *,
        reason: str,
        actor: str,
        include_shared: bool = False,
        is_proven: bool = False,
        keeps_empty: bool = True,
        run_in: RunIn = RunIn.CALLER,
    ) -> Plan:
        """Keep what a selection takes as a planned recall, and say what running it would do; no message is copied.

        One that takes nothing is kept as well, unless told not to: it is of recall 0 then. What waits in the
        spool is caught up with first: it may be what somebody wants to have back.
        `run_in` says who is to make the calls, of whom the plan says what would stop it. The plan has a token, which is
        kept nowhere. Raise EmptySelectionError, InputError for no reason or actor, or one that cannot be kept.
        """
        if selection.is_empty:
            raise EmptySelectionError
        if beyond := sorted(one for one in selection.campaigns if not selection.bounds.hold_campaign(one)):
            raise ForbiddenError(f"{actor} may not touch messages of campaign {beyond[0]!r}")
        wanted = _Wanted(
            selection=selection,
            reason=check_reason("a recall", reason),
            actor=check_acting(actor),
            include_shared=include_shared,
            is_proven=is_proven,
            keeps_empty=keeps_empty,
            run_in=run_in,
        )
        self._catch_up()
        plan = self._plan_whole(wanted)
        assert plan is not None  # noqa: S101  (only one that follows another may come to nothing)
        return plan

    def plan_again(
        self, recall_id: int, *, actor: str, bounds: Bounds, is_proven: bool = False, run_in: RunIn = RunIn.CALLER
    ) -> Plan:
        """Plan what an earlier plan selected once more, as it is now, within what somebody may touch."""
        with self._database.read() as connection:
            earlier = recalls.get(connection, recall_id)
        selection = Selection.from_json(earlier.selection)
        return self.plan(
            replace(selection, within=bounds.robots, within_campaigns=bounds.campaigns),
            reason=earlier.reason,
            actor=actor,
            include_shared=earlier.include_shared,
            is_proven=is_proven,
            run_in=run_in,
        )

    def excerpts_of(self, recall_id: int) -> tuple[PlannedExcerpt, ...]:
        """Return what most messages of a plan say, as far as it is kept and they are still there."""
        if not self._settings.keep_excerpt:
            return ()
        with self._database.read() as connection:
            seen = plan_messages.unfrozen(connection, recall_id)
            return excerpts.most_frequent(connection, seen.taken) if seen is not None else ()

    def follow(self, recall: recalls.Recall) -> Plan | None:
        """Plan a recall of what arrived late for a sticky one, or nothing when none of it is eligible."""
        wanted = _Wanted(
            selection=Selection.from_json(recall.selection),
            reason=recall.reason,
            actor=recall.actor,
            include_shared=recall.include_shared,
            follows=recall,
            is_by_itself=True,
        )
        return self._plan_whole(wanted)

    def expiring(self, until: datetime) -> Plan | None:
        """Plan a recall of what shall vanish by itself by a moment, or nothing when none of it is eligible."""
        wanted = _Wanted(
            selection=Selection(expires_until=until),
            reason=EXPIRED,
            actor=EXPIRY,
            include_shared=True,
            is_by_itself=True,
        )
        return self._plan_whole(wanted)

    def _plan_whole(self, wanted: "_Wanted") -> Plan | None:
        """Read what is selected in one state of the database, decide, and only then write one row."""
        now = self._clock.now()
        tally, left_out, campaigns = wanted.tally(now), LeftOut(), Campaigns()
        with self._database.read() as snapshot, plans.reading_all_once(snapshot):
            which = is_late(snapshot, wanted.follows, now) if wanted.follows else None
            if wanted.selection.expires_until is not None:
                which = next_due(wanted.selection.expires_until, MOST_EXPIRING)
            apps = partial(app_of, self._settings)
            for candidate in candidates(snapshot, wanted.selection, apps, BATCH_ROWS, which, campaigns):
                left_out.add(candidate, tally.add(candidate))
            if wanted.is_by_itself:
                self._tell_of_unconfigured(wanted.follows, tally)
                if not tally.counts[Standing.ELIGIBLE]:
                    # Nobody asked for this plan by hand, so nobody has to see that it is empty.
                    return None
            messages = PlanMessages.of(tally, left_out, list(campaigns))
            plan = self._plan(snapshot, wanted.selection, tally, messages)
        if not plan.eligible and not wanted.keeps_empty:
            return plan
        if not wanted.is_by_itself and self._needs_approval(wanted, plan, messages, now):
            plan = replace(plan, approval=Approval())
        if not wanted.is_by_itself:
            token = TOKEN_BEGIN + secrets.token_urlsafe(TOKEN_BYTES)
            plan = replace(plan, token=token, stops=self._stops(wanted, plan, messages))
        return self._write(wanted, replace(plan, valid_until=now + self.valid_for), messages, now)

    def _write(self, wanted: _Wanted, plan: Plan, messages: PlanMessages, now: datetime) -> Plan:
        """Write the plan down; what was read is not held open meanwhile, for that would take a second connection."""
        with self._database.write() as connection:
            plan = replace(plan, recall_id=wanted.begin(connection, now))
            asked = wanted.selection.to_json()
            kept = sealed(plan.to_json(), plan.token, actor=wanted.actor, selection=asked)
            seen = plans.complete(connection, plan.recall_id, kept, messages)
            rules = self._approvals.rules(connection, {app for app, _ in messages.apis})
            selection = commitments.to_write(connection).selection(asked)
            entry = wanted.entry(plan.recall_id, kept, now, seen, rules, selection)
            history.append(connection, [entry])
        return plan

    def _stops(self, wanted: _Wanted, plan: Plan, messages: PlanMessages) -> tuple[PlanStop, ...]:
        apps = {app for app, _ in messages.apis}
        with self._database.read() as connection:
            return self._preflight.stops(connection, plan.to_json(), apps, wanted.run_in)

    def _tell_of_unconfigured(self, recall: recalls.Recall | None, tally: Tally) -> None:
        """Say once of each robot that messages wait for somebody to configure it; nobody sees their plan."""
        new = {(recall.id if recall else 0, robot) for robot in tally.unconfigured} - self._told
        self._told |= new
        what = f"sticky recall {recall.id}" if recall else "what shall vanish by itself"
        for _, robot in sorted(new):
            log.warning("%s: messages of robot %s wait: no app is configured for it", what, robot)

    def _needs_approval(self, wanted: _Wanted, plan: Plan, messages: PlanMessages, now: datetime) -> bool:
        starting = Starting(
            recall_id=None,
            people=plan.recipients,
            messages=plan.eligible,
            names=frozenset({wanted.actor}),
            is_proven=wanted.is_proven,
            plan=messages,
        )
        with self._database.read() as connection:
            return self._approvals.reach(connection, starting, now) is not None

    def _plan(self, snapshot: Connection, selection: Selection, tally: Tally, messages: PlanMessages) -> Plan:
        apis = messages.apis
        rates = {app: self._settings.rate_of(app) for app, _ in apis}
        self._pace_clock.look(snapshot, may_write=False)
        to_wall = self._pace_clock.to_wall
        stored = {api: shifted(paces.read_pace(snapshot, *api), to_wall) for api in apis}
        forecast: Forecast = tally.forecast(rates, stored)
        used = usage.used_calls(snapshot, month_of(tally.now), *bounds_of(tally.now))
        first, last = tally.span()
        counts = tally.counts
        known = count_known_keys(snapshot, selection.keys, selection.bounds) if selection.keys else 0
        return Plan(
            recall_id=0,
            status=Status.PLANNED,
            eligible=counts[Standing.ELIGIBLE],
            expired=counts[Standing.EXPIRED],
            already_recalled=counts[Standing.ALREADY_RECALLED],
            in_progress=counts[Standing.IN_PROGRESS],
            shared_skipped=counts[Standing.SHARED],
            recipients=count_people(snapshot, messages.taken),
            other_recipients=_count_others(snapshot, selection, messages),
            calls=forecast.calls,
            estimated_seconds=forecast.estimated_seconds,
            will_expire_first=forecast.will_expire_first,
            quota=quota(self._settings.monthly_calls, used, forecast.calls, self._settings.quota_reserve_calls),
            robots=tally.robots,
            first_deadline=first,
            last_deadline=last,
            unrecorded_keys=len(selection.keys) - known,
            unconfigured=counts[Standing.UNCONFIGURED],
            unconfigured_robots=tally.unconfigured,
            held_by=tuple(holders(snapshot, selection)) if counts[Standing.IN_PROGRESS] else (),
            by_campaign=_by_campaign(messages),
            look_alikes=_look_alikes(snapshot, selection),
            like_pairs=like_pairs(selection.campaigns & set(messages.campaigns)),
            recalled_elsewhere=counts[Standing.ELSEWHERE],
            excerpts=excerpts.most_frequent(snapshot, messages.taken) if self._settings.keep_excerpt else (),
            also_waiting=also_waiting(snapshot, messages.taken, tally.now),
        )


def _by_campaign(messages: PlanMessages) -> tuple[PlannedCampaign, ...] | None:
    if len(messages.campaigns) > MOST_CAMPAIGNS:
        return None
    # In the order in which the decision names them.
    counted = sorted(messages.by_campaign().items(), key=lambda one: (one[0] is None, one[0] or ""))
    return tuple(
        PlannedCampaign(campaign=campaign, messages=count, deliveries=deliveries)
        for campaign, (count, deliveries) in counted
    )


def _look_alikes(snapshot: Connection, selection: Selection) -> tuple[LookAlike, ...]:
    """Return the recorded campaigns, within bounds, that one could take for those that were named, and that there are.

    Of a name that there is nothing of, what is near is rather what was meant.
    """
    if not selection.campaigns:
        return ()
    known = set(campaign_names(snapshot, selection.bounds))
    others = sorted(known - selection.campaigns)
    found = [one for meant in sorted(selection.campaigns & known) for one in look_alikes(meant, others)]
    # One that looks like several is named once, with what makes it most alike.
    nearest = {one.campaign: one for one in sorted(found, key=lambda one: -_KINDS.index(one.differs_in))}
    return tuple(nearest[name] for name in dict.fromkeys(one.campaign for one in found))[:MOST_SHOWN]


def _count_others(snapshot: Connection, selection: Selection, messages: PlanMessages) -> int:
    """Return whom a recall for some people concerns beside them, with what it leaves out for their sake."""
    if not selection.users:
        return 0
    concerned = [*messages.taken, *messages.skipped_as(Standing.SHARED)]
    return count_people(snapshot, concerned, other_than=selection.users)
