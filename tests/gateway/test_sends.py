"""Sends through the gateway: recorded before they are answered, whatever goes wrong with whom."""

import gzip
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from ledger import Ledger, patience
from ledger.core.recalls.recall import Outcome
from ledger.dingtalk.forwarder import ANSWER_MAX_BYTES
from ledger.services.recording import group_writer
from ledger.simulator import Chat, ScriptedAnswer, Simulator
from ledger.store.database import Database
from tests.gateway.conftest import (
    KEYED,
    ROBOT,
    SEND_PATH,
    MakeGateway,
    Running,
    Seen,
    Upstream,
    answering,
    running_gateway,
    send_body,
    token_of,
)
from tests.outages import away

IN_FLIGHT = 200


def recorded(book: Ledger) -> list[tuple[str | None, int]]:
    """Return each campaign with its number of messages."""
    return [(line.campaign, line.messages) for line in book.campaigns() if line.messages]


def traces(book: Ledger) -> int:
    """Return how many sends are known whose key is not."""
    return sum(line.keyless for line in book.campaigns())


def test_what_was_sent_through_the_gateway_is_recalled(recording: Running, simulator: Simulator) -> None:
    headers = {**token_of(simulator), "x-ledger-campaign": "spring", "x-ledger-source": "hr-mailer"}
    keys = {recording.send(f"user-{number}", headers=headers).json()["processQueryKey"] for number in range(25)}
    result = recording.book.run(recording.book.plan(campaign="spring", reason="wrong link"))
    assert (result.recalled, result.eligible) == (25, 25)
    items = list(recording.book.history(campaign="spring"))
    assert {item.process_query_key for item in items} == keys
    assert {item.outcome for item in items} == {Outcome.RECALLED}
    assert all(message.recalled_at for message in simulator.world.messages())


@pytest.mark.parametrize(
    ("path", "chat"),
    [("/v1.0/robot/groupMessages/send", Chat.GROUP), ("/v1.0/robot/privateChatMessages/send", Chat.PRIVATE)],
)
def test_sends_to_conversations_are_recorded_too(
    make_gateway: MakeGateway, simulator: Simulator, path: str, chat: Chat
) -> None:
    gateway = make_gateway(simulator.url)
    body = {"robotCode": ROBOT, "openConversationId": "cid", "msgKey": "sampleText", "msgParam": "{}"}
    with gateway.client({**token_of(simulator), "x-ledger-campaign": "group"}) as client:
        assert client.post(path, json=body).status_code == 200
    assert gateway.book.run(gateway.book.plan(campaign="group", reason="wrong link")).recalled == 1
    (message,) = simulator.world.messages()
    assert message.chat is chat
    assert message.recalled_at is not None


def test_what_is_still_sent_of_a_stopped_campaign_is_refused_and_nothing_else(
    make_gateway: MakeGateway, simulator: Simulator
) -> None:
    gateway = make_gateway(simulator.url)
    gateway.book.parts.sending_stops.stop(["spring"], actor="ann")
    gateway.book.parts.known_stops.look()
    with gateway.client(token_of(simulator)) as client:
        refused = client.post(SEND_PATH, json=send_body("ann"), headers={"x-ledger-campaign": "spring"})
        assert (refused.status_code, refused.json()["code"]) == (403, "ledger.gateway.campaign_recalled")
        assert "`ledger allow`" in refused.json()["message"]
        for campaign in ("summer", ""):
            assert client.post(SEND_PATH, json=send_body("ann"), headers={"x-ledger-campaign": campaign}).is_success
        gateway.book.parts.sending_stops.allow("spring", actor="ann")
        gateway.book.parts.known_stops.look()
        assert client.post(SEND_PATH, json=send_body("ann"), headers={"x-ledger-campaign": "spring"}).is_success
    assert len(simulator.world.messages()) == 3


def test_users_whom_it_did_not_reach_are_kept_apart(make_gateway: MakeGateway, simulator: Simulator) -> None:
    simulator.world.change(invalid_users=["gone"])
    gateway = make_gateway(simulator.url)
    assert gateway.send("ann", "gone", headers=token_of(simulator)).status_code == 200
    assert gateway.book.campaigns()[0].recipients == 1


