"""Sends without an answer: what may have arrived leaves a trace, what certainly never left leaves nothing."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
import requests

from ledger import Ledger
from ledger.simulator import Cut, ScriptedAnswer, Simulator
from tests.integrations.senders import IN_TASKS, Letter, Send, SendAsync, unwatched
from tests.integrations.test_clients import each_sender, keyless, keys_of, on_one_database

pytestmark = on_one_database


def ended(send: Send, watch: Any, letter: Letter) -> BaseException:
    """Return what a send raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  (which one is what is asked)
        send(watch, letter)
    return caught.value


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that takes connections in and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        yield deaf.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@each_sender
def test_a_refused_connection_or_an_unknown_host_leaves_nothing(
    book: Ledger, letter: Letter, send: Send, closed_port: int
) -> None:
    for host in (f"127.0.0.1:{closed_port}", "nowhere.invalid"):
        lost = replace(letter, url=f"http://{host}")
        assert type(ended(send, book.watch, lost)) is type(ended(send, unwatched, lost))
    assert book.campaigns() == []


@each_sender
@pytest.mark.parametrize("cut", list(Cut))
def test_a_cut_line_leaves_a_trace_and_raises_what_it_always_raised(
    book: Ledger, simulator: Simulator, letter: Letter, send: Send, cut: Cut
) -> None:
    simulator.world.script(ScriptedAnswer(cut=cut, times=2))
    assert type(ended(send, book.watch, letter)) is type(ended(send, unwatched, letter))
    assert (keyless(book), book.campaigns()[0].messages) == (1, 0)


@each_sender
def test_a_read_time_out_leaves_a_trace(book: Ledger, letter: Letter, send: Send, deaf_port: int) -> None:
    slow = replace(letter, url=f"http://127.0.0.1:{deaf_port}", timeout_seconds=0.1)
    assert type(ended(send, book.watch, slow)) is type(ended(send, unwatched, slow))
    assert keyless(book) == 1


@pytest.mark.parametrize("send", IN_TASKS.values(), ids=IN_TASKS)
def test_a_cancelled_task_leaves_a_trace(book: Ledger, letter: Letter, send: SendAsync, deaf_port: int) -> None:
    async def cancel() -> None:
        begun = asyncio.Event()

        def watch(client: Any) -> Any:
            begun.set()
            return book.watch(client)

        task = asyncio.ensure_future(send(watch, replace(letter, url=f"http://127.0.0.1:{deaf_port}")))
        await begun.wait()
        while not book.parts.recorder._journal._open_segments:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert keyless(book) == 1


def test_a_full_pool_leaves_nothing(book: Ledger, letter: Letter) -> None:
    limits, timeout = httpx.Limits(max_connections=1), httpx.Timeout(5, pool=0.05)
    with httpx.Client(limits=limits, timeout=timeout) as client, pytest.raises(httpx.PoolTimeout):
        _send_while_held(book.watch(client), letter)
    assert book.campaigns() == []


def _send_while_held(client: httpx.Client, letter: Letter) -> None:
    """Send while the only connection of a client is taken by an answer that does not end."""
    done = threading.Event()

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            done.wait(5)

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(answer)
        try:
            with client.stream("GET", f"http://127.0.0.1:{server.getsockname()[1]}/"):
                client.post(letter.address, json=letter.body)
        finally:
            done.set()


def test_an_attempt_that_arrived_is_not_hidden_by_a_later_one_that_did_not(
    book: Ledger, simulator: Simulator, letter: Letter
) -> None:
    class Stubborn(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            try:
                return super().handle_request(request)
            except httpx.HTTPError:
                request.url = request.url.copy_with(port=1)
                return super().handle_request(request)

    simulator.world.script(ScriptedAnswer(cut=Cut.AFTER_WORK))
    with httpx.Client(transport=Stubborn()) as client, pytest.raises(httpx.ConnectError):
        book.watch(client).post(letter.address, json=letter.body, headers=letter.all_headers)
    assert keyless(book) == 1


def test_a_hook_of_the_sender_that_fails_hides_no_key(book: Ledger, letter: Letter) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the sender's own")

    with httpx.Client(event_hooks={"response": [fail]}) as client, pytest.raises(RuntimeError):
        book.watch(client).post(letter.address, json=letter.body, headers=letter.all_headers)
    with requests.Session() as session:
        session.hooks["response"].append(fail)
        book.watch(session)
        with pytest.raises(RuntimeError):
            session.post(letter.address, json=letter.body, headers=letter.all_headers)
    assert (len(keys_of(book)), keyless(book)) == (2, 0)
