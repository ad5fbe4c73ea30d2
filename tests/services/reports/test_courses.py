"""How a recall goes, in time: what is lost first, how long the rest takes, what was work and what was waiting."""

from datetime import timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.pace import throttled
from ledger.core.recalls.recall import Status
from ledger.services.recalls.lifecycle import RunIn
from ledger.services.reports.courses import Course
from ledger.simulator import World
from ledger.store.recalls import paces, queue
from tests.sending import send


def course_of(book: Ledger, recall_id: int) -> Course:
    return book.parts.courses.read(book.parts.recall_reports.result(recall_id), calls=50)


def started(book: Ledger, campaign: str = "spring") -> int:
    recall_id = book.plan(campaign=campaign, reason="wrong link").recall_id
    book.parts.lifecycle.run(recall_id, run_in=RunIn.ANY_WORKER)
    return recall_id


def test_the_first_deadline_is_that_of_the_message_that_waits_and_is_lost_first(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 30, sent_ago=timedelta(hours=1))
    send(book, world, 2, sent_ago=timedelta(hours=23))
    recall_id = started(book)
    assert course_of(book, recall_id).first_deadline == clock.now() + timedelta(hours=1)
    book.parts.lifecycle.pause(recall_id, why="looking into it", actor="li")
    assert course_of(book, recall_id).first_deadline == clock.now() + timedelta(hours=1)
    book.resume(recall_id)
    assert course_of(book, recall_id).first_deadline is None


def test_the_estimate_is_there_from_the_first_second_and_knows_the_share_of_the_pace(
    book: Ledger, world: World
) -> None:
    send(book, world, 2000)
    recall_id = started(book)
    rate = book.parts.settings.calls_per_second
    whole = course_of(book, recall_id).seconds_left
    assert whole == pytest.approx(100 * 1.03 / rate, rel=0.05)
    _throttle(book, recall_id, 30)
    slower = course_of(book, recall_id).seconds_left
    assert slower is not None
    assert slower > 30 + 100 * 1.03 / rate


def test_who_sees_that_nothing_moves_promises_nothing(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 30)
    recall_id = started(book)
    assert course_of(book, recall_id).seconds_left is not None
    clock.advance(timedelta(seconds=60))
    assert course_of(book, recall_id).seconds_left is None


def test_a_night_on_hold_is_in_the_time_since_the_start_and_not_in_that_of_work(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 60)
    world.change(permission_missing=True)
    recall_id = book.plan(campaign="spring", reason="wrong link").recall_id
    assert book.run(recall_id).status is Status.PAUSED
    clock.advance(timedelta(hours=9))
    world.change(permission_missing=False)
    result = book.resume(recall_id)
    assert result.status is Status.FINISHED
    shown = book.parts.recall_reports.result(recall_id)
    assert shown.elapsed_seconds >= 9 * 3600
    assert shown.working_seconds is not None
    assert 0 < shown.working_seconds < 60
    assert shown.to_json()["working_seconds"] == shown.working_seconds


def test_calls_are_counted_by_the_second_with_those_that_were_thrown_back(book: Ledger, world: World) -> None:
    send(book, world, 200)
    world.change(calls_per_second=3)
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    course = course_of(book, result.recall_id)
    assert sum(one.calls for one in course.calls) == result.calls
    assert sum(one.throttled for one in course.calls) == result.calls - 10 > 0
    assert course.planned_rate == book.parts.settings.calls_per_second
    assert [call.id for call in course.last_calls] == sorted((call.id for call in course.last_calls), reverse=True)
    assert course.last_calls[0].request_id


def _throttle(book: Ledger, recall_id: int, seconds: float) -> None:
    with book.parts.database.write() as connection:
        for app, chat in queue.apis_of(connection, recall_id):
            pace = throttled(paces.lock_pace(connection, app, chat), book.parts.pace_clock.seen(connection), seconds)
            paces.save_pace(connection, app, chat, pace)
