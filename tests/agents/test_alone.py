"""An agent cannot recall alone: not with a token that is stale, used, wrong or another's, nor by any way round."""

import pytest

from ledger.core.access.roles import Role
from ledger.core.recalls.selection import select
from ledger.entrypoints.agents.tools import TOOLS
from ledger.errors import ApprovalNeededError, ForbiddenError
from ledger.simulator import World
from tests.api.conftest import serving
from tests.sending import send

from .conftest import Agent, AgentsDoor, OpenDoor


def asked_keys(world: World) -> int:
    return sum(len(call.keys) for call in world.calls())


def planned(agent: Agent, campaign: str = "spring") -> tuple[int, str]:
    plan = agent("plan_recall", campaigns=[campaign], reason="wrong link").data
    return plan["plan_id"], plan["token"]


def test_no_tool_approves_breaks_the_glass_sets_a_policy_sends_corrects_or_tags(door: AgentsDoor) -> None:
    agent = door.agent(door.token("alice", Role.ADMIN))
    named = {tool.name: tool for tool in agent.tools()}
    reading = {"campaigns", "messages", "people", "progress", "history", "verify"}
    assert set(named) == reading | {"plan_recall", "run_recall"} == {tool.name for tool in TOOLS}
    hints = {name: tool.annotations for name, tool in named.items() if tool.annotations is not None}
    assert {name for name, hint in hints.items() if hint.read_only_hint} == reading
    assert {name for name, hint in hints.items() if hint.destructive_hint} == {"run_recall"}
    assert all(tool.output_schema and tool.description and tool.title for tool in named.values())
    for tool in named.values():
        assert tool.input_schema["additionalProperties"] is False
        assert {"actor", "yes", "approve", "break_glass", "at", "sticky_seconds"}.isdisjoint(
            set(tool.input_schema["properties"]) - ({"actor"} if tool.name == "history" else set())
        )


def test_a_wrong_token_runs_nothing(open_door: OpenDoor, world: World) -> None:
    door = open_door(agent_most_people=10)
    for campaign in ("spring", "news"):
        send(door.book, world, 1, campaign=campaign)
    agent = door.agent(door.token("alice"))
    (plan, token), (_, other) = planned(agent), planned(agent, "news")
    for wrong in ("x", token[:-1], f"{token} ", token.upper(), other):
        assert agent("run_recall", plan_id=plan, token=wrong).code == "plan_token_wrong"
    assert agent("run_recall", plan_id=plan).code == "invalid_request"
    for nothing in ("", None):
        assert agent("run_recall", plan_id=plan, token=nothing).code == "invalid_request"
    assert agent("run_recall", plan_id=plan + 100, token=token).code == "unknown_recall"
    assert asked_keys(world) == 0
    assert agent("run_recall", plan_id=plan, token=token).data["rows"][0]["status"] == "running"


def test_a_used_token_runs_nothing_more(open_door: OpenDoor, world: World) -> None:
    door = open_door(agent_most_people=10)
    send(door.book, world, 1)
    agent = door.agent(door.token("alice"))
    plan, token = planned(agent)
    assert agent("run_recall", plan_id=plan, token=token).data["rows"][0]["status"] == "running"
    assert agent("run_recall", plan_id=plan, token=token).code == "wrong_state"
    door.book.resume(plan)
    assert agent("run_recall", plan_id=plan, token=token).code == "wrong_state"
    assert asked_keys(world) == 1


def test_the_plan_of_anybody_else_runs_for_nobody_else(open_door: OpenDoor, world: World) -> None:
    door = open_door(agent_most_people=10)
    send(door.book, world, 1)
    alices, secret = door.agent(door.token("alice")), door.token("bob")
    plan, token = planned(alices)
    bobs, renamed = door.agent(secret), door.agent(door.token("phone", owner="alice"), agent="another")
    for other in (bobs, renamed):
        assert other("run_recall", plan_id=plan, token=token).code == "plan_token_wrong"
    by_hand = door.book.plan(campaign="spring", reason="x", actor="alice")
    assert by_hand.token is not None
    assert alices("run_recall", plan_id=by_hand.recall_id, token=by_hand.token).code == "plan_token_wrong"
    assert asked_keys(world) == 0


