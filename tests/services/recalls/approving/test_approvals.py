"""The second person: what is too large for one waits for another, on both databases."""

from datetime import timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Plan, Status
from ledger.errors import (
    ApprovalNeededError,
    ForbiddenError,
    InputError,
    PlanChangedError,
    PlanEndedError,
    WrongStateError,
)
from ledger.services.recalls.lifecycle import RunIn
from ledger.simulator import World
from tests.conftest import MakeLedger
from tests.sending import send


@pytest.fixture
def careful(make_ledger: MakeLedger) -> Ledger:
    """A ledger in which more than three people, or messages, are too many for one person."""
    return make_ledger(approval_recipients=3)


def planned(book: Ledger, actor: str = "wang") -> Plan:
    return book.plan(campaign="spring", reason="wrong link", actor=actor)


def asked_for(book: Ledger, actor: str = "wang") -> Plan:
    plan = planned(book, actor)
    with pytest.raises(ApprovalNeededError):
        book.run(plan, actor=actor)
    return plan


def asked_keys(world: World) -> int:
    return sum(len(call.keys) for call in world.calls())


def events(book: Ledger, recall_id: int) -> list[tuple[str, str]]:
    return [(entry["event"], entry["actor"]) for entry in book.show(recall_id).timeline]


def test_up_to_the_number_one_person_is_enough(careful: Ledger, world: World) -> None:
    send(careful, world, 3)
    plan = planned(careful)
    assert plan.approval is None
    assert careful.run(plan).status is Status.FINISHED


def test_beyond_it_the_recall_waits_and_says_for_whom_and_until_when(careful: Ledger, world: World) -> None:
    send(careful, world, 4)
    plan = planned(careful)
    assert plan.approval is not None
    assert plan.approval.requested_by is None
    message = f"another operator has to agree before .*ledger approve {plan.recall_id}"
    with pytest.raises(ApprovalNeededError, match=message):
        careful.run(plan)
    result = careful.result(plan.recall_id)
    assert (result.status, result.approval and result.approval.requested_by) == (Status.PLANNED, "wang")
    assert result.approval is not None
    assert result.approval.valid_until == plan.first_deadline
    assert asked_keys(world) == 0
    with pytest.raises(ApprovalNeededError, match="wang asked for it"):
        careful.run(plan, actor="li")


def test_messages_to_groups_count_although_nobody_is_named(careful: Ledger, world: World) -> None:
    send(careful, world, 4, conversation="cid-1")
    assert planned(careful).recipients == 0
    asked_for(careful)


def test_another_person_agrees_and_it_runs_for_who_asked(careful: Ledger, world: World) -> None:
    send(careful, world, 4)
    plan = asked_for(careful)
    result = careful.approve(plan.recall_id, actor="li")
    assert (result.status, result.recalled, result.actor) == (Status.FINISHED, 4, "wang")
    assert result.approval is not None
    assert (result.approval.approved_by, result.approval.is_waiting) == ("li", False)
    assert events(careful, plan.recall_id)[:4] == [
        ("planned", "wang"),
        ("approval_requested", "wang"),
        ("approved", "li"),
        ("started", "wang"),
    ]
    assert careful.verify().ok


def test_nobody_agrees_with_themselves(careful: Ledger, world: World) -> None:
    send(careful, world, 4)
    plan = asked_for(careful)
    with pytest.raises(ForbiddenError, match="another person"):
        careful.approve(plan.recall_id, actor="wang")
    with pytest.raises(ForbiddenError, match="another person"):
        careful.refuse(plan.recall_id, actor="wang", reason="no")
    assert asked_keys(world) == 0


def test_another_person_refuses_and_the_plan_is_over(careful: Ledger, world: World) -> None:
    send(careful, world, 4)
    plan = asked_for(careful)
    with pytest.raises(InputError, match="reason"):
        careful.refuse(plan.recall_id, actor="li", reason=" ")
    with pytest.raises(InputError, match="the reason has 2,001 characters"):
        careful.refuse(plan.recall_id, actor="li", reason="x" * 2001)
    with pytest.raises(InputError, match="the actor has 300 characters"):
        careful.refuse(plan.recall_id, actor="l" * 300, reason="x")
    result = careful.refuse(plan.recall_id, actor="li", reason="the link is right")
    assert (result.status, result.cancelled, asked_keys(world)) == (Status.CANCELLED, 4, 0)
    assert result.approval is not None
    assert (result.approval.refused_by, result.approval.refusal) == ("li", "the link is right")
    assert ("refused", "li") in events(careful, plan.recall_id)
    with pytest.raises(WrongStateError):
        careful.run(plan)
    with pytest.raises(WrongStateError):
        careful.approve(plan.recall_id, actor="li")
    assert careful.verify().ok


