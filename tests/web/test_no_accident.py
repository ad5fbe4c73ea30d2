"""No accident: what is recalled was seen; no held key, second tab or old session recalls or loses anything."""

# Fixtures of another module are parameters here.
# ruff: noqa: F811

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from ledger import Ledger
from ledger.core.access.roles import Role
from ledger.core.recalls.recall import Status
from ledger.simulator import World
from tests.api.conftest import Service, serving
from tests.sending import send

from .chromium import Browser
from .test_browser import ENTER, ledger, signed_in, world  # noqa: F401

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("browser")]

PHONE, ZOOMED, DESKTOP = (390, 844), (640, 450), (1440, 900)


@pytest.fixture
def service(ledger: Ledger) -> Iterator[Service]:
    """A service whose recalls stand still: nobody makes their calls."""
    with serving(ledger, with_worker=False) as running:
        yield running


def status_of(service: Service) -> Status:
    return service.book.recalls()[0].status


def planned(browser: Browser, campaign: str = "spring") -> str:
    """Make a plan as people do, and return where it is."""
    browser.open(f"/recalls/new?campaign={campaign}")
    browser.type("input[name=reason]", "wrong link")
    browser.click("main form[action='/recalls'] button")
    browser.one("#confirm")
    return browser.path


def click_before_it_is_armed(browser: Browser) -> None:
    """Click the button before somebody can have read the plan, anew until the page was not too old for that."""

    def clicked() -> bool:
        browser.open(browser.path)
        return (
            browser.run("""
            const button = document.querySelector("#confirm .danger");
            if (button.getAttribute("aria-disabled") !== "true") return false;
            button.click();
            return true;""")
            is True
        )

    browser.until(clicked)


def armed(browser: Browser) -> None:
    browser.until(lambda: browser.every("#confirm .danger") and not browser.every("#confirm [aria-disabled]"))


def test_enter_that_is_held_after_the_reason_or_pressed_again_recalls_nothing(
    chrome: Chrome,
    service: Service,
    world: World,
) -> None:
    send(service.book, world, 1)
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    browser.open("/recalls/new?campaign=spring")
    browser.type("input[name=reason]", "wrong link")
    browser.hold_enter(5)
    browser.one("#confirm")
    assert browser.has_focus("#headline")
    browser.hold_enter(20)
    browser.release_enter()
    browser.press(ENTER)
    click_before_it_is_armed(browser)
    assert browser.one("#confirm .danger")
    armed(browser)
    # A key that is held does nothing on the button itself.
    browser.run("document.querySelector('#confirm .danger').focus()")
    browser.run("window.stays = true")
    browser.run("""document.querySelector('#confirm .danger').dispatchEvent(
        new KeyboardEvent("keydown", {key: "Enter", repeat: true, bubbles: true, cancelable: true}))""")
    assert (len(service.book.recalls()), status_of(service)) == (1, Status.PLANNED)
    assert browser.run("return window.stays") is True
    browser.press(ENTER)
    browser.until(lambda: status_of(service) is Status.RUNNING)


def test_what_another_tab_did_first_is_said_and_the_page_goes_on(
    chrome: Chrome,
    service: Service,
    world: World,
) -> None:
    send(service.book, world, 2)
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    address = planned(browser)
    armed(browser)
    # It has not looked again since.
    browser.run("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })")
    service.book.parts.lifecycle.start(int(address.rpartition("/")[2]))
    browser.type("input[name=typed]", "2")
    browser.click("#confirm .danger")
    browser.until_text("The recall is no longer in a state in which that can be done")
    assert browser.path == f"{address}?stop_sending=0&refused=wrong_state"
    service.book.parts.lifecycle.pause(int(address.rpartition("/")[2]), why="to see it", actor="li")
    browser.until(lambda: browser.every(".status.paused"))
    assert not browser.one("#lost").is_displayed()


def test_a_form_that_is_refused_leads_back_and_no_page_says_that_the_connection_is_lost(
    chrome: Chrome,
    service: Service,
    world: World,
) -> None:
    send(service.book, world, 2)
    browser = Browser(chrome, service.url, language="zh-CN")
    signed_in(browser, service)
    address = planned(browser)
    armed(browser)
    browser.type("input[name=typed]", "Spring")
    browser.click("#confirm .danger")
    browser.until_text("输入的内容与要求的不一致。未执行任何操作。")
    assert browser.path == f"{address}?stop_sending=0&refused=not_confirmed"
    assert not browser.one("#lost").is_displayed()
    assert status_of(service) is Status.PLANNED


