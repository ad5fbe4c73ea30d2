"""How pages are laid out in a real browser: nothing sticks out of its place on any page at any width."""

# Fixtures of another module are parameters here.
# ruff: noqa: F811

import pytest
from selenium.webdriver import Chrome

from ledger.core.access.roles import Role
from tests.api.conftest import Service

from .chromium import Browser
from .crowding import CROWDED
from .lively import LONG, Lively
from .test_browser import world  # noqa: F401
from .test_figures_browser import ledger, lively, service  # noqa: F401

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("browser")]

# Small phones, phones, half a screen, tablets, a laptop at 125 % (1024), laptops, desks; zoomed, a page is as narrow.
WIDTHS = (320, 390, 700, 768, 820, 900, 1024, 1100, 1280, 1440)
OPEN_ALL = "for (const one of document.querySelectorAll('details')) one.open = true;"


def pages(lively: Lively) -> list[str]:
    """Return where each kind of page is, as full as it gets."""
    return [
        "/",
        "/recalls",
        *(f"/recalls/{getattr(lively, name)}" for name in ("waiting", "planned", "scheduled", "paused", "partly")),
        f"/recalls/{lively.to_review}/people",
        f"/recalls/{lively.finished}/reads",
        f"/recalls/{lively.finished}/correction",
        f"/campaign?name={LONG}",
        "/recalls/new",
        "/people?user=user-001",
        "/history",
        "/health",
    ]


def test_nothing_sticks_out_breaks_out_of_its_box_or_lies_over_something_else(
    chrome: Chrome, service: Service, lively: Lively
) -> None:
    secret, found = service.token(Role.ADMIN), {}
    for language in ("zh-CN", "en"):
        browser = Browser(chrome, service.url, language=language)
        browser.open("/")
        browser.type("input[name=token]", secret)
        browser.click("main button")
        browser.one("#campaigns")
        for path in pages(lively):
            browser.open(path)
            browser.one("main h1")
            browser.run(OPEN_ALL)
            for width in WIDTHS:
                browser.resize(width)
                if crowded := browser.run(CROWDED, width):
                    found[language, path, width] = crowded
    assert not found, "\n".join(map(str, found.items()))
