"""The shell over loopback HTTP: connections, cuts, delays, an end without leftovers."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ledger.simulator import Behaviour, Cut, ScriptedAnswer, Simulator

from .worlds import OTO_SEND, ROBOT

FREE = Behaviour(calls_per_second=None, monthly_quota=None, ban_after_calls=None)
MESSAGE = {"robotCode": ROBOT, "userIds": ["u1"], "msgKey": "sampleText", "msgParam": "{}"}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A running simulator without limits."""
    with Simulator(behaviour=FREE) as running:
        yield running


@pytest.fixture
def app(simulator: Simulator) -> Iterator[httpx.Client]:
    """An app with a token and room for many connections."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    headers = {"x-acs-dingtalk-access-token": simulator.world.issue_token()}
    with httpx.Client(base_url=simulator.url, headers=headers, limits=limits, timeout=10) as client:
        yield client


def test_a_token_a_send_and_a_recall_over_http(simulator: Simulator) -> None:
    with httpx.Client(base_url=simulator.url) as client:
        asked = client.post("/v1.0/oauth2/accessToken", json={"appKey": "a", "appSecret": "s"})
        headers = {"x-acs-dingtalk-access-token": asked.json()["accessToken"]}
        key = client.post(OTO_SEND, json=MESSAGE, headers=headers).json()["processQueryKey"]
        body = {"robotCode": ROBOT, "processQueryKeys": [key]}
        answer = client.post("/v1.0/robot/otoMessages/batchRecall", json=body, headers=headers)
    assert answer.json() == {"successResult": [key], "failedResult": {}}
    assert answer.headers["x-acs-request-id"] == simulator.world.calls()[-1].request_id
    assert answer.headers["Date"].endswith("GMT")


@pytest.mark.parametrize("host", ["::1", "localhost", "127.0.0.1"])
def test_it_listens_at_every_kind_of_address(host: str) -> None:
    with Simulator(host, behaviour=FREE) as running, httpx.Client(base_url=running.url, trust_env=False) as client:
        headers = {"x-acs-dingtalk-access-token": running.world.issue_token()}
        assert client.post(OTO_SEND, json=MESSAGE, headers=headers).status_code == 200


def test_one_connection_serves_many_calls(simulator: Simulator) -> None:
    request = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(address_of(simulator)) as line:
        for _ in range(5):
            line.sendall(request)
            assert line.recv(65536).startswith(b"HTTP/1.1 404 Not Found\r\n")


def test_an_answer_leaves_in_one_piece_without_waiting_for_acknowledgements(app: httpx.Client) -> None:
    app.post(OTO_SEND, json=MESSAGE)
    started = time.perf_counter()
    for _ in range(20):
        app.post(OTO_SEND, json=MESSAGE)
    assert time.perf_counter() - started < 20 * 0.04  # what delayed acknowledgements alone would cost


def test_forty_connections_are_served_side_by_side(simulator: Simulator, app: httpx.Client) -> None:
    simulator.world.change(latency_seconds=0.2)
    started = time.perf_counter()
    with ThreadPoolExecutor(40) as pool:
        statuses = list(pool.map(lambda _: app.post(OTO_SEND, json=MESSAGE).status_code, range(40)))
    assert statuses == [200] * 40
    assert time.perf_counter() - started < 40 * 0.2 / 4
    assert len({message.key for message in simulator.world.messages()}) == 40


@pytest.mark.parametrize(("cut", "messages"), [(Cut.BEFORE_WORK, 0), (Cut.AFTER_WORK, 1)])
def test_a_cut_line_gives_no_answer_byte(simulator: Simulator, app: httpx.Client, cut: Cut, messages: int) -> None:
    simulator.world.script(ScriptedAnswer(cut=cut))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        app.post(OTO_SEND, json=MESSAGE)
    assert len(simulator.world.messages()) == messages
    assert app.post(OTO_SEND, json=MESSAGE).status_code == 200


def test_a_line_can_be_cut_in_the_middle_of_the_body(simulator: Simulator, app: httpx.Client) -> None:
    simulator.world.script(ScriptedAnswer(cut=Cut.MID_BODY))
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        app.post(OTO_SEND, json=MESSAGE)
    assert len(simulator.world.messages()) == 1


def test_an_answer_can_come_too_late(simulator: Simulator, app: httpx.Client) -> None:
    simulator.world.script(ScriptedAnswer(delay_seconds=60))
    with pytest.raises(httpx.ReadTimeout):
        app.post(OTO_SEND, json=MESSAGE, timeout=0.1)
    assert len(simulator.world.messages()) == 1


def test_the_rate_is_kept_over_http_too(simulator: Simulator, app: httpx.Client) -> None:
    simulator.world.change(calls_per_second=20)
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: app.post(OTO_SEND, json=MESSAGE).status_code, range(60)))
    assert statuses.count(200) + statuses.count(403) == 60
    assert statuses.count(200) >= 20
    times = sorted(call.at for call in simulator.world.calls() if call.status == 200)
    for first, last in zip(times, times[20:], strict=False):
        assert (last - first).total_seconds() >= 1


def test_a_stop_wakes_sleeping_answers_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    simulator = Simulator(behaviour=Behaviour(latency_seconds=60)).start()
    with socket.create_connection(address_of(simulator)) as line:
        line.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        while not simulator.world.calls():
            time.sleep(0.001)
        simulator.stop()
    simulator.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) <= before
    with pytest.raises(RuntimeError, match="not running"):
        _ = simulator.url


def test_a_caller_that_goes_away_leaves_no_trace_on_stderr(
    simulator: Simulator, capfd: pytest.CaptureFixture[str]
) -> None:
    simulator.world.change(latency_seconds=0.05)
    for _ in range(3):
        line = socket.create_connection(address_of(simulator))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        line.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        line.close()
    simulator.stop()
    assert capfd.readouterr().err == ""


def test_a_body_without_a_length_is_refused(app: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"{}"

    assert app.post(OTO_SEND, content=pieces()).status_code == 411


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_where_it_is_and_ends_on_a_signal(number: int) -> None:
    command = [sys.executable, "-c", "from ledger.simulator import serve; serve(port=0)"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert f"{url}/_simulator/calls" in process.stdout.readline()
        assert httpx.get(f"{url}/_simulator/calls").json()["total"] == 0
        process.send_signal(number)
        assert process.wait(10) == 0


def address_of(simulator: Simulator) -> tuple[str, int]:
    """Return where the simulator listens."""
    url = httpx.URL(simulator.url)
    return url.host, url.port or 80
