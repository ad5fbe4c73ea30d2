"""The list of recalls and the page of health, as they are served: states, who is waited for, what runs out."""

import csv
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import update

from ledger.clock import FakeClock
from ledger.core.access.roles import Role
from ledger.core.events.stream_state import StreamStanding, StreamState
from ledger.entrypoints.web.words import words_of
from ledger.errors import ApprovalNeededError
from ledger.simulator import FailedReason, World
from ledger.store.events import streams
from ledger.store.schema import paces
from tests.api.conftest import ServeLedger, Service
from tests.sending import send
from tests.services.events.telling import tell_of_recall

from .reading import Page
from .test_pages import looking


def rows(browser: httpx.Client, address: str) -> list[str]:
    """Return where the rows of a list lead, in order."""
    links = Page(browser.get(address).text).links
    return [link for link in links if link.startswith("/recalls/") and link != "/recalls/new"]


@pytest.fixture
def desk(serve_ledger: ServeLedger, world: World) -> Service:
    """Recall 1 waits for a second person, 2 is whole, 3 partly done, 4 paused, 5 a plan."""
    service = serve_ledger(approval_recipients=4)
    book = service.book
    send(book, world, 5, campaign="large")
    keys = send(book, world, 3, campaign="partly")
    for name in ("whole", "held", "planned"):
        send(book, world, 2, campaign=name)
    large = book.plan(campaign="large", reason="too large", actor="wang").recall_id
    with pytest.raises(ApprovalNeededError):
        book.parts.lifecycle.run(large, actor="wang")
    book.run(book.plan(campaign="whole", reason="typo", actor="wang"))
    world.change(failed_reasons={keys[0]: FailedReason(reason="no")})
    book.run(book.plan(campaign="partly", reason="wrong link", actor="li"))
    held = book.plan(campaign="held", reason="typo", actor="zhao").recall_id
    book.parts.lifecycle.start(held, actor="zhao")
    book.parts.lifecycle.pause(held, why="looking into it", actor="zhao")
    book.plan(campaign="planned", reason="typo", actor="zhao")
    return service


def test_what_waits_for_me_is_on_top_and_can_be_had_alone(desk: Service) -> None:
    with looking(desk, Role.ADMIN) as browser:
        assert rows(browser, "/recalls") == [f"/recalls/{number}" for number in (1, 4, 3, 2)]
        assert rows(browser, "/recalls?waits=me") == ["/recalls/1", "/recalls/4"]
        assert "Needs me 2" in Page(browser.get("/recalls").text).text
    with looking(desk, Role.OPERATOR) as browser:
        assert "/recalls/4" in rows(browser, "/recalls?waits=me")
    with looking(desk, Role.AUDITOR) as browser:
        page = browser.get("/recalls").text
        assert "Needs me" not in Page(page).text
        assert rows(browser, "/recalls") == [f"/recalls/{number}" for number in (4, 3, 2, 1)]
        # Of plans that nobody has run there are many.
        assert "/recalls/5" in rows(browser, "/recalls?status=planned")


def test_nobody_is_asked_for_what_they_asked_for_themselves(desk: Service) -> None:
    send_token = desk.token(Role.ADMIN, name="wang")
    with desk.client(headers={"Accept": "text/html"}, follow_redirects=True) as browser:
        browser.post("/sign-in", data={"token": send_token})
        assert rows(browser, "/recalls?waits=me") == ["/recalls/4"]


def test_partly_done_is_neither_finished_nor_green_and_each_state_can_be_had_alone(desk: Service) -> None:
    with looking(desk, Role.AUDITOR) as browser:
        assert rows(browser, "/recalls?status=partly") == ["/recalls/3"]
        assert rows(browser, "/recalls?status=finished") == ["/recalls/2"]
        assert rows(browser, "/recalls?status=paused") == ["/recalls/4"]
        assert 'class="state partly"' in browser.get("/recalls?status=partly").text
        assert 'class="state to_approve"' in browser.get("/recalls").text
        page = Page(browser.get("/recalls/3").text)
        assert "partly done" in page.text
        assert rows(browser, "/recalls?status=to_approve") == ["/recalls/1"]
        assert rows(browser, "/recalls?status=scheduled") == []
        assert rows(browser, "/recalls?status=planned") == ["/recalls/5", "/recalls/1"]
        csv = next(link for link in Page(browser.get("/recalls?status=partly").text).links if "format=excel" in link)
        assert browser.get(csv).status_code == 200


