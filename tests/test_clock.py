"""Time as a value: every time aware and in UTC, and a clock that only tests move."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.clock import Clock, FakeClock, SystemClock, as_utc, format_time, parse_time
from ledger.errors import InputError, NaiveTimeError, UnreadableTimeError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
aware = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=zones)  # noqa: DTZ001 - zones come apart


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T20:00:00+08:00",
        "2026-03-01T12:00:00.000000+00:00",
        " 2026-03-01 07:00:00-05:00\n",
        "20260301T120000Z",
    ],
)
def test_a_time_with_any_offset_is_read_into_utc(text: str) -> None:
    moment = parse_time(text)
    assert moment == NOON
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00", "2026-03-01", "2026-03-01 12:00"])
def test_a_time_without_a_zone_is_refused_and_an_example_given(text: str) -> None:
    with pytest.raises(NaiveTimeError, match=r"has no zone.*\+08:00"):
        parse_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-30T00:00:00Z",
        "1772366400",
        "2026-03-01T12:00:00+25:00",
        "\x00",
        "\ud800",
        "2026-03-01T12:00:00Z Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9" * 5000,
    ],
)
def test_what_is_no_time_is_refused_and_an_example_given(text: str) -> None:
    with pytest.raises(UnreadableTimeError, match="is not a time: write it as in 2026"):
        parse_time(text)


@given(st.text() | st.from_regex(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?\Z"))
@settings(deadline=None, max_examples=200)
def test_any_text_is_a_time_in_utc_or_refused(text: str) -> None:
    try:
        moment = parse_time(text)
    except InputError:
        return
    assert moment.tzinfo is UTC


@given(aware)
@settings(deadline=None, max_examples=200)
def test_a_time_that_is_written_and_read_again_is_the_same(moment: datetime) -> None:
    text = format_time(moment)
    assert text.endswith("Z")
    assert parse_time(text) == moment == as_utc(moment)


def test_a_time_is_written_with_a_z_and_only_the_digits_it_has() -> None:
    assert format_time(NOON) == "2026-03-01T12:00:00Z"
    assert format_time(NOON + timedelta(microseconds=5)) == "2026-03-01T12:00:00.000005Z"


def test_a_naive_time_is_neither_written_nor_taken() -> None:
    naive = NOON.replace(tzinfo=None)
    for take in (as_utc, format_time, FakeClock):
        with pytest.raises(NaiveTimeError):
            take(naive)


def test_the_machines_clock_is_aware_and_does_not_sleep_backwards() -> None:
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    clock.sleep(-5)
    clock.sleep(0)
    assert before <= clock.now() <= before + timedelta(minutes=1)
    assert clock.now().tzinfo is UTC


def test_a_fake_clock_moves_only_when_told() -> None:
    clock = FakeClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.sleep(1.5)
    clock.sleep(0)
    clock.sleep(-10)
    assert clock.now() == NOON + timedelta(seconds=1.5)
    clock.advance(timedelta(hours=-1))
    assert clock.now() == NOON + timedelta(hours=-1, seconds=1.5)


def test_a_fake_clock_loses_no_sleep_of_many_threads() -> None:
    clock = FakeClock(NOON)

    def sleep_often() -> None:
        for _ in range(500):
            clock.sleep(1)

    threads = [threading.Thread(target=sleep_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == NOON + timedelta(seconds=4000)
