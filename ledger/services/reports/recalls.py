"""Reports of recalls: where they stand, and what happened to every key. They only read."""

import heapq
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock, format_time
from ledger.core.audit.disputes import Disputes
from ledger.core.json_value import jsonable
from ledger.core.period import ALWAYS, Period
from ledger.core.persons.reached_people import PeopleCount
from ledger.core.readers.read_sample import BeforeReading, before_reading
from ledger.core.recalls.approval import Approval
from ledger.core.recalls.asking_again import AskAgain
from ledger.core.recalls.plan_seal import without_digest
from ledger.core.recalls.recall import Item, Outcome, Result, Status
from ledger.core.recalls.recall_filter import EVERY_RECALL, RecallFilter
from ledger.core.recalls.reply import Verdict
from ledger.core.recalls.selection import Selection, campaigns_of
from ledger.core.recalls.spot_check import CHECKED, CONTRADICTED, StillThere, still_there
from ledger.services.reports.late_messages import LateMessages
from ledger.services.reports.overtaken import OvertakenPlans
from ledger.services.reports.people import Whose, count_people
from ledger.services.reports.work import work_of
from ledger.store.audit import disputes, history
from ledger.store.database import Database
from ledger.store.events import elsewhere
from ledger.store.readers import read_counts
from ledger.store.recalls import approvals, break_glass, calls, items, lost_calls, queue, recalls, schedules
from ledger.store.recalls.asking_again import ask_again
from ledger.store.recalls.unfrozen import unfrozen_items, unfrozen_skips
from ledger.store.upkeep import figures


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallReport:
    """One recall whole: where it stands, what was asked for, items, what it left out, requests, who did what.

    `disputes` is what the latest check of the history found of it; None when that was nothing. `people` counts those
    whom it concerned; None in a summary. `before_reading` counts who lost it unread; None when nobody ever asked.
    `still_there` are messages that ended recalled and that DingTalk says are there. `recalled_elsewhere` are keys of
    items that other hands have taken back, and not this recall.
    """

    result: Result
    selection: Mapping[str, Any]
    plan: Mapping[str, Any]
    items: Sequence[Item]
    skipped: Sequence[Mapping[str, Any]]
    calls: Sequence[Mapping[str, Any]]
    timeline: Sequence[Mapping[str, Any]]
    disputes: Disputes | None
    people: PeopleCount | None = None
    before_reading: BeforeReading | None = None
    still_there: Sequence[StillThere] = ()
    recalled_elsewhere: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the result's fields and the rest beside them.

        `calls` is the list here, with those that found no connection; `call_count` counts those that left.
        """
        return {
            **self.result.to_json(),
            "call_count": self.result.calls,
            "selection": jsonable(self.selection),
            "plan": jsonable(self.plan),
            "items": jsonable(self.items),
            "skipped": jsonable(self.skipped),
            "calls": jsonable(self.calls),
            "timeline": jsonable(self.timeline),
            "disputes": jsonable(self.disputes),
            "people": jsonable(self.people),
            "before_reading": jsonable(self.before_reading),
            "still_there": jsonable(self.still_there),
            "recalled_elsewhere": jsonable(self.recalled_elsewhere),
        }


class RecallReports:
    """Answers questions about recalls."""

    def __init__(self, database: Database, clock: Clock, wall_of: Callable[[Connection, datetime], datetime]) -> None:
        """`wall_of` gives people a moment of the clock by which leases end."""
        self._database, self._clock, self._wall_of = database, clock, wall_of
        self._late, self._overtaken = LateMessages(clock), OvertakenPlans()

    def result(self, recall_id: int) -> Result:
        """Return where one recall stands; raise UnknownRecallError."""
        with self._database.read() as connection:
            recall = recalls.get(connection, recall_id)
            return self._whole_result(connection, recall, self.results_of(connection, [recall])[0])

    def progress(self, recall_id: int) -> Result:
        """Return where one recall stands, without what would take long to count."""
        with self._database.read() as connection:
            recall = recalls.get(connection, recall_id)
            result = self.results_of(connection, [recall])[0]
            last = calls.last_made(connection, recall_id) if recall.status is Status.RUNNING else None
            waits = self._waits_until(connection, recall_id) if last is not None else None
        if last is None or last.verdict in (Verdict.ANSWERED, Verdict.SPLIT, lost_calls.LOST):
            return result
        trouble = {"verdict": last.verdict, "code": last.code, "reason": last.reason}
        return replace(result, trouble=trouble | ({"until": format_time(waits)} if waits is not None else {}))

    def _waits_until(self, connection: Connection, recall_id: int) -> datetime | None:
        """Return until when no call of a recall may leave, as the wall clock tells it; None when one may."""
        stored = {(one.app, one.api): one.blocked_until for one in figures.stored_paces(connection)}
        # A ban concerns the address: what was never called before is shut out as well.
        banned = max(filter(None, stored.values()), default=None)
        until = [stored.get(api, banned) for api in queue.apis_of(connection, recall_id)]
        walls = [self._wall_of(connection, one) for one in until if one is not None]
        # As long as one of its apps may call, it goes on.
        soonest = min(walls) if len(walls) == len(until) and walls else None
        return soonest if soonest is not None and soonest > self._clock.now() else None

    def results(
        self,
        *,
        statuses: Sequence[Status] = tuple(Status),
        asked: RecallFilter = EVERY_RECALL,
        limit: int | None = None,
    ) -> list[Result]:
        """Return where recalls in given states that somebody looks for stand, newest first."""
        with self._database.read() as connection:
            found = recalls.listed(connection, statuses=statuses, asked=asked, limit=limit)
            return self.results_of(connection, found)

    def unfinished(self) -> list[int]:
        """Return the numbers of the recalls that have started and not ended, the soonest deadline first."""
        with self._database.read() as connection:
            found = recalls.listed(connection, statuses=(Status.PAUSED, Status.RUNNING), limit=None)
        # Deadlines of a plan are RFC 3339 in UTC: as texts they sort like times.
        return [recall.id for recall in sorted(found, key=lambda one: (one.plan.get("first_deadline") or "", one.id))]

    def to_review(self) -> list[int]:
        """Return the recalls that were started without a second person and that nobody has reviewed."""
        with self._database.read() as connection:
            return [recall.id for recall in break_glass.to_review(connection)]

    def running_beside(self, recall_id: int) -> list[int]:
        """Return the other running recalls of the apps of one: whoever runs it makes calls of these too."""
        with self._database.read() as connection:
            apps = {app for app, _ in queue.apis_of(connection, recall_id)}
            running = [one.id for one in recalls.listed(connection, statuses=(Status.RUNNING,)) if one.id != recall_id]
            return sorted(one for one in running if any(app in apps for app, _ in queue.apis_of(connection, one)))

    def report(self, recall_id: int) -> RecallReport:
        """Return one recall whole; raise UnknownRecallError."""
        with self._database.read() as connection:
            recall = recalls.get(connection, recall_id)
            return replace(
                self._summary(connection, recall),
                items=list(_whole(connection, recall)),
                skipped=[*items.skips_of(connection, recall_id), *unfrozen_skips(connection, recall)],
                calls=items.calls_of(connection, recall_id),
                people=count_people(connection, Whose(recall_id=recall_id)),
                recalled_elsewhere=elsewhere.of_recall(connection, recall_id),
            )

    def summary(self, recall_id: int, *, late_of_plans: bool = True) -> RecallReport:
        """Return one recall without its items, what it left out, and its requests; raise UnknownRecallError.

        What is late for a plan takes long to count: nothing that its plan saw is an item yet.
        """
        with self._database.read() as connection:
            recall = recalls.get(connection, recall_id)
            counts_late = late_of_plans or recall.status is not Status.PLANNED
            return self._summary(connection, recall, counts_late=counts_late)

    def _summary(self, connection: Connection, recall: recalls.Recall, *, counts_late: bool = True) -> RecallReport:
        result = self.results_of(connection, [recall])[0]
        timeline = history.of_recall(connection, recall.id)
        return RecallReport(
            result=self._whole_result(connection, recall, result, counts_late=counts_late),
            selection=recall.selection,
            plan=without_digest(recall.plan),
            items=(),
            skipped=(),
            calls=(),
            timeline=[
                {
                    "at": entry.at,
                    "event": entry.event,
                    "actor": entry.actor,
                    "request_id": entry.detail.get("request_id"),
                    "cause": _cause(entry),
                }
                for entry in timeline
            ],
            disputes=disputes.of_recall(connection, recall.id),
            before_reading=before_reading(read_counts.of_recalled(connection, recall.id), result.recalled),
            still_there=_still_there(connection, recall.id, timeline),
        )

    def items_of(self, recall_id: int) -> Iterator[Item]:
        """Yield the items of one recall, nearest deadline first, without ever holding them all."""
        with self._database.read() as connection:
            yield from _whole(connection, recalls.get(connection, recall_id))

    def people(self, recall_id: int) -> PeopleCount:
        """Count the people of a recall by what they have of its messages."""
        with self._database.read() as connection:
            return count_people(connection, Whose(recall_id=recall_id))

    def reasons(self, recall_id: int, *, limit: int) -> list[items.Reason]:
        """Return why messages of a recall were not recalled, the most frequent first."""
        with self._database.read() as connection:
            return items.reasons_of(connection, recall_id, limit)

    def changed_by(self, recall_ids: Sequence[int]) -> dict[int, history.Entry]:
        """Return who retried or cancelled recalls last, by their numbers."""
        with self._database.read() as connection:
            entries = history.latest_of(connection, recall_ids, ("retried", "cancel"))
        return {entry.recall_id: entry for entry in entries if entry.recall_id is not None}

    def ask_again(self, recall_id: int) -> AskAgain:
        """Return what of a recall could be asked again, for how many calls, and what could not."""
        with self._database.read() as connection:
            return ask_again(connection, recall_id, self._clock.now())

    def history(
        self,
        selection: Selection,
        *,
        outcome: Outcome | None = None,
        actor: str | None = None,
        recalled: Period = ALWAYS,
        limit: int | None = None,
    ) -> Iterator[Item]:
        """Yield the outcome of every key, newest first; an empty selection means all of them.

        `recalled` is when their recalls started.
        """
        with self._database.read() as connection:
            yield from items.ended(connection, selection, outcome=outcome, actor=actor, recalled=recalled, limit=limit)

    def _whole_result(
        self, connection: Connection, recall: recalls.Recall, result: Result, *, counts_late: bool = True
    ) -> Result:
        """Add what is counted for one recall alone."""
        now = self._clock.now()
        late = self._late.count(connection, recall) if counts_late else None
        worked = work_of(connection, recall.id, now)
        return replace(
            result, late=late, working_seconds=None if worked is None else min(worked, result.elapsed_seconds)
        )

    def results_of(self, connection: Connection, found: Sequence[recalls.Recall]) -> list[Result]:
        """Return where recalls stand that were read already; of none, nothing is looked up."""
        if not found:
            return []
        ids = [recall.id for recall in found]
        outcomes, made = recalls.count_outcomes(connection, ids), recalls.count_calls(connection, ids)
        asked, broken = approvals.of_recalls(connection, ids), break_glass.of_recalls(connection, ids)
        moments = schedules.of_recalls(connection, ids)
        flying = {
            number: (keys, self._wall_of(connection, until))
            for number, (keys, until) in lost_calls.in_flight(connection, ids).items()
        }
        return [
            replace(
                self._result(recall, outcomes[recall.id], made[recall.id], flying.get(recall.id, (0, None))),
                approval=_approval(recall, asked),
                break_glass=broken.get(recall.id),
                scheduled_at=moments[recall.id].run_at if recall.id in moments else None,
                overtaken_by=self._overtaken.by(connection, recall) if _waits(recall, asked, moments) else None,
            )
            for recall in found
        ]

    def _result(
        self,
        recall: recalls.Recall,
        outcomes: Mapping[Outcome | None, int],
        calls: int,
        flying: tuple[int, datetime | None],
    ) -> Result:
        # Of a recall that was cancelled, what is no item yet becomes one that ended so.
        waiting = recall.unfrozen_items if recall.status is not Status.CANCELLED else 0
        elapsed = 0.0
        if recall.started_at is not None:
            elapsed = ((recall.finished_at or self._clock.now()) - recall.started_at).total_seconds()
        return Result(
            recall_id=recall.id,
            status=recall.status,
            eligible=sum(outcomes.values()) + recall.unfrozen_items,
            pending=outcomes.get(None, 0) + waiting,
            calls=calls,
            elapsed_seconds=round(elapsed, 3),
            reason=recall.reason,
            actor=recall.actor,
            error=recall.error,
            sticky_until=recall.sticky_until,
            follows=recall.follows,
            campaigns=tuple(sorted(campaigns_of(recall.selection))),
            in_flight=flying[0],
            answers_until=flying[1],
            planned_at=recall.planned_at,
            started_at=recall.started_at,
            finished_at=recall.finished_at,
            recalled=outcomes.get(Outcome.RECALLED, 0),
            refused=outcomes.get(Outcome.REFUSED, 0),
            partial=outcomes.get(Outcome.PARTIAL, 0),
            expired=outcomes.get(Outcome.EXPIRED, 0),
            unknown=outcomes.get(Outcome.UNKNOWN, 0),
            cancelled=outcomes.get(Outcome.CANCELLED, 0) + recall.unfrozen_items - waiting,
        )


def _cause(entry: history.Entry) -> Mapping[str, str] | None:
    """Return why a recall was paused, which it no longer says of itself once it goes on."""
    if entry.event != "paused":
        return None
    more = {name: str(entry.detail[name]) for name in ("app", "answered", "by") if name in entry.detail}
    return {name: str(entry.detail.get(name, "")) for name in ("code", "message")} | more


def _whole(connection: Connection, recall: recalls.Recall) -> Iterator[Item]:
    """Yield the items of a recall with those that it has yet to freeze, nearest deadline first."""
    frozen, coming = items.of_recall(connection, recall.id), unfrozen_items(connection, recall)
    return heapq.merge(frozen, coming, key=lambda item: item.deadline)


def _approval(recall: recalls.Recall, asked: Mapping[int, Approval]) -> Approval | None:
    """Return where the approval of a recall stands; before anybody asked, its plan says whether it needs one."""
    if recall.id in asked:
        return asked[recall.id]
    is_needed = recall.status is Status.PLANNED and recall.plan.get("approval") is not None
    return Approval() if is_needed else None


def _waits(recall: recalls.Recall, asked: Mapping[int, Approval], moments: Collection[int]) -> bool:
    """Say whether a plan waits for somebody, or for its moment."""
    is_asked = recall.id in asked and asked[recall.id].is_waiting
    return recall.status is Status.PLANNED and (is_asked or recall.id in moments)


def _still_there(connection: Connection, recall_id: int, timeline: Sequence[history.Entry]) -> tuple[StillThere, ...]:
    """Return what checks have contradicted; where none ever did, nothing more is read."""
    if all(entry.event != CONTRADICTED for entry in timeline):
        return ()
    checks = history.of_events(connection, recall_id, (CHECKED, CONTRADICTED))
    return still_there((one.at, one.event, one.actor, one.detail) for one in checks)
