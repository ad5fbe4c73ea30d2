"""How far one person goes alone: what they start, and what is done to one campaign, counts together for a day.

Counting is exact and cheap: what was started alone is at most as much as one person may, or somebody is asked anyway.
What is larger nevertheless, since the glass was broken or more was allowed before, is counted as its plan says.
"""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.core.access.actors import People
from ledger.core.access.agents import is_agent
from ledger.core.recalls.approval import COUNTED_FOR, CountedTogether, Reach, is_needed
from ledger.core.recalls.plan_messages import PlanMessages
from ledger.store.recalls import reached
from ledger.store.recalls.reached import Reached, StartedAlone


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """A recall that somebody wants to start: how large it is, and the names behind it.

    Of one that is not written yet, `plan` has the messages.
    """

    recall_id: int | None
    people: int
    messages: int
    names: frozenset[str]
    is_proven: bool = False
    plan: PlanMessages | None = None

    def reached(self, connection: Connection) -> list[Reached]:
        """Return what it reaches."""
        if self.plan is not None:
            return list(reached.reached_by_plan(connection, self.plan))
        return list(reached.reached_by(connection, [self.recall_id] if self.recall_id is not None else []))


class _Sum:
    """People and messages, each counted once."""

    def __init__(self) -> None:
        self._people, self._messages = set[str](), set[int]()
        self._more_people = self._more_messages = 0

    def add(self, one: Reached) -> None:
        self._people.update(one.recipients)
        self._messages.add(one.message_id)

    def add_counted(self, messages: int, people: int) -> None:
        self._more_messages += messages
        self._more_people += people

    def is_beyond(self, most: int) -> bool:
        return is_needed(recipients=self._count_people(), messages=self._count_messages(), most=most)

    def to_reach(self, counted: CountedTogether) -> Reach:
        return Reach(counted=counted, people=self._count_people(), messages=self._count_messages())

    def _count_people(self) -> int:
        return len(self._people) + self._more_people

    def _count_messages(self) -> int:
        return len(self._messages) + self._more_messages


def reach_beyond(
    connection: Connection,
    starting: Starting,
    people: People,
    most: int | None,
    now: datetime,
    *,
    is_strict: bool = False,
    with_waiting: bool = True,
) -> Reach | None:
    """Return what goes beyond what one person may do, if a recall starts now; None when nothing does.

    When strict, whom no token names may be anybody: it counts with what everybody starts. `with_waiting` counts what
    waits for its moment, too. Once something is beyond it is not counted further: as many are reached at least.
    """
    if most is None:
        return None
    if is_needed(recipients=starting.people, messages=starting.messages, most=most):
        return Reach(counted=CountedTogether.RECALL, people=starting.people, messages=starting.messages)
    since, me = now - COUNTED_FOR, starting.recall_id
    alone = reached.started_alone(connection, since, other_than=me, with_waiting=with_waiting)
    if not alone:
        return None
    own = starting.reached(connection)
    theirs = [
        one
        for one in alone
        if people.overlap(one.names, starting.names) or (is_strict and not (starting.is_proven and one.is_proven))
    ]
    found = _of_one(connection, own, theirs, most, CountedTogether.ACTOR)
    return found or _of_campaigns(connection, own, alone, most)


def agents_reach_beyond(
    connection: Connection, starting: Starting, people: People, most: int, now: datetime, *, with_waiting: bool = True
) -> Reach | None:
    """Return what goes beyond what agents of one person may do, if a recall of theirs starts now.

    However many agents somebody has, whatever they call themselves and into how many plans they cut it, all of it
    counts together for a day. None when nothing goes beyond, and for what no agent has to do with.
    """
    if not any(map(is_agent, starting.names)):
        return None
    if is_needed(recipients=starting.people, messages=starting.messages, most=most):
        return Reach(counted=CountedTogether.AGENTS, people=starting.people, messages=starting.messages)
    alone = reached.started_alone(
        connection, now - COUNTED_FOR, other_than=starting.recall_id, with_waiting=with_waiting
    )
    theirs = [one for one in alone if any(map(is_agent, one.names)) and people.overlap(one.names, starting.names)]
    if not theirs:
        return None
    return _of_one(connection, starting.reached(connection), theirs, most, CountedTogether.AGENTS)


def _of_one(
    connection: Connection,
    own: Sequence[Reached],
    alone: Sequence[StartedAlone],
    most: int,
    counted: CountedTogether,
) -> Reach | None:
    large, small = _by_size(alone, most)
    both = _Sum()
    for one in own:
        both.add(one)
    for recall in large:
        both.add_counted(recall.messages, recall.people)
    if large:
        return both.to_reach(counted)
    with closing(reached.reached_by(connection, [recall.recall_id for recall in small])) as found:
        for one in found:
            both.add(one)
            if both.is_beyond(most):
                return both.to_reach(counted)
    return None


def _of_campaigns(
    connection: Connection, own: Sequence[Reached], alone: Sequence[StartedAlone], most: int
) -> Reach | None:
    sums: dict[str | None, _Sum] = defaultdict(_Sum)
    for one in own:
        sums[one.campaign].add(one)
    campaigns = list(sums)
    large, small = _by_size([one for one in alone if one.may_hold(campaigns)], most)
    for recall in large:
        for campaign, counted in (recall.by_campaign or {}).items():
            if campaign in campaigns:
                sums[campaign].add_counted(*counted)
    if (beyond := next((one for one in sums.values() if one.is_beyond(most)), None)) is not None:
        return beyond.to_reach(CountedTogether.CAMPAIGN)
    with closing(reached.reached_by(connection, [recall.recall_id for recall in small], campaigns)) as found:
        for one in found:
            sums[one.campaign].add(one)
            if sums[one.campaign].is_beyond(most):
                return sums[one.campaign].to_reach(CountedTogether.CAMPAIGN)
    return None


def _by_size(alone: Sequence[StartedAlone], most: int) -> tuple[list[StartedAlone], list[StartedAlone]]:
    """Return those that went beyond by themselves, which are too many to look at one by one, and the others.

    Of one that was cancelled it counts what it did before.
    """
    large = [
        one
        for one in alone
        if one.by_campaign is not None
        and not one.is_cancelled
        and is_needed(recipients=one.people, messages=one.messages, most=most)
    ]
    numbers = {one.recall_id for one in large}
    return large, [one for one in alone if one.recall_id not in numbers]
