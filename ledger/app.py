"""The ledger as programs hold it: one object, whose methods are what the documentation promises, and no more.

What this package runs itself (commands, the service, the gateway) takes the parts below it, `ledger.parts`.
"""

import atexit
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ledger.core.access.actors import check_actor
from ledger.core.access.roles import Identity, Permission
from ledger.core.check_up import CheckUp
from ledger.core.period import period_of_recall
from ledger.core.recalls.recall import Item, OnProgress, Outcome, Plan, Result, Status
from ledger.core.recalls.recall_filter import recall_filter
from ledger.core.recalls.selection import select
from ledger.core.recording.expiry import seconds_of
from ledger.core.recording.message import Chat
from ledger.errors import InputError
from ledger.integrations import tags
from ledger.parts import Parts
from ledger.services.access.actor import shows_token, who_acts, who_shows
from ledger.settings import Settings

# What a method returns is loaded by the part that makes it, and a hook by who watches a client.
if TYPE_CHECKING:
    from httpx import BaseTransport

    from ledger.clock import Clock
    from ledger.core.campaigns.campaign import CampaignLine
    from ledger.core.readers.read_sample import ReadReport
    from ledger.services.recording.batches import Imported, WriteCounts
    from ledger.services.recording.tagger import Tagged
    from ledger.services.reports.recalls import RecallReport
    from ledger.services.reports.verifier import Verification
    from ledger.services.upkeep.purger import Purged

Watched = TypeVar("Watched")


