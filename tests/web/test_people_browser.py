"""People in a real browser: from a recall to who still has it, and a recall of several campaigns and a file of keys."""

from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from ledger.core.access.roles import Role
from ledger.simulator import FailedReason, World
from tests.api.conftest import Service
from tests.sending import send

from .chromium import Browser
from .test_browser import DESKTOP, PHONE, ledger, service, signed_in, world  # noqa: F401

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.xdist_group("browser")]
SAID = {"en": ("1 of 2 people lost it.", "still has it"), "zh-CN": ("2 人中有 1 人的消息已撤回。", "仍能看到")}


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("zh-CN", PHONE)], ids=["en-desktop", "zh-phone"])
def test_whoever_still_has_it_is_two_clicks_from_the_recall(
    chrome: Chrome,
    service: Service,  # noqa: F811
    world: World,  # noqa: F811
    language: str,
    size: tuple[int, int],
) -> None:
    send(service.book, world, 1, users=["ann", "bob"])
    (refused,) = send(service.book, world, 1, users=["bob"])
    world.change(failed_reasons={refused: FailedReason(reason="no")})
    recall = service.book.run(service.book.plan(campaign="spring", reason="wrong link")).recall_id
    lost, still = SAID[language]
    browser = Browser(chrome, service.url, language=language, width=size[0], height=size[1])
    signed_in(browser, service, Role.AUDITOR)
    browser.open(f"/recalls/{recall}")
    assert lost in browser.one("#who").text
    browser.click(".tabs a[href$='/people']")
    assert [row.text.split()[0] for row in browser.every("tbody tr")] == ["bob", "ann"]
    browser.click(".filters a[href$='only=left']")
    (row,) = browser.every("tbody tr")
    assert still in row.text
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
    browser.click("tbody a[href='/people?user=bob']")
    assert browser.one("h2").text
    assert browser.complaints() == []


def test_a_recall_of_several_campaigns_and_a_file_of_keys_is_planned_in_the_form(
    chrome: Chrome,
    service: Service,  # noqa: F811
    world: World,  # noqa: F811
    tmp_path: Path,
) -> None:
    for campaign in ("spring-a", "spring-b", "summer"):
        send(service.book, world, 2, campaign=campaign)
    keys = send(service.book, world, 3, campaign="winter")
    file = tmp_path / "keys.txt"
    file.write_text("\n".join(keys[:2]), "utf-8-sig")
    browser = Browser(chrome, service.url, language="en")
    signed_in(browser, service)
    browser.open("/recalls/new")
    browser.type("textarea[name=campaign]", "spring-*\nsummer")
    browser.type("input[name=reason]", "wrong link")
    browser.click("main form[action='/recalls'] button")
    shown = browser.one("main").text
    assert "6 messages" in browser.one("h1").text
    assert all(name in shown for name in ("spring-a", "spring-b", "summer"))
    browser.open("/recalls/new")
    browser.type("input[name=keys_file]", str(file))
    browser.type("input[name=reason]", "wrong link")
    browser.click("main form[action='/recalls'] button")
    assert "2 messages" in browser.one("h1").text
    assert browser.complaints() == []
