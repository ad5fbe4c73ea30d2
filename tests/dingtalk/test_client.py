"""One request in, one answer or its absence out: what is on the wire, what is kept of answers, and that it is safe."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.clock import FakeClock
from ledger.core.answer import Answer, NoAnswer
from ledger.core.recalls.reply import read
from ledger.core.recording.message import AppName, Chat, ConversationId, RobotCode, Route
from ledger.dingtalk.client import KEPT_TEXT_CHARACTERS, RECALL_PATHS, Client
from ledger.simulator import Chat as TheirChat
from ledger.simulator import Cut, ScriptedAnswer, Simulator

from .tape import Tape

SAMPLES = Path(__file__).parent.parent / "samples"
KEY = "36UIw+aqvER/Fb2EFX1zai5p/iAEPPBvhf19pvwS89s="
TOKEN = "tok-9f8a7c6e5d4b3a29180f7e6d5c4b3a29"
SECRET = 'sec-"quoted\\"-51c0ffee51c0ffee51c0ffee'
TICKET = "ticket-0badc0de0badc0de0badc0de0badc0de"
TOKEN_HEADER = "x-acs-dingtalk-access-token"
KINDS = {"recall_one_on_one": Chat.ONE_TO_ONE, "recall_group": Chat.GROUP, "recall_private": Chat.PRIVATE}


def a_route(chat: Chat = Chat.ONE_TO_ONE, conversation: str | None = None) -> Route:
    """Return a route of the documented samples."""
    return Route(
        app=AppName("default"),
        chat=chat,
        robot_code=RobotCode("dingsamplerobot0001"),
        open_conversation_id=None if conversation is None else ConversationId(conversation),
    )


def sample_of(name: str) -> Any:
    """Return a documented exchange."""
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def recalled(client: Client, simulator: Simulator, *, token: str = TOKEN) -> Answer | NoAnswer:
    """Ask to recall one key."""
    return client.recall(simulator.url, token, a_route(), [KEY])


def answered(client: Client, simulator: Simulator, script: ScriptedAnswer, *, token: str = TOKEN) -> Answer:
    """Return what is kept of a scripted answer to a recall."""
    simulator.world.script(script)
    answer = recalled(client, simulator, token=token)
    assert isinstance(answer, Answer)
    return answer


@pytest.mark.parametrize("name", KINDS)
def test_a_recall_is_on_the_wire_exactly_as_documented(
    name: str, simulator: Simulator, client: Client, tape: Tape
) -> None:
    wanted = sample_of(name)["request"]
    body, token = wanted["body"], simulator.world.issue_token()
    route = a_route(KINDS[name], body.get("openConversationId"))
    answer = client.recall(simulator.url, token, route, body["processQueryKeys"])
    (request,) = tape.requests
    assert (request.method, request.url.raw_path.decode()) == (wanted["method"], wanted["path"])
    assert json.loads(request.content) == body
    sent = {header: request.headers[header] for header in wanted["headers"]}
    assert sent == {**wanted["headers"], TOKEN_HEADER: token}
    assert "authorization" not in request.headers
    assert isinstance(answer, Answer)
    assert answer.body["code"] == "invalid.processQueryKey"  # the path was understood, the key is not known


@pytest.mark.parametrize("chat", RECALL_PATHS)
def test_a_message_of_each_kind_is_recalled(chat: Chat, simulator: Simulator, client: Client, clock: FakeClock) -> None:
    theirs = dict(zip(Chat, (TheirChat.ONE_ON_ONE, TheirChat.GROUP, TheirChat.PRIVATE), strict=True))[chat]
    conversation = None if chat is Chat.ONE_TO_ONE else "cid+/=="
    route = a_route(chat, conversation)
    keys = simulator.world.make_messages(3, robot_code=route.robot_code, chat=theirs, conversation=conversation)
    answer = client.recall(simulator.url, simulator.world.issue_token(), route, keys)
    assert isinstance(answer, Answer)
    assert answer.body == {"successResult": keys, "failedResult": {}}
    assert answer.request_id == simulator.world.calls()[-1].request_id
    assert answer.server_time == clock.now()
    assert all(message.recalled_at for message in simulator.world.messages())


def test_the_read_status_is_asked_as_documented_and_the_key_survives_the_query(
    simulator: Simulator, client: Client, tape: Tape
) -> None:
    wanted = sample_of("read_status_success")["request"]
    client.read_status(simulator.url, simulator.world.issue_token(), **as_arguments(wanted["query"]))
    (request,) = tape.requests
    assert (request.method, request.url.path) == (wanted["method"], wanted["path"])
    assert dict(request.url.params) == wanted["query"]
    assert b"+" not in request.url.query
    assert request.content == b""


def as_arguments(query: dict[str, str]) -> dict[str, str]:
    """Return the client's names for the parameters of a read status."""
    return {"robot_code": query["robotCode"], "key": query["processQueryKey"]}


