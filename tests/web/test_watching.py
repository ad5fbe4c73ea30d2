"""Watching time in a real browser: a recall that goes on, its tab, its story, and being told when it is done."""

# ruff: noqa: F811 - fixtures of another file are arguments here

from datetime import timedelta

import pytest
from selenium.webdriver import Chrome

from ledger.core.access.roles import Role
from ledger.services.recalls.lifecycle import RunIn
from ledger.simulator import World
from tests.api.conftest import Service
from tests.sending import send

from .chromium import Browser
from .test_browser import ledger, service, signed_in, world  # noqa: F401

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("browser")]

# A browser without a screen shows no notice: what a page would show is kept instead.
NOTICES = """
window.notices = [];
window.Notification = class {
  static permission = "default";
  static requestPermission() { this.permission = "granted"; return Promise.resolve("granted"); }
  constructor(title, options) { window.notices.push(`${title}: ${options.body}`); }
};
"""


@pytest.fixture
def running(service: Service, world: World) -> int:
    """A recall that is running, and slow."""
    send(service.book, world, 40)
    world.change(latency_seconds=0.4)
    recall_id = service.book.plan(campaign="spring", reason="wrong link").recall_id
    service.book.parts.lifecycle.run(recall_id, run_in=RunIn.ANY_WORKER)
    service.book.parts.lifecycle.pause(recall_id, why="looking into it", actor="li")
    return recall_id


def test_a_recall_shows_first_how_long_until_a_key_is_lost_and_its_tab_how_far_it_is(
    chrome: Chrome,
    service: Service,
    running: int,
) -> None:
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    browser.open(f"/recalls/{running}")
    assert "can no longer be recalled" in browser.one("#head .deadline").text
    top = "return document.querySelector(arguments[0]).getBoundingClientRect().top"
    assert chrome.execute_script(top, ".deadline") < chrome.execute_script(top, "h1")
    paused = browser.one("link[rel=icon]").get_attribute("href") or ""
    assert paused.startswith("data:image/svg+xml")
    assert "%" in chrome.title
    browser.until_text("stood still for")
    browser.click("form[action$='/resume'] button")
    browser.until_text("40 of 40 recalled")
    browser.until(lambda: browser.every(".status.finished"))
    browser.until(lambda: "%" not in chrome.title)
    browser.until(lambda: (browser.one("link[rel=icon]").get_attribute("href") or "").startswith(service.url))
    assert not browser.every(".deadline")
    browser.click("#calls summary")
    assert "answered" in browser.one("#calls table").text
    assert browser.complaints() == []


def test_who_asked_for_it_is_told_once_the_recall_is_done(
    chrome: Chrome,
    service: Service,
    running: int,
) -> None:
    script = chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NOTICES})
    try:
        browser = Browser(chrome, service.url, language="en")
        signed_in(browser, service)
        browser.open(f"/recalls/{running}")
        assert not browser.every("#tell")
        browser.click("form[action$='/resume'] button")
        browser.click("#tell")
        browser.until(lambda: browser.run("return window.notices.length") == 1)
        (told,) = browser.run("return window.notices")
        assert f"Recall {running}" in told
        assert "recalled" in told
        assert not browser.one("#tell").is_displayed()
        assert browser.run("return sessionStorage.length") == 0
    finally:
        chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def test_nobody_is_told_who_did_not_ask(chrome: Chrome, service: Service, running: int) -> None:
    script = chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NOTICES})
    try:
        browser = Browser(chrome, service.url, language="zh-CN")
        signed_in(browser, service, Role.OPERATOR)
        browser.open(f"/recalls/{running}")
        browser.click("form[action$='/resume'] button")
        browser.until(lambda: browser.every(".status.finished"))
        assert browser.run("return window.notices") == []
    finally:
        chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["desktop", "phone"])
