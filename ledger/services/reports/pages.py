"""Lists for people and programs, a page at a time: what was sent, recalls, their items, the history."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.bounds import Bounds
from ledger.core.access.roles import Identity
from ledger.core.cursor import Place, decode, encode
from ledger.core.period import ALWAYS, Period
from ledger.core.recalls.recall import Item, Outcome, Result, Status
from ledger.core.recalls.recall_filter import EVERY_RECALL, RecallFilter
from ledger.core.recalls.recall_state import RecallState, state_of, state_without_more
from ledger.core.recalls.selection import Selection
from ledger.core.recording.recorded_message import RecordedMessage
from ledger.errors import ForbiddenError
from ledger.services.reports.list_page import ListPage, Value
from ledger.services.reports.recalls import RecallReports
from ledger.store.database import Database
from ledger.store.recalls import break_glass, pages, recalls, states
from ledger.store.upkeep import figures

Found = Sequence[tuple[Place, Value]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The plans that a second person may answer still, and those that nobody's answer helps: plan them again."""

    waiting: Sequence[Result]
    stale: Sequence[Result]


class Pages:
    """Reads pages. Each is a transaction of its own: a slow reader holds nothing up."""

    def __init__(self, database: Database, clock: Clock, reports: RecallReports) -> None:
        self._database, self._clock, self._reports = database, clock, reports

    def messages(
        self,
        selection: Selection,
        *,
        only_recallable: bool = False,
        shared: bool | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> ListPage[RecordedMessage]:
        """Return messages that the ledger holds, soonest deadline first; an empty selection means all of them.

        Of those that reached somebody, `shared` are the ones that others got too.
        """
        now, after = self._clock.now(), _place(cursor, by_time=True)
        with self._database.read() as connection:
            found = pages.messages_page(
                connection,
                selection,
                now=now,
                only_recallable=only_recallable,
                shared=shared,
                after=after,
                limit=limit + 1,
            )
        return _page(found, limit)

    def count_messages(self, selection: Selection, *, only_recallable: bool = False, shared: bool | None = None) -> int:
        """Return how many messages there are of these."""
        now = self._clock.now()
        with self._database.read() as connection:
            return pages.count_messages(connection, selection, now=now, only_recallable=only_recallable, shared=shared)

    def recalls(
        self,
        *,
        statuses: Sequence[Status] = (),
        asked: RecallFilter = EVERY_RECALL,
        cursor: str | None = None,
        limit: int,
        who: Identity,
    ) -> ListPage[Result]:
        """Return where recalls stand that somebody looks for and may see, newest first."""
        after, seen = _place(cursor, by_time=False), list[tuple[Place, recalls.Recall]]()
        with self._database.read() as connection:
            while len(seen) <= limit:
                found = pages.recalls_page(
                    connection, statuses=statuses or tuple(Status), asked=asked, after=after, limit=limit + 1
                )
                seen += [one for one in found if _is_within(one[1], who)]
                if len(found) <= limit:
                    break
                after = found[-1][0]
            page = _page(seen[: limit + 1], limit)
            return ListPage(values=self._reports.results_of(connection, page.values), cursor=page.cursor)

    def waiting(self, *, limit: int, who: Identity) -> Sequence[Result]:
        """Return the plans that somebody may see and that wait for a second person, the most urgent first."""
        return self.requests(limit=limit, who=who).waiting

    def requests(self, *, limit: int, who: Identity) -> Requests:
        """Return what somebody may see of the plans that a second person was asked about, the most urgent first."""
        now = self._clock.now()
        with self._database.read() as connection:
            # All of them, which are few: those of others, or past help, must not take the places of ours.
            found = [one for one in pages.waiting_for_approval(connection, now) if _is_within(one, who)]
            results = self._reports.results_of(connection, found)
        by_state = {one.recall_id: state_of(one, now) for one in results}
        waiting, stale = (
            [one for one in results if by_state[one.recall_id] is state][:limit]
            for state in (RecallState.TO_APPROVE, RecallState.STALE)
        )
        return Requests(waiting=waiting, stale=stale)

    def scheduled(self, *, limit: int, who: Identity) -> Sequence[Result]:
        """Return the plans that somebody may see and that wait for a moment of their own, the nearest first."""
        with self._database.read() as connection:
            ours = [one for one in pages.scheduled(connection) if _is_within(one, who)]
            return self._reports.results_of(connection, ours[:limit])

    def to_review(self, *, limit: int, who: Identity) -> Sequence[Result]:
        """Return what ran without the second person that it needed and waits for a review, if somebody may see it."""
        with self._database.read() as connection:
            ours = [one for one in break_glass.to_review(connection) if _is_within(one, who)]
            return self._reports.results_of(connection, ours[:limit])

    def count_states(self) -> Counter[RecallState]:
        """Return how many recalls there are of each state that people see, whoever may see them."""
        now = self._clock.now()
        with self._database.read() as connection:
            # Those of which the status does not say how they stand, which are few, are looked at one by one.
            few = {one.id: one for one in pages.waiting_for_approval(connection, None)}
            few |= {one.id: one for one in (*pages.scheduled(connection), *break_glass.to_review(connection))}
            results = self._reports.results_of(connection, list(few.values()))
            by_status, counted = figures.count_recalls(connection), states.count_finished(connection)
        counted.update({RecallState(status): n for status, n in by_status.items() if status is not Status.FINISHED})
        for one in results:
            counted[state_without_more(one)] -= 1
            counted[state_of(one, now)] += 1
        return +counted

    def items(
        self,
        recall_id: int,
        *,
        outcomes: Sequence[Outcome] = (),
        only_pending: bool = False,
        cursor: str | None = None,
        limit: int,
    ) -> ListPage[Item]:
        """Return items of one recall; raise UnknownRecallError."""
        after = _place(cursor, by_time=False)
        with self._database.read() as connection:
            recall = recalls.get(connection, recall_id)
            found = pages.items_page(
                connection, recall, outcomes=outcomes, only_pending=only_pending, after=after, limit=limit + 1
            )
        return _page(found, limit)

    def history(
        self,
        selection: Selection,
        *,
        outcome: Outcome | None = None,
        actor: str | None = None,
        recalled: Period = ALWAYS,
        cursor: str | None = None,
        limit: int,
    ) -> ListPage[Item]:
        """Return the outcomes of keys, newest first; an empty selection means all, `recalled` when recalls started."""
        after = _place(cursor, by_time=True)
        with self._database.read() as connection:
            found = pages.history_page(
                connection, selection, outcome=outcome, actor=actor, recalled=recalled, after=after, limit=limit + 1
            )
            if selection.bounds:
                found = _without_reasons_of_others(connection, selection.bounds, found)
        return _page(found, limit)

    def check_within(self, recall_id: int, who: Identity) -> None:
        """Raise ForbiddenError when a recall may reach beyond somebody's bounds, UnknownRecallError for none."""
        with self._database.read() as connection:
            recall = recalls.get(connection, recall_id)
        if not _is_within(recall, who):
            raise ForbiddenError(f"recall {recall_id} may hold messages that are out of {who.name}'s bounds")


def _place(cursor: str | None, *, by_time: bool) -> Place | None:
    return decode(cursor, by_time=by_time) if cursor is not None else None


def _page(found: Found[Value], limit: int) -> ListPage[Value]:
    """Make a page of rows of which one more was asked for than fit."""
    fitting = found[:limit]
    return ListPage(
        values=[value for _, value in fitting], cursor=encode(fitting[-1][0]) if len(found) > limit else None
    )


def _without_reasons_of_others(
    connection: Connection, bounds: Bounds, found: Sequence[tuple[Place, Item]]
) -> list[tuple[Place, Item]]:
    """Leave out why recalls were made that reach beyond bounds: that was said of other messages, too."""
    made = {one.id: one for one in recalls.of_numbers(connection, {item.recall_id for _, item in found})}
    return [
        (place, item if bounds.hold_all_of(made[item.recall_id].selection) else replace(item, recall_reason=""))
        for place, item in found
    ]


def _is_within(recall: recalls.Recall, who: Identity) -> bool:
    """Say whether all that a recall can hold is within the bounds of somebody."""
    return who.bounds.hold_all_of(recall.selection)
