"""History and recalls by when it was recalled, by whom, of which campaign; on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Status
from ledger.errors import InputError, NaiveTimeError
from ledger.services.recalls.planning.run_in import RunIn
from ledger.simulator import World
from ledger.store.schema import recall_calls, recall_items, recalls
from tests.sending import send

HOUR = timedelta(hours=1)


@pytest.fixture
def times(book: Ledger, world: World, clock: FakeClock) -> list[datetime]:
    """Three recalls, an hour apart: spring by wang, autumn by li, one of keys of spring by li; return their starts."""
    starts = []
    for campaign, actor in (("spring", "wang"), ("autumn", "li")):
        send(book, world, 2, campaign=campaign)
        starts.append(clock.now())
        book.run(book.plan(campaign=campaign, reason="wrong link", actor=actor))
        clock.advance(HOUR)
    keys = send(book, world, 1, campaign="spring")
    starts.append(clock.now())
    book.run(book.plan(keys=keys, reason="one more", actor="li"))
    return starts


def found(book: Ledger, **asked: Any) -> tuple[set[int], list[int]]:
    """Return the recalls of which the history holds something, and the recalls that are listed."""
    items = {item.recall_id for item in book.history(**asked)}
    return items, [result.recall_id for result in book.recalls(**asked)]


def test_history_and_recalls_agree_on_what_was_recalled_in_a_time(book: Ledger, times: list[datetime]) -> None:
    first, second, third = times
    for since, until, expected in (
        (None, None, [3, 2, 1]),
        (second, None, [3, 2]),
        (None, second, [1]),
        (second, third, [2]),
        (first, first + timedelta(microseconds=1), [1]),
        (third + HOUR, None, []),
    ):
        assert found(book, recalled_since=since, recalled_until=until) == (set(expected), expected)


def test_the_time_of_a_recall_is_that_of_its_start_also_after_a_retry(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    (key,) = send(book, world, 1)
    world.change(failed_reasons={key: "not now"})
    started = clock.now()
    book.run(book.plan(campaign="spring", reason="wrong link"))
    clock.advance(HOUR)
    world.change(failed_reasons={})
    book.retry(1)
    assert found(book, recalled_since=started + timedelta(minutes=1)) == (set(), [])
    assert found(book, recalled_until=started + timedelta(minutes=1)) == ({1}, [1])


def test_the_history_of_what_was_sent_in_a_time_is_what_it_holds_of_that_time(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    """Recalled by a retry and long after it was sent; and a plan that was never run."""
    sent = [clock.now()]
    (key,) = send(book, world, 1, campaign="at once")
    world.change(failed_reasons={key: "not now"})
    book.run(book.plan(campaign="at once", reason="wrong link", actor="wang"))
    clock.advance(20 * HOUR)
    sent.append(clock.now())
    send(book, world, 2, campaign="late")
    world.change(failed_reasons={})
    book.retry(1)
    clock.advance(3 * HOUR)
    sent.append(clock.now())
    send(book, world, 1, campaign="not run")
    book.plan(campaign="not run", reason="only looking")
    clock.advance(18 * HOUR)
    late = book.plan(campaign="late", reason="wrong link", actor="li")
    book.run(late)
    whole = [(item.process_query_key, item.sent_at) for item in book.history()]
    assert len(whole) == 3
    ends = [None, *(at + step for at in sent for step in (-HOUR, timedelta(), HOUR)), clock.now() + 100 * HOUR]
    for since in ends:
        for until in ends:
            if since is None or until is None or since < until:
                expected = [
                    (key, at) for key, at in whole if (since is None or at >= since) and (until is None or at < until)
                ]
                for more in ({}, {"outcome": "recalled"}, {"campaign": ["at once", "late"]}):
                    found = [
                        (item.process_query_key, item.sent_at)
                        for item in book.history(since=since, until=until, **more)
                    ]
                    assert found == expected, (since, until, more)


def test_what_a_cancelled_recall_left_in_flight_is_found_by_its_time_however_late_it_was_given_up(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 1)
    sent = clock.now()
    recall_id = book.plan(campaign="spring", reason="wrong link").recall_id
    book.parts.lifecycle.run(recall_id, run_in=RunIn.ANY_WORKER)
    with book.parts.database.write() as connection:
        owner, much_later = "a process that is gone", sent + timedelta(days=9)
        values = {"app": "default", "chat": "one_to_one", "robot_code": "robot-1", "key_count": 1, "owner": owner}
        times = {"slot_at": sent, "lease_until": sent, "finished_at": much_later}
        connection.execute(insert(recall_calls).values(recall_id=recall_id, verdict="lost", **values, **times))
        ended = {"outcome": "unknown", "finished_at": much_later, "ended_by": "wang", "call_id": 1}
        connection.execute(update(recall_items).values(ended))
        over = {"status": "cancelled", "finished_at": sent + HOUR}
        connection.execute(update(recalls).values(over))
    assert [item.recall_id for item in book.history(since=sent - HOUR, until=sent + HOUR)] == [recall_id]
    assert [item.recall_id for item in book.history(recalled_until=sent + HOUR)] == [recall_id]
    assert list(book.history(since=sent + HOUR)) == []


@pytest.mark.usefixtures("times")
def test_recalls_are_found_by_actor_and_by_campaign_asked_for_or_held(book: Ledger) -> None:
    assert found(book, actor="li") == ({2, 3}, [3, 2])
    assert found(book, campaign="spring") == ({1, 3}, [3, 1])
    assert found(book, campaign=["spring", "autumn"]) == ({1, 2, 3}, [3, 2, 1])
    assert found(book, campaign="spring", actor="li") == ({3}, [3])
    assert found(book, campaign='no "such"') == (set(), [])
    assert [result.campaigns for result in book.recalls()] == [(), ("autumn",), ("spring",)]


def test_a_plan_that_nobody_ran_is_found_by_its_campaigns_and_the_time_of_its_making(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 1, campaign="spring")
    send(book, world, 1, campaign="autumn")
    made = clock.now()
    book.plan(campaign=["spring", "autumn"], reason="only looking")
    assert [one.recall_id for one in book.recalls(campaign="autumn", recalled_since=made)] == [1]
    assert book.recalls(campaign="winter") == []
    assert book.recalls(recalled_until=made) == []
    assert book.recalls(statuses=(Status.RUNNING,), campaign="autumn") == []


def test_a_time_that_cannot_be_meant_is_refused(book: Ledger, clock: FakeClock) -> None:
    now = clock.now()
    with pytest.raises(InputError, match="recalled_until is not after recalled_since"):
        book.recalls(recalled_since=now, recalled_until=now)
    with pytest.raises(InputError, match="recalled_until is not after recalled_since"):
        book.history(recalled_since=now, recalled_until=now - HOUR)
    with pytest.raises(NaiveTimeError):
        book.recalls(recalled_since=now.replace(tzinfo=None))
    nothing: list[dict[str, Any]] = [{"campaign": ""}, {"campaign": []}, {"actor": ""}]
    for part in nothing:
        with pytest.raises(InputError, match="is empty"):
            book.recalls(**part)
