"""Everything built once: settings, clock, database and services, behind the one object that doors and users hold."""

import atexit
import getpass
import logging
import os
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ledger.clock import AlignedClock, Clock, SystemClock, as_utc
from ledger.core.campaign import CampaignLine
from ledger.core.check import Check, CheckUp
from ledger.core.message import Campaign, Message, MessageKey, RobotCode, UserId
from ledger.core.recall import Item, Outcome, Plan, Result, Status
from ledger.core.selection import Selection
from ledger.errors import DatabaseError, InputError, InvalidMessageError
from ledger.integrations import clients, tags
from ledger.integrations.following import Watching
from ledger.services import readiness
from ledger.services.answers import Answers
from ledger.services.chores import Chores
from ledger.services.importer import Imported, Line, OnRejected, Recorded, import_lines
from ledger.services.intake import Intake, TakenIn
from ledger.services.lister import Lister
from ledger.services.meter import Meter
from ledger.services.owner import own_name
from ledger.services.planner import Planner
from ledger.services.purger import Purged, Purger
from ledger.services.recaller import Hands, OnProgress, Recaller
from ledger.services.recorder import Defaults, Recorder, read_row, reader, within
from ledger.services.reporter import RecallReport, Reporter
from ledger.services.runner import Runner
from ledger.services.sticker import Sticker
from ledger.services.tokens import Tokens as AccessTokens
from ledger.services.verifier import Verification, Verifier
from ledger.services.watcher import Watcher
from ledger.services.writer import Content, Fate, Writer, said_of
from ledger.settings import Settings
from ledger.spool.journal import Journal
from ledger.spool.spool import Depth, Spool
from ledger.store import migrate
from ledger.store.database import Database
from ledger.store.items import Reason