@pytest.mark.parametrize("name", ["access_token", "corp_access_token"])
def test_a_token_is_asked_for_as_documented(name: str, simulator: Simulator, client: Client, tape: Tape) -> None:
    wanted = sample_of(name)["request"]
    body = wanted["body"]
    if name == "access_token":
        answer = client.internal_token(simulator.url, body["appKey"], body["appSecret"])
    else:
        answer = client.third_party_token(simulator.url, body)
    (request,) = tape.requests
    assert (request.method, request.url.path, json.loads(request.content)) == ("POST", wanted["path"], body)
    assert TOKEN_HEADER not in request.headers
    assert isinstance(answer, Answer)
    assert set(answer.body) == {"accessToken", "expireIn"}


@pytest.mark.parametrize("field", ["requestid", "RequestId", "requestId"])
def test_without_a_header_the_request_id_is_taken_from_the_body(
    field: str, simulator: Simulator, client: Client
) -> None:
    script = ScriptedAnswer(status=400, body={field: "id-1"}, headers={"x-acs-request-id": ""})
    assert answered(client, simulator, script).request_id == "id-1"


@pytest.mark.parametrize("body", [{}, {"requestid": None}, "<html>", "5"])
def test_an_answer_may_have_no_request_id(body: Any, simulator: Simulator, client: Client) -> None:
    script = ScriptedAnswer(status=500, body=body, headers={"x-acs-request-id": ""})
    assert answered(client, simulator, script).request_id is None


@pytest.mark.parametrize("cut", Cut)
def test_a_cut_connection_is_no_answer_and_leaves_a_doubt(cut: Cut, simulator: Simulator, client: Client) -> None:
    simulator.world.script(ScriptedAnswer(cut=cut))
    answer = recalled(client, simulator)
    assert isinstance(answer, NoAnswer)
    assert answer.sent
    assert answer.reason.startswith("RemoteProtocolError")


def test_a_late_answer_is_no_answer_and_leaves_a_doubt(simulator: Simulator) -> None:
    simulator.world.script(ScriptedAnswer(delay_seconds=60))
    with Client(timeout_seconds=0.1, max_connections=1) as client:
        answer = recalled(client, simulator)
    assert isinstance(answer, NoAnswer)
    assert answer.sent
    assert answer.reason.startswith("ReadTimeout")


def test_a_refused_connection_never_sent_anything(simulator: Simulator) -> None:
    url = simulator.url
    simulator.stop()
    with Client(timeout_seconds=5, max_connections=1) as client:
        answer = client.recall(url, TOKEN, a_route(), [KEY])
    assert isinstance(answer, NoAnswer)
    assert not answer.sent
    assert answer.reason.startswith("ConnectError")


class Failing(httpx.BaseTransport):
    """A network on which every request fails in one way."""

    def __init__(self, error: Callable[[str], Exception], detail: str = "failed") -> None:
        self._error, self._said = error, detail

    def handle_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - the signature of the seam
        """Fail."""
        raise self._error(self._said)


@contextmanager
def failing(error: Callable[[str], Exception], detail: str = "failed") -> Iterator[Client]:
    """Give a client on a failing network."""
    with Client(timeout_seconds=5, max_connections=1, transport=Failing(error, detail)) as client:
        yield client


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectError, False),
        (httpx.ConnectTimeout, False),
        (httpx.PoolTimeout, False),
        (httpx.ProxyError, False),
        (httpx.UnsupportedProtocol, False),
        (httpx.ReadTimeout, True),
        (httpx.WriteTimeout, True),
        (httpx.ReadError, True),
        (httpx.WriteError, True),
        (httpx.CloseError, True),
        (httpx.RemoteProtocolError, True),
        (httpx.DecodingError, True),
    ],
)
def test_only_a_request_that_certainly_never_left_counts_as_not_sent(
    error: Callable[[str], Exception], sent: bool
) -> None:
    with failing(error) as client:
        answer = client.recall("http://127.0.0.1:1", TOKEN, a_route(), [KEY])
    assert isinstance(answer, NoAnswer)
    assert answer.sent is sent
    assert answer.reason


def everything_kept(answer: Answer | NoAnswer) -> str:
    """Return all that is kept of an answer and may be stored or shown, which is all but a success's own body."""
    named = {field.name: getattr(answer, field.name) for field in fields(answer)}
    if isinstance(answer, Answer) and answer.status == 200:
        del named["body"]
    return repr(answer) + json.dumps(named, default=str, ensure_ascii=False)


