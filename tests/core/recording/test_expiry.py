"""When messages vanish by themselves, and what that costs."""

from datetime import datetime, timedelta

import pytest

from ledger.core.recording.expiry import LONGEST_SECONDS, count_calls, expiry_of, seconds_of
from tests.core.values import NOW

DEADLINE, MARGIN = NOW + timedelta(hours=24), timedelta(seconds=30)


@pytest.mark.parametrize(("said", "seconds"), [("3600", 3600.0), (" 90.5 ", 90.5), (0, 0.0),
    (LONGEST_SECONDS, LONGEST_SECONDS),
    ("soon", None), ("", None), (None, None), (-1, None), ("nan", None), ("inf", None), (True, None), ("1" * 400, None),
    (LONGEST_SECONDS + 1, None), (b"5", None)])  # fmt: skip
def test_only_a_number_of_seconds_within_reason_counts_and_nothing_is_raised(
    said: object, seconds: float | None
) -> None:
    assert seconds_of(said) == seconds


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, None),
        (NOW + timedelta(hours=1), NOW + timedelta(hours=1)),
        (NOW - timedelta(hours=1), NOW - timedelta(hours=1)),
        (DEADLINE + timedelta(days=1), DEADLINE - MARGIN),
        (DEADLINE - timedelta(seconds=1), DEADLINE - MARGIN),
    ],
)
def test_a_message_vanishes_when_it_shall_and_while_it_surely_can(
    wanted: datetime | None, expected: datetime | None
) -> None:
    assert expiry_of(wanted, DEADLINE, NOW, MARGIN) == expected


def test_what_cannot_be_recalled_any_more_does_not_vanish() -> None:
    assert expiry_of(NOW, DEADLINE, DEADLINE, MARGIN) is None


@pytest.mark.parametrize(
    ("seconds", "routes", "calls"),
    [
        ([], "a", 0),
        ([0] * 20, "a", 1),
        ([0] * 21, "a", 2),
        ([0] * 20, "ab", 2),
        ([0, 60, 61], "a", 2),
        ([0, 59, 118], "a", 2),
    ],
)
def test_a_round_gathers_what_a_window_holds_and_each_route_has_calls_of_its_own(
    seconds: list[int], routes: str, calls: int
) -> None:
    expiring = [(routes[place % len(routes)], NOW + timedelta(seconds=one)) for place, one in enumerate(seconds)]
    assert count_calls(expiring, timedelta(seconds=60)) == calls