def test_a_recall_opens_from_anywhere_in_its_row_and_the_list_keeps_itself_current(
    chrome: Chrome, service: Service, running: int, size: tuple[int, int]
) -> None:
    browser = Browser(chrome, service.url, language="en", width=size[0], height=size[1])
    signed_in(browser, service)
    browser.open("/recalls")
    assert browser.one(".state").text == "paused"
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
    service.book.cancel(running, actor="li")
    browser.until(lambda: browser.one(".state").text == "cancelled")
    # A click beside every text of the row.
    browser.run("""
        const box = document.querySelector(".outcomes").getBoundingClientRect();
        document.elementFromPoint(box.right - 4, box.bottom - 4).click();
    """)
    browser.until(lambda: browser.path == f"/recalls/{running}")
    browser.open("/recalls")
    browser.tab_to("a[href$='/recalls/new']")
    chrome.find_element("css selector", ".cover").send_keys("\ue007")
    browser.until(lambda: browser.path == f"/recalls/{running}")


def test_a_slash_leads_to_the_search_and_campaigns_are_found_while_somebody_types(
    chrome: Chrome, service: Service, world: World
) -> None:
    for number in range(12):
        send(service.book, world, 1, campaign=f"campaign-{number:02}")
    send(service.book, world, 2, campaign="wrong-one", sent_ago=timedelta(hours=23, minutes=55))
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    browser.until(lambda: len(browser.every(".board tbody tr")) == 13)
    assert browser.every(".strip svg[role=img]")
    assert browser.one(".board tbody tr").get_attribute("class") == "red"
    browser.press("/")
    assert browser.run("return document.activeElement.name") == "q"
    browser.press("07")
    browser.until(lambda: len(browser.every(".board tbody tr")) == 1)
    assert browser.path == "/?q=07&sort=deadline"
    # What was typed stays, and what comes by itself is what was looked for.
    send(service.book, world, 1, campaign="another-07")
    browser.until(lambda: len(browser.every(".board tbody tr")) == 2)
    assert browser.one("#find input[name=q]").get_attribute("value") == "07"
    assert browser.run("return document.activeElement.name") == "q"
    assert browser.barriers() == []
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [390, 640, 1440])
def test_figures_are_never_broken_across_lines(chrome: Chrome, service: Service, world: World, width: int) -> None:
    send(service.book, world, 1, campaign="a-campaign-with-quite-a-long-name-for-a-phone", sent_ago=timedelta(hours=2))
    send(service.book, world, 25, campaign="spring")
    browser = Browser(chrome, service.url, language="en", width=width)
    signed_in(browser, service)
    figures = "[...document.querySelectorAll('.board .num b, .board td time')]"
    assert set(browser.run(f"return {figures}.map((one) => one.getClientRects().length)")) == {1}
    assert browser.run("return document.documentElement.scrollWidth") <= width


def test_what_nobody_can_say_is_settled_by_one_button_and_shown_as_it_becomes_clear(
    chrome: Chrome, service: Service, world: World
) -> None:
    keys = send(service.book, world, 5)
    world.change(silent_keys=keys[:2], silent_keys_are_recalled=True)
    recall_id = service.book.run(service.book.plan(campaign="spring", reason="wrong link")).recall_id
    world.change(silent_keys=[])
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    browser.open(f"/recalls/{recall_id}")
    assert [button.text for button in browser.every("#actions button")] == [
        "Settle 2 messages by their read status: 2 calls",
        "Ask whether 3 recalled messages are gone: 3 calls",
        "Ask again for 2 messages: 1 call",
    ]
    browser.click("form[action$='/settle'] button")
    browser.until_text("5 of 5 recalled")
    browser.until(lambda: not browser.every("form[action$='/settle'] button"))
    assert sum(call.path.endswith("readStatus") for call in world.calls()) == 2
    assert browser.complaints() == []


def test_without_scripts_everything_is_drawn_and_found(chrome: Chrome, service: Service, running: int) -> None:
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    browser.without_scripts(True)
    try:
        browser.open("/")
        assert browser.every(".strip rect")
        browser.type("#find input[name=q]", "nothing-like-it")
        browser.click("#find button")
        browser.until(lambda: browser.path.startswith("/?q=nothing-like-it"))
        assert browser.one("#campaigns .note")
        browser.open(f"/recalls/{running}")
        assert browser.every(".deadline")
        assert browser.every(".story li")
        assert not browser.every("#tell")
        browser.open("/recalls")
        browser.click(".cover")
        browser.until(lambda: browser.path == f"/recalls/{running}")
    finally:
        browser.without_scripts(False)
