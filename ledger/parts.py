"""Everything built once, and late: settings, clock and database first, then each service when it is first asked for."""

import os
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from ledger.clock import AlignedClock, Clock, SystemClock
from ledger.core.bounds import EVERYTHING, Bounds
from ledger.core.campaign import CampaignLine, CampaignSender
from ledger.core.check_up import Check
from ledger.errors import AuditError, DatabaseError, NoticeError
from ledger.patience import OutageLog
from ledger.services.access.idempotency import IdempotentRequests
from ledger.services.access.known_tokens import KnownTokens
from ledger.services.access.policies import Policies
from ledger.services.access.tokens import ServiceTokens
from ledger.services.audit.dispute_keeper import DisputeKeeper
from ledger.services.audit.read_sealer import ReadSealer
from ledger.services.recalls.current_recalls import CurrentRecalls
from ledger.services.recalls.expiry import Expiry
from ledger.services.recalls.freezer import Freezer
from ledger.services.recalls.leases import LostCalls, own_name
from ledger.services.recalls.lifecycle import Lifecycle
from ledger.services.recalls.pace_clock import PaceClock
from ledger.services.recalls.planner import Planner
from ledger.services.recalls.preflight import Preflight
from ledger.services.recalls.runner import Runner
from ledger.services.recalls.schedules import Schedules
from ledger.services.recalls.sticky import StickyRecalls
from ledger.services.recording.inserts import Inserter
from ledger.services.recording.recorder import Recorder
from ledger.services.recording.sending_stops import KnownStops, SendingStops
from ledger.services.recording.tagger import Tagger
from ledger.services.reports.campaign_counts import CampaignCounts
from ledger.services.reports.courses import Courses
from ledger.services.reports.figures import Meter
from ledger.services.reports.near_names import NameFinder
from ledger.services.reports.pages import Pages
from ledger.services.reports.people import PeopleReports
from ledger.services.reports.recall_lines import RecallLines
from ledger.services.reports.recalls import RecallReports
from ledger.services.reports.upkeep_state import UpkeepReports
from ledger.services.reports.verifier import Verifier
from ledger.services.upkeep import readiness
from ledger.services.upkeep.chores import Chores
from ledger.services.upkeep.people_counter import PeopleCounter
from ledger.services.upkeep.purger import Purger
from ledger.settings import Settings
from ledger.spool import places
from ledger.store import migrate
from ledger.store.database import Database
from ledger.store.machine_clocks import server_time

# The HTTP client is loaded late: a sender that only records does not pay for it.
if TYPE_CHECKING:
    from httpx import BaseTransport

    from ledger.dingtalk.caller import Caller
    from ledger.dingtalk.client import Client
    from ledger.dingtalk.tokens import DingTalkTokens
    from ledger.scheduler import Worker
    from ledger.services.audit.audit_verifier import AuditVerifier
    from ledger.services.audit.checkpointer import Checkpointer
    from ledger.services.audit.evidence import Evidence
    from ledger.services.audit.read_log import ReadLog
    from ledger.services.audit.retention import Retention
    from ledger.services.notices.desk import NoticeDesk
    from ledger.services.notices.notifier import Notifier
    from ledger.services.persons.eraser import PersonEraser
    from ledger.services.persons.export import PersonExport
    from ledger.services.recalls.inquiries import Inquirer
    from ledger.services.recalls.read_status import DoubtSettler

T = TypeVar("T")

# What forked processes were forked with: kept for good, so that no end of it is closed under the one that uses it.
_INHERITED: list[object] = []


class part(cached_property[T]):  # noqa: N801  (used as a decorator, as what it builds upon)
    """Something that is built when it is first asked for, once, however many threads ask."""

    # It is never asked of the class, but for that its base has a form of its own.
    def __get__(self, owner: Any, kind: type | None = None) -> T:  # type: ignore[override]
        """Return it, built if need be."""
        if self.attrname in owner.__dict__:
            built: T = owner.__dict__[self.attrname]
            return built
        with owner.building:
            found: T = super().__get__(owner, kind)
            return found


