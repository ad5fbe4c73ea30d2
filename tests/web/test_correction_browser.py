"""A correction in a real browser: written, seen, confirmed by a number, watched; by two people where it takes two."""

# Fixtures of another module are parameters here.
# ruff: noqa: F811

import pytest
from selenium.webdriver import Chrome

from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.api.conftest import Service
from tests.sending import send

from .chromium import Browser
from .test_browser import DESKTOP, PHONE, ledger, service, signed_in, world  # noqa: F401

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("browser")]

PEOPLE = [f"user-{number}" for number in range(5)]
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
RIGHT = f"The right link is https://example.com {FAMILY}"
SAID = {"en": "5 of 5 people got it", "zh-CN": "5 人中 5 人已收到"}


def written(browser: Browser) -> None:
    """Write a correction, and go on to its plan."""
    # The keys of a driver have no letters beyond the basic plane.
    browser.one("textarea[name=text]")
    browser.run(f"document.querySelector('textarea[name=text]').value = {RIGHT!r}")
    browser.type("input[name=reason]", "the right link")
    browser.click("form[action$='/correction'] .button.main")
    browser.one("#confirm input[name=typed]")


def confirmed(browser: Browser, number: str) -> None:
    """Type what has to be typed, and press what it leads to once it can be pressed."""
    browser.type("#confirm input[name=typed]", number)
    browser.until(lambda: not browser.every("#confirm [aria-disabled]"))
    browser.one("#confirm .danger").click()


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("zh-CN", PHONE)], ids=["en-desktop", "zh-phone"])
def test_a_correction_goes_out_once_it_was_seen_and_its_number_typed(
    chrome: Chrome, service: Service, world: World, language: str, size: tuple[int, int]
) -> None:
    send(service.book, world, 1, users=PEOPLE)
    recall = service.book.run(service.book.plan(campaign="spring", reason="wrong link")).recall_id
    browser = Browser(chrome, service.url, language=language, width=size[0], height=size[1])
    signed_in(browser, service)
    browser.open(f"/recalls/{recall}")
    browser.click("#actions a[href$='/correction']")
    written(browser)
    assert RIGHT in browser.one("figure").text
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
    confirmed(browser, "4")
    browser.one("#notice")
    assert world.received(msg_key="sampleText") == {}
    confirmed(browser, "5")
    browser.until_text(SAID[language])
    assert browser.path == f"/recalls/{recall}/correction"
    browser.until(lambda: browser.every("#standing .finished"))
    assert world.received(msg_key="sampleText") == dict.fromkeys(PEOPLE, 1)
    assert browser.barriers() == []
    # Nobody is left, so nobody is asked what to write.
    browser.open(f"/recalls/{recall}/correction")
    browser.one("#nobody-left")
    assert not browser.every("textarea")
    assert browser.complaints() == []


def test_a_recall_that_broke_the_glass_is_corrected_only_once_a_second_person_has_seen_the_text(
    chrome: Chrome, service: Service, world: World
) -> None:
    send(service.book, world, 2, users=PEOPLE)
    service.book.parts.policies.put("approval-recipients", "3", actor="admin")
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    browser.open("/recalls/new?campaign=spring")
    browser.type("input[name=reason]", "leaked salaries")
    browser.click("main form[action='/recalls'] button")
    browser.one("#confirm")
    recall = browser.path
    confirmed(browser, "spring")
    browser.click("#confirm details.sure summary")
    glass = "#confirm form[action$='/break-glass']"
    browser.type(f"{glass} input[name=typed]", "spring")
    browser.type(f"{glass} input[name=reason]", "nobody answers, and it spreads")
    browser.until(lambda: not browser.every(f"{glass} [aria-disabled]"))
    browser.one(f"{glass} .danger").click()
    browser.until_text("2 of 2 recalled")
    browser.until_text("Nobody else has reviewed that yet.")

    browser.open(f"{recall}/correction")
    written(browser)
    confirmed(browser, "5")
    browser.until_text("It waits for a second person")
    assert not browser.every("form[action$='/approve']"), "nobody agrees to what they asked for"
    browser.open("/")
    browser.until_text("The correction of recall 1 waits for a second person")

    other = Browser(chrome, service.url, language="en")
    signed_in(other, service, Role.APPROVER)
    other.click("#attention a[href$='/correction']")
    assert RIGHT in other.one("figure").text
    agree = "form[action$='/approve']"
    other.type(f"{agree} input[name=typed]", "5")
    other.until(lambda: not other.every(f"{agree} [aria-disabled]"))
    other.one(f"{agree} .danger").click()
    other.until_text("5 of 5 people got it")
    assert world.received(msg_key="sampleText") == dict.fromkeys(PEOPLE, 1)
    assert other.complaints() == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_what_was_filled_in_beside_a_plan_is_there_on_the_next_one(
    chrome: Chrome, service: Service, world: World, scripts: bool
) -> None:
    send(service.book, world, 2, users=PEOPLE)
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    browser.open("/recalls/new?campaign=spring")
    browser.type("input[name=reason]", "wrong link")
    browser.run("document.querySelector('select[name=sticky]').value = '1800'")
    browser.click("main form[action='/recalls'] button")
    browser.one("#confirm input[name=typed]")
    first = browser.path
    if not scripts:
        browser.without_scripts(True)
        browser.open(first)
    try:
        # Unticked: what is sticky proposes it.
        browser.click("input[name=stop_sending]")
        if scripts:
            browser.run("document.querySelector('[data-ends]').dataset.ends = '2026-01-01T00:00:00+00:00'")
        else:
            browser.type("#confirm form[action$='/run'] input[name=typed]", "wrong")
            browser.one("#confirm .danger").click()
        browser.until(lambda: "stop_sending=0" in browser.path)
        browser.click("form[action*='/plan-again'] button")
        browser.until(lambda: not browser.path.startswith(first))
        assert not browser.one("input[name=stop_sending]").is_selected()
        assert "is recalled too until" in browser.one(".facts").text
        assert browser.one("#confirm input[name=typed]").get_attribute("value") == ""
    finally:
        browser.without_scripts(False)


def test_a_plan_of_a_correction_that_another_tab_sent_stops_offering_its_button(
    chrome: Chrome, service: Service, world: World
) -> None:
    send(service.book, world, 1, users=PEOPLE)
    recall = service.book.run(service.book.plan(campaign="spring", reason="wrong link")).recall_id
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    browser.open(f"/recalls/{recall}/correction")
    written(browser)
    plan = int(browser.one("#confirm input[name=correction_id]").get_attribute("value") or 0)
    service.book.parts.corrections.run(plan, actor="li")
    browser.until_text(SAID["en"])
    assert not browser.every("#confirm")
