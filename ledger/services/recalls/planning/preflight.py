"""The preflight of a plan: what would stop it, told by what is known here. Nothing is asked, so nothing is metered."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock, format_time
from ledger.core.recalls.pauses import without_next_step
from ledger.core.recalls.stop import OF_PAUSES, PlanStop, StopCode
from ledger.core.recording.message import AppName
from ledger.dingtalk.credentials import check_credentials
from ledger.errors import CredentialsError, UnknownAppError
from ledger.services.recalls.planning.run_in import RunIn
from ledger.services.upkeep.chores import HEARTBEAT, HEARTBEAT_STOPPED
from ledger.settings import Settings
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.recalls import queue, recalls
from ledger.store.upkeep import chores
from ledger.store.upkeep.fitness import is_read_only

MOST_PAUSED = 50


class Preflight:
    """Says what would stop a plan if it ran now; `plan` is its JSON."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database, self._clock, self._settings = database, clock, settings

    def of_recall(self, recall_id: int, run_in: RunIn) -> tuple[PlanStop, ...]:
        """Return what would stop a plan that was made before; raise UnknownRecallError."""
        with self._database.read() as connection:
            recall = recalls.get(connection, recall_id)
            apps = {app for app, _ in queue.apis_of(connection, recall_id)}
            found = self.stops(connection, recall.plan, apps, run_in)
        if is_read_only(self._database):
            text = "the database can only be read: nothing can be started, nor written down (`ledger doctor`)"
            found = (PlanStop(code=StopCode.DATABASE_READ_ONLY, text=text), *found)
        return found

    def stops(
        self, connection: Connection, plan: Mapping[str, Any], apps: Collection[AppName], run_in: RunIn
    ) -> tuple[PlanStop, ...]:
        """Return what would stop a plan that takes messages of these apps, run by whoever `run_in` says."""
        if not plan["eligible"]:
            return ()
        return (
            *_of_plan(plan),
            *self._of_credentials(apps, run_in),
            *_of_paused(connection, apps, plan["quota"]),
            *self._of_worker(connection, run_in),
        )

    def _of_credentials(self, apps: Collection[AppName], run_in: RunIn) -> Iterator[PlanStop]:
        if run_in is RunIn.ANY_WORKER:
            # A worker elsewhere may have what is not here.
            return
        for app in sorted(apps):
            try:
                check_credentials(app, self._settings.app(app))
            except (CredentialsError, UnknownAppError) as error:
                yield PlanStop(code=StopCode.CREDENTIALS_MISSING, text=str(error), app=app)

    def _of_worker(self, connection: Connection, run_in: RunIn) -> Iterator[PlanStop]:
        if run_in is not RunIn.ANY_WORKER:
            return
        seen = chores.last_done(connection, HEARTBEAT)
        if seen is None or self._clock.now() - seen > HEARTBEAT_STOPPED:
            text = "no worker is at work: it would wait until one is (`ledger worker`)"
            yield PlanStop(code=StopCode.WORKER_ABSENT, text=text)


def _of_plan(plan: Mapping[str, Any]) -> Iterator[PlanStop]:
    if plan.get("approval") is not None:
        text = "a second person has to agree before it runs (`ledger approve`)"
        yield PlanStop(code=StopCode.APPROVAL_NEEDED, text=text)
    if (short := -plan["quota"]["after"]) > 0:
        text = f"the month's quota is {short:,} calls too short: it would pause when that is used up"
        yield PlanStop(code=StopCode.QUOTA_SHORT, text=text)
    if count := plan.get("unconfigured"):
        text = f"{count:,} messages are of robots of no app, and are left out: add them to `robots` of an app"
        yield PlanStop(code=StopCode.ROBOT_UNCONFIGURED, text=text)


def _of_paused(connection: Connection, apps: Collection[AppName], quota: Mapping[str, int]) -> Iterator[PlanStop]:
    """Yield why other recalls of the same apps are paused, each reason of an app once: what was so, and since when."""
    first: dict[tuple[AppName, str], recalls.Recall] = {}
    for recall in recalls.paused(connection, MOST_PAUSED):
        code = (recall.error or {}).get("code")
        if code in OF_PAUSES:
            for app in sorted({app for app, _ in queue.apis_of(connection, recall.id)}.intersection(apps)):
                first.setdefault((app, code), recall)
    entries = history.latest_of(connection, [one.id for one in first.values()], ("paused",)) if first else ()
    paused_at = {entry.recall_id: entry.at for entry in entries}
    for (app, code), recall in first.items():
        since, why = paused_at.get(recall.id), (recall.error or {}).get("message", "")
        at = "" if since is None else f" at {format_time(since.replace(microsecond=0))}"
        text = f"recall {recall.id} of the same app was paused{at}, because {why}"
        if code == StopCode.QUOTA_USED_UP:
            text = f"{without_next_step(text)}; the ledger counts {max(quota['limit'] - quota['used'], 0):,} calls left"
        yield PlanStop(code=StopCode(code), text=text, app=app, recall_id=recall.id, since=since)
