"""Who has read it, in the console: the price first, a button, what came of it, and what is not really gone."""

from urllib.parse import quote

import pytest

from ledger.core.access.roles import Role
from ledger.entrypoints.web.settlings import Settlings
from ledger.simulator import World
from tests.api.conftest import Service
from tests.sending import send

from .reading import Page
from .test_pages import looking

READ_STATUS = "/v1.0/robot/oToMessages/readStatus"


def sent(service: Service, world: World, count: int = 4) -> None:
    send(service.book, world, count, users=["ann", "bob"])
    world.change(readers=["ann"])


def wait(service: Service, *subject: str) -> None:
    settlings: Settlings = service.app.state.settlings
    settlings.wait(subject)


def test_a_campaign_is_asked_about_with_one_button_below_its_price(service: Service, world: World) -> None:
    sent(service, world)
    with looking(service, Role.OPERATOR) as browser:
        assert "/campaign/reads?name=spring" in browser.get("/campaign?name=spring").text
        page = Page(browser.get("/campaign/reads?name=spring").text)
        assert "Nobody has asked yet." in page.text
        assert "4 messages: 4 calls" in page.text
        form = page.form("/campaign/reads?name=spring")
        browser.post(form.action, data={**form.fields, "sample": "4"})
        wait(service, "reads of campaign", "spring")
        page = Page(browser.get("/campaign/reads?name=spring").text)
    assert "50 % had read it" in page.text
    assert "4 of 4 messages asked" in page.text
    assert len(world.calls(READ_STATUS)) == 4


def test_a_sample_of_a_plan_shows_a_range_and_the_recall_how_many_lost_it_unread(
    service: Service, world: World
) -> None:
    sent(service, world, 12)
    number = service.book.plan(campaign="spring", reason="wrong link").recall_id
    with looking(service, Role.OPERATOR) as browser:
        assert f"/recalls/{number}/reads" in browser.get(f"/recalls/{number}").text
        form = Page(browser.get(f"/recalls/{number}/reads").text).form(f"/recalls/{number}/reads")
        browser.post(form.action, data={**form.fields, "sample": "6"})
        wait(service, "reads of recall", str(number))
        shown = Page(browser.get(f"/recalls/{number}/reads").text).text
        assert "Between" in shown
        assert "6 of 12 messages asked" in shown
        service.book.run(number)
        page = Page(browser.get(f"/recalls/{number}").text).text
    assert "At most 6 of 12 people lost it before they had read it (50 %)." in page
    assert "Not known for 6 messages." in page


@pytest.mark.parametrize(("language", "words"), [("en", "is still there"), ("zh", "仍然存在")])
def test_what_is_not_gone_is_loud_on_the_page_of_its_recall(
    service: Service, world: World, language: str, words: str
) -> None:
    keys = send(service.book, world, 3, users=["ann"])
    number = service.book.run(service.book.plan(campaign="spring", reason="wrong link")).recall_id
    world.change(still_there=keys[:1])
    with looking(service, Role.OPERATOR) as browser:
        browser.headers["accept-language"] = language
        form = Page(browser.get(f"/recalls/{number}").text).form(f"/recalls/{number}/spot-check")
        browser.post(form.action, data=form.fields)
        Settlings.wait(service.app.state.settlings, number)
        answer = browser.get(f"/recalls/{number}").text
    assert 'id="still-there" role="alert"' in answer
    assert Page(answer).text.count(words) >= 2
    assert len(world.calls(READ_STATUS)) == 3


def test_why_asking_ended_early_is_said_and_nothing_is_left_to_ask_later(service: Service, world: World) -> None:
    sent(service, world)
    world.change(permission_missing=True)
    with looking(service, Role.OPERATOR) as browser:
        form = Page(browser.get("/campaign/reads?name=spring").text).form("/campaign/reads?name=spring")
        browser.post(form.action, data={**form.fields, "sample": "4"})
        wait(service, "reads of campaign", "spring")
        assert "What was is kept." in Page(browser.get("/campaign/reads?name=spring").text).text
        nothing = Page(browser.get("/campaign/reads?name=none").text).text
    assert "There is nothing to ask about" in nothing


def test_who_may_not_recall_sees_what_is_known_and_no_button(service: Service, world: World) -> None:
    name = "a & b"
    send(service.book, world, 2, users=["ann"], campaign=name)
    with looking(service, Role.AUDITOR) as browser:
        text = browser.get(f"/campaign/reads?name={quote(name)}").text
        assert "Nobody has asked yet." in Page(text).text
        assert '<form method="post" action="/campaign/reads' not in text
