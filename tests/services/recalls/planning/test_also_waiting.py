"""What waits already to recall the same messages is said of a plan, so that nothing is planned twice."""

from datetime import timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import AlsoWaiting, Plan
from ledger.errors import ApprovalNeededError
from ledger.simulator import World
from tests.conftest import MakeLedger
from tests.sending import send

HOUR = timedelta(hours=1)


@pytest.fixture
def careful(make_ledger: MakeLedger) -> Ledger:
    """A ledger in which more than three people, or messages, are too many for one person."""
    return make_ledger(approval_recipients=3)


def planned(book: Ledger, actor: str = "li", campaign: str = "spring") -> Plan:
    return book.plan(campaign=campaign, reason="wrong link", actor=actor)


def asked_for(book: Ledger) -> int:
    plan = planned(book, "wang")
    with pytest.raises(ApprovalNeededError):
        book.run(plan, actor="wang")
    return plan.recall_id


def test_a_plan_names_what_waits_for_a_second_person_and_takes_the_same(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 5)
    send(careful, world, 1, campaign="summer")
    assert planned(careful).also_waiting == ()
    number = asked_for(careful)
    wanted = AlsoWaiting(recall_id=number, messages=5, waits_for_approval=True, scheduled_at=None)
    plan = planned(careful)
    assert plan.also_waiting == (wanted,)
    assert careful.parts.waiting_beside.of_recall(plan.recall_id) == (wanted,)
    assert careful.parts.waiting_beside.of_recall(number) == ()
    assert planned(careful, campaign="summer").also_waiting == ()
    some = careful.plan(keys=keys[:2], reason="these", actor="li")
    assert [one.messages for one in some.also_waiting] == [2]
    assert plan.to_json()["also_waiting"][0]["recall_id"] == number


def test_a_plan_names_what_is_set_for_later(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 5)
    number = planned(book, "wang").recall_id
    at = clock.now() + HOUR
    book.parts.schedules.set(number, at, actor="wang")
    (one,) = planned(book).also_waiting
    assert (one.recall_id, one.waits_for_approval, one.scheduled_at) == (number, False, at)
    book.cancel(number)
    assert planned(book).also_waiting == ()


def test_what_cannot_run_any_more_waits_for_nothing(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 5)
    asked_for(careful)
    careful.run(careful.plan(keys=keys[:1], reason="at once", actor="zhao"))
    assert planned(careful).also_waiting == ()


def test_a_plan_runs_by_its_token_whatever_waits_beside_it(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 2)
    book.parts.schedules.set(planned(book, "wang").recall_id, clock.now() + HOUR, actor="wang")
    plan = planned(book)
    assert plan.also_waiting
    assert book.parts.lifecycle.run(plan.recall_id, actor="li", plan_token=plan.token).recalled == 2
    assert book.verify().ok
