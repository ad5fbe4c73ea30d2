"""A live page takes over what is new and takes nothing away: a selection, the focus, what is open, a reader's place."""

# Fixtures of another module are parameters here.
# ruff: noqa: F811

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from ledger import Ledger
from ledger.simulator import World
from tests.api.conftest import Service, serving
from tests.sending import send

from .chromium import Browser
from .test_browser import ledger, signed_in, world  # noqa: F401

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("browser")]

SELECT = """
    const range = document.createRange();
    range.selectNodeContents(document.querySelector(arguments[0] || "#campaigns td.name"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return String(getSelection());
"""
# Looks at once instead of in some seconds.
LOOK = "follow(0)"


@pytest.fixture
def service(ledger: Ledger) -> Iterator[Service]:
    with serving(ledger, with_worker=False) as running:
        yield running


@pytest.fixture
def browser(chrome: Chrome, service: Service, world: World) -> Browser:
    """Somebody who looks at *Now* with two campaigns."""
    send(service.book, world, 3, campaign="spring")
    send(service.book, world, 1, campaign="autumn")
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    return browser


def test_what_is_selected_stays_selected_while_the_page_goes_on(
    browser: Browser, service: Service, world: World
) -> None:
    selected = browser.run(SELECT)
    assert selected
    send(service.book, world, 2, campaign="winter")
    browser.run(LOOK)
    browser.until(lambda: "winter" in browser.text)
    assert browser.run("return String(getSelection())") == selected


def test_a_countdown_that_is_selected_stands_still_and_goes_on_afterwards(browser: Browser) -> None:
    selected = browser.run(SELECT.replace("#campaigns td.name", "time[data-time=left]"))
    browser.run("countDown.call(null); Date.now = ((now) => () => now() + 60000)(Date.now); countDown()")
    browser.run(LOOK)
    assert browser.run("return String(getSelection())") == selected
    browser.run("getSelection().removeAllRanges(); countDown()")
    assert browser.run("return document.querySelector('time[data-time=left]').textContent") != selected


def test_elements_stay_the_same_so_that_the_focus_and_a_readers_place_do(
    browser: Browser, service: Service, world: World
) -> None:
    browser.run("""
        const link = [...document.querySelectorAll("#campaigns a")].find((one) => one.textContent.includes("spring"));
        link.focus();
        link.closest("tr").mark = link.mark = "the same";
    """)
    send(service.book, world, 2, campaign="spring")
    send(service.book, world, 2, campaign="a-campaign-before-it")
    browser.run(LOOK)
    browser.until(lambda: "a-campaign-before-it" in browser.text)
    assert browser.run("return document.activeElement.mark + document.activeElement.closest('tr').mark") == (
        "the samethe same"
    )
    assert "5" in browser.run("return document.activeElement.closest('tr').innerText")


def test_what_is_gone_goes_and_what_is_opened_stays_open(browser: Browser, service: Service) -> None:
    plan = service.book.plan(campaign="spring", reason="wrong link")
    service.book.parts.lifecycle.start(plan.recall_id)
    browser.open(f"/recalls/{plan.recall_id}")
    browser.run("document.querySelector('details.sure').open = true")
    service.book.parts.lifecycle.pause(plan.recall_id, why="looking into it", actor="li")
    browser.run(LOOK)
    browser.until(lambda: browser.every("form[action$='/resume']"))
    assert not browser.every("form[action$='/pause']")
    assert browser.run("return document.querySelector('details.sure').open")


@pytest.mark.parametrize("path", ["/", "/recalls", "/history", "/people", "/recalls/new"])
def test_whatever_is_clicked_is_at_least_24_pixels_high_and_wide(browser: Browser, path: str) -> None:
    browser.open(path)
    small = browser.run("""
        const isInText = (one) => one.matches("a") && one.parentElement.textContent.trim() !== one.textContent.trim();
        return [...document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")]
          .filter((one) => one.offsetParent && !one.matches(".skip") && !isInText(one))
          .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
          .filter(([, box]) => box.width < 24 || box.height < 24)
          .map(([html, box]) => `${html} ${Math.round(box.width)}x${Math.round(box.height)}`);
    """)
    assert small == []
    assert browser.complaints() == []


def test_a_screen_reader_is_told_of_a_new_state_and_not_of_each_message(browser: Browser, service: Service) -> None:
    plan = service.book.plan(campaign="spring", reason="wrong link")
    service.book.parts.lifecycle.start(plan.recall_id)
    browser.open(f"/recalls/{plan.recall_id}")
    told = [one.text for one in browser.every("#head [role=status]")]
    assert told == [f"Recall {plan.recall_id} running"]
    assert not browser.every("h1 [role=status], h1[role=status], [aria-live] h1")
