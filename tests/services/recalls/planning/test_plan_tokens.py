"""A plan that is run with its token is run as it was shown, or not at all."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from ledger import Ledger, PlanChangedError, PlanEndedError, PlanTokenError, WrongStateError
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Plan, Status
from ledger.core.recalls.selection import select
from ledger.simulator import World
from ledger.store.audit import history
from tests.sending import send


def planned(book: Ledger, world: World, count: int = 3) -> Plan:
    send(book, world, count, users=["zhang.san"])
    return book.plan(campaign="spring", reason="wrong link", actor="wang")


def test_it_runs_what_was_shown_and_only_once(book: Ledger, world: World) -> None:
    plan = planned(book, world)
    assert plan.token is not None
    result = book.run(plan, actor="wang", plan_token=plan.token)
    assert (result.status, result.recalled) == (Status.FINISHED, 3)
    with pytest.raises(WrongStateError):
        book.run(plan, actor="wang", plan_token=plan.token)
    assert book.verify().ok


@pytest.mark.parametrize("wrong", ["", "plan_x", "another plan's"])
def test_another_token_runs_nothing(book: Ledger, world: World, wrong: str) -> None:
    plan = planned(book, world)
    other = book.plan(campaign="spring", reason="wrong link", actor="wang")
    with pytest.raises(PlanTokenError):
        book.run(plan, actor="wang", plan_token=other.token if wrong.startswith("another") else wrong)
    assert world.calls() == []


def test_a_token_is_of_whom_the_plan_was_shown_to(book: Ledger, world: World) -> None:
    plan = planned(book, world)
    with pytest.raises(PlanTokenError, match="somebody else"):
        book.run(plan, actor="li", plan_token=plan.token)


def test_it_is_over_when_the_plan_is(book: Ledger, world: World, clock: FakeClock) -> None:
    plan = planned(book, world)
    assert plan.valid_until == clock.now() + timedelta(minutes=15)
    clock.advance(timedelta(minutes=15, seconds=1))
    with pytest.raises(PlanEndedError):
        book.run(plan, actor="wang", plan_token=plan.token)


def taken_elsewhere(book: Ledger, _clock: FakeClock) -> None:
    book.run(book.plan(campaign="spring", reason="quicker", actor="li"))


def tagged_anew(book: Ledger, _clock: FakeClock) -> None:
    book.tag(campaign="autumn", reason="it was", from_campaign="spring", actor="li")


def reached_further_people(book: Ledger, _clock: FakeClock) -> None:
    (first, *_) = book.parts.pages.messages(select(campaign="spring"), limit=1).values
    row = {"processQueryKey": first.process_query_key, "robotCode": first.robot_code, "sentAt": first.sent_at}
    assert book.record_many([row | {"userIds": ["zhang.san", "the.director"]}]).duplicates == 1


def expired(_book: Ledger, clock: FakeClock) -> None:
    clock.advance(timedelta(minutes=10))


@pytest.mark.parametrize("move", [taken_elsewhere, tagged_anew, reached_further_people, expired])
def test_nothing_runs_when_anything_moved(
    book: Ledger, world: World, clock: FakeClock, move: Callable[[Ledger, FakeClock], None]
) -> None:
    if move is expired:
        send(book, world, 1, sent_ago=timedelta(hours=23, minutes=55))
    plan = planned(book, world)
    calls = len(world.calls())
    move(book, clock)
    done = len(world.calls()) - calls
    with pytest.raises(PlanChangedError):
        book.run(plan, actor="wang", plan_token=plan.token)
    assert len(world.calls()) - calls == done


def test_what_comes_later_is_no_part_of_it_and_stops_nothing(book: Ledger, world: World) -> None:
    plan = planned(book, world)
    send(book, world, 2)
    assert book.run(plan, actor="wang", plan_token=plan.token).recalled == 3


def test_the_ledger_keeps_no_token(book: Ledger, world: World) -> None:
    plan = planned(book, world)
    assert plan.token is not None
    with book.parts.database.read() as connection:
        kept = [str(entry) for entry in history.read_all(connection)]
    report = book.show(plan.recall_id)
    assert plan.token not in str(report.to_json()) + "".join(kept) + repr(plan)
    assert "token_digest" not in report.plan
    assert report.plan["valid_until"] == "2026-03-01T12:15:00Z"
