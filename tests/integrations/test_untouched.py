"""What a watched client sends and gets is what it would send and get unwatched, byte for byte."""

import asyncio
import gzip
import json
import logging
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from ledger import Ledger
from tests.integrations.echo import ANSWER, Echo
from tests.integrations.senders import SENDERS, Letter, Send, Watch, unwatched
from tests.integrations.test_clients import each_sender, keys_of, on_one_database

pytestmark = on_one_database

KEY = "echo+/="
BODY = json.dumps(Letter(url="").body).encode()


@pytest.fixture
def there(echo: Echo) -> Letter:
    """A send call to the echo."""
    return Letter(url=echo.url)


@each_sender
def test_the_request_is_the_same_on_the_wire_and_tags_are_not_in_it(
    book: Ledger, echo: Echo, there: Letter, send: Send
) -> None:
    tagged = replace(there, headers={"x-ledger-campaign": "spring", "x-ledger-source": "me", "x-other": "stays"})
    assert send(unwatched, replace(there, headers={"x-other": "stays"})) == send(book.watch, tagged)
    first, second = ([line, sorted(headers), body] for line, headers, body in echo.seen)
    assert first == second
    assert keys_of(book, "spring") == {KEY}


def chunks() -> Iterator[bytes]:
    yield BODY[:10]
    yield BODY[10:]


async def chunks_async() -> AsyncIterator[bytes]:
    for chunk in chunks():
        yield chunk


def stream_httpx(watch: Watch, there: Letter) -> list[Any]:
    with httpx.Client() as client, watch(client).stream("POST", there.address, content=chunks()) as answer:
        return [answer.status_code, list(answer.iter_lines()), answer.headers["content-type"]]


def stream_httpx_raw(watch: Watch, there: Letter) -> list[Any]:
    with httpx.Client() as client, watch(client).stream("POST", there.address, content=chunks()) as answer:
        return [b"".join(answer.iter_raw()), client.cookies["taste"]]


def stream_httpx_async(watch: Watch, there: Letter) -> list[Any]:
    async def work() -> list[Any]:
        async with (
            httpx.AsyncClient() as client,
            watch(client).stream("POST", there.address, content=chunks_async()) as answer,
        ):
            return [answer.status_code, [line async for line in answer.aiter_lines()]]

    return asyncio.run(work())


def stream_requests(watch: Watch, there: Letter) -> list[Any]:
    with requests.Session() as session, watch(session).post(there.address, data=chunks(), stream=True) as answer:
        return [b"".join(answer.iter_content(7)), session.cookies["taste"], answer.ok]


def stream_requests_raw(watch: Watch, there: Letter) -> list[Any]:
    with requests.Session() as session, watch(session).post(there.address, data=chunks(), stream=True) as answer:
        return [answer.raw.read(), answer.raw.status, answer.raw.headers["content-type"]]


def stream_aiohttp(watch: Watch, there: Letter) -> list[Any]:
    async def work() -> list[Any]:
        async with (
            aiohttp.ClientSession() as session,
            watch(session).post(there.address, data=chunks_async()) as answer,
        ):
            return [b"".join([chunk async for chunk in answer.content.iter_chunked(7)]), answer.status]

    return asyncio.run(work())


STREAMS: list[Callable[[Watch, Letter], list[Any]]] = [
    stream_httpx,
    stream_httpx_raw,
    stream_httpx_async,
    stream_requests,
    stream_requests_raw,
    stream_aiohttp,
]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("zips", [False, True], ids=["plain", "gzip"])
def test_streamed_requests_and_answers_of_sends_pass_as_they_are(
    book: Ledger, echo: Echo, there: Letter, stream: Callable[[Watch, Letter], list[Any]], zips: bool
) -> None:
    echo.zips = zips
    watched = stream(book.watch, there)
    assert watched == stream(unwatched, there)
    assert ANSWER.decode() in str(watched) or zips
    (one, headers, body), (other, others, same) = echo.seen
    assert (one, sorted(headers), body) == (other, sorted(others), same)
    assert body == BODY
    assert keys_of(book) == {KEY}


def test_an_answer_that_nobody_reads_is_recorded(book: Ledger, there: Letter) -> None:
    with httpx.Client() as client, book.watch(client).stream("POST", there.address, json=there.body):
        pass
    assert keys_of(book) == {KEY}


def test_a_request_that_is_no_send_is_not_even_looked_at(book: Ledger, echo: Echo, tmp_path: Path) -> None:
    elsewhere = f"{echo.url}/v1.0/robot/groupMessages/query"
    with httpx.Client() as client, requests.Session() as session:
        with book.watch(client).stream("POST", elsewhere, content=chunks()) as answer:
            assert not answer.is_stream_consumed
            assert b"".join(answer.iter_raw()) == ANSWER
        with book.watch(session).post(elsewhere, data=chunks(), stream=True) as reply:
            assert reply.raw.read() == ANSWER
        client.get(f"{echo.url}/v1.0/robot/oToMessages/batchSend")
    assert not (tmp_path / "spool").exists()


def test_a_file_is_sent_and_stands_where_it_stood(book: Ledger, there: Letter, echo: Echo, tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_bytes(b"skipped" + BODY)
    with requests.Session() as session, path.open("rb") as file:
        file.seek(7)
        book.watch(session).post(there.address, data=file)
    assert echo.seen[0][2] == BODY
    assert keys_of(book) == {KEY}


@pytest.mark.parametrize("send", [SENDERS["httpx"], SENDERS["requests"], SENDERS["aiohttp"]])
def test_each_hop_of_a_redirect_is_told_apart(book: Ledger, echo: Echo, there: Letter, send: Send) -> None:
    def follow(client: Any) -> Any:
        if isinstance(client, httpx.Client):
            client.follow_redirects = True
        return book.watch(client)

    echo.redirects_to = there.address
    assert send(follow, there)["processQueryKey"] == KEY
    echo.redirects_to = f"{echo.url}/elsewhere"
    assert send(follow, there)["processQueryKey"] == KEY
    assert (keys_of(book), book.campaigns()[0].keyless) == ({KEY}, 0)


def test_an_answer_from_a_made_up_transport_is_recorded(book: Ledger) -> None:
    def zipped(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=gzip.compress(ANSWER), headers={"content-encoding": "gzip"})

    with httpx.Client(transport=httpx.MockTransport(zipped)) as client:
        letter = Letter(url="https://api.dingtalk.com")
        assert book.watch(client).post(letter.address, json=letter.body).json()["processQueryKey"] == KEY
    assert keys_of(book) == {KEY}


def test_adapters_that_are_mounted_later_are_watched_too(book: Ledger, there: Letter) -> None:
    with requests.Session() as session:
        book.watch(session).mount(there.url, requests.adapters.HTTPAdapter())
        session.post(there.address, json=there.body)
    assert keys_of(book) == {KEY}


def test_a_watched_session_can_still_be_pickled(book: Ledger) -> None:
    with requests.Session() as session:
        copy = pickle.loads(pickle.dumps(book.watch(session)))  # noqa: S301  (our own)
    assert isinstance(copy, requests.Session)


@each_sender
def test_a_fault_of_the_ledger_never_reaches_the_sender(
    book: Ledger, there: Letter, send: Send, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spool").write_text("where a folder should be")
    with caplog.at_level(logging.ERROR):
        assert send(book.watch, there)["processQueryKey"] == KEY
    assert keys_of(book) == {KEY}, "the database has it all the same"
    assert "LEDGER_SPOOL_DIR" in caplog.text
