"""The shared pace: never more calls in a second than allowed, nearly as many, and nobody waits for ever.

The window is as wide as the limit is written: for a rate that is no whole number it may hold the next whole one.
"""

from bisect import bisect_left
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.recalls.pace import (
    FURTHEST_SLOT,
    LONGEST_BLOCK,
    LOWEST_SHARE,
    SLACK_SECONDS,
    Pace,
    blocked,
    departures,
    recovered,
    reserve,
    seconds_for,
    throttled,
    unblocked,
)
from tests.core.values import HOUR, NOW, after, spans

SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
rates = st.sampled_from([0.02, 0.5, 1.0, 1.5, 5.0, 19.9, 20.0, 20.7, 40.0, 60.0, 1000.0]) | st.floats(0.01, 1000)
shares = st.floats(LOWEST_SHARE, 1)
# What processes read of the time that they share: around the true one, and always less apart than what is taken for a
# clock that was set back.
jitters = spans(-0.3 * SECOND, 0.3 * SECOND)
events = st.lists(
    st.tuples(
        st.sampled_from(["reserve"] * 6 + ["throttled", "recovered", "blocked"]),
        spans(timedelta(), 3 * SECOND),
        jitters,
        st.integers(1, 60),
    ),
    max_size=40,
)
lookaheads = st.sampled_from([timedelta(), timedelta(milliseconds=150), timedelta(milliseconds=1150)])


def slowest(rate: float) -> timedelta:
    """Return the spacing at the lowest share."""
    return timedelta(seconds=(1 + SLACK_SECONDS) / (rate * LOWEST_SHARE))


def most_in_a_second(slots: list[datetime]) -> int:
    """Return how many slots the fullest half-open second holds."""
    return max((bisect_left(slots, slot + SECOND) - place for place, slot in enumerate(slots)), default=0)


@given(rates, lookaheads, events)
def test_no_second_ever_holds_more_slots_than_calls_are_allowed(
    rate: float, lookahead: timedelta, history: list[tuple[str, timedelta, timedelta, int]]
) -> None:
    pace, true_time, slots = Pace(), NOW, list[datetime]()
    for event, passed, jitter, count in history:
        true_time += passed
        now = true_time + jitter
        if event == "throttled":
            pace = throttled(pace, now, wait_seconds=count % 3)
        elif event == "recovered":
            pace = recovered(pace, count)
        elif event == "blocked":
            pace = blocked(pace, now + timedelta(seconds=count))
        else:
            for _ in range(count):
                slot, changed = reserve(pace, now, rate)
                assert slot >= max(now, pace.blocked_until or now)
                if slot > now + lookahead:  # as every caller does: what is further off is asked for later
                    break
                slots.append(slot)
                pace = changed
        assert LOWEST_SHARE <= pace.share <= 1
    assert slots == sorted(slots)
    assert most_in_a_second(slots) <= ceil(rate)
    for earlier, later in pairwise(slots):
        assert later - earlier + TICK >= timedelta(seconds=1 / rate)


@given(rates)
def test_at_full_share_at_least_95_percent_of_the_rate_is_reached(rate: float) -> None:
    pace, now = Pace(), NOW
    for _ in range(200):
        now, pace = reserve(pace, now, rate)
    assert 199 / (now - NOW).total_seconds() >= 0.95 * rate


@pytest.mark.parametrize("rate", [1, 5, 20, 40, 60])
def test_calls_that_the_network_pushes_together_still_fit_into_the_second(rate: int) -> None:
    pace, slots = Pace(), [NOW]
    for _ in range(5 * rate):
        slot, pace = reserve(pace, slots[-1], rate)
        slots.append(slot)
    for earlier, later in zip(slots[1:], slots[1 + rate :], strict=False):
        assert later - earlier >= SECOND + timedelta(seconds=SLACK_SECONDS) - rate * TICK


paces = st.builds(
    Pace,
    next_at=st.none() | spans(-400 * 24 * HOUR, 400 * 24 * HOUR).map(lambda span: NOW + span),
    share=shares,
    blocked_until=st.none() | spans(-400 * 24 * HOUR, 400 * 24 * HOUR).map(lambda span: NOW + span),
)


@given(paces, rates)
def test_nobody_waits_for_ever_whatever_a_wrong_clock_wrote(pace: Pace, rate: float) -> None:
    now, looks = NOW, 0
    while (slot := reserve(pace, now, rate)[0]) > now:
        now, looks = slot, looks + 1
        assert looks <= 3
    assert now - NOW <= 2 * (LONGEST_BLOCK + FURTHEST_SLOT) + slowest(rate)


@given(paces, rates)
def test_who_comes_back_at_the_promised_moment_is_let_go(pace: Pace, rate: float) -> None:
    pace = replace(pace, blocked_until=None)
    slot, _ = reserve(pace, NOW, rate)
    assert reserve(pace, slot, rate)[0] == slot


