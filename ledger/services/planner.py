"""Planning a recall: gather what is selected, let core decide, freeze it with its items."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.message import AppName, Route
from ledger.core.plan import Candidate, Forecast, Standing, Tally
from ledger.core.quota import bounds_of, month_of, quota
from ledger.core.recall import Plan, Status
from ledger.core.selection import Selection
from ledger.errors import EmptySelectionError, InputError, NothingEligibleError
from ledger.settings import Settings
from ledger.store import history, recalls, usage
from ledger.store.database import Database
from ledger.store.messages import candidates, count_known_keys

BATCH_ROWS = 5000
MANY_ITEMS = 2000
# What another recall has recalled stands in that recall's history already.
_NOT_KEPT = (Standing.ALREADY_RECALLED,)


class Planner:
    """Makes plans; calls nothing."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database, self._clock, self._settings = database, clock, settings
        self.valid_for = timedelta(seconds=settings.plan_valid_seconds)

    def plan(self, selection: Selection, *, reason: str, actor: str, include_shared: bool = False) -> Plan:
        """Freeze a selection as a planned recall with its items, and say what running it would do.

        Raise EmptySelectionError, InputError for a missing reason or actor, UnknownAppError for a robot of no app.
        """
        return self._plan_whole(selection, reason, actor, include_shared=include_shared, follows=None)

    def follow(self, recall: recalls.Recall) -> Plan | None:
        """Plan a recall of what arrived late for a sticky one, or nothing when none of it is eligible."""
        selection = Selection.from_json(recall.selection)
        with suppress(NothingEligibleError):
            return self._plan_whole(
                selection, recall.reason, recall.actor, include_shared=recall.include_shared, follows=recall.id
            )
        return None

    def _plan_whole(
        self, selection: Selection, reason: str, actor: str, *, include_shared: bool, follows: int | None
    ) -> Plan:
        if selection.is_empty:
            raise EmptySelectionError
        for name, text in (("reason", reason), ("actor", actor)):
            if not text.strip() or "\x00" in text:
                raise InputError(f"a recall needs a {name}: the history keeps it")
        now = self._clock.now()
        tally = Tally(now=now, asked=frozenset(selection.users), include_shared=include_shared)
        with self._database.write() as connection:
            recalls.prefer_indexes(connection)
            recall_id = recalls.create(
                connection,
                reason=reason,
                actor=actor,
                selection=selection.to_json(),
                include_shared=include_shared,
                planned_at=now,
                follows=follows,
            )
            lanes: dict[Route, int] = {}
            for batch in candidates(connection, selection, self._app_of, BATCH_ROWS):
                self._freeze(connection, recall_id, batch, tally, lanes)
            used = usage.used_calls(connection, month_of(now), *bounds_of(now))
            unrecorded = len(selection.keys) - count_known_keys(connection, selection.keys) if selection.keys else 0
            plan = replace(self._plan(recall_id, tally, used), unrecorded_keys=unrecorded)
            if follows is not None and not plan.eligible:
                # Nobody asked for this plan by hand, so nobody has to see that it is empty: nothing is written.
                raise NothingEligibleError
            recalls.freeze(connection, recall_id, plan.to_json(), next_lane=len(lanes))
            detail = {"reason": reason, "selection": selection.to_json(), "plan": plan.to_json(), "follows": follows}
            entry = history.Entry(at=now, event="planned", actor=actor, recall_id=recall_id, detail=detail)
            history.append(connection, [entry])
        if plan.eligible >= MANY_ITEMS:
            with self._database.write() as connection:
                recalls.refresh_statistics(connection)
        return plan

    def _app_of(self, robot: str) -> AppName:
        return AppName(self._settings.app_of(robot))

    def _freeze(
        self,
        connection: Connection,
        recall_id: int,
        batch: Sequence[Candidate],
        tally: Tally,
        lanes: dict[Route, int],
    ) -> None:
        taken, skipped = [], []
        for candidate in batch:
            standing = tally.add(candidate)
            if standing is Standing.ELIGIBLE:
                lane = lanes.setdefault(candidate.route, len(lanes))
                taken.append(recalls.Taken(message_id=candidate.message_id, app=candidate.route.app, lane=lane))
            elif standing not in _NOT_KEPT:
                skipped.append(recalls.Skipped(message_id=candidate.message_id, standing=standing))
        recalls.take(connection, recall_id, taken)
        recalls.skip(connection, recall_id, skipped)

    def _plan(self, recall_id: int, tally: Tally, used: int) -> Plan:
        forecast: Forecast = tally.forecast({route.app: self._settings.rate_of(route.app) for route in tally.deadlines})
        first, last = tally.span()
        counts = tally.counts
        return Plan(
            recall_id=recall_id,
            status=Status.PLANNED,
            eligible=counts[Standing.ELIGIBLE],
            expired=counts[Standing.EXPIRED],
            already_recalled=counts[Standing.ALREADY_RECALLED],
            in_progress=counts[Standing.IN_PROGRESS],
            shared_skipped=counts[Standing.SHARED],
            recipients=len(tally.people),
            other_recipients=len(tally.others),
            calls=forecast.calls,
            estimated_seconds=forecast.estimated_seconds,
            will_expire_first=forecast.will_expire_first,
            quota=quota(self._settings.monthly_calls, used, forecast.calls, self._settings.quota_reserve_calls),
            robots=tally.robots,
            first_deadline=first,
            last_deadline=last,
        )
