"""How long a message can be recalled, and how near its end it is."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.deadline import deadline_of, is_past, is_risky
from ledger.core.recording.message import Chat

from .values import HOUR, NOW, spans

TICK = timedelta(microseconds=1)
MARGIN = timedelta(seconds=30)


@pytest.mark.parametrize(
    ("chat", "group_window", "hours"),
    [
        (Chat.ONE_TO_ONE, 24 * HOUR, 24),
        (Chat.ONE_TO_ONE, 2 * HOUR, 24),
        (Chat.GROUP, 24 * HOUR, 24),
        (Chat.GROUP, 2 * HOUR, 2),
        (Chat.GROUP, 48 * HOUR, 24),
        (Chat.PRIVATE, 2 * HOUR, 2),
    ],
)
def test_the_window_is_24_hours_or_what_is_set_for_groups(chat: Chat, group_window: timedelta, hours: int) -> None:
    assert deadline_of(NOW, chat, group_window) == NOW + hours * HOUR


def test_the_deadline_itself_is_too_late() -> None:
    assert [is_past(NOW, moment) for moment in (NOW - TICK, NOW, NOW + TICK)] == [False, True, True]


@pytest.mark.parametrize(
    ("left", "risky"), [(-TICK, False), (timedelta(), False), (TICK, True), (MARGIN, True), (MARGIN + TICK, False)]
)
def test_inside_the_margin_a_message_is_risky_until_it_is_past(left: timedelta, risky: bool) -> None:
    assert is_risky(NOW + left, NOW, MARGIN) is risky


@given(spans(-2 * HOUR, 25 * HOUR), st.sampled_from(Chat), spans(timedelta(), HOUR))
def test_past_risky_and_safe_exclude_each_other(age: timedelta, chat: Chat, margin: timedelta) -> None:
    deadline = deadline_of(NOW - age, chat)
    assert is_past(deadline, NOW) is (age >= 24 * HOUR)
    assert not (is_past(deadline, NOW) and is_risky(deadline, NOW, margin))