@given(spans(timedelta(), 3 * HOUR), rates)
def test_after_a_step_back_the_wait_stays_short(step: timedelta, rate: float) -> None:
    _, pace = reserve(Pace(), NOW, rate)
    slot, _ = reserve(pace, NOW - step, rate)
    assert slot - (NOW - step) <= FURTHEST_SLOT + slowest(rate)


def test_a_clock_that_was_set_back_by_hours_holds_nobody_up() -> None:
    _, pace = reserve(Pace(), NOW, 20)
    now = NOW - 5 * HOUR
    first, pace = reserve(pace, now, 20)
    second, _ = reserve(pace, now, 20)
    assert first == now
    assert second - first == timedelta(seconds=(1 + SLACK_SECONDS) / 20)


def test_a_block_that_a_wrong_clock_wrote_is_forgotten() -> None:
    pace = blocked(Pace(), NOW + 300 * SECOND)
    slot, after_it = reserve(pace, NOW - 365 * 24 * HOUR, 20)
    assert slot == NOW - 365 * 24 * HOUR
    assert after_it.blocked_until is None


def test_a_slow_rate_is_not_mistaken_for_a_clock_that_was_set_back() -> None:
    first, pace = reserve(Pace(), NOW, 0.02)
    second, _ = reserve(pace, NOW, 0.02)
    assert (second - first).total_seconds() == pytest.approx(51.5)


def test_slots_after_a_ban_are_as_far_apart_as_any() -> None:
    pace = blocked(Pace(), after(300))
    slots = []
    for _ in range(5):
        slot, pace = reserve(pace, NOW, 20)
        slots.append((slot - NOW).total_seconds())
    assert slots == pytest.approx([300, 300.0515, 300.103, 300.1545, 300.206])


def test_a_throttled_pace_falls_by_a_quarter_then_by_half_and_finds_its_way_back() -> None:
    pace = throttled(Pace(), NOW, wait_seconds=1)
    assert (pace.share, pace.blocked_until) == (0.75, after(1))
    assert reserve(pace, NOW, 20)[0] == after(1)
    assert throttled(pace, after(2), wait_seconds=1).share == 0.375
    for refusal in range(1, 10):
        pace = throttled(pace, after(2 * refusal), wait_seconds=1)
    assert pace.share == LOWEST_SHARE
    for _ in range(100):
        pace = recovered(pace, 1)
    assert pace.share == 1


def test_refusals_of_calls_that_had_left_before_the_pace_fell_do_not_lower_it_again() -> None:
    pace = throttled(Pace(), NOW, wait_seconds=1)
    for seconds in (0.05, 0.1, 0.9):
        pace = throttled(pace, after(seconds), wait_seconds=1)
    assert (pace.share, pace.blocked_until) == (0.75, after(1.9))
    assert throttled(pace, after(1.9), wait_seconds=1).share == 0.375


def test_the_later_of_two_blocks_stands() -> None:
    long = blocked(Pace(), after(300))
    assert blocked(long, after(5)).blocked_until == after(300)
    assert throttled(long, NOW, wait_seconds=1).blocked_until == after(300)
    assert blocked(long, after(400)).blocked_until == after(400)


def test_at_half_the_share_slots_are_twice_as_far_apart() -> None:
    first, pace = reserve(Pace(share=0.5), NOW, 20)
    assert first == NOW
    assert pace.next_at == NOW + 2 * timedelta(seconds=(1 + SLACK_SECONDS) / 20)


def test_a_lifted_block_lets_calls_go_at_the_rate_that_was_reached() -> None:
    pace = Pace(next_at=after(1), share=0.5, blocked_until=after(300))
    assert unblocked(pace) == replace(pace, blocked_until=None)


def test_the_longest_wait_that_anybody_is_asked_for_is_waited_for() -> None:
    longest = LONGEST_BLOCK + FURTHEST_SLOT
    assert reserve(blocked(Pace(), NOW + longest), NOW, 20)[0] == NOW + longest
    assert reserve(blocked(Pace(), NOW + longest + TICK), NOW, 20)[0] == NOW


def test_the_furthest_slot_that_anybody_reserves_is_waited_for() -> None:
    furthest = FURTHEST_SLOT + slowest(20)
    assert reserve(Pace(next_at=NOW + furthest), NOW, 20)[0] == NOW + furthest
    assert reserve(Pace(next_at=NOW + furthest + TICK), NOW, 20)[0] == NOW


@given(shares, rates, st.integers(0, 200))
def test_the_time_for_some_calls_is_that_in_which_they_would_leave(share: float, rate: float, calls: int) -> None:
    pace = Pace(share=share, blocked_until=NOW + 3 * SECOND)
    slots = [slot for _, slot in zip(range(calls + 1), departures(pace, NOW, rate), strict=False)]
    last = (slots[-1] - NOW).total_seconds()
    assert seconds_for(pace, calls, NOW, rate) == pytest.approx(last if calls else 0.0, abs=0.01 + calls * 1e-6)
