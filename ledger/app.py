"""The ledger as its users hold it: one object, whose methods are what a door may ask for."""

import atexit
import getpass
import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ledger.clock import Clock
from ledger.core.campaign import CampaignLine
from ledger.core.check_up import Check, CheckUp
from ledger.core.limits import check_actor
from ledger.core.message import Chat
from ledger.core.recall import Item, Outcome, Plan, Result, Status
from ledger.core.selection import select
from ledger.errors import DatabaseError, InputError
from ledger.integrations import clients, tags
from ledger.integrations.following import Watching
from ledger.parts import Parts
from ledger.services.recalls.leases import own_name
from ledger.services.recalls.lifecycle import OnProgress, RunIn
from ledger.services.recording.batches import Imported, OnRejected, WriteCounts
from ledger.services.recording.rows import Defaults, Line, read_row, reader, within
from ledger.services.recording.spool_replay import Replayed
from ledger.services.recording.tagger import Tagged
from ledger.services.reports.recalls import RecallReport
from ledger.services.reports.verifier import Verification
from ledger.services.upkeep import readiness
from ledger.services.upkeep.chores import Chores
from ledger.services.upkeep.purger import Purged
from ledger.settings import Settings
from ledger.spool.spool import Depth
from ledger.store.database import Database
from ledger.store.items import Reason

if TYPE_CHECKING:
    from httpx import BaseTransport

    from ledger.scheduler import Worker

Watched = TypeVar("Watched")

log = logging.getLogger(__name__)