class Ledger:
    """The recall ledger. Nothing is opened before the first use; `close` when done (it also happens at exit).

    Without settings, they come from the environment; tests hand in a clock, an executor and a transport of httpx. It
    may be shared between threads. `parts` is what it is made of; nothing is promised of that.

    Every method that asks the database raises DatabaseUnavailableError when that is away, and SchemaOutOfDateError when
    its tables are of another version. All errors are children of LedgerError, with a stable `code`.

    >>> with Ledger(settings) as other:
    ...     other.recalls()
    []
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        clock: "Clock | None" = None,
        executor: Executor | None = None,
        transport: "BaseTransport | None" = None,
    ) -> None:
        self.parts = Parts(settings or Settings.load(), clock, executor, transport)
        atexit.register(self.close)

    @property
    def settings(self) -> Settings:
        """The settings that it was opened with."""
        return self.parts.settings

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        expires_in: float | None = None,
        expires_at: datetime | str | None = None,
    ) -> "WriteCounts":
        """Record one message and return once it is on disk; without `sent_at` it counts as sent now.

        Without a chat kind, one that has a conversation is taken for a group message. A worker recalls it by itself
        `expires_in` seconds after it was sent, or at `expires_at`.

        On disk is in the database, or in the spool while that is away: one of `recorded`, `duplicates`, `spooled` is 1.
        Raise InvalidMessageError (a naive time, a key over 1,024 characters, ...); then nothing was recorded.

        >>> book.record(process_query_key="key-1", robot_code="dingrobot1", user_ids=["li.si"], campaign="welcome")
        WriteCounts(recorded=1, duplicates=0, spooled=0, note=None)
        """
        row = {
            "process_query_key": process_query_key,
            "robot_code": robot_code,
            "user_ids": user_ids,
            "campaign": campaign,
            "sent_at": sent_at,
            "open_conversation_id": open_conversation_id,
            "source": source,
            "chat": chat,
            "expires_in": expires_in,
            "expires_at": expires_at,
        }
        return self.parts.recorder.record(row)

    def record_many(
        self,
        rows: Iterable[Mapping[str, Any]],
        *,
        campaign: str | None = None,
        robot_code: str | None = None,
        sent_at: datetime | None = None,
    ) -> "Imported":
        """Record rows as in `ledger import`; bad ones are listed with their number (from 1) and stop nothing.

        What the database does not take waits in the spool. Raise LedgerError when the spool cannot be written either;
        then the rows that no sum speaks of are not recorded.

        >>> rows = [{"processQueryKey": "key-1", "sentAt": now}, {"processQueryKey": "key-2"}]
        >>> done = book.record_many(rows, robot_code="dingrobot1")
        >>> done.recorded, done.rejected_count, done.rejected[0].line
        (1, 1, 2)
        """
        from ledger.services.recording.rows import Defaults, Line

        lines = (Line(number=number, fields=row) for number, row in enumerate(rows, start=1))
        return self.parts.recorder.record_many(lines, Defaults(campaign=campaign, robot=robot_code, sent_at=sent_at))

    def watch(self, client: Watched, *, wait: bool = False, stops: bool = False) -> Watched:
        """Record from now on what a client sends, and return the client; watching it twice changes nothing.

        An httpx.Client or AsyncClient, a requests.Session, an aiohttp.ClientSession, or a client of the official SDK
        (alibabacloud_dingtalk); InputError for anything else. Nothing else that the client does is touched, and no
        fault of the ledger reaches it. An answer is given on as soon as its key is in the journal, which survives this
        program; with `wait`, once it is on disk. With `stops`, a send of a campaign whose recall stopped what is still
        sent does not leave, and raises SendingStoppedError; without, no recall stops a sender. One request can be
        tagged with the headers `x-ledger-campaign` and `x-ledger-source`, which are not sent.
        """
        from ledger.integrations import clients
        from ledger.integrations.following import Watching

        parts = self.parts

        def is_stopped(campaign: str | None) -> str | None:
            name = campaign or parts.settings.campaign
            if name is None:
                return None
            parts.known_stops.wait()
            return name if parts.known_stops.hold(name) else None

        sink = parts.recorder.send_recorder
        clients.watch(client, Watching(sink=sink, waits=wait, is_stopped=is_stopped if stops else None))
        return client

    def campaign(
        self, name: str, source: str | None = None, *, expires_in: float | None = None
    ) -> AbstractContextManager[None]:
        """Tag what watched clients send inside the block, also in tasks, threads, processes and jobs that begin there.

        With `expires_in`, a worker recalls each message by itself so many seconds after it was sent. Raise InputError
        for an empty name or source, or a time that is none.
        """
        if not name or source == "":
            raise InputError("the campaign or source is empty: leave it out, or name what is meant")
        if expires_in is not None and seconds_of(expires_in) is None:
            raise InputError(f"expires_in is {expires_in!r}: give a number of seconds, as in 3600")
        return tags.tagged(tags.Tags(campaign=name, source=source, expires_in=expires_in))

    def campaigns(self) -> "list[CampaignLine]":
        """Return what can still be recalled, a line a campaign, soonest deadline first.

        >>> [(line.campaign, line.messages, line.recallable) for line in book.campaigns()]
        [('spring', 3, 3)]
        """
        return self.parts.campaigns()

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
        include_elsewhere: bool = False,
        actor: str | None = None,
    ) -> Plan:
        """Plan a recall of the messages that fit every given part; nothing is called.

        `since` and `until` are of the time of sending. With `users`, messages that reached other people too are left
        out unless `include_shared`; so are those that other hands have taken back unless `include_elsewhere`. Raise
        EmptySelectionError when no part is given, NaiveTimeError or another InputError for one that cannot be meant.

        >>> plan = book.plan(campaign="spring", reason="wrong link", actor="wang")
        >>> plan.eligible, plan.recipients, plan.calls
        (3, 3, 1)
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
            include_elsewhere=include_elsewhere,
        )
        return self.parts.planner.plan(selection, reason=reason, actor=who_acts(actor), include_shared=include_shared)

    def run(
        self,
        plan: Plan | int,
        *,
        actor: str | None = None,
        token: str | None = None,
        break_glass: str | None = None,
        plan_token: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Result:
        """Run a plan (or the recall of that number) to its end; a plan runs once.

        Without an actor, it is run by who planned it, or by who holds `token`, one of the service (or LEDGER_TOKEN).
        With `plan_token`, the `token` of the plan, exactly what was shown is run, or nothing.
        `break_glass`, a reason, runs it without the second person that it needs: somebody has to `review` it.
        `on_progress` is called with a Result now and then. What somebody has to fix is no error: the result is
        `paused`, and says why in `error`. Raise UnknownRecallError, WrongStateError (it has run), PlanEndedError (it
        is too old), PlanChangedError (another recall took its messages), NothingEligibleError, and ApprovalNeededError
        when a second person has to agree first.

        >>> result = book.run(book.plan(campaign="spring", reason="wrong link"))
        >>> result.status, result.recalled, result.is_complete
        (<Status.FINISHED: 'finished'>, 3, True)
        """
        shown = self._who_shows(Permission.RECALL, actor, token) if shows_token(token) else None
        return self.parts.lifecycle.run(
            plan if isinstance(plan, int) else plan.recall_id,
            actor=shown.name if shown else check_actor(actor) if actor else None,
            is_proven=shown is not None,
            break_glass=break_glass,
            plan_token=plan_token,
            on_progress=on_progress,
        )

    def approve(
        self,
        recall_id: int,
        *,
        actor: str | None = None,
        token: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Result:
        """Agree, as a second person, to what another one wants to run, and run it.

        Once there are tokens of the service, it takes one of them (without: LEDGER_TOKEN). Raise ForbiddenError when it
        is the same person, UnauthenticatedError without a token that is needed, and as `run` does.
        """
        who = self._who_shows(Permission.APPROVE, actor, token)
        return self.parts.lifecycle.approve(recall_id, actor=who.name, is_proven=who.is_proven, on_progress=on_progress)

    def refuse(self, recall_id: int, *, reason: str, actor: str | None = None, token: str | None = None) -> Result:
        """Do not agree to what another person wants to run: its plan is over.

        Raise UnknownRecallError, WrongStateError when it does not wait for anybody, InputError without a reason, and as
        `approve` does.
        """
        who = self._who_shows(Permission.APPROVE, actor, token)
        return self.parts.lifecycle.refuse(recall_id, actor=who.name, reason=reason, is_proven=who.is_proven)

    def review(self, recall_id: int, *, reason: str, actor: str | None = None, token: str | None = None) -> Result:
        """Say, as another person, what to make of a recall that was run with `break_glass`.

        Raise WrongStateError when it was not, or was reviewed already, and as `refuse` does.
        """
        who = self._who_shows(Permission.APPROVE, actor, token)
        return self.parts.lifecycle.review(recall_id, actor=who.name, reason=reason, is_proven=who.is_proven)

    def resume(self, recall_id: int, *, actor: str | None = None, on_progress: OnProgress | None = None) -> Result:
        """Go on with a recall that was paused or whose process went away.

        Raise UnknownRecallError, and WrongStateError when nothing of it waits.
        """
        return self.parts.lifecycle.resume(recall_id, actor=who_acts(actor), on_progress=on_progress)

    def retry(
        self,
        recall_id: int,
        *,
        actor: str | None = None,
        token: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Result:
        """Ask again for what ended refused, partial or unknown, while its deadline lasts.

        Raise UnknownRecallError, WrongStateError when it never ran, NothingEligibleError when there is nothing to ask,
        and RetryTooLargeError when that goes beyond what one person may do alone.
        """
        who = self._who_shows(Permission.RECALL, actor, token)
        return self.parts.lifecycle.retry(recall_id, actor=who.name, is_proven=who.is_proven, on_progress=on_progress)

    def cancel(self, recall_id: int, *, actor: str | None = None) -> Result:
        """Stop a recall for good: what waits ends cancelled, what is in flight ends by its answer.

        Raise UnknownRecallError, and WrongStateError when it has finished.

        >>> book.cancel(book.plan(campaign="spring", reason="wrong link").recall_id).cancelled
        3
        """
        return self.parts.lifecycle.cancel(recall_id, actor=who_acts(actor))

    def result(self, recall_id: int) -> Result:
        """Return where one recall stands; its outcomes and `pending` add up to `eligible`. Raise UnknownRecallError."""
        return self.parts.current_recalls.result(recall_id)

    def recalls(
        self,
        *,
        statuses: Sequence[Status] = tuple(Status),
        campaign: str | Collection[str] | None = None,
        actor: str | None = None,
        recalled_since: datetime | None = None,
        recalled_until: datetime | None = None,
        limit: int | None = None,
    ) -> list[Result]:
        """Return where recalls in these states that fit every given part stand, newest first; without a limit, all.

        A recall is of a campaign that it names, or of which it has ended a message; `recalled_since` and
        `recalled_until` are of its start, or of the making of a plan that nobody ran.
        """
        asked = recall_filter(
            campaign=campaign, actor=actor, recalled_since=recalled_since, recalled_until=recalled_until
        )
        return self.parts.current_recalls.results(statuses=statuses, asked=asked, limit=limit)

    def show(self, recall_id: int) -> "RecallReport":
        """Return one recall with its items, what it left out, its HTTP requests, and who did what.

        Raise UnknownRecallError.

        >>> result = book.run(book.plan(campaign="spring", reason="wrong link"))
        >>> report = book.show(result.recall_id)
        >>> len(report.items), len(report.calls), [entry["event"] for entry in report.timeline]
        (3, 1, ['planned', 'started', 'finished'])
        """
        return self.parts.current_recalls.report(recall_id)

    def reads(
        self,
        recall_id: int | None = None,
        *,
        sample: int,
        campaign: str | Collection[str] | None = None,
        untagged: bool = False,
        source: str | None = None,
        users: Collection[str] | None = None,
        keys: Collection[str] | None = None,
        robot: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        actor: str | None = None,
    ) -> "ReadReport":
        """Ask DingTalk who has read so many messages, drawn by lot, of a recall or that fit every given part.

        Each costs a call of the month's quota, one in a conversation a call for each 200 readers. `share_low` and
        `share_high` are the range of the share of all. What was answered within ten minutes is not asked again. Raise
        NothingEligibleError when nothing can be asked about, PausedError when somebody has to fix something, and
        EmptySelectionError or InputError as `plan` does.

        >>> found = book.reads(campaign="spring", sample=2)
        >>> found.messages, found.asked + found.unknown, found.calls
        (3, 2, 2)
        """
        from ledger.services.reports.people import Whose

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
        if recall_id is not None and not selection.is_empty:
            raise InputError("a recall is a selection by itself: leave the parts out, or the recall")
        whose = Whose(recall_id=recall_id, selection=selection)
        self.parts.recorder.catch_up()
        return self.parts.read_asker.ask(whose, sample=sample, actor=who_acts(actor))

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
    ) -> "Tagged":
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
        recalled_since: datetime | None = None,
        recalled_until: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[Item]:
        """Yield the outcome of every key that fits every given part, newest first; without any, of all keys.

        `recalled_since` and `recalled_until` are of the start of their recalls. It is read as it is iterated over, in
        constant memory. Raise InputError for a part that cannot be meant.

        >>> result = book.run(book.plan(campaign="spring", reason="wrong link", actor="wang"))
        >>> {(item.outcome.value, item.actor) for item in book.history(campaign="spring")}
        {('recalled', 'wang')}
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
        )
        return self.parts.recall_reports.history(
            selection,
            outcome=_outcome(outcome),
            actor=actor,
            recalled=period_of_recall(recalled_since, recalled_until),
            limit=limit,
        )

    def purge(self) -> "Purged":
        """Delete the messages that are past their window; recalls and their history stay.

        >>> book.purge().purged
        0
        """
        return self.parts.purger.run_once()

    def verify(self, known_digest: str | None = None) -> "Verification":
        """Check that nobody rewrote the history, nor cut off what came before a digest that was kept elsewhere.

        >>> book.verify().ok
        True
        """
        return self.parts.verifier.run_once(known_digest)

    def doctor(self) -> CheckUp:
        """Check everything that a recall needs; never raises for what it finds.

        >>> found = book.doctor()
        >>> found.ok, found.checks[0].name
        (True, 'settings')
        """
        return CheckUp.of(self.parts.examine())

    def _who_shows(self, permission: Permission, actor: str | None, token: str | None) -> Identity:
        return who_shows(self.parts.service_tokens, permission, actor, token)


def _outcome(outcome: Outcome | str | None) -> Outcome | None:
    try:
        return Outcome(outcome) if outcome else None
    except ValueError:
        raise InputError(f"{outcome!r} is no outcome: {', '.join(Outcome)} are") from None
