"""History and recalls by when it was recalled, by whom, of which campaign; on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Status
from ledger.errors import InputError, NaiveTimeError
from ledger.simulator import World
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