def test_cut_into_small_plans_it_is_still_too_much(open_door: OpenDoor, world: World) -> None:
    door = open_door(agent_most_people=2)
    for number in range(3):
        send(door.book, world, 1, campaign=f"part-{number}")
    secret = door.token("alice")
    agents = [door.agent(secret, agent=f"agent-{number}") for number in range(3)]
    plans = [planned(agent, f"part-{number}") for number, agent in enumerate(agents)]
    states = []
    for agent, (plan, token) in zip(agents, plans, strict=True):
        (recall,) = agent("run_recall", plan_id=plan, token=token).data["rows"]
        states.append((recall["status"], recall["approval"] is not None))
    assert states == [("running", False), ("running", False), ("planned", True)]
    book = door.book
    with pytest.raises(Exception, match="it takes another person"):
        book.parts.lifecycle.approve(plans[-1][0], actor="alice", is_proven=True)


def test_the_token_of_an_agent_neither_approves_nor_breaks_the_glass_over_the_api(
    door: AgentsDoor, world: World
) -> None:
    send(door.book, world, 1)
    mine, again = door.token("alice"), door.token("phone", owner="Alice")
    agent = door.agent(mine)
    plan, token = planned(agent)
    (recall,) = agent("run_recall", plan_id=plan, token=token).data["rows"]
    assert recall["approval"]["requested_by"] == "alice via agent claude-code"
    with serving(door.book) as service:
        for secret in (mine, again):
            with service.client(secret) as client:
                approved = client.post(f"/v1/recalls/{plan}/approve")
                assert (approved.status_code, "it takes another person" in approved.json()["detail"]) == (403, True)
                broken = client.post(f"/v1/recalls/{plan}/break-glass", json={"reason": "urgent"})
                assert (broken.status_code, "breaks the glass" in broken.json()["detail"]) == (403, True)
                ran = client.post(f"/v1/recalls/{plan}/run")
                assert (ran.status_code, ran.json()["status"]) == (202, "planned")
        assert asked_keys(world) == 0
        with service.signed_up(Role.APPROVER, name="bob") as bob:
            assert bob.post(f"/v1/recalls/{plan}/approve").json()["status"] == "running"


def test_a_token_of_an_agent_opens_the_tools_and_no_other_door(door: AgentsDoor, world: World) -> None:
    send(door.book, world, 1)
    secret = door.token("alice-agent", Role.AGENT, owner="alice")
    agent = door.agent(secret)
    plan, token = planned(agent)
    (recall,) = agent("run_recall", plan_id=plan, token=token).data["rows"]
    assert (recall["status"], recall["actor"]) == ("planned", "alice-agent via agent claude-code")
    for tool in ("campaigns", "messages", "progress", "history", "verify"):
        assert agent(tool).document["data"]
    theirs = door.book.parts.planner.plan(select(campaign="spring"), reason="x", actor="carol").recall_id
    with pytest.raises(ApprovalNeededError):
        door.book.parts.lifecycle.run(theirs, actor="carol via agent x", is_proven=True)
    with serving(door.book) as service, service.client(secret) as client:
        for number in (plan, theirs):
            for act in ("approve", "run", "retry", "cancel", "resume"):
                assert client.post(f"/v1/recalls/{number}/{act}").status_code == 403
            for act in ("break-glass", "refuse", "review"):
                assert client.post(f"/v1/recalls/{number}/{act}", json={"reason": "x"}).status_code == 403
        assert client.get("/v1/campaigns").status_code == 403
    with pytest.raises(ForbiddenError, match="which may not"):
        door.book.approve(theirs, token=secret)
    assert asked_keys(world) == 0


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.APPROVER])
def test_who_may_only_look_plans_and_runs_nothing(door: AgentsDoor, world: World, role: Role) -> None:
    send(door.book, world, 1)
    plan = door.book.plan(campaign="spring", reason="x")
    agent = door.agent(door.token("eve", role))
    assert agent("campaigns").data["rows"][0]["recallable"] == 1
    assert agent("plan_recall", campaigns=["spring"], reason="x").code == "forbidden"
    assert agent("run_recall", plan_id=plan.recall_id, token=plan.token).code == "forbidden"


def test_a_recorders_token_sees_nothing(door: AgentsDoor) -> None:
    agent = door.agent(door.token("sender", Role.RECORDER))
    for tool in TOOLS:
        assert agent(tool.name).code == "forbidden"
