"""Asking again from the page of a recall: two ways with their prices, and what no ask can change said apart."""

from ledger.core.access.roles import Role
from ledger.entrypoints.web.settlings import Settlings
from ledger.simulator import FailedReason, World
from tests.api.conftest import Service
from tests.sending import send

from .reading import Page
from .test_pages import looking


def half_done(service: Service, world: World) -> int:
    """A recall of six: two unknown although they are gone, one refused for good, one for now."""
    keys = send(service.book, world, 6)
    refused = {keys[2]: FailedReason(reason="not.allowed.robotCode"), keys[3]: FailedReason(reason="busy", times=1)}
    world.change(silent_keys=keys[:2], silent_keys_are_recalled=True, failed_reasons=refused)
    recall_id = service.book.run(service.book.plan(campaign="spring", reason="wrong link")).recall_id
    world.change(silent_keys=[])
    return recall_id


def test_both_ways_name_their_price_and_what_cannot_work_stands_apart(service: Service, world: World) -> None:
    recall_id = half_done(service, world)
    with looking(service, Role.OPERATOR) as browser:
        page = Page(browser.get(f"/recalls/{recall_id}").text)
    assert "Settle 2 messages by their read status: 2 calls" in page.text
    assert "Ask again for 3 messages: 1 call" in page.text
    assert "1 was refused for good" in page.text
    with looking(service, Role.AUDITOR) as browser:
        text = browser.get(f"/recalls/{recall_id}").text
    assert "/settle" not in text
    assert "1 was refused for good" in Page(text).text


def test_settling_asks_for_read_statuses_alone_and_the_page_shows_what_became_clear(
    service: Service, world: World
) -> None:
    recall_id = half_done(service, world)
    asked = sum(call.path.endswith("batchRecall") for call in world.calls())
    with looking(service, Role.OPERATOR) as browser:
        form = Page(browser.get(f"/recalls/{recall_id}").text).form(f"/recalls/{recall_id}/settle")
        assert browser.post(form.action, data=form.fields).status_code == 200
        Settlings.wait(service.app.state.settlings, recall_id)
        page = Page(browser.get(f"/recalls/{recall_id}").text)
    assert "4 of 6 recalled" in page.text
    assert "by their read status" not in page.text
    assert "settled by read status" in page.text
    assert sum(call.path.endswith("batchRecall") for call in world.calls()) == asked
    assert sum(call.path.endswith("readStatus") for call in world.calls()) == 2


def test_why_settling_ended_early_is_said(service: Service, world: World) -> None:
    recall_id = half_done(service, world)
    world.change(permission_missing=True)
    with looking(service, Role.OPERATOR) as browser:
        form = Page(browser.get(f"/recalls/{recall_id}").text).form(f"/recalls/{recall_id}/settle")
        browser.post(form.action, data=form.fields)
        Settlings.wait(service.app.state.settlings, recall_id)
        page = Page(browser.get(f"/recalls/{recall_id}").text)
    assert "Not everything could be settled." in page.text
    assert "Settle 2 messages" in page.text
