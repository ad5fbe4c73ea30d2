"""Planning, pure: who is eligible and why the others are not, how keys are cut into calls, and what it will cost."""

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from ledger.core.deadline import is_past, is_risky
from ledger.core.message import AppName, Chat, Route
from ledger.core.pace import Pace, departures

KEYS_PER_CALL = 20
# What a robot belongs to that the settings give to no app: nobody here can call for it.
NO_APP = AppName("")


class Standing(StrEnum):
    """Whether a selected message can be recalled, and if not, why."""

    ELIGIBLE = "eligible"
    EXPIRED = "expired"
    ALREADY_RECALLED = "already_recalled"
    IN_PROGRESS = "in_progress"
    SHARED = "shared_skipped"
    UNCONFIGURED = "unconfigured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A selected message as planning sees it; `held` says that another recall has recalled it or is at it.

    `in_doubt` says that another recall has asked for it, and nobody can say whether that worked.
    """

    message_id: int
    route: Route
    deadline: datetime
    recipients: tuple[str, ...]
    held: Standing | None = None
    in_doubt: bool = False

    @property
    def call_group(self) -> "CallGroup":
        """With what it may share a call: doubtful keys travel apart, lest they sink others."""
        return self.route, self.in_doubt


CallGroup = tuple[Route, bool]


def judge(candidate: Candidate, *, now: datetime, asked: frozenset[str], include_shared: bool) -> Standing:
    """Decide one message. `asked` are the user ids that were named; none named means that all are meant."""
    if candidate.held is not None:
        return candidate.held
    if is_past(candidate.deadline, now):
        return Standing.EXPIRED
    if candidate.route.app == NO_APP:
        return Standing.UNCONFIGURED
    if asked and not include_shared and not asked.issuperset(candidate.recipients):
        return Standing.SHARED
    return Standing.ELIGIBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the eligible messages will cost: calls, seconds, and how many expire before their turn."""

    calls: int
    estimated_seconds: float
    will_expire_first: int


@dataclass(slots=True, kw_only=True)
class Tally:
    """The running sums of a plan; one pass over any number of candidates, without keeping them."""

    now: datetime
    asked: frozenset[str] = frozenset()
    include_shared: bool = False
    counts: dict[Standing, int] = field(default_factory=lambda: dict.fromkeys(Standing, 0))
    robots: dict[str, int] = field(default_factory=dict)
    unconfigured: dict[str, int] = field(default_factory=dict)
    deadlines: dict[CallGroup, "array[float]"] = field(default_factory=lambda: defaultdict(lambda: array("d")))
    people: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    def add(self, candidate: Candidate) -> Standing:
        """Decide one candidate, count it, and return the decision."""
        standing = judge(candidate, now=self.now, asked=self.asked, include_shared=self.include_shared)
        self.counts[standing] += 1
        if standing in (Standing.ELIGIBLE, Standing.SHARED) and self.asked:
            self.others.update(user for user in candidate.recipients if user not in self.asked)
        robot = candidate.route.robot_code
        if standing is Standing.UNCONFIGURED:
            self.unconfigured[robot] = self.unconfigured.get(robot, 0) + 1
        if standing is Standing.ELIGIBLE:
            self.robots[robot] = self.robots.get(robot, 0) + 1
            self.people.update(candidate.recipients)
            self.deadlines[candidate.call_group].append(candidate.deadline.timestamp())
        return standing

    def span(self) -> tuple[datetime | None, datetime | None]:
        """Return the first and the last deadline of the eligible messages."""
        if not self.deadlines:
            return None, None
        first = min(min(moments) for moments in self.deadlines.values())
        last = max(max(moments) for moments in self.deadlines.values())
        return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)

    def forecast(
        self, calls_per_second: Mapping[AppName, float], paces: Mapping[tuple[AppName, Chat], Pace]
    ) -> Forecast:
        """Play the calls through at each app's rate, nearest deadline first; apps and APIs work side by side.

        Each API goes on from the pace that it has now: what was throttled or blocked begins slower, or later.
        """
        queues: dict[tuple[AppName, Chat], list[array[float]]] = defaultdict(list)
        for (route, _), moments in self.deadlines.items():
            queues[route.app, route.chat].extend(_slices(array("d", sorted(moments))))
        late, last = 0, self.now
        for (app, chat), queue in queues.items():
            queue.sort(key=lambda keys: keys[0])
            turns = departures(paces.get((app, chat), Pace()), self.now, calls_per_second[app])
            for keys, leaves_at in zip(queue, turns, strict=False):
                late += bisect_right(keys, leaves_at.timestamp())
                last = max(last, leaves_at)
        return Forecast(
            calls=sum(len(queue) for queue in queues.values()),
            estimated_seconds=round((last - self.now).total_seconds(), 1),
            will_expire_first=late,
        )


def _slices(moments: "array[float]") -> Iterator["array[float]"]:
    for start in range(0, len(moments), KEYS_PER_CALL):
        yield moments[start : start + KEYS_PER_CALL]


class HasDeadline(Protocol):
    """Anything with a deadline can be cut into calls."""

    @property
    def deadline(self) -> datetime: ...


Waiting = TypeVar("Waiting", bound=HasDeadline)


def next_call(waiting: Sequence[Waiting], *, now: datetime, margin: timedelta) -> Sequence[Waiting]:
    """Choose from one route's waiting items, nearest deadline first, those that travel in its next call.

    Items inside the safety margin go by themselves, so that one that expires on the way cannot sink the others.
    Items past their deadline must have been taken out before.
    """
    risky = [item for item in waiting if is_risky(item.deadline, now, margin)]
    return (risky or waiting)[:KEYS_PER_CALL]
