"""Sticky recalls, and what was recorded after a plan: what is said of both, and for how long."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ledger.clock import parse_time
from ledger.simulator import Simulator

from .conftest import ROBOT, Shell

RECALL = ("recall", "--reason", "typo", "--campaign", "c", "--yes")


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("24h", 86400), ("45", 45)])
def test_a_recall_sticks_for_the_time_that_is_given(
    shell: Shell, simulator: Simulator, text: str, seconds: int
) -> None:
    shell.send(simulator, 1, campaign="c")
    ended = shell(*RECALL, "--sticky", text, "--json")
    assert ended.code == 0
    left = parse_time(ended.json["sticky_until"]) - datetime.now(UTC)
    assert timedelta(seconds=seconds - 30) < left <= timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "0", "0h", "-5m", "25h", "1d", "nan", "1e3", "9" * 400, "٣h"])
def test_a_time_that_is_none_is_refused_before_anything_is_done(shell: Shell, simulator: Simulator, text: str) -> None:
    shell.send(simulator, 1, campaign="c")
    ended = shell(*RECALL, f"--sticky={text}", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "input")
    assert shell("recalls", "--json").json == []


def test_plan_and_result_say_until_when_and_what_it_needs(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="c")
    dry = shell(*RECALL, "--sticky", "2h", "--dry-run")
    assert "ledger worker" in in_one_line(dry.out)
    assert "CST `ledger worker` must run: it recalls what arrives late" in in_one_line(dry.out)
    assert all(recall["sticky_until"] is None for recall in shell("recalls", "--json").json)
    ended = shell(*RECALL, "--sticky", "2h")
    plan, _, result = ended.out.partition("has finished")
    assert "ledger worker" in plan
    assert "ledger worker" in result
    assert "ledger unstick 2" in result
    assert max(map(len, shell.seen(80, *RECALL, "--sticky", "2h", "--dry-run"))) <= 80
    assert "sticky until" in shell("show", "2").out


def test_campaigns_have_a_column_for_it_only_when_one_is_sticky(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="c")
    shell.send(simulator, 1, campaign="d")
    assert "sticky" not in shell("campaigns").out
    shell(*RECALL, "--sticky", "2h")
    header, *rows = shell("campaigns").out.splitlines()
    assert header.rstrip().endswith("sticky")
    assert sorted((row[0], " to " in row) for row in rows) == [("c", True), ("d", False)]
    assert max(map(len, (header, *rows))) <= 80
    assert {line["campaign"]: bool(line["sticky_until"]) for line in shell("campaigns", "--json").json} == {
        "c": True,
        "d": False,
    }


def test_unstick_ends_it(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="c")
    shell(*RECALL, "--sticky", "2h")
    ended = shell("unstick", "1", "--actor", "ann")
    assert (ended.code, ended.out) == (0, "Recall 1 leaves alone what is recorded from now on.\n")
    assert shell("unstick", "1", "--json").json["sticky_until"] is None
    assert "sticky" not in shell("campaigns").out
    assert "sticky until" not in shell("show", "1").out
    assert shell("verify").code == 0


def test_what_was_never_sticky_stays_as_it_is_and_nothing_is_written_down(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="c")
    shell(*RECALL)
    before = shell("show", "1", "--json").json["timeline"]
    ended = shell("unstick", "1")
    assert (ended.code, ended.out) == (0, "Recall 1 was not sticky: it leaves alone what is recorded anyway.\n")
    assert shell("show", "1", "--json").json["timeline"] == before


def test_a_recall_that_never_started_does_not_stick(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="c")
    shell.variables["LEDGER_PLAN_VALID_SECONDS"] = "0.000001"
    ended = shell(*RECALL, "--sticky", "2h", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "plan_ended")
    assert shell("campaigns", "--json").json[0]["sticky_until"] is None


def test_what_was_recorded_after_the_plan_is_said(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="c")
    assert "recorded after" not in shell(*RECALL).out
    shell.send(simulator, 2, campaign="c")
    detail = in_one_line(shell("show", "1").out)
    assert "2 messages were recorded after the plan: ledger recall … again, or --sticky" in detail
    assert shell("show", "1", "--json").json["late"] == 2
    assert shell(*RECALL, "--sticky", "1h").code == 0
    shell.send(simulator, 1, campaign="c")
    assert "1 message was recorded after the plan: ledger worker takes it back" in in_one_line(shell("show", "2").out)


def test_a_worker_recalls_what_arrives_for_a_sticky_recall(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="c")
    assert shell(*RECALL, "--sticky", "1h").code == 0
    (late,) = simulator.world.make_messages(1, robot_code=ROBOT, users=["u1"])
    row = {"processQueryKey": late, "robotCode": ROBOT, "userIds": ["u1"], "campaign": "c"}
    now = datetime.now(UTC).isoformat()
    assert shell("import", "-", "--sent-at", now, stdin=json.dumps(row)).code == 0
    with shell.running("worker") as worker:
        worker.wait_until(lambda: [one["follows"] for one in shell("recalls", "--json").json] == [1, None])
        worker.wait_until(lambda: shell("recalls", "--json").json[0]["status"] == "finished")
    assert all(message.recalled_at for message in simulator.world.messages())
    assert "follows: recall 1, which is sticky" in shell("show", "2").out