@pytest.mark.parametrize(
    ("header", "campaign"),
    [
        (b"spring", "spring"),
        (b"%E6%98%A5%E8%8A%82", "春节"),
        ("春节".encode(), "春节"),
        (b"caf\xe9", "café"),
        (b"caf%C3%A9", "café"),
        (b"50% off", "50% off"),
        (b"a+b", "a+b"),
        (b"", None),
        (b"%00", None),
        (b"x" * 300, "x" * 256),
    ],
)
def test_a_campaign_may_be_written_in_any_way(
    gateway: Running, upstream: Upstream, header: bytes, campaign: str | None
) -> None:
    upstream.answer = KEYED
    body = json.dumps(send_body("ann")).encode()
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-ledger-campaign: %s\r\nContent-Length: %d\r\n\r\n"
    gateway.raw(head % (SEND_PATH.encode(), header, len(body)) + body)
    assert recorded(gateway.book) == [(campaign, 1)]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_packed_answer_is_read(gateway: Running, upstream: Upstream, encoding: str) -> None:
    import zlib

    pack = gzip.compress if encoding == "gzip" else zlib.compress
    upstream.answer = answering("200 OK", pack(b'{"processQueryKey": "packed"}'), f"Content-Encoding: {encoding}")
    assert gateway.send("ann").json() == {"processQueryKey": "packed"}
    assert (recorded(gateway.book), traces(gateway.book)) == ([(None, 1)], 0)


def test_no_answer_comes_before_its_key_is_on_disk(recording: Running, simulator: Simulator, database_url: str) -> None:
    with httpx.Client(base_url=recording.url, headers=token_of(simulator)) as client:
        for number in range(1, 31):
            assert client.post(SEND_PATH, json=send_body(f"user-{number}")).status_code == 200
            assert messages_in(database_url) == number


def messages_in(url: str) -> int:
    """Count with a connection of our own what is committed."""
    database = Database(url)
    try:
        with database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM messages").scalar_one())
    finally:
        database.close()


def test_while_the_database_is_away_keys_wait_in_the_spool(recording: Running, simulator: Simulator) -> None:
    headers = {**token_of(simulator), "x-ledger-campaign": "spring"}
    assert recording.send("before", headers=headers).status_code == 200
    with away(recording.book), ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda number: recording.send(f"user-{number}", headers=headers), range(40)))
        assert {answer.status_code for answer in answers} == {200}
    keys = {message.key for message in simulator.world.messages()}
    assert recorded(recording.book) == [("spring", 41)]
    assert recording.book.run(recording.book.plan(campaign="spring", reason="wrong link")).recalled == len(keys) == 41


def test_an_outage_is_one_line_in_the_log_of_a_gateway_when_it_begins_and_one_when_it_is_over(
    recording: Running, simulator: Simulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_writer, "LEFT_ALONE_SECONDS", 0.05)
    monkeypatch.setattr(patience, "CALM_SECONDS", 0.05)
    headers = token_of(simulator)
    # Nobody is in the middle of opening the database, and so waits for a file that is being moved.
    assert recording.send("before", headers=headers).status_code == 200
    assert recorded(recording.book) == [(None, 1)]
    with away(recording.book):
        for number in range(10):
            assert recording.send(f"user-{number}", headers=headers).status_code == 200
            time.sleep(0.02)

    def said() -> list[str]:
        ours = [one for one in caplog.records if one.levelno >= logging.WARNING and one.name.startswith("ledger")]
        return [one.getMessage().partition(":")[0].partition(",")[0] for one in ours]

    until = time.monotonic() + 20
    while "the database is back" not in said():
        assert time.monotonic() < until, caplog.text
        recording.send("later", headers=headers)
    recording.send("latest", headers=headers)
    assert said() == ["the database is away", "the database is back"]