if TYPE_CHECKING:
    from httpx import BaseTransport

    from ledger.dingtalk.caller import Caller
    from ledger.dingtalk.client import Client
    from ledger.dingtalk.tokens import Tokens
    from ledger.scheduler import Worker
    from ledger.services.inquirer import Inquirer

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
        self.settings = settings or Settings.load()
        self.clock = clock or AlignedClock(SystemClock())
        self.database = Database(self.settings.database_url_or_default)
        self._executor, self._transport = executor, transport
        self._is_ready = False
        # Made at once, for many threads may record first; nothing is opened or started before they do.
        self._spool = Spool(self.settings.spool_folder)
        self._journal = Journal(self.settings.spool_folder)
        self._writer = Writer(self._write_each, self._journal, self._refuse, when_idle=self.take_in)
        self._intake = Intake(self._spool, self._write_each)
        self.watcher = Watcher(self._journal, self._writer, self.clock)
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Open the database now, as the first use would; raise DatabaseError when it is away or its tables are old."""
        self._opened()

    def close(self) -> None:
        """Write what was handed in, to the database or the spool, and close every connection; may be called twice.

        A recall that runs in another thread opens no more calls, and those in flight are waited for; it goes on with
        `resume`, or in any worker.
        """
        atexit.unregister(self.close)
        if "_runner" in self.__dict__:
            self._runner.stop()
        self._writer.close()
        opened = self.__dict__
        if "_threads" in opened:
            self._threads.shutdown(wait=False, cancel_futures=True)
        if "_client" in opened:
            self._client.close()
        self.database.close()

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
    ) -> Recorded:
        """Record one message and return once it is on disk; without `sent_at` it counts as sent now.

        On disk is in the database, or in the spool while the database is away. Raise InvalidMessageError (a naive
        time, a key over 1,024 characters, ...); then nothing was recorded.
        """
        row = {
            "process_query_key": process_query_key,
            "robot_code": robot_code,
            "user_ids": user_ids,
            "campaign": campaign,
            "sent_at": sent_at or self.clock.now(),
            "open_conversation_id": open_conversation_id,
            "source": source,
        }
        message = read_row(row, Defaults(), self.clock.now())
        fate = self._writer.wait(self._writer.submit(message))
        if fate is Fate.REFUSED:
            raise InvalidMessageError("the database does not take this message: the log and `ledger doctor` say why")
        return Recorded(
            recorded=int(fate is Fate.RECORDED),
            duplicates=int(fate is Fate.DUPLICATE),
            spooled=int(fate is Fate.SPOOLED),
        )

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
        (last,) = deque(import_lines(lines, reader(defaults, self.clock), self._write_or_spool), maxlen=1)
        return last

    def import_lines(
        self, lines: Iterable[Line], defaults: Defaults, on_rejected: OnRejected | None = None
    ) -> Iterator[Imported]:
        """Record numbered rows and yield the sums as they grow; the last is the result.

        Every rejected row is handed to `on_rejected` with the reason; the result names the first of them.
        """
        return self._recorder.import_lines(lines, defaults, on_rejected)

    def watch(self, client: Watched, *, wait: bool = False) -> Watched:
        """Record from now on what a client sends, and return the client; watching it twice changes nothing.

        An httpx.Client or AsyncClient, a requests.Session, an aiohttp.ClientSession, or a client of the official SDK
        (alibabacloud_dingtalk); InputError for anything else. Nothing else that the client does is touched, and no
        fault of the ledger reaches it. An answer is given on as soon as its key is in the journal, which survives this
        program; with `wait`, once it is on disk. One request can be tagged with the headers `x-ledger-campaign` and
        `x-ledger-source`, which are not sent.
        """
        clients.watch(client, Watching(sink=self.watcher, waits=wait))
        return client

    def campaign(self, name: str, source: str | None = None) -> AbstractContextManager[None]:
        """Tag what watched clients send inside the block, in the tasks, threads and pool jobs that begin in it too."""
        if not name or source == "":
            raise InputError("the campaign or source is empty: leave it out, or name what is meant")
        return tags.tagged(tags.Tags(campaign=name, source=source))

    def receive(self, lines: Iterable[Line], defaults: Defaults, *, robots: Collection[str] = ()) -> Imported:
        """Record numbered rows of others, of some robots or all; what the database does not take waits in the spool."""
        read = within(reader(defaults, self.clock), frozenset(robots))
        (last,) = deque(import_lines(lines, read, self._write_or_spool), maxlen=1)
        return last

    def progress(self, recall_id: int) -> Result:
        """Return where one recall stands, without what would take long to count; raise UnknownRecallError."""
        return self._reporter.progress(recall_id)

    def result(self, recall_id: int) -> Result:
        """Return where one recall stands; raise UnknownRecallError."""
        return self._reporter.result(recall_id)

    def summary(self, recall_id: int) -> RecallReport:
        """Return one recall with what was asked for and who did what, but without its items and requests."""
        return self._reporter.summary(recall_id)

    def reasons(self, recall_id: int, *, limit: int) -> list[Reason]:
        """Return why messages of a recall were not recalled, the most frequent first."""
        return self._reporter.reasons(recall_id, limit=limit)

    def keys_per_second(self, recall_id: int) -> float:
        """Return how fast a recall went in the last seconds."""
        return self._reporter.keys_per_second(recall_id)

    def campaign_line(self, name: str, *, within: Collection[str] = ()) -> CampaignLine:
        """Return what the ledger holds of one campaign; of some robots, or of all."""
        self._caught_up()
        return self._reporter.campaign(name, within)

    def take_in(self) -> TakenIn:
        """Move what waits in the spool into the database; raise DatabaseError when it is away."""
        self._journal.let_go()
        return self._intake.run_once()

    def campaigns(self, *, within: Collection[str] = ()) -> list[CampaignLine]:
        """Return what can still be recalled, a line a campaign, soonest deadline first; of some robots, or of all."""
        self._caught_up()
        return self._reporter.campaigns(within)

    def plan(
        self,
        *,
        reason: str,
        campaign: str | None = None,
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
            campaign=campaign, users=users, keys=keys, robot=robot, since=since, until=until, within=within
        )
        self._caught_up()
        return self._planner.plan(
            selection, reason=reason, actor=actor or default_actor(), include_shared=include_shared
        )

    def run(
        self,
        plan: Plan | int,
        *,
        actor: str | None = None,
        on_progress: OnProgress | None = None,
        hands: Hands = Hands.OURS,
    ) -> Result:
        """Run a plan (or the recall of that number) to its end, or leave that to a worker; a plan runs once.

        Without an actor, it is run by who planned it.
        """
        recall_id = plan if isinstance(plan, int) else plan.recall_id
        return self._recaller.run(recall_id, actor=actor, on_progress=on_progress, hands=hands)

    def approve(
        self,
        recall_id: int,
        *,
        actor: str | None = None,
        on_progress: OnProgress | None = None,
        hands: Hands = Hands.OURS,
    ) -> Result:
        """Agree, as a second person, to what another one wants to run, and run it."""
        who = actor or default_actor()
        return self._recaller.approve(recall_id, actor=who, on_progress=on_progress, hands=hands)

    def refuse(self, recall_id: int, *, reason: str, actor: str | None = None) -> Result:
        """Do not agree to what another person wants to run."""
        return self._recaller.refuse(recall_id, actor=actor or default_actor(), reason=reason)

    def resume(
        self,
        recall_id: int,
        *,
        actor: str | None = None,
        on_progress: OnProgress | None = None,
        hands: Hands = Hands.OURS,
    ) -> Result:
        """Go on with a recall that was paused or whose process went away."""
        who = actor or default_actor()
        return self._recaller.resume(recall_id, actor=who, on_progress=on_progress, hands=hands)

    def retry(
        self,
        recall_id: int,
        *,
        actor: str | None = None,
        on_progress: OnProgress | None = None,
        hands: Hands = Hands.OURS,
    ) -> Result:
        """Ask again for what ended refused, partial or unknown, while its deadline lasts."""
        who = actor or default_actor()
        return self._recaller.retry(recall_id, actor=who, on_progress=on_progress, hands=hands)

    def pause(self, recall_id: int, *, why: str, actor: str | None = None) -> Result:
        """Make no more calls of a recall until it is resumed."""
        return self._recaller.pause(recall_id, actor=actor or default_actor(), why=why)

    def stick(self, recall_id: int, seconds: float, *, actor: str | None = None) -> Result:
        """Let workers recall what is still recorded under a recall's selection, as it arrives, for a time."""
        return self._sticker.stick(recall_id, seconds, actor=actor or default_actor())

    def unstick(self, recall_id: int, *, actor: str | None = None) -> Result:
        """Leave alone what arrives late from now on."""
        return self._sticker.stick(recall_id, 0, actor=actor or default_actor())

    def inquiry_cost(self, recall_id: int) -> int:
        """Return how many calls of the quota it takes to settle what ended unknown or partial by its read status."""
        return self._inquirer.cost(recall_id)

    def inquire(self, recall_id: int, *, actor: str | None = None) -> Result:
        """Settle what ended unknown or partial by asking DingTalk for its read status, one call a key."""
        return self._inquirer.run(recall_id, actor=actor or default_actor())

    def cancel(self, recall_id: int, *, actor: str | None = None) -> Result:
        """Stop a recall for good: what waits ends cancelled."""
        return self._recaller.cancel(recall_id, actor=actor or default_actor())

    def recalls(self, *, statuses: Sequence[Status] = tuple(Status), limit: int | None = None) -> list[Result]:
        """Return where recalls stand, newest first."""
        return self._reporter.results(statuses=statuses, limit=limit)

    def show(self, recall_id: int) -> RecallReport:
        """Return one recall with its items, what it left out, and its HTTP requests."""
        return self._reporter.report(recall_id)

    def history(
        self,
        *,
        campaign: str | None = None,
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
        selection = select(campaign=campaign, users=users, keys=keys, robot=robot, since=since, until=until)
        wanted = Outcome(outcome) if outcome else None
        return self._reporter.history(selection, outcome=wanted, actor=actor, limit=limit)

    def purge(self) -> Purged:
        """Delete what is past its window."""
        return self._purger.run_once()

    def verify(self, known_digest: str | None = None) -> Verification:
        """Check that nobody rewrote the history, nor cut off what came before a digest that was kept elsewhere."""
        return self._verifier.run_once(known_digest)

    def worker(self) -> "Worker":
        """Return a worker, which resumes recalls, follows sticky ones, and purges, until it is stopped."""
        from ledger.scheduler import Worker

        chores = Chores(self._opened(), self.clock, own_name())
        return Worker(
            chores,
            self._runner,
            self._caller,
            self._sticker,
            self._purger,
            self.settings,
            self.align_clock,
            self.take_in,
        )

    def doctor(self) -> CheckUp:
        """Check everything that a recall needs; never raises for what it finds."""
        return CheckUp.of(self.examine())

    def examine(self) -> Iterator[Check]:
        """Yield what `doctor` finds, as it is found."""
        from ledger.services.asking import Asking
        from ledger.services.doctor import Doctor

        with suppress(DatabaseError):
            self.align_clock()
        whose = "this machine's" if self.database.is_sqlite else "the database server's"
        asking = Asking(self._client, self._tokens, self.clock, self.settings, whose)
        yield from Doctor(self.database, asking, self.clock, self.settings).examine()

    def align_clock(self) -> None:
        """Keep to the database server's time, which is that of all processes that share it."""
        if isinstance(self.clock, AlignedClock) and not self.database.is_sqlite:
            self.clock.align(self.database.server_time)

    def _opened(self) -> Database:
        """Return the database once its tables are known to be current."""
        if not self._is_ready:
            migrate.ensure(self.database)
            self.align_clock()
            self._is_ready = True
        return self.database

    @property
    def written(self) -> Mapping[str, int]:
        """How what this process recorded has ended, counted: in the database, the spool, or refused."""
        return dict(self._writer.counts)

    def lacks(self) -> dict[str, str]:
        """Return what is missing to do the work, each with what to do; never raises for what it finds."""
        return readiness.lacks(self.database, self.clock)

    def spool_depth(self) -> Depth:
        """Return how much waits in the spool; the database is not asked."""
        return self._spool.depth()

    @cached_property
    def meter(self) -> Meter:
        """Figures of the whole ledger; its counters begin when it is first asked for."""
        return Meter(self._opened(), self.clock, self.settings)

    @cached_property
    def lister(self) -> Lister:
        """What there is, a page at a time."""
        return Lister(self._opened(), self.clock, self._reporter)

    @cached_property
    def answers(self) -> Answers:
        """Requests that may come twice."""
        return Answers(self._opened(), self.clock)

    @cached_property
    def tokens(self) -> AccessTokens:
        """Who may use the service."""
        return AccessTokens(self._opened(), self.clock, self.settings)

    @cached_property
    def _recorder(self) -> Recorder:
        return Recorder(self._opened(), self.clock, self.settings)

    @cached_property
    def _reporter(self) -> Reporter:
        return Reporter(self._opened(), self.clock)

    def _write_each(self, contents: Sequence[Content]) -> Sequence[bool]:
        return self._recorder.write_each(contents)

    def _write_or_spool(self, messages: Sequence[Message]) -> Recorded:
        try:
            return self._recorder.write(messages)
        except DatabaseError as error:
            log.warning("what was sent waits in the spool: %s", error)
            self._writer.spool(messages)
            return Recorded(recorded=0, duplicates=0, spooled=len(messages))

    def _refuse(self, content: Content, error: Exception) -> None:
        self._spool.refuse(said_of(content) + f"  # {error}")

    def _caught_up(self) -> None:
        """Take in what waits before the ledger is asked what it holds; a fault only means that it waits on."""
        try:
            self._writer.flush()
            self.take_in()
        except Exception as error:
            log.warning("what waits in the spool could not be taken in: %s", error)

    @cached_property
    def _planner(self) -> Planner:
        return Planner(self._opened(), self.clock, self.settings)

    @cached_property
    def _purger(self) -> Purger:
        return Purger(self._opened(), self.clock, self.settings)

    @cached_property
    def _verifier(self) -> Verifier:
        return Verifier(self._opened())

    @cached_property
    def _recaller(self) -> Recaller:
        return Recaller(self._opened(), self.clock, self.settings, self._caller, self._runner, self._reporter)

    @cached_property
    def _sticker(self) -> Sticker:
        return Sticker(self._opened(), self.clock, self._planner, self._recaller, self._reporter)

    @cached_property
    def _inquirer(self) -> "Inquirer":
        from ledger.services.inquirer import Inquirer

        executor = self._executor or self._threads
        return Inquirer(self._opened(), self._caller, self.clock, self.settings, executor, self._reporter)

    @cached_property
    def _runner(self) -> Runner:
        return Runner(self._opened(), self._caller, self.clock, self.settings, self._executor or self._threads)

    @cached_property
    def _caller(self) -> "Caller":
        from ledger.dingtalk.caller import Caller

        return Caller(self._client, self._tokens, self.settings)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.settings.calls_in_flight, thread_name_prefix="ledger-call")

    # The HTTP client is loaded late: a sender that only records does not pay for it.
    @cached_property
    def _client(self) -> "Client":
        from ledger.dingtalk.client import Client

        return Client(
            timeout_seconds=self.settings.http_timeout_seconds,
            max_connections=self.settings.calls_in_flight,
            transport=self._transport,
        )

    @cached_property
    def _tokens(self) -> "Tokens":
        from ledger.dingtalk.tokens import Tokens

        return Tokens(self._client, self.settings, self.clock)


