"""Agents do not recall alone: what goes beyond their number waits for another person than the one behind them."""

from datetime import timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.access.agents import through_agent
from ledger.core.access.roles import Role
from ledger.core.recalls.recall import Plan, Result, Status
from ledger.core.recalls.selection import select
from ledger.errors import ApprovalNeededError, ForbiddenError, PlanTokenError, WrongStateError
from ledger.simulator import World
from tests.conftest import MakeLedger
from tests.sending import send

ALICE = through_agent("alice", "claude")


def planned(book: Ledger, actor: str = ALICE, campaign: str = "spring") -> Plan:
    return book.parts.planner.plan(select(campaign=campaign), reason="wrong link", actor=actor)


def started(book: Ledger, plan: Plan, actor: str = ALICE) -> Result:
    return book.parts.lifecycle.run(plan.recall_id, actor=actor, plan_token=plan.token)


def test_of_itself_an_agent_recalls_nothing_until_another_person_agrees(book: Ledger, world: World) -> None:
    send(book, world, 1)
    plan = planned(book)
    assert plan.approval is not None
    assert [stop.code for stop in plan.stops] == ["approval_needed"]
    with pytest.raises(ApprovalNeededError, match="more than agents may start alone"):
        started(book, plan)
    assert world.calls() == []
    for same in ("alice", "Alice", ALICE, through_agent("alice", "another")):
        with pytest.raises(ForbiddenError, match="it takes another person"):
            book.parts.lifecycle.approve(plan.recall_id, actor=same)
    assert book.approve(plan.recall_id, actor="bob").recalled == 1
    assert book.verify().ok


def test_the_history_names_the_agent_and_the_person_behind_it_in_every_entry(book: Ledger, world: World) -> None:
    send(book, world, 1)
    plan = planned(book)
    with pytest.raises(ApprovalNeededError):
        started(book, plan)
    result = book.approve(plan.recall_id, actor="bob")
    assert result.actor == ALICE
    timeline = [(entry["event"], entry["actor"]) for entry in book.show(plan.recall_id).timeline]
    assert timeline[:4] == [
        ("planned", ALICE),
        ("approval_requested", ALICE),
        ("approved", "bob"),
        ("started", ALICE),
    ]
    assert [item.actor for item in book.history()] == [ALICE]


