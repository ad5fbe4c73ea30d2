"""What people do with a correction on its page: write it, see it as others will, confirm it, watch it, agree to it."""

import pytest

from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.api.conftest import ServeLedger, Service
from tests.sending import send

from .test_forms import at_work

PEOPLE = [f"user-{number}" for number in range(5)]
TEXT = {"kind": "sampleText", "text": "The right link\r\n<b>is here</b>", "reason": "the right link"}


def recalled(service: Service, world: World) -> str:
    """Recall one message to some people; return the page of its corrections."""
    send(service.book, world, 1, users=PEOPLE)
    plan = service.book.plan(campaign="spring", reason="wrong link", actor="tester")
    service.book.run(plan, actor="tester", break_glass="nobody answers")
    return f"/recalls/{plan.recall_id}/correction"


def test_a_correction_is_written_seen_confirmed_and_watched(service: Service, world: World) -> None:
    address = recalled(service, world)
    with at_work(service, "wang") as wang:
        assert address in wang.open(address.removesuffix("/correction")).links
        plan = wang.send(wang.open(address), address, **TEXT)
        assert "Send a correction to 5 people" in plan.text
        assert "The right link" in plan.outside
        assert "<b>is here</b>" in plan.outside
        refused = wang.send(plan, f"{address}/run", typed="4")
        assert not service.book.parts.correction_reports.of_recall(1)
        assert "What you typed is not what has to be typed" in refused.text
        assert "Send a correction to 5 people" in refused.text
        assert "The right link" in refused.outside, "nobody types a text twice"
        assert ("input", "the right link") in [(tag, given.get("value")) for tag, given in refused.tags]
        running = wang.send(plan, f"{address}/run", typed="5")
        assert "0 of 5 people got it" in running.text
        assert "5 waiting" in running.text
        service.book.parts.worker().serve_corrections()
        done = wang.open(address)
        assert "5 of 5 people got it" in done.text
        assert "correction of spring (recall 1)" in done.outside
        assert "correction finished" in wang.open("/recalls/1").text
        # A browser ends the lines of a form with CR LF; people are sent lines.
        sent = service.book.parts.correction_reports.of_recall(1)[0]
        assert sent.msg_param == '{"content": "The right link\\n<b>is here</b>"}'
    assert world.received(msg_key="sampleText") == dict.fromkeys(PEOPLE, 1)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"text": ""}, "sampleText needs content"),
        ({"kind": "sampleMarkdown"}, "sampleMarkdown needs title"),
        ({"kind": "other", "msg_key": "sampletext", "msg_param": '{"content": "x"}'}, "did you mean sampleText?"),
        ({"kind": "other", "msg_key": "", "msg_param": "{}"}, "the template is empty"),
    ],
)
def test_what_cannot_be_sent_is_said_beside_the_form_which_keeps_what_was_written(
    service: Service, world: World, fields: dict[str, str], says: str
) -> None:
    address = recalled(service, world)
    with at_work(service, "wang") as wang:
        again = wang.send(wang.open(address), address, **TEXT | fields)
        assert wang.status == 422
        assert says in again.text
        assert ("textarea", {"name": "text", "rows": "5"}) in again.tags
        assert any("the right link" in (given.get("value") or "") for _, given in again.tags)


def test_it_is_paused_resumed_and_stopped(service: Service, world: World) -> None:
    address = recalled(service, world)
    with at_work(service, "wang") as wang:
        page = wang.send(wang.open(address), address, **TEXT)
        page = wang.send(page, f"{address}/run", typed="5")
        page = wang.send(page, f"{address}/pause")
        assert "paused" in page.text
        page = wang.send(page, f"{address}/resume")
        assert "running" in page.text
        page = wang.send(page, f"{address}/cancel")
        assert "5 cancelled" in page.text
        assert "Text" in page.text, "another one can be written"


def test_another_person_sees_what_they_agree_to(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(approval_recipients=3)
    address = recalled(service, world)
    with at_work(service, "wang") as wang, at_work(service, "li", Role.APPROVER) as li:
        page = wang.send(wang.open(address), address, **TEXT)
        page = wang.send(page, f"{address}/run", typed="5")
        assert "It waits for a second person" in page.text
        assert f"{address}/approve" not in [form.action for form in page.forms]
        asked = li.open(address)
        assert "The right link" in asked.outside
        li.send(asked, f"{address}/approve", typed="5")
        service.book.parts.worker().serve_corrections()
        assert "5 of 5 people got it" in li.open(address).text


def test_once_nobody_is_left_to_correct_it_says_so_instead_of_offering_the_form(service: Service, world: World) -> None:
    address = recalled(service, world)
    world.change(unknown_users=frozenset({PEOPLE[0]}))
    with at_work(service, "wang") as wang:
        for left, written in ((5, 4), (1, 1)):
            page = wang.send(wang.open(address), address, **TEXT)
            wang.send(page, f"{address}/run", typed=str(left) if left > 1 else "")
            service.book.parts.worker().serve_corrections()
            page = wang.open(address)
            assert f"{written} of {left}" in page.text
            if left > 1:
                assert "staffId.notExisted: a staffId does not exist" in page.text
                assert address in [form.action for form in page.forms], "one person is left"
            world.change(unknown_users=frozenset())
        assert "Nobody is left to write to. 5 have a correction" in page.text
        assert address not in [form.action for form in page.forms]


def test_why_the_second_person_refused_a_correction_stands_on_its_page(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(approval_recipients=3)
    address = recalled(service, world)
    with at_work(service, "wang") as wang, at_work(service, "li", Role.APPROVER) as li:
        wang.send(wang.send(wang.open(address), address, **TEXT), f"{address}/run", typed="5")
        li.send(li.open(address), f"{address}/refuse", reason="the link is wrong, too")
        page = wang.open(address)
        assert "li refused: the link is wrong, too" in page.text
        assert "0 of 5 people got it" in page.text
        assert address in [form.action for form in page.forms], "another one can be written"


def test_an_auditor_sees_it_and_writes_none(service: Service, world: World) -> None:
    address = recalled(service, world)
    with at_work(service, "auditor", Role.AUDITOR) as auditor:
        page = auditor.open(address)
        assert auditor.status == 200
        assert not [form for form in page.forms if form.action.startswith(address)]


def test_a_text_that_dingtalk_does_not_take_is_to_be_replaced_and_nobody_is_told_to_resume(
    service: Service, world: World
) -> None:
    address = recalled(service, world)
    world.change(unsafe_texts=frozenset({"right"}))
    with at_work(service, "wang") as wang:
        page = wang.send(wang.open(address), address, **TEXT)
        wang.send(page, f"{address}/run", typed="5")
        service.book.parts.worker().serve_corrections()
        page = wang.open(address)
        assert "DingTalk does not take this text. Stop the correction, then correct with another one" in page.text
        assert "then resume" not in page.text
        assert "contain.unsafe.url" in page.text
