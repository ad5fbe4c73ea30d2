"""An agent and two people: it looks, plans and asks, another person agrees, it watches; the history has all of it."""

import time
from datetime import timedelta
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.access.roles import Role
from ledger.simulator import Simulator, World
from tests.cli.conftest import UNHURRIED, Shell
from tests.sending import send

from .conftest import AGENT, AgentsDoor, started, talking

ALICE = f"alice via agent {AGENT}"


def outcomes(book: Ledger) -> list[tuple[str, str]]:
    return [(item.actor, item.outcome or "") for item in book.history()]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_over_http_an_agent_asks_another_person_agrees_and_it_runs(door: AgentsDoor, world: World, mode: str) -> None:
    book = door.book
    send(book, world, 3)
    send(book, world, 1, campaign="Spring")
    agent, bob = door.agent(door.token("alice"), mode=mode), door.token("bob", Role.APPROVER)
    line = agent("campaigns").data["rows"][0]
    assert (line["campaign"], line["recallable"]) in [("spring", 3), ("Spring", 1)]
    assert len(agent("messages", campaigns=["spring"]).data["rows"]) == 3
    said = agent("plan_recall", campaigns=["spring"], reason="wrong link")
    plan = said.data
    assert plan["decision"] == "Recall 3 messages of spring from 3 people"
    assert plan["look_alikes"] == [{"campaign": "Spring", "differs_in": "case"}]
    assert [stop["code"] for stop in plan["stops"]] == ["approval_needed", "worker_absent"]
    assert (plan["needs_approval"], said.document["next"].startswith("Nothing was recalled.")) == (True, True)
    asked = agent("run_recall", plan_id=plan["plan_id"], token=plan["token"])
    (recall,) = asked.data["rows"]
    assert (recall["status"], recall["approval"]["requested_by"]) == ("planned", ALICE)
    assert f"ledger approve {plan['plan_id']}" in asked.document["next"]
    assert not world.calls()
    result = book.approve(plan["plan_id"], token=bob)
    assert result.recalled == 3
    (recall,) = agent("progress", recall_id=plan["plan_id"]).data["rows"]
    assert (recall["status"], recall["recalled"], recall["approval"]["approved_by"]) == ("finished", 3, "bob")
    lost = agent("people", recall_id=plan["plan_id"]).data
    assert (lost["count"]["lost"], len(lost["rows"])) == (3, 3)
    items = agent("history", campaigns=["spring"]).data["rows"]
    assert [(item["outcome"], item["actor"], item["approved_by"]) for item in items] == [("recalled", ALICE, "bob")] * 3
    assert agent("verify").data["ok"] is True
    again = agent("run_recall", plan_id=plan["plan_id"], token=plan["token"])
    assert again.code == "wrong_state"
    assert outcomes(book) == [(ALICE, "recalled")] * 3
    events = [(entry["event"], entry["actor"]) for entry in book.show(plan["plan_id"]).timeline]
    assert events[:4] == [("planned", ALICE), ("approval_requested", ALICE), ("approved", "bob"), ("started", ALICE)]


def test_over_http_a_plan_that_is_stale_is_refused_and_says_to_plan_again(
    door: AgentsDoor, world: World, clock: FakeClock
) -> None:
    keys = send(door.book, world, 2)
    agent = door.agent(door.token("alice"))
    plan = agent("plan_recall", campaigns=["spring"], reason="wrong link").data
    # Somebody is quicker, and takes one of the messages.
    door.book.run(door.book.plan(keys=keys[:1], reason="x", actor="carol"))
    said = agent("run_recall", plan_id=plan["plan_id"], token=plan["token"])
    assert (said.code, "plan it again" in said.texts[0]) == ("plan_changed", True)
    old = agent("plan_recall", campaigns=["spring"], reason="wrong link").data
    clock.advance(timedelta(minutes=16))
    said = agent("run_recall", plan_id=old["plan_id"], token=old["token"])
    assert (said.code, "plan it again" in said.texts[0]) == ("plan_ended", True)


def test_over_pipes_an_agent_asks_a_person_agrees_at_the_command_line_and_it_runs(
    tmp_path: Path, database_url: str
) -> None:
    with Simulator(behaviour=UNHURRIED) as simulator:
        shell = Shell(tmp_path, simulator.url, {"LEDGER_DATABASE_URL": database_url})
        shell.send(simulator, 3, users=("ann", "ben"), campaign="spring")
        environment = {**shell.environment, "LEDGER_ACTOR": "alice"}
        with talking(started(tmp_path, environment)) as agent:
            plan = agent("plan_recall", campaigns=["spring"], reason="wrong link").data
            assert plan["decision"] == "Recall 3 messages of spring from 2 people"
            stale = agent("run_recall", plan_id=plan["plan_id"], token=plan["token"] + "x")
            assert stale.code == "plan_token_wrong"
            (recall,) = agent("run_recall", plan_id=plan["plan_id"], token=plan["token"]).data["rows"]
            assert (recall["status"], recall["approval"]["requested_by"]) == ("planned", ALICE)
            alone = shell("approve", str(plan["plan_id"]), "--actor", "alice")
            assert (alone.code, "it takes another person" in alone.err) == (2, True)
            assert not any(call.keys for call in simulator.world.calls())
            assert shell("approve", str(plan["plan_id"]), "--actor", "bob").code == 0
            (recall,) = agent("progress", recall_id=plan["plan_id"]).data["rows"]
            assert (recall["status"], recall["recalled"]) == ("finished", 3)
            items = agent("history").data["rows"]
            assert [(item["outcome"], item["actor"]) for item in items] == [("recalled", ALICE)] * 3
        assert shell("verify").code == 0


def test_over_pipes_what_agents_may_do_alone_is_run_by_the_same_process(tmp_path: Path, database_url: str) -> None:
    with Simulator(behaviour=UNHURRIED) as simulator:
        variables = {"LEDGER_DATABASE_URL": database_url, "LEDGER_AGENT_MOST_PEOPLE": "2"}
        shell = Shell(tmp_path, simulator.url, variables)
        shell.send(simulator, 1, users=("ann", "ben"), campaign="spring")
        shell.send(simulator, 1, users=("zoe",), campaign="news")
        with talking(started(tmp_path, {**shell.environment, "LEDGER_ACTOR": "alice"})) as agent:
            plan = agent("plan_recall", campaigns=["spring"], reason="wrong link").data
            assert plan["needs_approval"] is False
            (recall,) = agent("run_recall", plan_id=plan["plan_id"], token=plan["token"]).data["rows"]
            assert recall["status"] == "running"
            until = time.monotonic() + 30
            while recall["status"] == "running" and time.monotonic() < until:
                time.sleep(0.02)
                (recall,) = agent("progress", recall_id=plan["plan_id"]).data["rows"]
            assert (recall["status"], recall["recalled"]) == ("finished", 1)
            rest = agent("plan_recall", campaigns=["news"], reason="wrong link").data
            assert rest["needs_approval"] is True
