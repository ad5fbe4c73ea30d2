"""Planning: standings, counts, the number of calls, what a forecast says, and how a queue is drained into calls."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.recalls.pace import Pace, recovered, reserve
from ledger.core.recalls.plan import KEYS_PER_CALL, NO_APP, Candidate, Standing, Tally, judge, next_call
from ledger.core.recording.message import AppName, Chat, RobotCode, Route
from tests.core.values import HOUR, NOW, ROUTES, a_candidate, a_route, after, spans

USERS = ("u1", "u2", "u3", "u4")
RATES: Mapping[AppName, float] = {AppName("default"): 20.0, AppName("second"): 0.5}
ONE_TICK = timedelta(microseconds=1)

deadlines = spans(-2 * HOUR, 24 * HOUR).map(lambda span: NOW + span) | st.just(NOW)
candidates = st.builds(
    a_candidate,
    st.integers(1, 10**9),
    route=st.sampled_from(ROUTES),
    deadline=deadlines,
    recipients=st.sets(st.sampled_from(USERS)).map(lambda users: tuple(sorted(users))),
    held=st.sampled_from([None, None, None, Standing.ALREADY_RECALLED, Standing.IN_PROGRESS]),
)
selections = st.lists(candidates, max_size=120)
asked_users = st.frozensets(st.sampled_from(USERS), max_size=3)


def tallied(selection: Sequence[Candidate], asked: frozenset[str] = frozenset(), *, shared: bool = False) -> Tally:
    """Return the sums over a selection."""
    tally = Tally(now=NOW, asked=asked, include_shared=shared)
    for candidate in selection:
        tally.add(candidate)
    return tally


@given(selections, asked_users, st.booleans())
def test_every_candidate_has_exactly_one_standing_and_the_counts_add_up(
    selection: list[Candidate], asked: frozenset[str], shared: bool
) -> None:
    tally = Tally(now=NOW, asked=asked, include_shared=shared)
    standings = [tally.add(candidate) for candidate in selection]
    assert {standing: count for standing, count in tally.counts.items() if count} == Counter(standings)
    assert set(tally.counts) == set(Standing)
    assert sum(tally.counts.values()) == len(selection)


@given(selections, asked_users, st.booleans())
def test_nothing_past_its_deadline_and_nothing_held_is_eligible(
    selection: list[Candidate], asked: frozenset[str], shared: bool
) -> None:
    for candidate in selection:
        standing = judge(candidate, now=NOW, asked=asked, include_shared=shared)
        if candidate.held is not None:
            assert standing is candidate.held
        elif candidate.deadline <= NOW:
            assert standing is Standing.EXPIRED
        else:
            assert standing in (Standing.ELIGIBLE, Standing.SHARED)


@pytest.mark.parametrize(
    ("asked", "recipients", "include_shared", "standing"),
    [
        ((), ("u1", "u2"), False, Standing.ELIGIBLE),
        (("u1",), ("u1",), False, Standing.ELIGIBLE),
        (("u1",), ("u1", "u2"), False, Standing.SHARED),
        (("u1",), ("u1", "u2"), True, Standing.ELIGIBLE),
        (("u1", "u2"), ("u1", "u2"), False, Standing.ELIGIBLE),
        (("u1", "u2", "u3"), ("u1", "u2"), False, Standing.ELIGIBLE),
        (("u1",), (), False, Standing.ELIGIBLE),
    ],
)
def test_a_message_that_reached_others_too_is_taken_only_when_they_are_included(
    asked: tuple[str, ...], recipients: tuple[str, ...], include_shared: bool, standing: Standing
) -> None:
    candidate = a_candidate(recipients=recipients)
    assert judge(candidate, now=NOW, asked=frozenset(asked), include_shared=include_shared) is standing


def test_a_message_of_a_robot_of_no_app_is_counted_by_robot_and_takes_no_part() -> None:
    stranger = Route(app=NO_APP, chat=Chat.ONE_TO_ONE, robot_code=RobotCode("dingX"))
    tally = tallied([a_candidate(1), a_candidate(2, route=stranger), a_candidate(3, route=stranger)])
    assert (tally.counts[Standing.ELIGIBLE], tally.counts[Standing.UNCONFIGURED]) == (1, 2)
    assert (tally.robots.get("dingX"), tally.unconfigured) == (None, {"dingX": 2})
    assert tally.forecast(RATES, {}).calls == 1
    late = judge(a_candidate(route=stranger, deadline=NOW), now=NOW, asked=frozenset(), include_shared=False)
    assert late is Standing.EXPIRED


def test_the_very_last_instant_is_too_late() -> None:
    decisions = [
        judge(a_candidate(deadline=deadline), now=NOW, asked=frozenset(), include_shared=False)
        for deadline in (NOW - ONE_TICK, NOW, NOW + ONE_TICK)
    ]
    assert decisions == [Standing.EXPIRED, Standing.EXPIRED, Standing.ELIGIBLE]


@given(selections)
def test_robots_and_span_describe_the_eligible_messages(selection: list[Candidate]) -> None:
    tally = tallied(selection)
    eligible = [one for one in selection if one.held is None and one.deadline > NOW]
    assert tally.robots == Counter(one.route.robot_code for one in eligible)
    moments = [one.deadline for one in eligible]
    assert tally.span() == ((min(moments), max(moments)) if moments else (None, None))


@given(selections)
def test_the_calls_are_the_fewest_that_twenty_keys_of_one_route_allow(selection: list[Candidate]) -> None:
    tally = tallied(selection)
    sizes = Counter(one.route for one in selection if one.held is None and one.deadline > NOW)
    forecast = tally.forecast(RATES, {})
    assert forecast.calls == sum(ceil(size / 20) for size in sizes.values())
    assert 0 <= forecast.will_expire_first <= tally.counts[Standing.ELIGIBLE]


@pytest.mark.parametrize(("messages", "calls"), [(0, 0), (1, 1), (19, 1), (20, 1), (21, 2), (40, 2), (41, 3)])
def test_one_route_is_cut_into_full_calls(messages: int, calls: int) -> None:
    forecast = tallied([a_candidate(number) for number in range(messages)]).forecast(RATES, {})
    assert forecast.calls == calls
    assert forecast.estimated_seconds == pytest.approx(max(calls - 1, 0) * 1.03 / 20, abs=0.051)


def test_apps_work_side_by_side() -> None:
    quick = [a_candidate(number, route=a_route("quick")) for number in range(100)]
    slow = [a_candidate(number, route=a_route("slow")) for number in range(60)]
    forecast = tallied(quick + slow).forecast({AppName("quick"): 1.0, AppName("slow"): 0.1}, {})
    assert (forecast.calls, forecast.estimated_seconds) == (8, 20.6)


def test_what_reaches_its_deadline_before_its_turn_is_foreseen() -> None:
    early = [a_candidate(number, deadline=after(1)) for number in range(40)]
    late = [a_candidate(number, deadline=after(60)) for number in range(20)]
    rates = {AppName("default"): 1.0}
    assert tallied(late + early).forecast(rates, {}).will_expire_first == 20
    assert tallied(late + early).forecast({AppName("default"): 0.01}, {}).will_expire_first == 40
    assert tallied(late + early).forecast({AppName("default"): 100.0}, {}).will_expire_first == 0


def test_the_nearest_deadlines_go_first_in_whatever_order_messages_are_found() -> None:
    found = [a_candidate(number, deadline=after(1 if number % 2 else 60)) for number in range(40)]
    assert tallied(found).forecast({AppName("default"): 0.5}, {}).will_expire_first == 0


ONE_TO_ONE = (AppName("default"), Chat.ONE_TO_ONE)


@pytest.mark.parametrize(
    ("pace", "seconds"),
    [
        (Pace(), 99 * 1.03 / 20),
        (Pace(blocked_until=NOW + timedelta(seconds=300)), 300 + 99 * 1.03 / 20),
        (Pace(next_at=NOW + timedelta(seconds=2)), 2 + 99 * 1.03 / 20),
        # A throttled pace comes back by a hundredth with each call.
        (Pace(share=0.5), sum(1.03 / (20 * min(1, 0.5 + turn / 100)) for turn in range(99))),
        (Pace(share=0.05, blocked_until=NOW + timedelta(seconds=1)), None),
    ],
)
def test_a_forecast_goes_on_from_the_pace_that_the_api_has_now(pace: Pace, seconds: float | None) -> None:
    tally = tallied([a_candidate(number) for number in range(2000)])
    forecast = tally.forecast(RATES, {ONE_TO_ONE: pace})
    now, slots = NOW, []
    for _ in range(100):
        now, pace = reserve(pace, now, 20)
        slots.append(now)
        pace = recovered(pace, 1)
    assert forecast.estimated_seconds == pytest.approx((slots[-1] - NOW).total_seconds(), abs=0.051)
    if seconds is not None:
        assert forecast.estimated_seconds == pytest.approx(seconds, abs=0.06)


def test_what_expires_while_an_api_is_blocked_is_foreseen() -> None:
    tally = tallied([a_candidate(number, deadline=after(60 * minutes)) for number, minutes in enumerate([1, 4, 6, 9])])
    blocked = Pace(blocked_until=NOW + timedelta(minutes=5))
    assert tally.forecast(RATES, {ONE_TO_ONE: blocked}).will_expire_first == 2
    assert tally.forecast(RATES, {(AppName("default"), Chat.GROUP): blocked}).will_expire_first == 0


@given(selections, st.floats(0.01, 100), st.floats(1, 10))
def test_a_higher_rate_never_lets_more_messages_expire(selection: list[Candidate], rate: float, times: float) -> None:
    tally = tallied(selection)
    slower, faster = (dict.fromkeys(RATES, rate * factor) for factor in (1, times))
    assert tally.forecast(faster, {}).will_expire_first <= tally.forecast(slower, {}).will_expire_first
    assert tally.forecast(faster, {}).estimated_seconds <= tally.forecast(slower, {}).estimated_seconds


@dataclass(frozen=True)
class Waiting:
    """An item of a queue."""

    number: int
    route: Route
    deadline: datetime


MARGIN = timedelta(seconds=30)


@given(
    st.lists(st.tuples(st.sampled_from(ROUTES), spans(timedelta(), timedelta(seconds=90))), max_size=120),
    st.lists(spans(timedelta(), timedelta(seconds=20)), min_size=1, max_size=20),
)
def test_a_queue_is_drained_in_calls_of_one_route_at_most_twenty_keys_and_one_kind_of_risk(
    queue: list[tuple[Route, timedelta]], steps: list[timedelta]
) -> None:
    now, turn = NOW, 0
    items = [Waiting(number, route, NOW + span) for number, (route, span) in enumerate(queue)]
    waiting = sorted(items, key=lambda item: item.deadline)
    ended: list[Waiting] = []
    while waiting := [item for item in waiting if item.deadline > now]:
        lane = [item for item in waiting if item.route == waiting[0].route]
        chosen = next_call(lane, now=now, margin=MARGIN)
        assert 1 <= len(chosen) <= 20
        assert {item.route for item in chosen} == {waiting[0].route}
        assert len({item.deadline <= now + MARGIN for item in chosen}) == 1
        assert list(chosen) == lane[: len(chosen)]
        assert all(item.deadline > now for item in chosen)
        ended += chosen
        waiting = [item for item in waiting if item not in chosen]
        now, turn = now + steps[turn % len(steps)], turn + 1
    assert len(ended) == len(set(ended))
    assert {item for item in items if item not in ended} <= {item for item in items if item.deadline <= now}


@given(st.integers(0, 130))
def test_without_risky_items_a_queue_is_drained_in_the_fewest_calls(count: int) -> None:
    waiting: Sequence[Waiting] = [Waiting(number, ROUTES[0], NOW + HOUR) for number in range(count)]
    calls = 0
    while waiting:
        waiting, calls = waiting[len(next_call(waiting, now=NOW, margin=MARGIN)) :], calls + 1
    assert calls == ceil(count / KEYS_PER_CALL)


def test_items_inside_the_margin_travel_by_themselves_and_first() -> None:
    risky = [Waiting(number, ROUTES[0], NOW + MARGIN) for number in range(3)]
    safe = [Waiting(number, ROUTES[0], NOW + MARGIN + ONE_TICK) for number in range(3, 30)]
    assert next_call(risky + safe, now=NOW, margin=MARGIN) == risky
    assert next_call(safe, now=NOW, margin=MARGIN) == safe[:20]
    assert next_call(risky + safe, now=NOW, margin=timedelta()) == (risky + safe)[:20]