def test_nobody_agrees_to_what_nobody_asked_for(careful: Ledger, world: World) -> None:
    send(careful, world, 4)
    plan = planned(careful)
    with pytest.raises(WrongStateError, match="does not wait"):
        careful.approve(plan.recall_id, actor="li")


def test_a_plan_that_waits_outlives_others_until_its_first_message_expires(
    careful: Ledger, world: World, clock: FakeClock
) -> None:
    send(careful, world, 4, sent_ago=timedelta(hours=1))
    plan = asked_for(careful)
    clock.advance(timedelta(hours=22))
    careful.purge()
    assert careful.result(plan.recall_id).status is Status.PLANNED
    clock.advance(timedelta(minutes=59))
    assert careful.parts.lifecycle.approve(plan.recall_id, actor="li", run_in=RunIn.ANY_WORKER).status is Status.RUNNING
    late = asked_late(careful, world, clock)
    with pytest.raises(PlanEndedError, match="waited for a second person for too long"):
        careful.approve(late.recall_id, actor="li")


def asked_late(book: Ledger, world: World, clock: FakeClock) -> Plan:
    """Return a plan that somebody asked for, at a time when its messages have expired."""
    send(book, world, 4, campaign="late")
    plan = book.plan(campaign="late", reason="x", actor="wang")
    with pytest.raises(ApprovalNeededError):
        book.run(plan)
    clock.advance(timedelta(hours=23))
    return plan


def test_an_approval_does_not_cover_a_plan_whose_messages_changed_hands(careful: Ledger, world: World) -> None:
    (first, *_) = send(careful, world, 4)
    plan = asked_for(careful)
    careful.run(careful.plan(keys=[first], reason="this one first", actor="zhao"))
    with pytest.raises(PlanChangedError):
        careful.approve(plan.recall_id, actor="li")
    assert careful.result(plan.recall_id).status is Status.PLANNED


def followers(book: Ledger, recall_id: int) -> list[tuple[Status, int]]:
    """Look once for what arrived late; return what follows a recall, the newest first."""
    book.parts.worker().follow_sticky()
    return [(one.status, one.eligible) for one in book.recalls() if one.follows == recall_id]


def sticky(book: Ledger, world: World, messages: int) -> Plan:
    """Return the plan of a sticky recall that has run, with a second person if it takes one."""
    send(book, world, messages)
    plan = planned(book)
    book.parts.sticky.stick(plan.recall_id, 3600, actor="wang")
    try:
        book.run(plan, actor="wang")
    except ApprovalNeededError:
        book.approve(plan.recall_id, actor="li")
    return plan


def test_what_arrives_late_asks_again_as_soon_as_it_is_too_much_beyond_what_was_agreed_to(
    careful: Ledger, world: World
) -> None:
    plan = sticky(careful, world, 6)
    send(careful, world, 2)
    assert followers(careful, plan.recall_id) == [(Status.RUNNING, 2)]
    careful.resume(careful.recalls()[0].recall_id, actor="wang")
    send(careful, world, 2)
    waiting = [(Status.PLANNED, 2), (Status.FINISHED, 2)]
    assert followers(careful, plan.recall_id) == waiting
    send(careful, world, 1)
    assert followers(careful, plan.recall_id) == waiting
    second = careful.recalls()[0].recall_id
    assert careful.approve(second, actor="li").recalled == 2
    # The next growth begins anew, with what was not agreed to before.
    assert followers(careful, plan.recall_id)[0] == (Status.RUNNING, 1)
    assert careful.result(plan.recall_id).sticky_until is not None
    assert careful.verify().ok


def test_what_arrives_late_for_a_small_sticky_recall_and_is_too_much_waits_once(careful: Ledger, world: World) -> None:
    plan = sticky(careful, world, 1)
    send(careful, world, 5)
    for _ in range(3):
        assert followers(careful, plan.recall_id) == [(Status.PLANNED, 5)]
    assert careful.approve(careful.recalls()[0].recall_id, actor="li").recalled == 5


def test_who_refuses_what_arrived_late_ends_the_sticking(careful: Ledger, world: World) -> None:
    plan = sticky(careful, world, 4)
    send(careful, world, 5)
    assert followers(careful, plan.recall_id) == [(Status.PLANNED, 5)]
    careful.refuse(careful.recalls()[0].recall_id, actor="li", reason="enough")
    assert careful.result(plan.recall_id).sticky_until is None
    assert followers(careful, plan.recall_id) == [(Status.CANCELLED, 5)]
    assert careful.verify().ok
