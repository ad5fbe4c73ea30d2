"""Planning, pure: who is eligible and why the others are not, how keys are cut into calls, and what it will cost."""

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from operator import le
from typing import NamedTuple, Protocol, TypeVar

from ledger.core.deadline import is_past, is_risky
from ledger.core.recalls.pace import Pace, departures
from ledger.core.recording.message import AppName, Chat, Route

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
    # Last: plans keep the place of each.
    ELSEWHERE = "recalled_elsewhere"


class Candidate(NamedTuple):
    """A selected message as planning sees it; `held` says that a recall or other hands took it, or that one is at it.

    `in_doubt` says that another recall has asked for it, and nobody can say whether that worked. `recipients` are
    known where users were named; `size` is how many there are; `campaign` is the place of its campaign in a list of
    them. A tuple, since there may be millions.
    """

    message_id: int
    route: Route
    deadline: datetime
    recipients: Sequence[str] = ()
    held: Standing | None = None
    in_doubt: bool = False
    size: int = 0
    campaign: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Eligible messages that may share calls: of one route, and doubtful keys apart, lest they sink others.

    Each has a deadline (in seconds since 1970), a number, so many recipients, and the place of its campaign.
    """

    route: Route
    in_doubt: bool
    deadlines: "array[float]" = field(default_factory=lambda: array("d"))
    ids: "array[int]" = field(default_factory=lambda: array("q"))
    sizes: "array[int]" = field(default_factory=lambda: array("i"))
    campaigns: "array[int]" = field(default_factory=lambda: array("i"))


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
    unconfigured: dict[str, int] = field(default_factory=dict)
    lanes: dict[tuple[Route, bool], Lane] = field(default_factory=dict)
    _latest: Lane | None = None

    def add(self, candidate: Candidate) -> Standing:
        """Decide one candidate, count it, and return the decision."""
        standing = judge(candidate, now=self.now, asked=self.asked, include_shared=self.include_shared)
        self.counts[standing] += 1
        if standing is Standing.UNCONFIGURED:
            robot = candidate.route.robot_code
            self.unconfigured[robot] = self.unconfigured.get(robot, 0) + 1
        if standing is Standing.ELIGIBLE:
            lane = self._lane(candidate.route, candidate.in_doubt)
            lane.deadlines.append(candidate.deadline.timestamp())
            lane.ids.append(candidate.message_id)
            lane.sizes.append(candidate.size)
            lane.campaigns.append(candidate.campaign)
        return standing

    def _lane(self, route: Route, in_doubt: bool) -> Lane:
        lane = self._latest
        if lane is None or lane.route is not route or lane.in_doubt is not in_doubt:
            lane = self._latest = self.lanes.setdefault((route, in_doubt), Lane(route=route, in_doubt=in_doubt))
        return lane

    @property
    def robots(self) -> dict[str, int]:
        """How many messages are eligible of each robot."""
        found: dict[str, int] = {}
        for lane in self.lanes.values():
            found[lane.route.robot_code] = found.get(lane.route.robot_code, 0) + len(lane.deadlines)
        return found

    @property
    def apis(self) -> set[tuple[AppName, Chat]]:
        """The APIs that eligible messages are recalled with."""
        return {(lane.route.app, lane.route.chat) for lane in self.lanes.values()}

    def calls_in_order(self) -> list[tuple[int, int]]:
        """Return where each call begins, the nearest deadline first: the place of its lane, and the place in there."""
        starts = (
            (lane.deadlines[start], place, start)
            for place, lane in enumerate(self.lanes.values())
            for start in range(0, len(lane.ids), KEYS_PER_CALL)
        )
        return [(place, start) for _, place, start in sorted(starts)]

    def span(self) -> tuple[datetime | None, datetime | None]:
        """Return the first and the last deadline of the eligible messages."""
        if not self.lanes:
            return None, None
        first = min(min(lane.deadlines) for lane in self.lanes.values())
        last = max(max(lane.deadlines) for lane in self.lanes.values())
        return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)

    def forecast(
        self, calls_per_second: Mapping[AppName, float], paces: Mapping[tuple[AppName, Chat], Pace]
    ) -> Forecast:
        """Play the calls through at each app's rate, nearest deadline first; apps and APIs work side by side.

        Each API goes on from the pace that it has now: what was throttled or blocked begins slower, or later.
        """
        queues: dict[tuple[AppName, Chat], list[array[float]]] = defaultdict(list)
        for lane in self.lanes.values():
            queues[lane.route.app, lane.route.chat].extend(_slices(_in_order(lane.deadlines)))
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


def _in_order(moments: "array[float]") -> "array[float]":
    # They come in order, mostly: sorting would make objects of them all.
    if all(map(le, moments, islice(moments, 1, None))):
        return moments
    return array("d", sorted(moments))


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
