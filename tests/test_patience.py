"""Patience: who waits tries again until it is there, or for as long as was said, and never sleeps here."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from ledger.clock import FakeClock
from ledger.errors import BusyError, DatabaseUnavailableError, LedgerError
from ledger.patience import Patience
from tests.conftest import NOON


def away(times: int, error: type[LedgerError] = DatabaseUnavailableError) -> Callable[[], int]:
    """Return an action that fails so often, and then returns how often it was tried."""
    tries = iter(range(1, times + 2))

    def act() -> int:
        tried = next(tries)
        if tried <= times:
            raise error(f"away for the {tried}. time")
        return tried

    return act


def patience(clock: FakeClock, on: type[LedgerError] = DatabaseUnavailableError) -> Patience:
    return Patience(seconds=5, every_seconds=1, on=on, clock=clock)


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (1, 1), (5, 5)])
def test_what_comes_back_in_time_is_waited_for(failures: int, seconds: int) -> None:
    clock = FakeClock(NOON)
    assert patience(clock).retrying(away(failures)) == failures + 1
    assert clock.now() - NOON == timedelta(seconds=seconds)


def test_when_the_time_is_over_the_last_error_comes_out_and_nobody_waits_on() -> None:
    clock = FakeClock(NOON)
    with pytest.raises(DatabaseUnavailableError, match=r"away for the 6\. time"):
        patience(clock).retrying(away(100))
    assert clock.now() - NOON == timedelta(seconds=5)


def test_another_error_comes_out_at_once() -> None:
    clock = FakeClock(NOON)
    with pytest.raises(BusyError):
        patience(clock).retrying(away(1, BusyError))
    assert patience(clock, BusyError).retrying(away(1, BusyError)) == 2


def test_a_clock_that_is_set_meanwhile_makes_the_wait_no_longer() -> None:
    clock, act = FakeClock(NOON), away(100)

    def set_back_and_act() -> int:
        clock.set(timedelta(hours=-1))
        return act()

    with pytest.raises(DatabaseUnavailableError, match=r"the 6\."):
        patience(clock).retrying(set_back_and_act)


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (3, 3), (9, 5)])
def test_an_event_loop_waits_in_the_same_way(failures: int, seconds: int) -> None:
    clock, act = FakeClock(NOON), away(failures)

    async def attempt() -> int:
        return act()

    async def sleep(seconds: float) -> None:
        clock.sleep(seconds)

    async def main() -> int:
        return await patience(clock).retrying_async(attempt, sleep)

    if failures > 5:
        with pytest.raises(DatabaseUnavailableError):
            asyncio.run(main())
    else:
        assert asyncio.run(main()) == failures + 1
    assert clock.now() - NOON == timedelta(seconds=seconds)