def repeated(*secrets: str) -> list[ScriptedAnswer]:
    """Return answers that repeat what was sent: as JSON, as a page, as an error and as a success."""
    text = "you sent " + " and ".join(secrets)
    return [
        ScriptedAnswer(status=400, body={"code": "bad", "message": text}),
        ScriptedAnswer(status=403, body=f"<html>{text}</html>"),
        ScriptedAnswer(status=500, body=text),
        ScriptedAnswer(status=200, body=f"<html>{text}</html>"),
        ScriptedAnswer(status=200, body={"odd": text}),
    ]


@pytest.mark.parametrize("number", range(5))
def test_a_token_that_an_answer_repeats_is_not_kept(number: int, simulator: Simulator, client: Client) -> None:
    answer = answered(client, simulator, repeated(TOKEN)[number])
    assert TOKEN not in everything_kept(answer)
    assert "***" in answer.text
    reading = read(answer, [KEY])
    assert TOKEN not in repr(reading) + str(reading.error)


@pytest.mark.parametrize("number", range(5))
def test_credentials_that_an_answer_repeats_are_not_kept(number: int, simulator: Simulator, client: Client) -> None:
    script = repeated(SECRET, TICKET)[number]
    simulator.world.script(script, script)
    body = {"suiteKey": "k", "suiteSecret": SECRET, "authCorpId": "c", "suiteTicket": TICKET}
    third, own = client.third_party_token(simulator.url, body), client.internal_token(simulator.url, "k", SECRET)
    kept = everything_kept(third)
    assert "***" in kept
    for secret in (SECRET, TICKET, json.dumps(SECRET)[1:-1]):
        assert secret not in kept
    assert SECRET not in everything_kept(own)


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.DecodingError])
def test_what_a_failure_says_is_kept_without_secrets(error: Callable[[str], Exception]) -> None:
    with failing(error, f"while sending {TOKEN} and {SECRET} and {TICKET}") as client:
        for answer, secret in [
            (client.recall("http://127.0.0.1:1", TOKEN, a_route(), [KEY]), TOKEN),
            (client.read_status("http://127.0.0.1:1", TOKEN, "r", KEY), TOKEN),
            (client.internal_token("http://127.0.0.1:1", "k", SECRET), SECRET),
            (client.third_party_token("http://127.0.0.1:1", {"suiteSecret": SECRET, "suiteTicket": TICKET}), TICKET),
        ]:
            assert isinstance(answer, NoAnswer)
            assert secret not in repr(answer)
            assert "***" in answer.reason


@pytest.mark.parametrize(
    "body",
    [
        {"accessToken": TOKEN, "expireIn": 7200},
        {"result": {"accessToken": TOKEN}},
        '\ufeff{"accessToken": "' + TOKEN + '", "expireIn": 7200}',
        '{"accessToken": "' + TOKEN,
    ],
)
def test_an_answer_that_may_hold_a_token_keeps_no_text(body: Any, simulator: Simulator, client: Client) -> None:
    simulator.world.script(ScriptedAnswer(status=200, body=body))
    answer = client.internal_token(simulator.url, "k", SECRET)
    assert isinstance(answer, Answer)
    assert answer.text == ""
    assert TOKEN not in repr(answer)


@pytest.mark.parametrize("body", ["", "no JSON", "[" * 100_000, "{", "<html>", "\ufeff{}"])
def test_an_answer_that_is_not_json_has_no_body_but_its_text(body: str, simulator: Simulator, client: Client) -> None:
    answer = answered(client, simulator, ScriptedAnswer(status=200, body=body))
    assert answer.body is None
    assert answer.text.lstrip("\ufeff") == body[:KEPT_TEXT_CHARACTERS].lstrip("\ufeff")


def test_of_a_long_text_only_the_beginning_is_kept(simulator: Simulator, client: Client) -> None:
    assert len(answered(client, simulator, ScriptedAnswer(status=500, body="x" * 100_000)).text) == 2000


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Wed, 04 Mar 2026 02:00:00 GMT", datetime(2026, 3, 4, 2, tzinfo=UTC)),
        ("Wed, 04 Mar 2026 10:00:00 +0800", datetime(2026, 3, 4, 2, tzinfo=UTC)),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_servers_time_is_kept_when_it_is_one(
    date: str, moment: datetime | None, simulator: Simulator, client: Client
) -> None:
    assert answered(client, simulator, ScriptedAnswer(status=200, headers={"Date": date})).server_time == moment


def test_a_redirect_is_not_followed_with_a_token(simulator: Simulator, client: Client) -> None:
    script = ScriptedAnswer(status=302, headers={"Location": f"{simulator.url}/elsewhere"})
    assert answered(client, simulator, script).status == 302
    assert len(simulator.world.calls()) == 1


def test_a_short_word_is_not_taken_for_a_secret(simulator: Simulator, client: Client) -> None:
    script = ScriptedAnswer(status=400, body={"code": "bad", "message": "the message is bad"})
    assert answered(client, simulator, script, token="e").body["message"] == "the message is bad"
