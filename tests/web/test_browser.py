"""The operator's way through the console, in a real browser: from the sign-in to the report of a recall.

One database is enough here: what the pages say on both is tested without a browser.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from selenium.webdriver import Chrome

from ledger import Ledger, Settings
from ledger.clock import SystemClock
from ledger.core.access.roles import Role
from ledger.services.recalls.lifecycle import RunIn
from ledger.simulator import FailedReason, World
from ledger.testing import WorldTransport
from tests.api.conftest import Service, serving
from tests.sending import send

from .chromium import Browser
from .conftest import EVIL

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("browser")]

DESKTOP, PHONE = (1280, 900), (375, 812)
SAID = {
    "en": {"nothing left": "30 of 30 recalled", "lost": "The connection to the ledger is lost", "back": "is back"},
    "zh-CN": {"nothing left": "已撤回 30 条，共 30 条", "lost": "与服务器的连接已断开", "back": "连接已恢复"},
}
ENTER, SPACE = "\ue007", " "


@pytest.fixture
def world() -> World:
    return World(seed=7)


@pytest.fixture
def ledger(world: World, tmp_path: Path, sqlite_template: Path) -> Iterator[Ledger]:
    """A ledger that lives in real time, as a browser does."""
    shutil.copy(sqlite_template, tmp_path / "ledger.sqlite")
    clock = SystemClock()
    settings = Settings.load(
        database_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}",
        app_key="dingapp",
        app_secret="a-long-secret-of-the-app",
        spool_dir=tmp_path / "spool",
        calls_per_second=20.0,
    )
    with Ledger(settings, clock=clock, transport=WorldTransport(world, clock)) as book:
        yield book


@contextmanager
def working(book: Ledger, port: int = 0) -> Iterator[Service]:
    with serving(book, with_worker=True, port=port) as service:
        yield service


@pytest.fixture
def service(ledger: Ledger) -> Iterator[Service]:
    with working(ledger) as running:
        yield running


def signed_in(browser: Browser, service: Service, role: Role = Role.OPERATOR) -> None:
    secret = service.token(role)
    browser.open("/")
    browser.type("input[name=token]", secret)
    browser.click("main button")
    browser.one("#campaigns")
    browser.clicks = 0


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("zh-CN", PHONE)], ids=["en-desktop", "zh-phone"])
def test_an_operator_finds_a_campaign_recalls_it_retries_what_failed_and_exports(
    chrome: Chrome, service: Service, world: World, language: str, size: tuple[int, int]
) -> None:
    keys = send(service.book, world, 30)
    send(service.book, world, 3, campaign="another")
    world.change(failed_reasons={key: FailedReason(reason="try later", times=1) for key in keys[:2]})
    browser = Browser(chrome, service.url, language=language, width=size[0], height=size[1])
    signed_in(browser, service)

    browser.click("a.danger[href='/recalls/new?campaign=spring']")
    browser.type("input[name=reason]", "wrong link")
    browser.click("main form[action='/recalls'] button")
    browser.one("#confirm")
    assert "30" in browser.one("h1").text
    browser.click("#confirm .danger")
    assert browser.every("#confirm"), "the form must not go without what has to be typed"
    browser.type("input[name=typed]", "spring")
    browser.until(lambda: not browser.every("#confirm [aria-disabled]"))
    assert [call for call in world.calls() if call.keys] == []
    browser.one("#confirm .danger").click()
    assert browser.clicks == 3

    retry = browser.until(lambda: browser.every("form[action$='/retry'] button"))
    assert "try later" in browser.one("#reasons").text
    retry[0].click()
    browser.until_text(SAID[language]["nothing left"])
    browser.until(lambda: not browser.every("form[action$='/retry']"))
    browser.until(lambda: browser.every(".status.finished"))
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]

    with httpx.Client(base_url=service.url, cookies=browser.cookies) as downloads:
        table = downloads.get(browser.one("a[href$='.csv']").get_attribute("href") or "").text
        report = downloads.get(browser.one("a[href$='.json']").get_attribute("href") or "").json()
    assert len(table.splitlines()) == 31
    assert {item["outcome"] for item in report["items"]} == {"recalled"}
    assert (report["actor"], report["reason"], len(report["items"])) == ("the-operator", "wrong link", 30)
    assert browser.complaints() == []


def test_everything_can_be_done_by_the_keyboard(chrome: Chrome, service: Service, world: World) -> None:
    send(service.book, world, 5)
    browser = Browser(chrome, service.url, language="en")
    secret = service.token(Role.OPERATOR)
    browser.open("/")
    browser.one("input[name=token]")
    browser.press(secret, ENTER)
    browser.one("#campaigns")
    browser.tab_to(".skip")
    browser.press(ENTER)
    browser.tab_to("a.danger")
    browser.press(ENTER)
    browser.one("input[name=reason]")
    browser.press("wrong link", ENTER)
    browser.one("#confirm")
    assert browser.has_focus("h1")
    browser.tab_to("input[name=typed]")
    browser.press("5")
    browser.tab_to("button.danger")
    browser.until(lambda: not browser.every("#confirm [aria-disabled]"))
    browser.press(ENTER)
    browser.until_text("5 of 5 recalled")
    assert browser.clicks == 0


def test_a_page_says_when_it_lost_the_connection_and_goes_on_when_it_is_back(
    chrome: Chrome, ledger: Ledger, world: World
) -> None:
    browser: Browser
    with working(ledger) as service:
        browser = Browser(chrome, service.url, language="zh-CN")
        signed_in(browser, service)
        assert SAID["zh-CN"]["lost"] not in browser.text
    browser.until_text(SAID["zh-CN"]["lost"])
    send(ledger, world, 2, campaign="meanwhile")
    with working(ledger, port=int(service.url.rpartition(":")[2])):
        browser.until_text(SAID["zh-CN"]["back"])
        browser.until_text("meanwhile")
        browser.until(lambda: not browser.one("#lost").is_displayed())


def test_a_deadline_is_counted_down_and_times_are_in_the_zone_of_the_browser(
    chrome: Chrome, service: Service, world: World
) -> None:
    send(service.book, world, 1, sent_ago=timedelta(hours=23, minutes=50))
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    seen = {browser.one("[data-time=left]").text}
    assert "UTC+8 Asia/Shanghai" in browser.text
    assert "UTC+8" in browser.one("[data-time=exact]").text

    def has_moved() -> bool:
        seen.add(browser.one("[data-time=left]").text)
        return len(seen) > 2

    browser.until(has_moved)
    assert all(text.startswith("9 min ") for text in seen)


@pytest.mark.parametrize(("size", "is_dark"), [(DESKTOP, False), (PHONE, True)], ids=["light-desktop", "dark-phone"])
def test_no_page_keeps_anybody_out(
    chrome: Chrome, service: Service, world: World, size: tuple[int, int], is_dark: bool
) -> None:
    book = service.book
    keys = send(book, world, 25)
    send(book, world, 3, campaign=EVIL, users=["zhang.san", *(f"user-{number}" for number in range(9))])
    send(book, world, 2, campaign="group", conversation="cid/+==")
    world.change(failed_reasons={key: FailedReason(reason=EVIL) for key in keys[:2]})
    finished = book.run(book.plan(campaign="spring", reason="wrong link")).recall_id
    paused = book.plan(campaign="group", reason="wrong link").recall_id
    book.parts.lifecycle.run(paused, run_in=RunIn.ANY_WORKER)
    book.parts.lifecycle.pause(paused, why="looking into it", actor="tester")
    planned = book.plan(users=["zhang.san"], reason="left", include_shared=True).recall_id
    browser = Browser(chrome, service.url, language="en", width=size[0], height=size[1], is_dark=is_dark)
    browser.open("/sign-in")
    found = {"/sign-in": browser.barriers()}
    signed_in(browser, service)
    for path in (
        "/",
        "/campaign?name=spring",
        "/recalls",
        f"/recalls/{finished}",
        f"/recalls/{paused}",
        f"/recalls/{planned}",
        "/recalls/new",
        "/recalls/new?campaign=spring",
        "/history",
        "/people?user=zhang.san",
        "/people?user=zhangsan",
        f"/recalls/{finished}/people",
        "/campaign/people?name=spring",
        "/health",
        "/nowhere",
    ):
        browser.open(path)
        found[path] = browser.barriers()
        assert browser.run("return document.documentElement.scrollWidth") <= size[0], path
    assert {path: barriers for path, barriers in found.items() if barriers} == {}
    assert [message for message in browser.complaints() if "/nowhere" not in message] == []
