"""The meter: what it counts, what it follows, and that its counters never fall."""

from datetime import datetime, timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Outcome, Status
from ledger.services.reports.figures import OTHER_CODES, Meter
from ledger.simulator import ScriptedAnswer, World
from ledger.store.recalls.paces import block_all
from tests.sending import send

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"
ANSWERED = ("default", "one_to_one", "answered")


def recall(book: Ledger, campaign: str = "spring") -> int:
    return book.run(book.plan(campaign=campaign, reason="wrong link")).recall_id


def test_an_empty_ledger_has_nothing_to_show(book: Ledger) -> None:
    figures = book.parts.figures.read()
    assert figures.heartbeat_age_seconds is None
    assert figures.purge_lag_seconds == 0
    assert not any((*figures.calls.values(), *figures.outcomes.values(), *figures.counted.waiting.values()))
    assert (figures.counted.open_messages, figures.counted.used_calls, figures.keyless_sends) == (0, 0, 0)


def test_calls_and_outcomes_are_counted_from_the_start_of_the_meter_on(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 25, campaign="before")
    recall(book, "before")
    meter = book.parts.figures
    assert meter.read().calls.get(ANSWERED, 0) == 0
    send(book, world, 45)
    recall(book)
    first = meter.read()
    assert (first.calls[ANSWERED], first.outcomes) == (3, {Outcome.RECALLED: 45})
    # Long after, when the calls are surely written, and again.
    clock.advance(timedelta(minutes=5))
    assert meter.read().calls == meter.read().calls == first.calls
    send(book, world, 1, campaign="more")
    recall(book, "more")
    assert meter.read().calls[ANSWERED] == 4


def test_counters_do_not_fall_by_retry_and_purge(book: Ledger, world: World, clock: FakeClock) -> None:
    # A key that is older and not known never will be, and is not asked for again.
    send(book, world, 1, sent_ago=timedelta(minutes=1))
    meter = book.parts.figures
    world.script(ScriptedAnswer.error("invalid.processQueryKey", path=ONE_ON_ONE))
    number = recall(book)
    before = meter.read()
    assert (before.outcomes[Outcome.REFUSED], before.refusals) == (1, {"invalid.processQueryKey": 1})
    book.retry(number)
    after = meter.read()
    assert (after.outcomes[Outcome.REFUSED], after.outcomes[Outcome.RECALLED]) == (1, 1)
    clock.advance(timedelta(hours=30))
    book.purge()
    assert meter.read().outcomes == after.outcomes
    assert meter.read().purged_messages == 1
    assert sum(meter.read().calls.values()) == sum(after.calls.values())


def test_what_waits_is_counted_by_status_and_nearness(book: Ledger, world: World) -> None:
    send(book, world, 3, sent_ago=timedelta(hours=23, minutes=50))
    send(book, world, 4, campaign="spring")
    world.change(permission_missing=True)
    recall(book)
    figures = book.parts.figures.read()
    assert (figures.recalls[Status.PAUSED], figures.counted.waiting[Status.PAUSED]) == (1, 7)
    assert (figures.counted.near_deadline[Status.PAUSED], figures.counted.waiting[Status.RUNNING]) == (3, 0)


@pytest.mark.parametrize("step", [-90, 90])
def test_for_how_long_calls_are_held_back_does_not_change_when_a_clock_is_set(
    book: Ledger, world: World, clock: FakeClock, step: float
) -> None:
    send(book, world, 1)
    recall(book)
    with book.parts.database.write() as connection:
        block_all(connection, book.parts.pace_clock.now() + timedelta(seconds=60))
    meter = book.parts.figures
    assert meter.read().paces[0].blocked_seconds == 60
    clock.set(timedelta(seconds=step))
    assert meter.read().paces[0].blocked_seconds == 60
    clock.advance(timedelta(seconds=50))
    assert meter.read().paces[0].blocked_seconds == 10


def test_throttling_shows_as_a_smaller_share_and_as_a_verdict(book: Ledger, world: World) -> None:
    send(book, world, 1)
    meter = book.parts.figures
    world.script(ScriptedAnswer.error("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", path=ONE_ON_ONE))
    recall(book)
    figures = meter.read()
    (pace,) = [one for one in figures.paces if one.api == "one_to_one"]
    assert (pace.limit_per_second, pace.share < 1) == (20.0, True)
    assert figures.calls["default", "one_to_one", "throttled"] == 1


def test_the_purge_lags_as_long_as_nobody_purges(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 1)
    clock.advance(timedelta(hours=25))
    assert book.parts.figures.read().purge_lag_seconds == 2 * 3600
    book.purge()
    assert book.parts.figures.read().purge_lag_seconds == 0


class Tiring(FakeClock):
    """A clock by which every look at it costs a second."""

    def now(self) -> datetime:
        self.advance(timedelta(seconds=1))
        return super().now()


def test_what_takes_long_to_count_is_not_counted_all_the_time(book: Ledger, world: World, clock: FakeClock) -> None:
    assert book.parts.figures.read().counted.open_messages == 0
    send(book, world, 5)
    assert (book.parts.figures.read().counted.open_messages, book.parts.figures.read().counted.used_calls) == (5, 5)
    slow = Tiring(clock.now())
    meter = Meter(book.parts.database, slow, book.settings, book.parts.pace_clock.seen)
    meter.read()
    send(book, world, 5)
    assert meter.read().counted.open_messages == 5
    slow.advance(timedelta(seconds=20))
    assert meter.read().counted.open_messages == 10


def test_codes_that_nobody_foresaw_do_not_become_series_without_end(
    book: Ledger, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.services.reports.figures.MOST_CODES", 2)
    meter = book.parts.figures
    for number in range(2 + 3):
        send(book, world, 1, campaign=f"c{number}")
        world.script(ScriptedAnswer(path=ONE_ON_ONE, status=400, body={"code": f"strange.{number}", "message": "no"}))
        recall(book, f"c{number}")
    refusals = meter.read().refusals
    assert len(refusals) == 2 + 1
    assert refusals[OTHER_CODES] == 3
