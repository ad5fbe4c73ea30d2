"""Figures in a real browser: none is ever broken over two lines, on any page, in any language, at any width."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from ledger import Ledger, Settings
from ledger.clock import SystemClock
from ledger.core.access.roles import Role
from ledger.simulator import World
from ledger.testing import WorldTransport
from tests.api.conftest import Service, serving

from .chromium import Browser
from .lively import LONG, Lively, furnish
from .test_browser import world  # noqa: F401

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("browser")]
WIDTHS = (390, 800, 1280, 1920)
# Runs of digits that are drawn in more than one line, and cells of numbers of which a text is.
BROKEN = r"""
    const broken = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const lines = (node, from, to) => {
        const range = document.createRange();
        range.setStart(node, from); range.setEnd(node, to);
        return new Set([...range.getClientRects()].filter(box => box.width > 1).map(box => Math.round(box.top))).size;
    };
    for (let node; node = walker.nextNode();) {
        const holder = node.parentElement, text = node.textContent;
        if (!text.trim() || holder.closest("script, style, textarea, .unseen, thead")) continue;
        if (holder.closest("td.num, .figures dd, time[data-time=left], .big") && lines(node, 0, text.length) > 1)
            broken.push(`cell: ${text.trim()}`);
        // What comes from outside is text, whatever it says.
        if (holder.closest("bdi, code")) continue;
        for (const run of text.matchAll(/\d[\d,.:]*\d/g))
            if (lines(node, run.index, run.index + run[0].length) > 1) broken.push(`${run[0]} in ${text.trim()}`);
    }
    return broken;
"""


@pytest.fixture
def ledger(world: World, tmp_path: Path, sqlite_template: Path) -> Iterator[Ledger]:  # noqa: F811
    """A ledger in real time that wants a second person for many."""
    shutil.copy(sqlite_template, tmp_path / "ledger.sqlite")
    clock = SystemClock()
    settings = Settings.load(
        database_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}",
        app_key="dingapp",
        app_secret="a-long-secret-of-the-app",
        spool_dir=tmp_path / "spool",
        approval_recipients=300,
    )
    with Ledger(settings, clock=clock, transport=WorldTransport(world, clock)) as book:
        yield book


@pytest.fixture
def lively(ledger: Ledger, world: World) -> Lively:  # noqa: F811
    return furnish(ledger, world, ledger.parts.clock)


@pytest.fixture
def service(ledger: Ledger) -> Iterator[Service]:
    with serving(ledger) as running:
        yield running


def pages(lively: Lively) -> list[str]:
    """Return where every page with figures is."""
    return [
        "/",
        "/recalls",
        "/recalls?status=planned",
        *(f"/recalls/{getattr(lively, name)}" for name in lively.__dict__),
        f"/recalls/{lively.partly}/people",
        f"/recalls/{lively.finished}/reads",
        f"/recalls/{lively.finished}/correction",
        f"/campaign?name={LONG}",
        "/campaign/people?name=soon",
        "/recalls/new?campaign=soon",
        "/people?user=user-001",
        "/history",
        "/health",
    ]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_no_figure_is_broken_over_two_lines(
    chrome: Chrome,
    service: Service,
    lively: Lively,
    language: str,
) -> None:
    broken = {}
    browser = Browser(chrome, service.url, language=language)
    browser.open("/")
    browser.type("input[name=token]", service.token(Role.ADMIN))
    browser.click("main button")
    browser.one("#campaigns")
    for path in pages(lively):
        browser.open(path)
        browser.one("main h1")
        for width in WIDTHS:
            browser.resize(width)
            if found := browser.run(BROKEN):
                broken[width, path] = found
            if (wide := browser.run("return document.documentElement.scrollWidth")) > width:
                broken[width, path] = [f"{wide} px wide"]
    assert broken == {}
