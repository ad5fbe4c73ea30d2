"""One person goes only so far alone: parts, retries and other names count together, on both databases."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Plan, Status
from ledger.errors import ApprovalNeededError, RetryTooLargeError
from ledger.simulator import FailedReason, World
from tests.conftest import MakeLedger
from tests.sending import send


@pytest.fixture
def careful(make_ledger: MakeLedger) -> Ledger:
    """A ledger in which more than three people, or messages, are too many for one person."""
    return make_ledger(approval_recipients=3)


def recalled(book: Ledger, keys: list[str], actor: str = "wang") -> Status:
    return book.run(book.plan(keys=keys, reason="a part", actor=actor), actor=actor).status


def asks(book: Ledger, keys: list[str], actor: str = "wang", why: str | None = None) -> Plan:
    """Return a plan that says beforehand that it needs a second person, and asks for one when it is run."""
    plan = book.plan(keys=keys, reason="a part", actor=actor)
    assert plan.approval is not None
    with pytest.raises(ApprovalNeededError, match=why):
        book.run(plan, actor=actor)
    return plan


def test_parts_of_one_campaign_count_together_whoever_starts_them(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 6)
    assert recalled(careful, keys[:2]) is Status.FINISHED
    assert recalled(careful, keys[2:3], actor="zhao") is Status.FINISHED
    plan = asks(careful, keys[3:4], actor="sun", why="of the same campaign .*at least 4 people, 4 messages")
    assert careful.approve(plan.recall_id, actor="li").recalled == 1


def test_what_one_person_starts_counts_together_over_campaigns(careful: Ledger, world: World) -> None:
    for number in range(3):
        assert recalled(careful, send(careful, world, 1, campaign=f"c{number}")) is Status.FINISHED
    last = send(careful, world, 1, campaign="c3")
    asks(careful, last, why="what the same person started alone .*4 people")
    assert recalled(careful, last, actor="sun") is Status.FINISHED


@pytest.mark.parametrize("other", ["WANG", "wаng", "wa\u200bng", " wang"])
def test_another_spelling_of_a_name_is_the_same_person(careful: Ledger, world: World, other: str) -> None:
    for number in range(3):
        recalled(careful, send(careful, world, 1, campaign=f"c{number}"))
    plan = asks(careful, send(careful, world, 1, campaign="c3"), actor=other, why="the same person")
    with pytest.raises(Exception, match="takes another person") as refused:
        careful.approve(plan.recall_id, actor="wang")
    assert refused.value.code == "forbidden"  # type: ignore[attr-defined]


def test_a_plan_that_somebody_else_starts_counts_for_both(careful: Ledger, world: World) -> None:
    for number in range(3):
        plan = careful.plan(keys=send(careful, world, 1, campaign=f"c{number}"), reason="a part", actor="wang")
        careful.run(plan, actor="zhao")
    for actor in ("wang", "zhao"):
        asks(careful, send(careful, world, 1, campaign=f"of-{actor}"), actor=actor, why="the same person")


def test_messages_without_a_campaign_count_together(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 4, campaign=None)
    recalled(careful, keys[:3])
    asks(careful, keys[3:], actor="sun", why="the same campaign")


def test_people_and_messages_count_once_however_often_they_are_in_a_recall(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 2, users=["ann", "bob", "cid"])
    world.change(failed_reasons={key: FailedReason(reason="no") for key in keys})
    for _ in range(3):
        assert recalled(careful, keys) is Status.FINISHED
    asks(careful, send(careful, world, 1, users=["dan"]), why="4 people, 2 messages")


def test_what_a_second_person_agreed_to_counts_no_more(careful: Ledger, world: World) -> None:
    plan = asks(careful, send(careful, world, 5))
    careful.approve(plan.recall_id, actor="li")
    assert recalled(careful, send(careful, world, 3)) is Status.FINISHED


def test_what_went_beyond_by_itself_counts_as_its_plan_says_until_somebody_has_reviewed_it(
    careful: Ledger, world: World
) -> None:
    large = send(careful, world, 5) + send(careful, world, 2, campaign="autumn")
    plan = careful.plan(keys=large, reason="x", actor="wang")
    assert [(one.campaign, one.messages, one.deliveries) for one in plan.by_campaign or ()] == [
        ("autumn", 2, 2),
        ("spring", 5, 5),
    ]
    careful.run(plan, break_glass="nobody answers")
    asks(careful, send(careful, world, 1, campaign="winter"), why="same person started alone .*8 people, 8 messages")
    asks(careful, send(careful, world, 1), actor="sun", why="the same campaign .*6 people, 6 messages")
    asks(careful, send(careful, world, 2, campaign="autumn"), actor="sun", why="the same campaign .*4 messages")
    assert recalled(careful, send(careful, world, 1, campaign="winter"), actor="sun") is Status.FINISHED
    careful.review(plan.recall_id, reason="fine", actor="li")
    assert recalled(careful, send(careful, world, 1, campaign="winter"), actor="wang") is Status.FINISHED


def test_what_was_cancelled_or_only_planned_counts_no_more(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 6)
    careful.plan(keys=keys[:3], reason="only looking", actor="wang")
    plan = careful.plan(keys=keys[:3], reason="stopped", actor="wang")
    careful.parts.lifecycle.start(plan.recall_id, actor="wang")
    careful.cancel(plan.recall_id, actor="wang")
    assert recalled(careful, keys[3:]) is Status.FINISHED


def test_a_day_later_it_begins_anew(careful: Ledger, world: World, clock: FakeClock) -> None:
    recalled(careful, send(careful, world, 3))
    clock.advance(timedelta(hours=24, seconds=1))
    assert recalled(careful, send(careful, world, 3)) is Status.FINISHED


@pytest.mark.parametrize("again", ["retry", "resume"])
def test_what_ran_already_goes_on_without_asking(careful: Ledger, world: World, again: str) -> None:
    keys = send(careful, world, 3)
    world.change(failed_reasons={key: FailedReason(reason="no") for key in keys})
    plan = careful.plan(keys=keys, reason="x", actor="wang")
    if again == "resume":
        careful.parts.lifecycle.start(plan.recall_id, actor="wang")
        careful.parts.lifecycle.pause(plan.recall_id, why="x", actor="wang")
    else:
        careful.run(plan, actor="wang")
    act: Callable[..., object] = getattr(careful, again)
    act(plan.recall_id, actor="wang")


def test_a_retry_takes_nobody_further_than_they_may_go(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 2)
    world.change(failed_reasons={key: FailedReason(reason="no") for key in keys})
    plan = careful.plan(keys=keys, reason="x", actor="wang")
    careful.run(plan, actor="wang")
    recalled(careful, send(careful, world, 2, campaign="other"), actor="sun")
    with pytest.raises(RetryTooLargeError, match="plan what is left anew"):
        careful.retry(plan.recall_id, actor="sun")
    assert careful.result(plan.recall_id).refused == 2
    assert careful.retry(plan.recall_id, actor="wang").status is Status.FINISHED
    assert careful.verify().ok


def test_a_retry_of_what_a_second_person_agreed_to_needs_no_other(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 5)
    world.change(failed_reasons={keys[0]: FailedReason(reason="no")})
    plan = asks(careful, keys)
    careful.approve(plan.recall_id, actor="li")
    world.change(failed_reasons={})
    assert careful.retry(plan.recall_id, actor="sun").recalled == 5
