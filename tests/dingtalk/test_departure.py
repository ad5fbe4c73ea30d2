"""A call leaves at its moment, on a connection that is open before."""

import socket
import threading
import time
from pathlib import Path

import pytest

from ledger.core.answer import Answer, NoAnswer
from ledger.core.recording.message import AppName, Chat, RobotCode, Route
from ledger.dingtalk import departure
from ledger.dingtalk.client import Client
from ledger.simulator import Simulator
from tests.proxies import http_proxy, socks_proxy, tls_front

ROUTE = Route(app=AppName("default"), chat=Chat.ONE_TO_ONE, robot_code=RobotCode("robot-1"))
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class StayedError(Exception):
    """What keeps a call here."""


def stay(_: bool) -> None:
    """Let no call leave."""
    raise StayedError


def ask(client: Client, url: str, leave: departure.Leave) -> Answer | NoAnswer:
    """Ask to recall one key."""
    return client.recall(url, "a-token-of-the-app", ROUTE, ["k"], leave)


def test_the_connection_is_there_and_nothing_is_sent_before_the_moment_comes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Client(timeout_seconds=5, max_connections=1) as client:
        listener.settimeout(5)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        accepted: list[socket.socket] = []
        had_to_connect: list[bool] = []
        answering: list[threading.Thread] = []

        def answer(connection: socket.socket) -> None:
            request = b""
            while not request.endswith(b"}"):
                request += connection.recv(65536)
            connection.sendall(ANSWER)

        def leave(has_connected: bool) -> None:
            had_to_connect.append(has_connected)
            if has_connected:
                accepted.append(listener.accept()[0])
            accepted[-1].setblocking(False)
            with pytest.raises(BlockingIOError):
                accepted[-1].recv(1)
            accepted[-1].settimeout(5)
            answering.append(threading.Thread(target=answer, args=(accepted[-1],)))
            answering[-1].start()

        answers = [ask(client, url, leave) for _ in range(2)]
        for thread in answering:
            thread.join()
        accepted[-1].close()
    assert all(isinstance(one, Answer) and one.status == 200 for one in answers)
    assert had_to_connect == [True, False], "the second one goes over the connection of the first"


def test_what_keeps_a_call_here_keeps_it_wholly_and_the_next_one_leaves(simulator: Simulator) -> None:
    with Client(timeout_seconds=5, max_connections=1) as client:
        with pytest.raises(StayedError):
            ask(client, simulator.url, stay)
        assert simulator.world.calls() == []
        assert isinstance(ask(client, simulator.url, lambda _: None), Answer)
    assert len(simulator.world.calls()) == 1


def test_a_connection_that_a_server_may_be_about_to_close_is_not_taken(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    had_to_connect: list[bool] = []
    seconds = time.monotonic
    with Client(timeout_seconds=5, max_connections=1) as client:
        ask(client, simulator.url, had_to_connect.append)
        for later in (3.5, 8.0):
            monkeypatch.setattr("time.monotonic", lambda later=later: seconds() + later)
            ask(client, simulator.url, had_to_connect.append)
            monkeypatch.undo()
    assert had_to_connect == [True, False, True]


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_behind_a_proxy_the_call_itself_waits_until_the_way_is_open(
    kind: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    host, port = simulator.url.removeprefix("http://").split(":")
    with (
        tls_front((host, int(port)), "api.dingtalk.example", tmp_path) as (front, ca),
        (http_proxy if kind == "http" else socks_proxy)(front) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url(kind))
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
        told: list[tuple[bool, int]] = []
        with Client(timeout_seconds=5, max_connections=1) as client:
            url = "https://api.dingtalk.example"
            answer = ask(client, url, lambda has_connected: told.append((has_connected, len(proxy.asked))))
    assert isinstance(answer, Answer)
    assert told == [(True, 1)]
    assert len(simulator.world.calls()) == 1


def test_a_network_that_tells_nothing_of_departures_is_noticed_and_calls_wait_before_they_connect(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departure, "_SENDING", "called otherwise")
    told: list[bool] = []
    with Client(timeout_seconds=5, max_connections=1) as client:
        ask(client, simulator.url, told.append)
        assert told == []
        ask(client, simulator.url, told.append)
        assert told == [False]
        with pytest.raises(StayedError):
            ask(client, simulator.url, stay)
    assert len(simulator.world.calls()) == 2