def select(
    *,
    campaign: str | None = None,
    users: Collection[str] | None = None,
    keys: Collection[str] | None = None,
    robot: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    within: Collection[str] = (),
) -> Selection:
    """Return the selection of the messages that fit every given part; naive times and empty parts are refused.

    None leaves a part out. An empty text or list is a mistake that would otherwise widen the selection without a word.
    """
    for name, part in (("campaign", campaign), ("robot", robot), ("users", users), ("keys", keys)):
        if part is not None and not part:
            raise InputError(f"{name} is empty: leave it out, or name what is meant")
        if name in ("users", "keys") and isinstance(part, str):
            raise InputError(f"{name} is one text: give a list, as in [{part!r}]")
    return Selection(
        campaign=Campaign(campaign) if campaign else None,
        users=frozenset(UserId(user) for user in users or ()),
        keys=frozenset(MessageKey(key) for key in keys or ()),
        robot=RobotCode(robot) if robot else None,
        since=as_utc(since) if since else None,
        until=as_utc(until) if until else None,
        within=frozenset(RobotCode(one) for one in within),
    )


def default_actor() -> str:
    """Return who is at work: LEDGER_ACTOR, or the name of the operating system's user; raise InputError without."""
    try:
        return os.environ.get("LEDGER_ACTOR") or getpass.getuser()
    except (KeyError, OSError):
        raise InputError("nobody can tell who you are here: say it with --actor or LEDGER_ACTOR") from None