class Parts:
    """What a ledger is made of. Nothing is opened before the first use."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        executor: Executor | None = None,
        transport: "BaseTransport | None" = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or AlignedClock(SystemClock())
        self.database = Database(settings.database_url_or_default)
        self.executor, self.transport = executor, transport
        self.building = threading.RLock()
        self._is_ready = False
        self.outage = OutageLog(self.clock)
        self.recorder = Recorder(lambda: self.inserter, self.clock, settings, self.outage)
        start_anew = weakref.WeakMethod(self._start_anew)
        os.register_at_fork(after_in_child=lambda: (method := start_anew()) and method())

    def close(self) -> None:
        """Stop what runs, in order, and close every connection; may be called twice."""
        built = self.__dict__
        if "runner" in built:
            self.runner.stop()
        self.recorder.close()
        if "known_stops" in built:
            self.known_stops.close()
        if "threads" in built:
            self.threads.shutdown(wait=False, cancel_futures=True)
        if "client" in built:
            self.client.close()
        self.database.close()

    def _start_anew(self) -> None:
        """Build everything again in a process that was forked: threads did not come along, and connections are shared.

        Neither is a lease: the name of the one that forked is not its own.
        """
        self.building = threading.RLock()
        built = [name for name in self.__dict__ if isinstance(vars(type(self)).get(name), part)]
        _INHERITED.extend(self.__dict__.pop(name) for name in built)

    def opened(self) -> Database:
        """Return the database once its tables are known to be current."""
        if not self._is_ready:
            with self.building:
                migrate.ensure(self.database)
                self.align_clock()
                self._is_ready = True
        return self.database

    def align_clock(self) -> None:
        """Keep to the database server's time, which is that of all processes that share it."""
        if isinstance(self.clock, AlignedClock) and not self.database.is_sqlite:
            self.clock.align(self.database.server_time)

    def campaigns(self, bounds: Bounds = EVERYTHING) -> list[CampaignLine]:
        """Return what can still be recalled, within bounds, once the spool is caught up with."""
        self.recorder.catch_up()
        self.people_counter.count_some(bounds.robots)
        lines = self.recall_reports.campaigns(bounds)
        return self.recall_reports.with_excerpts(lines, bounds) if self.settings.keep_excerpt else lines

    def lacks(self) -> dict[str, str]:
        """Return what is missing to do the work, each with what to do; never raises for what it finds."""
        return readiness.lacks(self.database, self.clock, self.settings)

    def examine(self) -> Iterator[Check]:
        """Yield what the doctor finds, as it is found; never raises for what it finds."""
        from ledger.services.upkeep.dingtalk_probe import DingTalkProbe
        from ledger.services.upkeep.doctor import Doctor

        with suppress(DatabaseError):
            self.align_clock()
        whose = "this machine's" if self.database.is_sqlite else "the database server's"
        probe = DingTalkProbe(self.client, self.dingtalk_tokens, self.clock, self.settings, whose)
        yield from Doctor(self.database, probe, self.clock, self.settings).examine()

    def worker(self) -> "Worker":
        """Return a worker, which resumes recalls, follows sticky ones, and purges, until it is stopped."""
        from ledger.scheduler import Worker

        return Worker(
            Chores(self.opened(), self.clock, own_name(), partial(self.pace_clock.seen, may_write=True)),
            self.runner,
            self.caller,
            self.sticky,
            self.purger,
            self.people_counter,
            self.lost_calls,
            self.freezer,
            self.settings,
            self.schedules,
            self.expiry,
            self.align_clock,
            self.recorder.replay,
            self.read_sealer,
            self.checkpointer if self._is_anchored() else None,
            self.retention if self.settings.history_days is not None else None,
            self.notifier if self.settings.notice_places else None,
        )

    def _is_anchored(self) -> bool:
        """Say whether the settings want checkpoints: who only looks needs none of the libraries for it."""
        settings = self.settings
        places = (settings.audit_checkpoint_file, settings.audit_stream, settings.audit_webhook_url)
        return any((settings.audit_key_file, settings.audit_key_command, settings.audit_tsa_url, *places))

    @part
    def figures(self) -> Meter:
        """Figures of the whole ledger; its counters begin when it is first asked for."""
        return Meter(self.opened(), self.clock, self.settings, self.pace_clock.seen)

    @part
    def campaign_counts(self) -> CampaignCounts[CampaignLine]:
        """What can still be recalled, for those who look again and again."""
        return CampaignCounts(self.campaigns, self.clock)

    @part
    def campaign_senders(self) -> CampaignCounts[CampaignSender]:
        """Who sent what can still be recalled, for those who look for a robot or a source."""
        return CampaignCounts(self.recall_reports.senders, self.clock)

    @part
    def people_counter(self) -> PeopleCounter:
        """Counts whom campaigns reached."""
        return PeopleCounter(self.opened(), self.clock)

    @part
    def pages(self) -> Pages:
        """What there is, a page at a time."""
        return Pages(self.opened(), self.clock, self.recall_reports)

    @part
    def people(self) -> PeopleReports:
        """Answers in people."""
        return PeopleReports(self.opened())

    @part
    def names(self) -> NameFinder:
        """Finds near names."""
        return NameFinder(self.opened(), self.recorder.catch_up)

    @part
    def idempotency(self) -> IdempotentRequests:
        """Requests that may come twice."""
        return IdempotentRequests(self.opened(), self.clock)

    @part
    def service_tokens(self) -> ServiceTokens:
        """Who may use the service."""
        return ServiceTokens(self.opened(), self.clock, self.settings, self.known_tokens)

    @part
    def policies(self) -> Policies:
        """What decides for everybody."""
        return Policies(self.opened(), self.clock)

    @part
    def known_tokens(self) -> KnownTokens:
        """Who may use the service while the database cannot be asked."""
        return KnownTokens(self.settings.spool_folder, self.clock)

    @part
    def inserter(self) -> Inserter:
        """Writes messages."""
        return Inserter(self.opened(), self.clock, self.settings)

    @part
    def tagger(self) -> Tagger:
        """Tags what was recorded without a campaign, or with a wrong one."""
        return Tagger(self.opened(), self.clock, self.recorder.catch_up)

    @part
    def sending_stops(self) -> SendingStops:
        """Stops what is still being sent, and lets it go on."""
        return SendingStops(self.opened(), self.clock)

    @part
    def known_stops(self) -> KnownStops:
        """What is stopped, for who asks before every send."""
        return KnownStops(self.database)

    @part
    def person_eraser(self) -> "PersonEraser":
        """Takes a person out of the ledger."""
        from ledger.services.persons.eraser import PersonEraser

        folders = places.with_last_resort(*self.settings.spool_folders)
        return PersonEraser(self.opened(), self.clock, folders, self.recorder.replay)

    @part
    def person_export(self) -> "PersonExport":
        """Shows a person what is stored of them."""
        from ledger.services.persons.export import PersonExport

        folders = places.with_last_resort(*self.settings.spool_folders)
        return PersonExport(self.opened(), self.clock, folders, self.recorder.replay)

    @part
    def recall_reports(self) -> RecallReports:
        """Answers questions."""
        return RecallReports(self.opened(), self.clock, self.pace_clock.wall_of)

    @part
    def upkeep_reports(self) -> UpkeepReports:
        """Who works at the ledger, and how far its history is signed."""
        return UpkeepReports(self.opened(), self.clock)

    @part
    def recall_lines(self) -> RecallLines:
        """Recalls as lines of a list."""
        return RecallLines(self.opened(), self.pages)

    @part
    def courses(self) -> Courses:
        """How recalls go, in time."""
        return Courses(self.opened(), self.clock, self.settings, self.pace_clock.seen)

    @part
    def pace_clock(self) -> PaceClock:
        """The time by which calls leave."""
        has_server = isinstance(self.clock, AlignedClock) and not self.opened().is_sqlite
        return PaceClock(self.clock, server_time if has_server else None)

    @part
    def planner(self) -> Planner:
        """Makes plans."""
        return Planner(
            self.opened(), self.clock, self.pace_clock, self.settings, self.recorder.catch_up, self.preflight
        )

    @part
    def preflight(self) -> Preflight:
        """Says what would stop a plan."""
        return Preflight(self.opened(), self.clock, self.settings)

    @part
    def freezer(self) -> Freezer:
        """Copies what a plan saw once it is run."""
        return Freezer(self.opened(), self.clock)

    @part
    def purger(self) -> Purger:
        """Deletes what is past its window."""
        return Purger(self.opened(), self.clock, self.settings, self.freezer.finish)

    @part
    def verifier(self) -> Verifier:
        """Proves the history."""
        return Verifier(self.opened(), DisputeKeeper(self.opened(), self.clock).noting)

    @part
    def retention(self) -> "Retention":
        """Lets go what is older than the history is kept."""
        from ledger.services.audit.retention import Retention

        return Retention(self.opened(), self.clock, self.verifier, self.settings.history_days)

    @part
    def checkpointer(self) -> "Checkpointer":
        """Signs how far the history has come, and takes that outside."""
        from ledger.dingtalk.outgoing import Outgoing
        from ledger.services.audit.anchors import anchors_of
        from ledger.services.audit.checkpointer import Checkpointer
        from ledger.services.audit.keys import private_key
        from ledger.services.audit.timestamps import stamp_of

        settings = self.settings
        post, tsa = Outgoing(settings.http_timeout_seconds, AuditError).post, settings.audit_tsa_url
        return Checkpointer(
            self.opened(),
            self.clock,
            timedelta(seconds=settings.audit_checkpoint_seconds),
            partial(private_key, settings),
            anchors_of(settings, post),
            None if tsa is None else partial(stamp_of, url=tsa, post=post),
        )

    @part
    def notifier(self) -> "Notifier":
        """Tells somebody."""
        from ledger.dingtalk.outgoing import Outgoing
        from ledger.services.notices.notifier import Notifier
        from ledger.services.notices.receivers import receivers_of

        post = Outgoing(self.settings.http_timeout_seconds, NoticeError).post
        receivers = receivers_of(self.settings, post, self.clock)
        depth = self.recorder.depth
        return Notifier(self.opened(), self.clock, self.settings, self.recall_reports, self.people, depth, receivers)

    @part
    def notice_desk(self) -> "NoticeDesk":
        """Answers what people ask of notices."""
        from ledger.services.notices.desk import NoticeDesk

        return NoticeDesk(self.opened(), self.clock, self.settings, lambda: self.notifier)

    @part
    def audit_verifier(self) -> "AuditVerifier":
        """Proves the history by what was kept outside."""
        from ledger.services.audit.audit_verifier import AuditVerifier

        return AuditVerifier(self.opened(), self.verifier, self.settings.audit_tsa_roots_file)

    @part
    def read_log(self) -> "ReadLog":
        """Notes who reads the audit over HTTP."""
        from ledger.services.audit.read_log import ReadLog

        return ReadLog(self.opened)

    @part
    def read_sealer(self) -> ReadSealer:
        """Has the history seal who read it."""
        return ReadSealer(self.opened(), self.clock)

    @part
    def evidence(self) -> "Evidence":
        """Hands out what proves recalls."""
        from ledger.services.audit.evidence import Evidence

        return Evidence(self.opened(), self.clock, self.recall_reports, self.checkpointer)

    @part
    def lifecycle(self) -> Lifecycle:
        """Moves recalls from state to state."""
        return Lifecycle(
            self.opened(),
            self.clock,
            self.pace_clock,
            self.settings,
            self.caller,
            self.runner,
            self.recall_reports,
            self.held_calls,
            self.freezer,
        )

    @part
    def held_calls(self) -> set[int]:
        """The calls whose answers this process waits for or has: while it lives, they are not lost."""
        return set()

    @part
    def lost_calls(self) -> LostCalls:
        """Ends what was in flight of cancelled recalls and got lost."""
        return LostCalls(self.opened(), self.clock, self.pace_clock, self.settings, self.held_calls)

    @part
    def current_recalls(self) -> CurrentRecalls:
        """Says where recalls stand, for who looks without a worker."""
        return CurrentRecalls(self.lost_calls, self.recall_reports)

    @part
    def sticky(self) -> StickyRecalls:
        """Follows sticky recalls."""
        return StickyRecalls(self.opened(), self.clock, self.planner, self.lifecycle, self.recall_reports)

    @part
    def schedules(self) -> Schedules:
        """Starts recalls at the moments that were set for them."""
        lifecycle, freezer = self.lifecycle, self.freezer
        return Schedules(self.opened(), self.clock, self.settings, lifecycle, freezer, self.recall_reports)

    @part
    def expiry(self) -> Expiry:
        """Recalls what shall vanish by itself."""
        return Expiry(self.opened(), self.clock, self.settings, self.planner, self.lifecycle, self.freezer)

    @part
    def inquirer(self) -> "Inquirer":
        """Asks about single messages."""
        from ledger.services.recalls.inquiries import Inquirer

        executor = self.executor or self.threads
        return Inquirer(self.opened(), self.caller, self.clock, self.pace_clock, self.settings, executor)

    @part
    def read_status(self) -> "DoubtSettler":
        """Settles doubts by the read status."""
        from ledger.services.recalls.read_status import DoubtSettler

        return DoubtSettler(self.opened(), self.clock, self.inquirer, self.recall_reports)

    @part
    def runner(self) -> Runner:
        """Makes the calls of recalls."""
        return Runner(
            self.opened(),
            self.caller,
            self.clock,
            self.pace_clock,
            self.settings,
            self.executor or self.threads,
            self.held_calls,
            self.outage,
            self.freezer,
        )

    @part
    def caller(self) -> "Caller":
        """Makes one call."""
        from ledger.dingtalk.caller import Caller

        return Caller(self.client, self.dingtalk_tokens, self.settings)

    @part
    def threads(self) -> ThreadPoolExecutor:
        """Threads for calls in flight."""
        return ThreadPoolExecutor(self.settings.calls_in_flight, thread_name_prefix="ledger-call")

    @part
    def client(self) -> "Client":
        """The HTTP client for DingTalk."""
        from ledger.dingtalk.client import Client

        return Client(
            timeout_seconds=self.settings.http_timeout_seconds,
            max_connections=self.settings.calls_in_flight,
            transport=self.transport,
        )

    @part
    def dingtalk_tokens(self) -> "DingTalkTokens":
        """The access tokens of the apps."""
        from ledger.dingtalk.tokens import DingTalkTokens

        return DingTalkTokens(self.client, self.settings, self.clock)