def test_up_to_the_number_it_needs_nobody(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(agent_most_people=2)
    send(book, world, 2)
    assert planned(book).approval is None
    assert started(book, planned(book)).recalled == 2


@pytest.mark.parametrize("agents", [("claude",), ("claude", "cursor", "codex")], ids=["one agent", "several names"])
def test_many_small_plans_count_together_whatever_the_agents_call_themselves(
    make_ledger: MakeLedger, world: World, agents: tuple[str, ...]
) -> None:
    book = make_ledger(agent_most_people=3)
    for number in range(4):
        send(book, world, 1, campaign=f"part-{number}")
    for number in range(3):
        actor = through_agent("alice", agents[number % len(agents)])
        assert started(book, planned(book, actor, f"part-{number}"), actor).recalled == 1
    actor = through_agent("alice", agents[0])
    last = planned(book, actor, "part-3")
    with pytest.raises(ApprovalNeededError, match="agents of the same person"):
        started(book, last, actor)
    assert sum(len(call.keys) for call in world.calls()) == 3


def test_plans_made_while_each_was_small_do_not_add_up_unseen(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(agent_most_people=1)
    for number in range(2):
        send(book, world, 1, campaign=f"part-{number}")
    plans = [planned(book, campaign=f"part-{number}") for number in range(2)]
    assert [plan.approval for plan in plans] == [None, None]
    assert started(book, plans[0]).recalled == 1
    with pytest.raises(ApprovalNeededError):
        started(book, plans[1])


def test_agents_of_all_tokens_of_an_owner_count_together(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(agent_most_people=1)
    for name in ("desk", "phone"):
        book.parts.service_tokens.create(name, Role.OPERATOR, owner="alice", actor="tester")
        send(book, world, 1, campaign=name)
    desk, phone = through_agent("desk", "claude"), through_agent("phone", "claude")
    assert started(book, planned(book, desk, "desk"), desk).recalled == 1
    with pytest.raises(ApprovalNeededError):
        started(book, planned(book, phone, "phone"), phone)


def test_what_people_and_agents_of_others_start_counts_for_nobody_elses_agent(
    make_ledger: MakeLedger, world: World
) -> None:
    book = make_ledger(agent_most_people=1)
    bob = through_agent("bob", "claude")
    for name in ("by-alice", "by-bob", "by-agent"):
        send(book, world, 1, campaign=name)
    assert book.run(book.plan(campaign="by-alice", reason="x", actor="alice")).recalled == 1
    assert started(book, planned(book, bob, "by-bob"), bob).recalled == 1
    assert started(book, planned(book, campaign="by-agent")).recalled == 1


def test_after_a_day_an_agent_may_do_as_much_again(make_ledger: MakeLedger, world: World, clock: FakeClock) -> None:
    book = make_ledger(agent_most_people=1)
    send(book, world, 1, campaign="one")
    assert started(book, planned(book, campaign="one")).recalled == 1
    clock.advance(timedelta(hours=23, minutes=59))
    send(book, world, 1, campaign="two", sent_ago=timedelta(minutes=1))
    assert planned(book, campaign="two").approval is not None
    clock.advance(timedelta(minutes=2))
    assert started(book, planned(book, campaign="two")).recalled == 1


def test_the_number_for_everybody_holds_for_agents_too(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(agent_most_people=100, approval_recipients=1)
    send(book, world, 2)
    assert planned(book).approval is not None
    with pytest.raises(ApprovalNeededError, match="larger than one person may start alone"):
        started(book, planned(book))
    assert book.parts.policies.put("approval-recipients", "0", actor="tester").value == 0


def test_messages_to_groups_count_although_nobody_is_named(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(agent_most_people=1)
    send(book, world, 2, conversation="cid-1")
    with pytest.raises(ApprovalNeededError, match=r"agents may start alone \(at least 0 people, 2 messages\)"):
        started(book, planned(book))


def test_what_is_decided_for_everybody_holds_whatever_the_settings_of_an_agents_process_say(
    make_ledger: MakeLedger, world: World
) -> None:
    book = make_ledger(agent_most_people=1000)
    book.parts.policies.put("agent-most-people", "1", actor="boss")
    send(book, world, 2)
    with pytest.raises(ApprovalNeededError, match="more than agents may start alone"):
        started(book, planned(book))
    book.parts.policies.put("agent-most-people", "off", actor="boss")
    assert started(book, planned(book)).recalled == 2
    strict = make_ledger()
    strict.parts.policies.put("agent-most-people", "1000", actor="boss")
    send(strict, world, 1)
    assert planned(strict).approval is not None
    assert strict.verify().ok


@pytest.mark.parametrize("who", [ALICE, "alice", "bob"])
def test_nobody_breaks_the_glass_for_an_agent(book: Ledger, world: World, who: str) -> None:
    send(book, world, 1)
    plan = planned(book)
    with pytest.raises(ForbiddenError, match="nobody breaks the glass for one"):
        book.parts.lifecycle.run(plan.recall_id, actor=who, break_glass="it is urgent")
    assert world.calls() == []
    assert book.result(plan.recall_id).status is Status.PLANNED


def test_an_agent_breaks_no_glass_of_a_person_either(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(approval_recipients=0)
    send(book, world, 1)
    plan = book.plan(campaign="spring", reason="x", actor="alice")
    with pytest.raises(ForbiddenError, match="nobody breaks the glass for one"):
        book.parts.lifecycle.run(plan.recall_id, actor=ALICE, break_glass="it is urgent")
    assert world.calls() == []


def test_starting_an_agents_plan_under_ones_own_name_needs_another_person_as_well(book: Ledger, world: World) -> None:
    send(book, world, 1)
    plan = planned(book)
    with pytest.raises(ApprovalNeededError, match="alice asked for it"):
        book.run(plan.recall_id, actor="alice")
    with pytest.raises(PlanTokenError):
        book.run(plan.recall_id, actor="alice", plan_token=plan.token)
    assert world.calls() == []


def test_what_is_asked_for_by_an_agent_is_refused_for_good(book: Ledger, world: World) -> None:
    send(book, world, 1)
    plan = planned(book)
    with pytest.raises(ApprovalNeededError):
        started(book, plan)
    assert book.refuse(plan.recall_id, actor="bob", reason="the link is right").status is Status.CANCELLED
    with pytest.raises(WrongStateError):
        started(book, plan)
    assert world.calls() == []
