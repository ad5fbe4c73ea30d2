"""A plan that is looked at is live: what happens to it elsewhere shows, and what somebody does on it is left alone."""

# Fixtures of another module are parameters here.
# ruff: noqa: F811

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from selenium.webdriver import Chrome

from ledger import Ledger
from ledger.core.recalls.recall import Status
from ledger.simulator import World
from tests.api.conftest import Service, serving
from tests.sending import send

from .chromium import Browser
from .test_browser import ENTER, ledger, signed_in, world  # noqa: F401
from .test_no_accident import armed, planned
from .test_refresh import LOOK

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("browser")]


@pytest.fixture
def service(ledger: Ledger) -> Iterator[Service]:
    """A service whose recalls stand still: nobody makes their calls."""
    with serving(ledger, with_worker=False) as running:
        yield running


@pytest.fixture
def browser(chrome: Chrome, service: Service, world: World) -> Browser:
    """Somebody who looks at the plan of two messages."""
    send(service.book, world, 2)
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    planned(browser)
    return browser


def recall_of(browser: Browser) -> int:
    return int(browser.path.partition("?")[0].rpartition("/")[2])


def test_a_plan_that_another_tab_started_stops_offering_its_button(browser: Browser, service: Service) -> None:
    armed(browser)
    service.book.parts.lifecycle.start(recall_of(browser))
    browser.until(lambda: browser.every(".status.running"))
    assert not browser.every("#confirm")
    assert service.book.recalls()[0].status is Status.RUNNING


def test_a_plan_that_another_tab_dropped_stops_offering_its_button(browser: Browser, service: Service) -> None:
    service.book.cancel(recall_of(browser), actor="li")
    browser.until(lambda: browser.every(".status.cancelled"))
    assert not browser.every("#confirm")


def test_looking_again_leaves_alone_what_was_typed_the_focus_and_what_is_open(
    browser: Browser, service: Service
) -> None:
    armed(browser)
    browser.type("#confirm input[name=typed]", "spri")
    browser.click("#confirm input[name=stop_sending]")
    browser.run("""
        document.querySelector("#confirm details").open = true;
        document.querySelector("#confirm .danger").mark = "the same";
        document.querySelector("#confirm input[name=typed]").focus();
        document.addEventListener("ledger:fresh", () => { window.looked = (window.looked ?? 0) + 1; });
    """)
    for times in (1, 2):
        browser.until(partial(browser.run, f"return window.looked >= {times}"))
    # It goes on where it was, and the button is as armed as before.
    browser.press("ng")
    assert browser.one("#confirm input[name=typed]").get_attribute("value") == "spring"
    assert browser.run("return document.querySelector('#confirm input[name=stop_sending]').checked")
    assert browser.run("return document.querySelector('#confirm details').open")
    assert browser.run("return document.querySelector('#confirm .danger').mark") == "the same"
    assert not browser.every("#confirm [aria-disabled]")
    browser.press(ENTER)
    browser.until(lambda: service.book.recalls()[0].status is Status.RUNNING)


def test_looking_again_arms_no_button_before_its_time(browser: Browser) -> None:
    armed(browser)
    # Somebody comes back to the page; a second is made longer, so that the page looks again within it.
    browser.run("""
        const wait = setTimeout;
        window.setTimeout = (what, ms, ...all) => wait(what, ms === 1000 ? 5000 : ms, ...all);
        dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
        document.addEventListener("ledger:fresh", () => {
            window.seen ??= document.querySelector("#confirm .danger").getAttribute("aria-disabled") ?? "armed";
        });
    """)
    browser.run(LOOK)
    assert browser.until(partial(browser.run, "return window.seen")) == "true"
    armed(browser)


def test_what_was_filled_in_goes_along_when_somebody_else_sets_the_plan_for_later(
    browser: Browser, service: Service
) -> None:
    browser.click("#confirm input[name=stop_sending]")
    at = service.book.parts.clock.now() + timedelta(hours=1)
    service.book.parts.schedules.set(recall_of(browser), at, actor="li", is_proven=False)
    browser.until_text("A worker starts it then")
    assert browser.path.endswith("?stop_sending=1")
    assert not browser.every("#confirm .danger")
