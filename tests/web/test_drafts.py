"""What somebody typed whose session was over is given back once they have signed in again, without any script."""

import re

from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.api.conftest import Service
from tests.sending import send

from .reading import Page
from .test_pages import looking

TYPED = {"reason": "a wrong <link>", "campaign": "spring", "user": "ann\nbob", "sticky": "1800"}


def test_a_form_that_was_sent_too_late_comes_back_filled_in_and_nothing_was_done(
    service: Service, world: World
) -> None:
    send(service.book, world, 2, users=["ann", "bob"])
    token = service.token(Role.OPERATOR, name="wang")
    page = {"Referer": f"{service.url}/recalls/new?campaign=spring", "Origin": service.url}
    with looking(service, Role.OPERATOR) as browser:
        form_key = Page(browser.get("/recalls/new").text).form("/recalls").fields["form_key"]
        browser.cookies.clear()
        late = browser.post("/recalls", data={**TYPED, "form_key": form_key}, headers=page)
        assert late.status_code == 401
        assert "What you typed is kept" in late.text
        assert form_key not in late.text
        asked = Page(late.text).form("/sign-in")
        # A wrong token loses nothing either.
        wrong = browser.post("/sign-in", data={**asked.fields, "token": "no such token"})
        assert wrong.status_code == 401
        again = browser.post("/sign-in", data={**Page(wrong.text).form("/sign-in").fields, "token": token})
        assert again.url.path == "/recalls/new"
        assert 'name="reason" value="a wrong &lt;link&gt;"' in again.text
        assert ">ann\nbob</textarea>" in again.text
        assert ">spring</textarea>" in again.text
        assert '<option value="1800" selected>' in again.text
        assert service.book.recalls() == []
        made = browser.post("/recalls", data=TYPED | Page(again.text).form("/recalls").fields)
        assert re.fullmatch(r"/recalls/\d+", made.url.path)
    assert token not in again.text
    assert len(service.book.recalls()) == 1


def test_what_was_typed_elsewhere_is_shown_to_be_typed_again_and_what_confirms_is_not_kept(
    service: Service, world: World
) -> None:
    send(service.book, world, 2)
    recall_id = service.book.plan(campaign="spring", reason="wrong link", actor="li").recall_id
    token = service.token(Role.APPROVER, name="wang")
    with looking(service, Role.ADMIN) as browser:
        browser.cookies.clear()
        page = {"Referer": f"{service.url}/recalls/{recall_id}", "Origin": service.url}
        sent = {"typed": "spring", "reason": "nobody <else> answers"}
        late = browser.post(f"/recalls/{recall_id}/break-glass", data=sent, headers=page)
        again = browser.post("/sign-in", data={**Page(late.text).form("/sign-in").fields, "token": token})
        assert again.url.path == f"/recalls/{recall_id}"
        shown = again.text.partition('id="draft"')[2].partition("</div>")[0]
        assert "nobody &lt;else&gt; answers" in shown
        assert "spring" not in shown
    assert service.book.show(recall_id).result.status == "planned"


def test_where_the_browser_keeps_it_or_nothing_was_typed_the_sign_in_is_asked_for_as_ever(service: Service) -> None:
    service.token(Role.OPERATOR)
    with service.client(headers={"Accept": "text/html", "Origin": service.url}) as browser:
        for fields in ({"reason": "x", "kept_there": "yes"}, {"form_key": "x"}):
            answer = browser.post("/recalls", data=fields)
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")