@contextmanager
def stuck(book: Ledger) -> Iterator[None]:
    """Hold a lock that lets nobody write."""
    if book.parts.database.is_sqlite:
        import sqlite3

        connection = sqlite3.connect(book.parts.database.url.database or "", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.close()
        return
    url = make_url(book.parts.database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as locking:
        locking.execute("LOCK TABLE messages IN EXCLUSIVE MODE")
        yield


def test_a_database_that_does_not_answer_is_not_waited_for(recording: Running, simulator: Simulator) -> None:
    headers = {**token_of(simulator), "x-ledger-campaign": "spring"}
    assert recording.send("before", headers=headers).status_code == 200
    with stuck(recording.book), ThreadPoolExecutor(20) as senders:
        waiting = [senders.submit(recording.send, f"user-{number}", headers=headers) for number in range(20)]
        with recording.client() as client:
            # The loop goes on meanwhile.
            assert client.get("/healthz").json()["ok"] is True
        assert {answer.result().status_code for answer in waiting} == {200}
        assert recording.book.parts.recorder.counts["spooled"] == 20
    assert recorded(recording.book) == [("spring", 21)]


def test_an_answer_whose_key_nothing_takes_reaches_its_sender_and_the_log(
    make_gateway_on_both: MakeGateway,
    simulator: Simulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "file"))
    gateway = make_gateway_on_both(simulator.url, spool_dir=tmp_path / "file")
    assert gateway.send("before", headers=token_of(simulator)).status_code == 200
    with away(gateway.book), caplog.at_level(logging.CRITICAL):
        answer = gateway.send("ann", headers=token_of(simulator))
    assert answer.status_code == 200
    text = [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL]
    assert any(answer.json()["processQueryKey"] in line for line in text)
    assert gateway.book.parts.recorder.counts["lost"] == 1


def test_with_a_spool_that_cannot_be_written_the_database_still_records(
    make_gateway_on_both: MakeGateway, simulator: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    gateway = make_gateway_on_both(simulator.url, spool_dir=tmp_path / "file")
    assert gateway.send("ann", headers=token_of(simulator)).status_code == 200
    assert messages_in(gateway.book.parts.database.url.render_as_string(hide_password=False)) == 1


def test_a_send_goes_on_when_its_sender_hangs_up(gateway: Running, upstream: Upstream) -> None:
    arrived, go_on, answered = threading.Event(), threading.Event(), threading.Event()

    def late(_: Seen, connection: socket.socket) -> None:
        arrived.set()
        assert go_on.wait(30)
        connection.sendall(KEYED)
        answered.set()

    upstream.answer = late
    body = json.dumps(send_body("ann")).encode()
    with socket.create_connection((gateway.host, gateway.port)) as line:
        line.sendall(
            b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (SEND_PATH.encode(), len(body)) + body
        )
        assert arrived.wait(30)
    go_on.set()
    assert answered.wait(30)
    with gateway.client() as client:
        while client.get("/healthz").json()["in_flight"]:
            pass
    assert (recorded(gateway.book), traces(gateway.book)) == ([(None, 1)], 0)


def test_a_request_that_its_sender_does_not_finish_goes_nowhere(gateway: Running, upstream: Upstream) -> None:
    with socket.create_connection((gateway.host, gateway.port)) as line:
        line.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf" % SEND_PATH.encode())
    with gateway.client() as client:
        assert client.get("/v1.0/after").status_code == 200
    assert [seen.line for seen in upstream.seen] == [b"GET /v1.0/after HTTP/1.1"]
    assert traces(gateway.book) == 0


def hang(_: Seen, connection: socket.socket) -> None:
    connection.recv(1)


def cut(_: Seen, connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def cut_in_the_middle(_: Seen, connection: socket.socket) -> None:
    connection.sendall(KEYED[:-5])
    connection.shutdown(socket.SHUT_RDWR)


def babble(_: Seen, connection: socket.socket) -> None:
    connection.sendall(b"this is no HTTP\r\n\r\n")
    connection.shutdown(socket.SHUT_RDWR)


def go_on_and_on(_: Seen, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (10 * ANSWER_MAX_BYTES))
    for _number in range(10):
        connection.sendall(b" " * ANSWER_MAX_BYTES)


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (hang, 504, "timeout"),
        (cut, 502, "cut"),
        (cut_in_the_middle, 502, "cut"),
        (babble, 502, "cut"),
        (go_on_and_on, 502, "cut"),
    ],
)
def test_a_send_without_an_answer_leaves_a_trace_and_an_error_in_dingtalks_shape(
    make_gateway: MakeGateway, upstream: Upstream, answer: object, status: int, code: str
) -> None:
    upstream.answer = answer  # type: ignore[assignment]
    gateway = make_gateway(upstream.url, gateway_timeout_seconds=0.3 if answer is hang else 30)
    text = gateway.send("ann", headers={"x-ledger-campaign": "spring"})
    assert (text.status_code, text.json()["code"]) == (status, f"ledger.gateway.{code}")
    assert "may have sent" in text.json()["message"]
    assert text.json()["requestid"]
    assert (recorded(gateway.book), traces(gateway.book)) == ([], 1)


def test_a_send_that_never_left_leaves_nothing(make_gateway: MakeGateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gateway = make_gateway(f"http://127.0.0.1:{port}")
    text = gateway.send("ann")
    assert (text.status_code, text.json()["code"]) == (502, "ledger.gateway.unreachable")
    assert "nothing was sent" in text.json()["message"]
    assert gateway.book.campaigns() == []


@pytest.mark.parametrize(("status", "left"), [(400, 0), (403, 0), (429, 0), (500, 1), (503, 1)])
def test_a_refusal_leaves_nothing_and_a_fault_of_the_server_a_trace(
    make_gateway: MakeGateway, simulator: Simulator, status: int, left: int
) -> None:
    simulator.world.script(ScriptedAnswer.error("some.code", status=status))
    gateway = make_gateway(simulator.url)
    text = gateway.send("ann", headers=token_of(simulator))
    assert (text.status_code, text.json()["code"]) == (status, "some.code")
    assert (recorded(gateway.book), traces(gateway.book)) == ([], left)


def test_hundreds_of_sends_are_in_flight_at_once(make_gateway: MakeGateway, upstream: Upstream) -> None:
    together, numbers = threading.Barrier(IN_FLIGHT, timeout=60), iter(range(IN_FLIGHT))

    def wait_for_all(_: Seen, connection: socket.socket) -> None:
        together.wait()
        key = json.dumps({"processQueryKey": f"key-{next(numbers)}"}).encode()
        connection.sendall(answering("200 OK", key))

    upstream.answer = wait_for_all
    gateway = make_gateway(upstream.url)
    with ThreadPoolExecutor(IN_FLIGHT) as senders:
        answers = list(senders.map(lambda number: gateway.send(f"user-{number}"), range(IN_FLIGHT)))
    assert {answer.status_code for answer in answers} == {200}
    assert recorded(gateway.book) == [(None, IN_FLIGHT)]


def test_more_sends_than_connections_wait_their_turn(make_gateway: MakeGateway, simulator: Simulator) -> None:
    gateway = make_gateway(simulator.url, gateway_connections=2)
    headers = token_of(simulator)
    with ThreadPoolExecutor(16) as senders:
        answers = list(senders.map(lambda number: gateway.send(f"user-{number}", headers=headers), range(64)))
    assert {answer.status_code for answer in answers} == {200}
    assert recorded(gateway.book) == [(None, 64)]


def test_a_stop_lets_what_is_in_flight_finish(make_ledger_here: Ledger, upstream: Upstream) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def late(_: Seen, connection: socket.socket) -> None:
        arrived.set()
        assert go_on.wait(30)
        connection.sendall(KEYED)

    upstream.answer = late
    with ThreadPoolExecutor(1) as sender, ExitStack() as stack:
        gateway = stack.enter_context(running_gateway(make_ledger_here))
        answer = sender.submit(gateway.send, "ann")
        assert arrived.wait(30)
        stopping = threading.Thread(target=stack.close)
        stopping.start()
        go_on.set()
        assert answer.result(30).status_code == 200
        stopping.join(30)
    assert recorded(make_ledger_here) == [(None, 1)]


@pytest.fixture
def make_ledger_here(sqlite_url: str, upstream: Upstream, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger whose endpoint shows what it gets."""
    from ledger import Settings

    given = {"database_url": sqlite_url, "api_url": upstream.url, "spool_dir": tmp_path / "spool"}
    with Ledger(Settings.load(**given)) as book:
        yield book


def test_how_long_a_message_stays_is_for_the_gateway_alone_and_nonsense_holds_no_send_up(
    recording: Running, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {**token_of(simulator), "x-ledger-campaign": "codes"}
    for said in ("3600", "soon", "-5"):
        assert recording.send("ann", headers={**headers, "x-ledger-expires": said}).is_success
    (line,) = recording.book.campaigns()
    assert (line.messages, line.expiring) == (3, 1)
    assert caplog.text.count("x-ledger-expires is no number of seconds") == 2