def test_what_recalled_nothing_is_not_called_partly_done(desk: Service, world: World, clock: FakeClock) -> None:
    keys = send(desk.book, world, 2, campaign="refused")
    world.change(failed_reasons=dict.fromkeys(keys, FailedReason(reason="no")))
    number = desk.book.run(desk.book.plan(campaign="refused", reason="typo", actor="sun")).recall_id
    later = desk.book.plan(campaign="planned", reason="typo", actor="chen").recall_id
    desk.book.parts.schedules.set(later, clock.now() + timedelta(hours=1), actor="chen")
    with looking(desk, Role.ADMIN) as browser:
        assert rows(browser, "/recalls?status=nothing") == [f"/recalls/{number}"]
        assert rows(browser, "/recalls?status=partly") == ["/recalls/3"]
        assert "nothing recalled" in Page(browser.get(f"/recalls/{number}").text).text
        assert rows(browser, "/recalls?status=scheduled") == [f"/recalls/{later}"]


def test_a_row_says_what_of_whom_how_it_ended_by_whom_and_why(desk: Service) -> None:
    with looking(desk, Role.AUDITOR) as browser:
        text = Page(browser.get("/recalls?status=partly").text).text
    for part in ("partly", "wrong link", "2 of 3 recalled", "1 not recalled", "li"):
        assert part in text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_health_the_list_and_its_files_say_the_same_of_how_recalls_stand(desk: Service, language: str) -> None:
    codes = ["planned", "paused", "partly", "finished", "to_approve"]
    said = [str(words_of(language[:2])(f"state.{code}")) for code in codes]
    state = dict(zip(codes, said, strict=True))
    with looking(desk, Role.ADMIN, language) as browser:
        health = Page(browser.get("/health").text).text
        listed = [Page(browser.get(path).text).text for path in ("/recalls", "/recalls?status=planned")]
        file = next(link for link in Page(browser.get("/recalls").text).links if "format=excel" in link)
        table = list(csv.DictReader(browser.get(file).text.removeprefix("\ufeff").splitlines()))
        plain = list(csv.DictReader(browser.get("/v1/recalls?format=csv").text.splitlines()))
    for words in said:
        assert f"{words} 1" in health
        assert any(words in text for text in listed)
    assert [row["state"] for row in plain] == codes
    # What programs read stays as it was; what is new comes last.
    assert [row["status"] for row in plain] == ["planned", "paused", "finished", "finished", "planned"]
    assert list(plain[0])[:2] == ["recall_id", "status"]
    if language == "zh-CN":
        assert [row["当前情况 (state)"] for row in table] == [f"{state[code]} ({code})" for code in codes]
        assert {row["状态 (status)"] for row in table} == {"未开始 (planned)", "已暂停 (paused)", "已结束 (finished)"}


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_health_says_of_a_pace_what_is_allowed_and_draws_it_only_when_it_is_slowed_down(
    service: Service, world: World, language: str
) -> None:
    send(service.book, world, 30)
    service.book.run(service.book.plan(campaign="spring", reason="typo"))
    with looking(service, Role.OPERATOR, language) as browser:
        quick = browser.get("/health").text
        with service.book.parts.opened().write() as connection:
            connection.execute(update(paces).values(share=0.5))
        slowed = browser.get("/health").text
    said = {
        "en": ("20 calls a second allowed (not slowed down)", "10 calls a second allowed: slowed down from 20"),
        "zh-CN": ("当前限速 20 次/秒（未降速）", "当前限速 10 次/秒（已从 20 次/秒降低）"),
    }[language]
    assert said[0] in Page(quick).text
    assert said[1] in Page(slowed).text
    assert slowed.count('class="gauge') == quick.count('class="gauge') + 1


def test_health_foretells_the_month_and_names_workers_and_checkpoints(
    service: Service, world: World, clock: FakeClock
) -> None:
    clock.advance(timedelta(days=14))
    send(service.book, world, 30)
    assert service.book.run(service.book.plan(campaign="spring", reason="typo")).recalled == 30
    with looking(service, Role.OPERATOR) as browser:
        text = Page(browser.get("/health").text).text
    used = service.book.parts.figures.read().counted.used_calls
    assert f"{used} of 5,000" in text
    assert "At this pace the month comes to" in text
    assert "The history is not signed." in text
    assert "No process was at work in the last minutes." in text


def test_health_names_who_listens_to_events_and_what_is_left_of_the_pushes(
    service: Service, world: World, clock: FakeClock
) -> None:
    with service.book.parts.opened().write() as connection:
        since, why = clock.now(), "DingTalk gives app 'news' no Stream connection"
        states = [
            StreamState(app="mail", standing=StreamStanding.CONNECTED, since=since),
            StreamState(app="news", standing=StreamStanding.REFUSED, since=since, error=why),
        ]
        streams.say(connection, "somebody", states, since)
    tell_of_recall(service.book, send(service.book, world, 3)[:2])
    service.book.parts.elsewhere.run_once()
    with looking(service, Role.OPERATOR) as browser:
        text, board = (Page(browser.get(path).text).text for path in ("/health", "/"))
    assert "mail listens" in text
    assert "news no connection: somebody has to fix it" in text
    assert why in text
    assert "of 2,700" in text
    assert "2 recalled by other hands" in board
