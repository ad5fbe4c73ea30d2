"""`worker` as a process of its own: it goes on with what others left, and stops when it is told."""

import json
import signal
import socket

import httpx
import pytest

from ledger.simulator import Simulator

from .conftest import Shell

RECALL = ("recall", "--reason", "typo", "--campaign", "c", "--yes")


def asked(simulator: Simulator) -> int:
    return sum(call.path.endswith("batchRecall") for call in simulator.world.calls())


def broken_off(shell: Shell, simulator: Simulator, count: int) -> None:
    """Leave a recall behind whose process was killed in the middle."""
    shell.send(simulator, count, campaign="c")
    shell.variables["LEDGER_CALLS_PER_SECOND"] = "4"
    before = asked(simulator)
    with shell.running(*RECALL) as recall:
        recall.wait_until(lambda: asked(simulator) > before + 1)
        recall.process.kill()
        recall.process.wait()
    assert shell("recalls", "--json").json[0]["status"] == "running"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_stops_with_exit_0_and_says_what_it_does(shell: Shell, number: signal.Signals) -> None:
    with shell.running("worker") as worker:
        worker.wait_for("working on sqlite:///")
        worker.process.send_signal(number)
        assert worker.process.wait(20) == 0
    first, last = worker.message().splitlines()
    assert "INFO ledger.entrypoints.cli.commands.worker: working on" in first
    assert "stopped" in last


def test_a_worker_goes_on_with_a_recall_whose_process_was_killed(shell: Shell, simulator: Simulator) -> None:
    broken_off(shell, simulator, 200)
    shell.variables["LEDGER_CALLS_PER_SECOND"] = "500"
    with shell.running("worker") as worker:
        worker.wait_until(lambda: shell("recalls", "--json").json[0]["status"] == "finished")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(20) == 0
    (result,) = shell("recalls", "--json").json
    assert (result["recalled"], result["eligible"]) == (200, 200)
    assert all(message.recalled_at for message in simulator.world.messages())


@pytest.mark.parametrize(
    "latency_seconds",
    [
        0.0,
        0.5,
    ],
)
def test_a_worker_that_is_stopped_in_the_middle_of_a_recall_loses_nothing(
    shell: Shell, simulator: Simulator, latency_seconds: float
) -> None:
    broken_off(shell, simulator, 600)
    before = asked(simulator)
    simulator.world.change(latency_seconds=latency_seconds)
    with shell.running("worker") as worker:
        worker.wait_until(lambda: asked(simulator) > before + 1)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(30) == 0
    assert "APScheduler" not in worker.message()
    assert "apscheduler" not in worker.message()
    report = shell("show", "1", "--json").json
    assert (report["status"], report["pending"] > 0) == ("running", True)
    assert not [call for call in report["calls"] if call["verdict"] is None]
    gone = sum(bool(message.recalled_at) for message in simulator.world.messages())
    # What the killed process had on its way is in doubt; of what the worker asked, every answer is written down.
    assert 0 <= gone - report["recalled"] <= 40
    simulator.world.change(latency_seconds=0.0)
    shell.variables["LEDGER_CALLS_PER_SECOND"] = "500"
    ended = shell("resume", "1", "--json")
    assert (ended.code, ended.json["recalled"], ended.json["unknown"]) == (0, 600, 0)
    assert shell("verify").code == 0


def test_a_worker_without_credentials_says_once_what_waits(shell: Shell, simulator: Simulator) -> None:
    broken_off(shell, simulator, 100)
    shell.variables |= {"LEDGER_APP_KEY": "", "LEDGER_APP_SECRET": ""}
    with shell.running("worker") as worker:
        worker.wait_for("recalls of app default wait")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(20) == 0
    assert worker.message().count("WARNING ledger.scheduler") == 1


def test_a_worker_that_cannot_have_its_database_is_exit_1(shell: Shell) -> None:
    shell.variables["LEDGER_DATABASE_URL"] = "sqlite:////proc/nowhere/ledger.sqlite"
    ended = shell.real("worker")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: ")


def test_a_worker_serves_metrics_and_writes_json_when_told_to(shell: Shell, simulator: Simulator) -> None:
    broken_off(shell, simulator, 60)
    shell.variables["LEDGER_CALLS_PER_SECOND"] = "500"
    with shell.running("worker", "--log-format", "json", "--metrics-port", "0") as worker:
        worker.wait_until(lambda: shell("recalls", "--json").json[0]["status"] == "finished")
        lines = [json.loads(line) for line in worker.message().splitlines()]
        (where,) = [line["message"].split()[-1] for line in lines if line["message"].startswith("metrics on")]
        scraped = httpx.get(where, timeout=10).text
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(20) == 0
    lines = [json.loads(line) for line in worker.message().splitlines()]
    assert 'ledger_recalls{status="running"} 0.0' in scraped
    assert [line["recall"] for line in lines if "recall 1 finished" in line["message"]] == [1]
    told = {line["dingtalk_request_id"] for line in lines if "dingtalk_request_id" in line}
    assert told
    assert told <= {call["request_id"] for call in shell("show", "1", "--json").json["calls"]}


def test_a_port_for_metrics_that_is_taken_is_refused_input(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = shell.real("worker", "--metrics-port", str(taken.getsockname()[1]))
    assert (ended.code, ended.out) == (2, "")
    assert "metrics cannot be served" in ended.err