class Ledger:
    """The recall ledger. Nothing is opened before the first use; `close` when done (it also happens at exit).

    Without settings, they come from the environment; tests hand in a clock, an executor and a transport of httpx.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        clock: Clock | None = None,
        executor: Executor | None = None,
        transport: "BaseTransport | None" = None,
    ) -> None:
        self.parts = Parts(settings or Settings.load(), clock, executor, transport)
        self.settings, self.clock = self.parts.settings, self.parts.clock
        atexit.register(self.close)

    @property
    def database(self) -> Database:
        """The database, whether or not it is open yet."""
        return self.parts.database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Open the database now, as the first use would; raise DatabaseError when it is away or its tables are old."""
        self.parts.opened()

    def close(self) -> None:
        """Write what was handed in, to the database or the spool, and close every connection; may be called twice.

        A recall that runs in another thread opens no more calls, and those in flight are waited for; it goes on with
        `resume`, or in any worker.
        """
        atexit.unregister(self.close)
        self.parts.close()

    def record(
        self,
        *,
        process_query_key: str,
        robot_code: str,
        user_ids: Sequence[str] = (),
        campaign: str | None = None,
        sent_at: datetime | str | None = None,
        open_conversation_id: str | None = None,
        source: str | None = None,
        chat: Chat | str | None = None,
    ) -> WriteCounts:
        """Record one message and return once it is on disk; without `sent_at` it counts as sent now.

        Without a chat kind, one that has a conversation is taken for a group message.

        On disk is in the database, or in the spool while the database is away. Raise InvalidMessageError (a naive
        time, a key over 1,024 characters, ...); then nothing was recorded.
        """
        row = {
            "process_query_key": process_query_key,
            "robot_code": robot_code,
            "user_ids": user_ids,
            "campaign": campaign or self.settings.campaign,
            "sent_at": sent_at or self.clock.now(),
            "open_conversation_id": open_conversation_id,
            "source": source or self.settings.source,
            "chat": chat,
        }
        return self.parts.recorder.keep(read_row(row, Defaults(), self.clock.now()))

    def record_many(
        self,
        rows: Iterable[Mapping[str, Any]],
        *,
        campaign: str | None = None,
        robot_code: str | None = None,
        sent_at: datetime | None = None,
    ) -> Imported:
        """Record rows as in `ledger import`; bad ones are listed with their number (from 1) and stop nothing.

        What the database does not take waits in the spool. Raise LedgerError when the spool cannot be written either;
        then the rows that no sum speaks of are not recorded.
        """
        lines = (Line(number=number, fields=row) for number, row in enumerate(rows, start=1))
        defaults = Defaults(campaign=campaign, robot=robot_code, sent_at=sent_at)
        return self.parts.recorder.keep_many(lines, reader(defaults, self.clock))

    def import_lines(
        self, lines: Iterable[Line], defaults: Defaults, on_rejected: OnRejected | None = None
    ) -> Iterator[Imported]:
        """Record numbered rows and yield the sums as they grow; the last is the result.

        What the database does not take waits in the spool.
        Every rejected row is handed to `on_rejected` with the reason; the result names the first of them.
        """
        return self.parts.recorder.import_lines(lines, reader(defaults, self.clock), on_rejected)

    def watch(self, client: Watched, *, wait: bool = False) -> Watched:
        """Record from now on what a client sends, and return the client; watching it twice changes nothing.

        An httpx.Client or AsyncClient, a requests.Session, an aiohttp.ClientSession, or a client of the official SDK
        (alibabacloud_dingtalk); InputError for anything else. Nothing else that the client does is touched, and no
        fault of the ledger reaches it. An answer is given on as soon as its key is in the journal, which survives this
        program; with `wait`, once it is on disk. One request can be tagged with the headers `x-ledger-campaign` and
        `x-ledger-source`, which are not sent.
        """
        clients.watch(client, Watching(sink=self.parts.recorder.send_recorder, waits=wait))
        return client

    def campaign(self, name: str, source: str | None = None) -> AbstractContextManager[None]:
        """Tag what watched clients send inside the block, in the tasks, threads and pool jobs that begin in it too."""
        if not name or source == "":
            raise InputError("the campaign or source is empty: leave it out, or name what is meant")
        return tags.tagged(tags.Tags(campaign=name, source=source))

    def receive(
        self,
        lines: Iterable[Line],
        defaults: Defaults,
        *,
        robots: Collection[str] = (),
        on_rejected: OnRejected | None = None,
    ) -> Imported:
        """Record numbered rows of others, of some robots or all; what the database does not take waits in the spool."""
        read = within(reader(defaults, self.clock), frozenset(robots))
        return self.parts.recorder.keep_many(lines, read, on_rejected)

    def progress(self, recall_id: int) -> Result:
        """Return where one recall stands, without what would take long to count; raise UnknownRecallError."""
        return self.parts.recall_reports.progress(recall_id)

    def result(self, recall_id: int) -> Result:
        """Return where one recall stands; raise UnknownRecallError."""
        self.parts.lost_calls.run_once()
        return self.parts.recall_reports.result(recall_id)

    def summary(self, recall_id: int) -> RecallReport:
        """Return one recall with what was asked for and who did what, but without its items and requests."""
        return self.parts.recall_reports.summary(recall_id)

    def reasons(self, recall_id: int, *, limit: int) -> list[Reason]:
        """Return why messages of a recall were not recalled, the most frequent first."""
        return self.parts.recall_reports.reasons(recall_id, limit=limit)

    def keys_per_second(self, recall_id: int) -> float:
        """Return how fast a recall went in the last seconds."""
        return self.parts.recall_reports.keys_per_second(recall_id)

    def replay(self) -> Replayed:
        """Move what waits in the spool into the database; raise DatabaseError when it is away."""
        return self.parts.recorder.replay()

    def campaigns(self, *, within: Collection[str] = ()) -> list[CampaignLine]:
        """Return what can still be recalled, a line a campaign, soonest deadline first; of some robots, or of all."""
        self.parts.recorder.catch_up()
        return self.parts.recall_reports.campaigns(within)

    def plan(
        self,
        *,
        reason: str,
        campaign: str | Collection[str] | None = None,
        untagged: bool = False,
        source: str | None = None,
        users: Collection[str] | None = None,
        keys: Collection[str] | None = None,
        robot: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        include_shared: bool = False,
        within: Collection[str] = (),
        actor: str | None = None,
    ) -> Plan:
        """Plan a recall of the messages that fit every given part; nothing is called. An empty selection is refused.

        `within` are the robots that the actor may touch, none for all.
        """
        selection = select(
            campaign=campaign,
            untagged=untagged,
            source=source,
            users=users,
            keys=keys,
            robot=robot,
            since=since,
            until=until,
            within=within,
        )
        self.parts.recorder.catch_up()
        return self.parts.planner.plan(selection, reason=reason, actor=who_acts(actor), include_shared=include_shared)

    def run(
        self,
        plan: Plan | int,
        *,
        actor: str | None = None,
        on_progress: OnProgress | None = None,
        run_in: RunIn = RunIn.CALLER,
    ) -> Result:
        """Run a plan (or the recall of that number) to its end, or leave that to a worker; a plan runs once.

        Without an actor, it is run by who planned it.
        """
        recall_id, who = plan if isinstance(plan, int) else plan.recall_id, check_actor(actor) if actor else None
        return self.parts.lifecycle.run(recall_id, actor=who, on_progress=on_progress, run_in=run_in)

    def approve(
        self,
        recall_id: int,
        *,
        actor: str | None = None,
        on_progress: OnProgress | None = None,
        run_in: RunIn = RunIn.CALLER,
    ) -> Result:
        """Agree, as a second person, to what another one wants to run, and run it."""
        who = who_acts(actor)
        return self.parts.lifecycle.approve(recall_id, actor=who, on_progress=on_progress, run_in=run_in)

    def refuse(self, recall_id: int, *, reason: str, actor: str | None = None) -> Result:
        """Do not agree to what another person wants to run."""
        return self.parts.lifecycle.refuse(recall_id, actor=who_acts(actor), reason=reason)

    def resume(
        self,
        recall_id: int,
        *,
        actor: str | None = None,
        on_progress: OnProgress | None = None,
        run_in: RunIn = RunIn.CALLER,
    ) -> Result:
        """Go on with a recall that was paused or whose process went away."""
        who = who_acts(actor)
        return self.parts.lifecycle.resume(recall_id, actor=who, on_progress=on_progress, run_in=run_in)

    def retry(
        self,
        recall_id: int,
        *,
        actor: str | None = None,
        on_progress: OnProgress | None = None,
        run_in: RunIn = RunIn.CALLER,
    ) -> Result:
        """Ask again for what ended refused, partial or unknown, while its deadline lasts."""
        who = who_acts(actor)
        return self.parts.lifecycle.retry(recall_id, actor=who, on_progress=on_progress, run_in=run_in)

    def pause(self, recall_id: int, *, why: str, actor: str | None = None) -> Result:
        """Make no more calls of a recall until it is resumed."""
        return self.parts.lifecycle.pause(recall_id, actor=who_acts(actor), why=why)

    def stick(self, recall_id: int, seconds: float, *, actor: str | None = None) -> Result:
        """Let workers recall what is still recorded under a recall's selection, as it arrives, for a time."""
        return self.parts.sticky.stick(recall_id, seconds, actor=who_acts(actor))

    def unstick(self, recall_id: int, *, actor: str | None = None) -> Result:
        """Leave alone what arrives late from now on."""
        return self.parts.sticky.stick(recall_id, 0, actor=who_acts(actor))

    def inquiry_cost(self, recall_id: int) -> int:
        """Return how many calls of the quota it takes to settle what ended unknown or partial by its read status."""
        return self.parts.read_status.cost(recall_id)

    def inquire(self, recall_id: int, *, actor: str | None = None) -> Result:
        """Settle what ended unknown or partial by asking DingTalk for its read status, one call a key."""
        return self.parts.read_status.run(recall_id, actor=who_acts(actor))

    def cancel(self, recall_id: int, *, actor: str | None = None) -> Result:
        """Stop a recall for good: what waits ends cancelled."""
        return self.parts.lifecycle.cancel(recall_id, actor=who_acts(actor))

    def recalls(self, *, statuses: Sequence[Status] = tuple(Status), limit: int | None = None) -> list[Result]:
        """Return where recalls stand, newest first."""
        self.parts.lost_calls.run_once()
        return self.parts.recall_reports.results(statuses=statuses, limit=limit)

    def show(self, recall_id: int) -> RecallReport:
        """Return one recall with its items, what it left out, and its HTTP requests."""
        self.parts.lost_calls.run_once()
        return self.parts.recall_reports.report(recall_id)

    def tag(
        self,
        *,
        campaign: str,
        reason: str,
        from_campaign: str | Collection[str] | None = None,
        untagged: bool = False,
        source: str | None = None,
        users: Collection[str] | None = None,
        keys: Collection[str] | None = None,
        robot: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        actor: str | None = None,
    ) -> Tagged:
        """Put the messages that fit every given part, and that the ledger still holds, under a campaign.

        Those that have another one already are moved only when that is named, or their keys are. What recalls hold
        stays as it was. An empty selection is refused; `untagged` are all that have no campaign.
        """
        selection = select(
            campaign=from_campaign,
            untagged=untagged,
            source=source,
            users=users,
            keys=keys,
            robot=robot,
            since=since,
            until=until,
        )
        self.parts.recorder.catch_up()
        return self.parts.tagger.tag(selection, campaign=campaign, reason=reason, actor=who_acts(actor))

    def history(
        self,
        *,
        campaign: str | Collection[str] | None = None,
        untagged: bool = False,
        source: str | None = None,
        users: Collection[str] | None = None,
        keys: Collection[str] | None = None,
        robot: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        outcome: Outcome | str | None = None,
        actor: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Item]:
        """Yield the outcome of every key that fits every given part, newest first; without any, of all keys."""
        selection = select(
            campaign=campaign,
            untagged=untagged,
            source=source,
            users=users,
            keys=keys,
            robot=robot,
            since=since,
            until=until,
        )
        wanted = Outcome(outcome) if outcome else None
        return self.parts.recall_reports.history(selection, outcome=wanted, actor=actor, limit=limit)

    def purge(self) -> Purged:
        """Delete what is past its window."""
        return self.parts.purger.run_once()

    def verify(self, known_digest: str | None = None) -> Verification:
        """Check that nobody rewrote the history, nor cut off what came before a digest that was kept elsewhere."""
        return self.parts.verifier.run_once(known_digest)

    def worker(self) -> "Worker":
        """Return a worker, which resumes recalls, follows sticky ones, and purges, until it is stopped."""
        from ledger.scheduler import Worker

        chores = Chores(self.parts.opened(), self.clock, own_name())
        return Worker(
            chores,
            self.parts.runner,
            self.parts.caller,
            self.parts.sticky,
            self.parts.purger,
            self.parts.lost_calls,
            self.settings,
            self.align_clock,
            self.replay,
        )

    def doctor(self) -> CheckUp:
        """Check everything that a recall needs; never raises for what it finds."""
        return CheckUp.of(self.examine())

    def examine(self) -> Iterator[Check]:
        """Yield what `doctor` finds, as it is found."""
        from ledger.services.upkeep.dingtalk_probe import DingTalkProbe
        from ledger.services.upkeep.doctor import Doctor

        with suppress(DatabaseError):
            self.align_clock()
        whose = "this machine's" if self.database.is_sqlite else "the database server's"
        asking = DingTalkProbe(self.parts.client, self.parts.dingtalk_tokens, self.clock, self.settings, whose)
        yield from Doctor(self.database, asking, self.clock, self.settings).examine()

    def align_clock(self) -> None:
        """Keep to the database server's time, which is that of all processes that share it."""
        self.parts.align_clock()

    @property
    def written(self) -> Mapping[str, int]:
        """How what this process recorded has ended, counted: in the database, the spool, or refused."""
        return self.parts.recorder.counts

    def lacks(self) -> dict[str, str]:
        """Return what is missing to do the work, each with what to do; never raises for what it finds."""
        return readiness.lacks(self.database, self.clock, self.settings)

    def spool_depth(self) -> Depth:
        """Return how much waits in the spool; the database is not asked."""
        return self.parts.recorder.depth()


def who_acts(actor: str | None) -> str:
    """Return who does something, named or the default one; raise InputError for a name that the history cannot keep."""
    return check_actor(actor or default_actor())


def default_actor() -> str:
    """Return who is at work: LEDGER_ACTOR, or the name of the operating system's user; raise InputError without."""
    try:
        return os.environ.get("LEDGER_ACTOR") or getpass.getuser()
    except (KeyError, OSError):
        raise InputError("nobody can tell who you are here: say it with --actor or LEDGER_ACTOR") from None