def test_a_page_that_is_no_longer_there_is_not_called_a_lost_connection(
    chrome: Chrome,
    service: Service,
    world: World,
) -> None:
    send(service.book, world, 1)
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    # It keeps itself current from its own address, wherever that leads by now.
    browser.run("document.body.dataset.here = '/recalls/4711'")
    browser.until_text("There is no such recall")
    assert not browser.one("#lost").is_displayed()


def test_a_session_that_ends_keeps_what_was_typed_and_leads_back_to_it(
    chrome: Chrome,
    service: Service,
    world: World,
) -> None:
    send(service.book, world, 2)
    secret = service.token(Role.OPERATOR)
    browser = Browser(chrome, service.url, language="en")
    browser.open("/")
    browser.type("input[name=token]", secret)
    browser.press(ENTER)
    browser.one("#campaigns")
    browser.open("/recalls/new?campaign=spring")
    browser.type("input[name=reason]", "the link leads to a stranger")
    browser.lose_session()
    browser.click("main form[action='/recalls'] button")
    browser.type("input[name=token]", secret)
    browser.press(ENTER)
    browser.one("input[name=reason]")
    assert browser.path == "/recalls/new?campaign=spring"
    assert browser.one("input[name=reason]").get_attribute("value") == "the link leads to a stranger"
    assert service.book.recalls() == []
    # Who signs in elsewhere meanwhile has another session, of which this form is not.
    browser.run("document.querySelector('[name=form_key]').value = 'of-another-session'")
    browser.click("main form[action='/recalls'] button")
    browser.until_text("You have signed in anew since this form was opened")
    assert browser.one("input[name=reason]").get_attribute("value") == "the link leads to a stranger"
    browser.click("main form[action='/recalls'] button")
    browser.one("#confirm")
    assert service.book.recalls()[0].reason == "the link leads to a stranger"
    # What was kept is gone with it.
    assert browser.run("return sessionStorage.length") == 0


@pytest.mark.parametrize("size", [PHONE, ZOOMED, DESKTOP], ids=["phone", "200-percent", "desktop"])
def test_who_sees_the_button_sees_what_it_recalls_on_every_screen(
    chrome: Chrome,
    service: Service,
    world: World,
    size: tuple[int, int],
) -> None:
    send(service.book, world, 60, campaign="spring-promotion-for-all-of-the-north")
    browser = Browser(chrome, service.url, language="en", width=size[0], height=size[1])
    signed_in(browser, service)
    planned(browser, "spring-promotion-for-all-of-the-north")
    armed(browser)
    assert "60 messages of spring-promotion-for-all-of-the-north from 60 people" in browser.one("#what").text
    button = browser.one("#confirm .danger")
    assert button.text == browser.one("#what").text == browser.one("h1").text
    for place in ("0", "200", "document.querySelector('#confirm').offsetTop"):
        browser.run(f"scrollTo(0, {place})")
        if browser.is_in_sight("#confirm .danger"):
            assert browser.is_in_sight("#what"), place
    browser.run("document.querySelector('#confirm .danger').scrollIntoView({block: 'end'})")
    assert browser.is_in_sight("#confirm .danger")
    assert browser.is_in_sight("#what")
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
    assert browser.barriers() == []


def test_without_scripts_the_name_has_to_be_typed_and_the_headline_has_the_focus(
    chrome: Chrome,
    service: Service,
    world: World,
) -> None:
    send(service.book, world, 2)
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    browser.without_scripts(True)
    try:
        planned(browser)
        assert browser.has_focus("#headline")
        # No script armed it, so nothing says that it is not: the name is what stands between.
        assert browser.one("#confirm .danger").get_attribute("aria-disabled") is None
        browser.press(ENTER)
        browser.click("#confirm .danger")
        assert status_of(service) is Status.PLANNED
        browser.type("input[name=typed]", "spring")
        browser.click("#confirm .danger")
        browser.until(lambda: status_of(service) is Status.RUNNING)
    finally:
        browser.without_scripts(False)
