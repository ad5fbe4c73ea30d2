"""Pages come at once, compressed, also those that say that the database is away."""

import gzip
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from ledger import Ledger, Settings
from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.api.conftest import Service, serving
from tests.outages import away
from tests.sending import send

from .test_pages import looking

PATIENCE_SECONDS = 15
HTML = {"Accept": "text/html", "Accept-Language": "zh-CN"}


def test_a_page_says_at_once_that_the_database_is_away_and_is_itself_again_once_it_is_back(service: Service) -> None:
    with looking(service, Role.OPERATOR, "zh-CN") as browser:
        with away(service.book):
            started = time.monotonic()
            answer = browser.get("/recalls")
            assert time.monotonic() - started < PATIENCE_SECONDS / 3
            assert answer.status_code == 503
            assert "数据库" in answer.text
            # It looks again by itself, with scripts and without.
            assert 'id="away" data-part' in answer.text
            assert re.search(r'data-every="\d{4}" data-here="/recalls"', answer.text)
            assert '<noscript><meta http-equiv="refresh" content="3">' in answer.text
        assert browser.get("/recalls").status_code == 200


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a database that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_pages_of_a_database_that_never_answers_are_there_at_once_too(
    silent: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.entrypoints.http.prompt_pages.LATE_SECONDS", 0.2)
    monkeypatch.setattr("ledger.entrypoints.http.prompt_pages.ANSWER_SECONDS", 0.1)
    # As long as libpq lets one wait at least.
    url = f"postgresql://nobody@127.0.0.1:{silent}/ledger?connect_timeout=2"
    settings = Settings.load(database_url=url, spool_dir=tmp_path_factory.mktemp("spool"))
    with closing(Ledger(settings)) as book, serving(book) as service, service.client(headers=HTML) as browser:
        answers: list[tuple[int, float]] = []

        def look() -> None:
            started = time.monotonic()
            answers.append((browser.get("/").status_code, time.monotonic() - started))

        look()
        others = [threading.Thread(target=look) for _ in range(4)]
        for one in others:
            one.start()
        for one in others:
            one.join()
        assert {status for status, _ in answers} == {503}
        assert max(seconds for _, seconds in answers) < 1.5


@pytest.mark.parametrize("path", ["/recalls", "/v1/recalls", "/openapi.json"])
def test_pages_and_json_are_compressed_for_whoever_takes_that(service: Service, world: World, path: str) -> None:
    send(service.book, world, 2)
    for number in range(10):
        service.book.plan(campaign="spring", reason=f"a reason that is said again and again, {number}")
    with looking(service, Role.OPERATOR) as browser:
        with browser.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as packed:
            raw = b"".join(packed.iter_raw())
        plain = browser.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert "accept-encoding" in plain.headers["vary"].lower()
    assert len(raw) < len(plain.content) / 2
    assert len(gzip.decompress(raw)) == pytest.approx(len(plain.content), rel=0.1)


def test_events_are_not_held_back_to_be_compressed(service: Service, world: World) -> None:
    send(service.book, world, 2)
    plan = service.book.plan(campaign="spring", reason="wrong link")
    service.book.cancel(plan.recall_id)
    with service.signed_up(Role.OPERATOR) as client:
        answer = client.get(f"/v1/recalls/{plan.recall_id}/events", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in answer.headers
    assert "event: progress" in answer.text


def _form_key(browser: httpx.Client, page: str) -> str:
    found = re.search(r'name="form_key" value="([0-9a-f]+)"', browser.get(page).text)
    assert found is not None
    return found[1]


def test_no_two_pages_hold_the_same_form_key_and_each_of_them_is_good(service: Service, world: World) -> None:
    send(service.book, world, 2)
    with looking(service, Role.OPERATOR) as browser:
        keys = [_form_key(browser, "/recalls/new?campaign=spring") for _ in range(3)]
        assert len({key[:64] for key in keys} | {key[64:] for key in keys}) == 6
        for key in keys:
            data = {"campaign": "spring", "reason": "wrong link", "form_key": key}
            assert browser.post("/recalls", data=data).status_code == 200
        count = len(service.book.recalls())
        bad = keys[0][:-1] + ("0" if keys[0][-1] != "0" else "1")
        for key in (bad, keys[0][:64], "", "x" * 128, keys[0][64:] * 2):
            browser.post("/recalls", data={"campaign": "spring", "reason": "no", "form_key": key})
        assert len(service.book.recalls()) == count
