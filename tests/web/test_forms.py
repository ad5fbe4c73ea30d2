"""What people do on the pages, without scripts: plan, confirm, run, stop, go on, agree, search, take along."""

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.clock import FakeClock
from ledger.core.access.roles import Role
from ledger.core.recalls.recall import Status
from ledger.simulator import FailedReason, World
from ledger.spool import lines
from ledger.spool.journal import Journal
from tests.api.conftest import ServeLedger, Service
from tests.sending import send
from tests.services.events.telling import tell_of_recall

from .reading import Page


class Person:
    """Somebody at the console: sees pages, and fills in the forms that are on them."""

    def __init__(self, browser: httpx.Client) -> None:
        self._browser = browser
        self.status = 0
        self.path = self.source = ""

    def open(self, path: str) -> Page:
        """Go to a page."""
        return self._read(self._browser.get(path))

    def send(self, page: Page, action: str, *, referer: str | None = None, **fields: Any) -> Page:
        """Fill in a form of a page and send it; from another page than the one it leads back to, say from which."""
        headers = {"Referer": f"{self._browser.base_url}{self.path}" if referer is None else referer}
        return self._read(self._browser.post(action, data={**page.form(action).fields, **fields}, headers=headers))

    def confirm(self, page: Page, action: str, **fields: Any) -> Page:
        """Type the number of messages that a plan names, and send its form."""
        number = re.search(r"Recall ([\d,]+) message", page.text)
        assert number is not None
        return self.send(page, action, typed=number[1], **fields)

    def upload(self, action: str, fields: dict[str, str], files: dict[str, tuple[str, bytes, str]]) -> Page:
        """Send a form with files."""
        return self._read(self._browser.post(action, data=fields, files=files))

    def load(self, path: str) -> httpx.Response:
        """Load a file."""
        return self._browser.get(path)

    def _read(self, answer: httpx.Response) -> Page:
        self.status, self.path, self.source = answer.status_code, answer.url.path, answer.text
        return Page(answer.text)


@contextmanager
def at_work(service: Service, name: str, role: Role = Role.OPERATOR, **options: Any) -> Iterator[Person]:
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    with service.client(headers=headers, follow_redirects=True) as browser:
        browser.post("/sign-in", data={"token": service.token(role, name=name, **options)})
        yield Person(browser)


def planned(person: Person, **fields: str) -> Page:
    page = person.open("/recalls/new")
    return person.send(page, "/recalls", **{"reason": "wrong link", "campaign": "spring", **fields})


def test_a_plan_says_what_it_would_do_and_calls_nothing(service: Service, world: World) -> None:
    send(service.book, world, 45)
    send(service.book, world, 1, campaign="other")
    with at_work(service, "wang") as wang:
        page = planned(wang)
    assert "Recall 45 messages of spring from 45 people" in page.text
    assert "3 calls, about 1 s at the allowed rate" in page.text
    assert "46 of 5,000 calls used; 4,951 left afterwards." in page.text
    assert world.calls() == []


def test_an_enter_too_many_does_not_confirm_a_plan(service: Service, world: World) -> None:
    send(service.book, world, 1)
    with at_work(service, "wang") as wang:
        page = planned(wang)
    buttons = [given for tag, given in page.tags if tag == "button" and "danger" in (given.get("class") or "")]
    assert [given for given in buttons if "autofocus" in given] == []
    assert len(buttons) == 1


def test_one_message_takes_a_button_and_more_the_name_of_the_campaign(service: Service, world: World) -> None:
    send(service.book, world, 1, campaign="one")
    send(service.book, world, 2, campaign="spring")
    with at_work(service, "wang") as wang:
        one = planned(wang, campaign="one")
        number = wang.path
        wang.send(one, f"{number}/run")
        assert service.book.recalls()[0].status is Status.RUNNING
        page = planned(wang)
        number = wang.path
        for typed in ("", "yes", "Spring"):
            refused = wang.send(page, f"{number}/run", typed=typed)
            assert (wang.path, "Nothing was done" in refused.text) == (number, True)
            assert service.book.recalls()[0].status is Status.PLANNED
        wang.send(page, f"{number}/run", typed=" spring ")
        assert service.book.recalls()[0].status is Status.RUNNING


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        ({"campaign": "spring"}, "Recall 2 messages of spring from 2 people"),
        ({"campaign": "", "user": "zhang.san"}, "Recall 1 message that reached zhang.san from 1 person"),
        ({"user": "a\nzhang.san\nb"}, "Recall 1 message of spring that reached a , b and 1 more from 1 person"),
        ({"robot": "dingbot"}, "Recall 2 messages of spring sent by robot dingbot from 2 people"),
        ({"campaign": "", "since": "2026-02-28T00:00"}, "messages sent from 2026-02-28 00:00:00 from"),
    ],
)
def test_the_headline_the_box_and_the_button_name_what_is_recalled(
    service: Service, world: World, selection: dict[str, str], says: str
) -> None:
    send(service.book, world, 1, robot="dingbot", users=["zhang.san"])
    send(service.book, world, 1, robot="dingbot", users=["li.si"])
    with at_work(service, "wang") as wang:
        page = planned(wang, **selection)
    assert page.text.count(says) == 3, page.text


def test_a_long_name_is_cut_in_its_middle_and_what_does_not_print_is_shown(service: Service, world: World) -> None:
    name = "spring-\u202e" + "x" * 120 + "-2026"
    send(service.book, world, 1, campaign=name)
    with at_work(service, "wang") as wang:
        page = planned(wang, campaign=name)
    assert "Recall 1 message of spring-\\u202exxx" in page.text
    assert "xxx…xxx" in page.text
    assert "\u202e" not in page.text


def test_who_is_signed_out_meanwhile_is_led_to_the_sign_in_and_back_to_the_page_of_the_form(
    service: Service, world: World
) -> None:
    send(service.book, world, 1)
    with at_work(service, "wang") as wang:
        page = planned(wang)
        number = wang.path
        wang.send(page, "/sign-out")
        asked = wang.send(page, f"{number}/run", referer=f"{service.url}{number}?only=waiting")
        assert wang.path == "/sign-in"
        assert asked.form("/sign-in").fields["next"] == f"{number}?only=waiting"
        for elsewhere in ("https://elsewhere.example/recalls/1", "//elsewhere.example/", ""):
            asked = wang.send(page, f"{number}/run", referer=elsewhere)
            assert asked.form("/sign-in").fields["next"] == "/"
    assert service.book.recalls()[0].status is Status.PLANNED


def test_a_form_sent_twice_starts_a_recall_once(service: Service, world: World) -> None:
    send(service.book, world, 2)
    with at_work(service, "wang") as wang:
        page = planned(wang)
        number = wang.path
        wang.confirm(page, f"{number}/run")
        again = wang.confirm(page, f"{number}/run")
    assert (wang.path, "no longer in a state" in again.text) == (number, True)
    report = service.book.parts.recall_reports.summary(int(number.rpartition("/")[2]))
    assert [entry["event"] for entry in report.timeline] == ["planned", "started"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"campaign": ""}, "Nothing is selected"),
        ({"reason": " "}, "cannot be used"),
        ({"since": "yesterday"}, "A time cannot be read"),
        ({"user": "u" * 257}, "cannot be used"),
        ({"robot": "\x00"}, "cannot be used"),
    ],
)
def test_what_cannot_be_planned_is_said_beside_the_form_which_keeps_what_was_filled_in(
    service: Service, fields: dict[str, str], says: str
) -> None:
    with at_work(service, "wang") as wang:
        page = planned(wang, **{"key": "a-key", **fields} if "campaign" not in fields else fields)
    assert (wang.status, says in page.text) == (422, True)
    assert [given.get("value") for tag, given in page.tags if given.get("name") == "reason"] == [
        fields.get("reason", "wrong link")
    ]


def test_for_one_person_what_others_have_is_spared_unless_one_says_otherwise(service: Service, world: World) -> None:
    send(service.book, world, 1, users=["zhang.san"])
    send(service.book, world, 2, users=["zhang.san", "li.si", "wang.wu"])
    with at_work(service, "wang") as wang:
        found = wang.open("/people?user=zhang.san")
        assert "/recalls/new?user=zhang.san" in found.links
        assert (
            "2 other people, who got 2 messages together with those you named"
            in planned(wang, campaign="", user="zhang.san").text
        )
        shared = planned(wang, campaign="", user="zhang.san", shared="yes")
        assert "2 other people whom you did not name lose their message as well" in shared.text


def test_what_other_hands_recalled_is_left_out_and_counted_unless_one_says_otherwise(
    service: Service, world: World
) -> None:
    tell_of_recall(service.book, send(service.book, world, 3)[:1])
    with at_work(service, "wang") as wang:
        spared = planned(wang)
        assert "Recall 2 messages of spring" in spared.text
        assert "1 recalled by other hands" in spared.text
        (again,) = [link for link in spared.links if link.startswith("/recalls/new?")]
        wang.confirm(spared, f"{wang.path}/run")
        assert "1 recalled by other hands" in wang.open(wang.path).text
        form = wang.open(again)
        (box,) = [given for tag, given in form.tags if given.get("name") == "elsewhere"]
        assert "checked" in box
        # The two others are in a recall that goes on.
        taken = wang.send(form, "/recalls", reason="to be sure", campaign="spring", elsewhere="yes")
        assert "Recall 1 message of spring" in taken.text
        assert "also recalled by other hands" in taken.text
        assert "1 recalled by other hands" not in taken.text
        again_planned = wang.send(taken, f"{wang.path}/plan-again")
        assert "Recall 1 message of spring" in again_planned.text


def test_nothing_is_planned_for_the_box_of_other_hands_alone(service: Service, world: World) -> None:
    tell_of_recall(service.book, send(service.book, world, 1))
    with at_work(service, "wang") as wang:
        page = planned(wang, campaign="", elsewhere="yes")
        assert wang.status == 422
        (box,) = [given for tag, given in page.tags if given.get("name") == "elsewhere"]
        assert "checked" in box
    assert service.book.recalls() == []


def test_a_plan_leads_to_the_recall_that_holds_its_messages(service: Service, world: World) -> None:
    send(service.book, world, 2)
    with at_work(service, "wang") as wang:
        page = planned(wang)
        holder = wang.path
        wang.confirm(page, f"{holder}/run")
        nothing = planned(wang)
    assert "2 in another recall" in nothing.text
    assert holder in nothing.links
    assert "Nothing of this can be recalled." in nothing.text


def test_a_recall_is_paused_resumed_and_cancelled_by_hand(service: Service, world: World) -> None:
    send(service.book, world, 2)
    with at_work(service, "wang") as wang:
        page = planned(wang, sticky="7200")
        number = wang.path
        running = wang.confirm(page, f"{number}/run")
        paused = wang.send(running, f"{number}/pause")
        assert "wang stopped it. Resume it" in paused.text
        assert "wang stopped it" in wang.open("/").text
        running = wang.send(paused, f"{number}/resume")
        cancelled = wang.send(running, f"{number}/cancel")
        assert "cancelled 2" in cancelled.text
        assert f"{number}/unstick" in [form.action for form in cancelled.forms]
        unstuck = wang.send(cancelled, f"{number}/unstick")
    assert f"{number}/unstick" not in [form.action for form in unstuck.forms]
    entries = service.book.parts.recall_reports.summary(int(number.rpartition("/")[2])).timeline
    assert {entry["actor"] for entry in entries} == {"wang"}


def test_a_large_recall_waits_for_another_person_who_agrees_or_refuses(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(approval_recipients=1)
    send(service.book, world, 2)
    with at_work(service, "wang") as wang, at_work(service, "li") as li:
        asked = planned(wang)
        first = wang.path
        waiting = wang.confirm(asked, f"{first}/run")
        assert "Another operator has to agree" in waiting.text
        assert f"{first}/approve" not in [form.action for form in waiting.forms]
        assert f"Recall {first.rpartition('/')[2]} waits for a second person" in li.open("/").text
        li.confirm(li.open(first), f"{first}/approve")
        assert service.book.recalls()[0].status is Status.RUNNING
        service.book.cancel(service.book.recalls()[0].recall_id)
        wang.confirm(planned(wang), f"{wang.path}/run")
        second = f"/recalls/{service.book.recalls()[0].recall_id}"
        refused = li.send(li.open(second), f"{second}/refuse", reason="this is the right link")
        assert "li refused: this is the right link" in refused.text
        assert service.book.recalls()[0].status is Status.CANCELLED


def test_a_request_whose_messages_another_recall_took_is_planned_again_instead_of_agreed_to(
    serve_ledger: ServeLedger, world: World
) -> None:
    service = serve_ledger(approval_recipients=3)
    keys = send(service.book, world, 5)
    with (
        at_work(service, "wang") as wang,
        at_work(service, "li") as li,
        at_work(service, "chen", Role.APPROVER) as chen,
    ):
        asked = wang.confirm(planned(wang), f"{wang.path}/run")
        first = wang.path
        assert f"{first}/plan-again" not in [form.action for form in asked.forms]
        assert f"{first}/approve" in [form.action for form in chen.open(first).forms]
        number = service.book.run(service.book.plan(keys=keys[:1], reason="at once", actor="zhao")).recall_id
        for person, may in ((wang, True), (li, True), (chen, False)):
            page = person.open(first)
            assert "This cannot run any more" in page.text
            assert f"Recall {number} has taken some of its messages meanwhile." in page.text
            actions = [form.action for form in page.forms if form.action.startswith(first)]
            assert actions == ([f"{first}/plan-again", f"{first}/cancel"] if may else [])
            assert f"{first} cannot".replace("/recalls/", "Recall ") in person.open("/").text
        assert "wang can plan it again" in chen.open(first).text
        assert first not in li.open("/recalls?waits=me").links
        assert first in wang.open("/recalls?waits=me").links
        again = wang.send(wang.open(first), f"{first}/plan-again")
        assert "Ask a second person" in again.text
        assert "4 messages" in again.text
        assert "wrong link" in again.text
        assert service.book.result(int(first.rpartition("/")[2])).status is Status.CANCELLED
        assert "cannot run any more" not in wang.open("/").text


def test_who_cannot_wait_breaks_the_glass_and_everybody_sees_it_until_it_is_reviewed(
    serve_ledger: ServeLedger, world: World
) -> None:
    service = serve_ledger(approval_recipients=1)
    send(service.book, world, 2)
    with at_work(service, "wang") as wang, at_work(service, "li", Role.APPROVER) as li:
        waiting = wang.confirm(planned(wang), f"{wang.path}/run")
        first = wang.path
        assert f"{first}/break-glass" not in [form.action for form in li.open(first).forms]
        # Without a reason nothing runs.
        again = wang.confirm(waiting, f"{first}/break-glass", reason=" ")
        assert "cannot be used" in again.text
        assert service.book.recalls()[0].status is Status.PLANNED
        running = wang.confirm(wang.open(first), f"{first}/break-glass", reason="nobody answers")
        assert "wang ran this without a second person: nobody answers" in running.text
        assert f"{first}/review" not in [form.action for form in running.forms]
        assert "ran without a second person: review it" in wang.open("/").text
        reviewed = li.send(li.open(first), f"{first}/review", reason="it was right")
        assert "li reviewed it: it was right" in reviewed.text
        assert f"{first}/review" not in [form.action for form in reviewed.forms]
        assert "without a second person" not in li.open("/").text


def test_a_report_groups_the_reasons_and_can_be_taken_along(service: Service, world: World) -> None:
    keys = send(service.book, world, 60)
    world.change(failed_reasons={key: FailedReason(reason="not yours") for key in keys[:3]})
    recall_id = service.book.run(service.book.plan(campaign="spring", reason="wrong link")).recall_id
    with at_work(service, "ann", Role.AUDITOR) as ann:
        page = ann.open(f"/recalls/{recall_id}")
        assert "57 of 60 recalled" in page.text
        assert "3 refused the recall was refused DingTalk did not recall it. DingTalk said: not yours" in page.text
        for_excel = ann.load(f"/recalls/{recall_id}/items.csv")
        assert for_excel.content.startswith(b"\xef\xbb\xbfprocess_query_key,")
        table = list(csv.DictReader(io.StringIO(for_excel.content.decode("utf-8-sig"), newline="")))
        assert ann.load(f"/recalls/{recall_id}/items.csv?raw=true").text.startswith("process_query_key,")
        people = ann.load(f"/recalls/{recall_id}/items.csv?raw=true&per_person=true").text
        report = ann.load(f"/recalls/{recall_id}/report.json").json()
        refused = ann.open(f"/recalls/{recall_id}?only=refused")
    assert sorted(row["process_query_key"].removeprefix("'") for row in table) == sorted(keys)
    assert {row["recall_reason"] for row in table} == {"wrong link"}
    assert people.splitlines()[0].endswith(",user")
    assert sorted(item["process_query_key"] for item in report["items"]) == sorted(keys)
    assert (report["recall_id"], report["selection"], report["refused"]) == (recall_id, {"campaign": "spring"}, 3)
    assert refused.text.count("not yours") == 4


def test_the_history_is_searched_and_every_part_of_it_comes_once(service: Service, world: World) -> None:
    book = service.book
    keys = send(book, world, 120)
    book.run(book.plan(campaign="spring", reason="wrong link", actor="wang"))
    with at_work(service, "ann", Role.AUDITOR) as ann:
        seen: list[str] = []
        address = "/history?campaign=spring&actor=wang"
        while address:
            part = ann.open(address)
            seen += [text for text in part.outside if text in keys]
            following = [given["href"] for tag, given in part.tags if tag == "a" and given.get("rel") == "next"]
            # What ends meanwhile comes before what was seen, and moves nothing.
            send(book, world, 1, campaign="later")
            book.run(book.plan(campaign="later", reason="wrong link", actor="wang"))
            address = following[0] or "" if following else ""
        assert sorted(seen) == sorted(keys)
        for nothing in ("actor=li", "outcome=refused", "user=nobody", "key=no", "robot=no", "since=2026-03-02T00:00"):
            assert "Nothing fits" in ann.open(f"/history?campaign=spring&{nothing}").text, nothing
        assert "Nothing fits" in ann.open("/history?recalled_since=2026-03-02T00:00").text
        assert (
            "is not after" in ann.open("/history?recalled_since=2026-03-02T00:00&recalled_until=2026-03-01T00:00").text
        )
        assert ann.status == 422
        page = ann.open("/history?campaign=spring&until=2026-03-01T20:00&recalled_since=2026-02-28T00:00")
        excel, people, lines = (
            ann.load(link).content.decode("utf-8-sig") for link in page.links if link.startswith("/v1/history")
        )
    rows = list(csv.DictReader(io.StringIO(excel, newline="")))
    assert sorted(row["process_query_key"].removeprefix("'") for row in rows) == sorted(keys)
    users = {row["user"] for row in csv.DictReader(io.StringIO(people, newline=""))}
    assert users == {user for item in book.history(campaign="spring") for user in item.recipients}
    assert sorted(json.loads(line)["process_query_key"] for line in lines.splitlines()) == sorted(keys)


def test_the_history_says_what_it_does_not_list_where_somebody_looks_for_it(service: Service, world: World) -> None:
    send(service.book, world, 2)
    send(service.book, world, 1, campaign="summer")
    service.book.cancel(service.book.plan(campaign="spring", reason="typo", actor="wang").recall_id)
    started = service.book.plan(campaign="summer", reason="typo", actor="wang").recall_id
    service.book.parts.lifecycle.start(started)
    service.book.cancel(started)
    said = "refused or cancelled before it began are not listed here"
    with at_work(service, "ann", Role.AUDITOR) as ann:
        page = ann.open("/history?outcome=cancelled")
        assert (said in page.text, f"/recalls/{started}" in page.links) == (True, True)
        assert "/recalls?status=cancelled" in page.links
        assert said in ann.open("/history?campaign=spring").text
        assert said not in ann.open("/history").text


def test_why_another_recall_is_paused_is_told_with_its_time_and_what_the_ledger_counts(
    service: Service, world: World
) -> None:
    send(service.book, world, 1, campaign="earlier")
    send(service.book, world, 2)
    world.change(monthly_quota=0)
    earlier = service.book.run(service.book.plan(campaign="earlier", reason="typo", actor="wang")).recall_id
    with at_work(service, "wang") as wang:
        page = planned(wang)
        assert re.search(
            rf"Recall {earlier} was paused at 2026-03-01 [\d:]+ ?: The organisation's monthly quota", page.text
        )
        assert re.search(r"The ledger counts 4,99\d calls left of the month.", page.text)


def test_the_timeline_of_a_recall_says_why_it_was_paused_also_later(service: Service, world: World) -> None:
    book = service.book
    send(book, world, 1)
    world.change(permission_missing=True)
    number = book.run(book.plan(campaign="spring", reason="wrong link")).recall_id
    world.change(permission_missing=False)
    book.resume(number)
    with at_work(service, "ann", Role.AUDITOR) as ann:
        page = ann.open(f"/recalls/{number}")
        (paused,) = [one for one in ann.load(f"/v1/recalls/{number}").json()["timeline"] if one["event"] == "paused"]
    assert "The app lacks a permission" in page.text
    assert "the app lacks a permission" in page.text
    assert (paused["actor"], paused["cause"]["code"]) == ("the ledger", "permission")


def test_recalls_are_searched_and_taken_along(service: Service, world: World) -> None:
    for campaign, actor in (("spring", "wang"), ("autumn", "li")):
        send(service.book, world, 1, campaign=campaign)
        service.book.run(service.book.plan(campaign=campaign, reason=f"{campaign} is wrong", actor=actor))
    with at_work(service, "ann", Role.AUDITOR) as ann:
        assert {"spring is wrong", "autumn is wrong"} <= set(ann.open("/recalls").outside)
        for fits in ("actor=li", "campaign=autumn", "campaign=autumn&recalled_since=2026-02-28T00:00&status=finished"):
            page = ann.open(f"/recalls?{fits}")
            assert ("autumn is wrong" in page.text, "spring is wrong" in page.text) == (True, False), fits
            (download,) = [link for link in page.links if link.startswith("/v1/recalls")]
            (row,) = csv.DictReader(io.StringIO(ann.load(download).content.decode("utf-8-sig"), newline=""))
            assert (row["actor"], row["reason"]) == ("li", "autumn is wrong")
        for nothing in ("actor=nobody", "recalled_since=2026-03-02T00:00", "actor=li&status=paused"):
            assert "There is no such recall" in ann.open(f"/recalls?{nothing}").text, nothing
        ann.open("/recalls?recalled_since=soon")
        assert ann.status == 422


def test_a_token_for_some_robots_shows_and_touches_those_alone(service: Service, world: World) -> None:
    send(service.book, world, 2, campaign="mine", robot="robot-1")
    send(service.book, world, 2, campaign="theirs", robot="robot-2")
    theirs = service.book.plan(campaign="theirs", reason="wrong link").recall_id
    with at_work(service, "wang", robots=("robot-1",)) as wang:
        now = wang.open("/")
        assert ("mine" in now.text, "theirs" in now.text) == (True, False)
        assert "holds no message of this campaign" in wang.open("/campaign?name=theirs").text
        wang.open(f"/recalls/{theirs}")
        assert wang.status == 403
        planned(wang, campaign="", robot="robot-2")
        assert wang.status == 403


def test_health_shows_what_the_doctor_found_without_secrets(service: Service, world: World) -> None:
    send(service.book, world, 1)
    with at_work(service, "wang") as wang:
        before = wang.open("/health")
        assert "No worker is at work" in before.text
        after = wang.send(before, "/health")
    assert "Credentials" in after.text
    assert "a-long-secret-of-the-app" not in after.text


def test_health_names_messages_without_an_app_and_what_lies_in_a_folder_of_need(
    serve_ledger: ServeLedger, world: World, tmp_path: Path
) -> None:
    app = {"robots": ["robot-1"], "app_key": "dingapp", "app_secret": "a-long-secret-of-the-app"}
    service = serve_ledger(apps={"mail": app}, app_key=None, spool_fallback_dir=tmp_path / "second")
    send(service.book, world, 2, robot="a stranger")
    # What lies there is of a process that lives: nobody takes it in under the eyes of the test.
    journal = Journal(service.book.parts.settings.spool_folders[1])
    journal.add(lines.void("x"))
    with at_work(service, "wang") as wang:
        page = wang.open("/health")
    assert "2 messages cannot be recalled: no app is configured for their robots." in page.text
    assert f"The spool could not be written, so some of it lies in a spare folder: {tmp_path / 'second'}" in page.text


def test_an_error_of_the_database_is_a_page_in_the_words_of_the_viewer(serve_ledger: ServeLedger) -> None:
    service = serve_ledger(database_patience_seconds=0)
    with service.client(headers={"Accept": "text/html", "Accept-Language": "zh"}) as browser:
        assert browser.get("/recalls/77").status_code == 404
        page = Page(browser.get("/recalls/77").text)
        assert "没有这个撤回任务。长期未执行的计划会被自动删除。" in page.own
        as_problem = browser.get("/recalls/77", headers={"Accept": "application/json"})
    assert as_problem.json()["code"] == "unknown_recall"


def test_a_plan_says_how_long_it_can_be_run_and_is_made_again_with_one_button(
    service: Service, world: World, clock: FakeClock
) -> None:
    send(service.book, world, 2, users=["zhang.san", "li.si"])
    with at_work(service, "wang") as wang:
        page = planned(wang, campaign="", user="zhang.san", shared="yes", sticky="7200")
        first = wang.path
        assert "This plan can be run for 15 min 0 s more." in page.text
        clock.advance(timedelta(minutes=16))
        over = wang.open(first)
        assert "This plan is too old." in over.text
        assert f"{first}/run" not in [form.action for form in over.forms]
        again = wang.send(over, f"{first}/plan-again")
        assert wang.path != first
        assert "Recall 2 messages that reached zhang.san from 2 people" in again.text
        assert "is recalled too until 2026-03-01 14:16:00" in again.text, "two hours were wanted"
        wang.confirm(again, f"{wang.path}/run")
    result = service.book.recalls()[0]
    assert (result.status, result.reason, result.actor) == (Status.RUNNING, "wrong link", "wang")


def test_what_would_stop_a_plan_stands_beside_its_button(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(monthly_calls=1, approval_recipients=1)
    send(service.book, world, 21)
    with at_work(service, "wang") as wang:
        page = planned(wang)
    for says in ("another operator has to agree", "quota does not cover it", "No worker is at work"):
        assert says in page.text


def test_a_campaign_that_looks_like_the_one_that_is_meant_stands_beside_the_button(
    service: Service, world: World
) -> None:
    send(service.book, world, 1)
    send(service.book, world, 1, campaign="Spring")
    token = service.book.parts.service_tokens.create(
        "bound", Role.OPERATOR, campaigns=("spring",), actor="tester"
    ).secret
    with at_work(service, "wang") as wang:
        page = planned(wang)
    assert "Another campaign, not touched by this recall: Spring differs in upper and lower case" in page.text
    # Who may not know of the other one is not told.
    with service.client(token) as bound:
        plan = bound.post("/v1/recalls", json={"campaign": "spring", "reason": "wrong link"}).json()
    assert plan["look_alikes"] == []


def test_a_plan_can_be_set_for_a_moment_in_the_viewers_zone_and_dropped_until_then(
    service: Service, world: World
) -> None:
    send(service.book, world, 3)
    with at_work(service, "wang") as wang:
        page = planned(wang)
        refused = wang.send(page, "/recalls/1/schedule", typed="3", at="2026-03-03T10:00:00")
        assert "is too late: the first of these messages" in refused.text
        waiting = wang.send(page, "/recalls/1/schedule", typed="3", at="2026-03-01T15:00:00")
        assert "It starts at 2026-03-01 15:00" in waiting.text
        assert "set for later 2026-03-01 15:00" in waiting.text
        assert "Check the plan and confirm" not in waiting.text
        assert "Drop this plan" not in waiting.text
        assert "Cancel it" in waiting.text
        assert "/recalls/1/plan-again" not in [form.action for form in waiting.forms]
        assert service.book.recalls()[0].scheduled_at == datetime(2026, 3, 1, 15, tzinfo=UTC)
        assert "set for later" in wang.open("/recalls").text
        wang.send(waiting, "/recalls/1/cancel")
    assert service.book.recalls()[0].status is Status.CANCELLED
    assert world.calls() == []


def test_what_waits_already_is_said_of_a_plan_and_marked_beside_its_campaign(
    serve_ledger: ServeLedger, world: World
) -> None:
    service = serve_ledger(approval_recipients=2)
    send(service.book, world, 3)
    send(service.book, world, 2, campaign="summer")
    with at_work(service, "wang") as wang:
        wang.confirm(planned(wang), f"{wang.path}/run")
        page = planned(wang, campaign="summer")
        wang.send(page, f"{wang.path}/schedule", typed="2", at="2026-03-01T15:00:00")
        assert "Recall 1 of 3 of the same messages waits for a second person." in planned(wang).text
        assert "/recalls/1" in wang.open(wang.path).links
        again = planned(wang, campaign="summer").text
        assert "Recall 2 of 2 of the same messages is set for 2026-03-01 15:00" in again
        assert "Recall 1" not in again
        for address in ("/", "/campaign?name=spring"):
            assert "Recall 1 waits for a second person" in wang.open(address).text
        assert "Recall 2 set for later 2026-03-01 15:00" in wang.open("/campaign?name=summer").text
        wang.open("/")
        (row,) = re.findall(r"<tr class[^>]*>(?:(?!<tr).)*?name=summer.*?</tr>", wang.source, re.DOTALL)
        assert 'href="/recalls/2"' in row


def test_what_is_set_for_later_and_nobody_has_agreed_to_runs_only_if_somebody_does(
    serve_ledger: ServeLedger, world: World
) -> None:
    service = serve_ledger(approval_recipients=2)
    send(service.book, world, 3)
    with at_work(service, "wang") as wang, at_work(service, "li") as li:
        waiting = wang.send(planned(wang), "/recalls/1/schedule", typed="3", at="2026-03-01T15:00:00")
        for text in (waiting.text, wang.open("/").text):
            assert "It runs then only if somebody agrees before." in text
            assert "It runs in" not in text
        assert "Cancel it" in waiting.text
        agreed = li.confirm(li.open("/recalls/1"), "/recalls/1/approve")
        assert "It starts at 2026-03-01 15:00" in agreed.text
        assert "/recalls/1/approve" not in [form.action for form in agreed.forms]
        assert "only if somebody agrees" not in agreed.text + li.open("/").text


def test_several_campaigns_and_those_that_begin_so_are_planned_and_listed(service: Service, world: World) -> None:
    for campaign in ("spring-a", "spring-b", "summer", "cold*", "cold-and-windy"):
        send(service.book, world, 1, campaign=campaign)
    with at_work(service, "wang") as wang:
        page = planned(wang, campaign="spring-*\r\nsummer\r\ncold\\*")
        assert "3 messages" not in page.text
        for name in ("spring-a 1 message", "spring-b 1 message", "summer 1 message", "cold* 1 message"):
            assert name in page.text
        assert "cold-and-windy" not in page.text
        link = next(one for one in wang.open("/campaign?name=cold*").links if one.startswith("/recalls/new?"))
        assert link == "/recalls/new?campaign=cold%5C%2A"
        one = wang.send(wang.open(link), "/recalls", reason="wrong link", campaign="cold\\*")
        assert "Recall 1 message" in one.text
        assert "cold-and-windy" not in one.text


def test_messages_without_a_campaign_and_of_one_program_are_planned(service: Service, world: World) -> None:
    send(service.book, world, 2, campaign=None)
    send(service.book, world, 1)
    with at_work(service, "wang") as wang:
        assert "2 messages" in planned(wang, campaign="", untagged="yes").text
        assert "would be recalled" not in planned(wang, campaign="", source="nobody").text
        assert planned(wang, campaign="spring", untagged="yes").text.count("exclude each other") == 1


def test_a_file_of_keys_is_planned_by_the_rules_of_the_command(service: Service, world: World) -> None:
    keys = send(service.book, world, 3)
    with at_work(service, "wang") as wang:
        page = wang.open("/recalls/new")

        def uploaded(content: bytes, **fields: str) -> Page:
            given = {**page.form("/recalls").fields, "reason": "wrong link", **fields}
            return wang.upload("/recalls", given, {"keys_file": ("keys.txt", content, "text/plain")})

        assert "Recall 3 messages" in uploaded(f"\ufeff{keys[0]}\r\n\r\n {keys[1]} \n".encode(), key=keys[2]).text
        assert "is not UTF-8 text" in uploaded(b"\xff\xfe").text
        assert "holds no key" in uploaded(b" \n").text
        many = "\n".join(f"key-{number}" for number in range(200_001)).encode()
        assert "200,000 fit at once" in uploaded(many).text
        before = len(service.book.recalls())
        uploaded(many, form_key="")
        assert len(service.book.recalls()) == before


def test_where_it_is_kept_plan_and_campaign_show_what_their_messages_say(
    serve_ledger: ServeLedger, world: World
) -> None:
    service = serve_ledger(keep_excerpt=True)
    send(service.book, world, 1, campaign="other")
    row = {"processQueryKey": "k", "robotCode": "robot-1", "campaign": "spring", "excerpt": "<b>Spring</b> sale"}
    service.book.record_many([{**row, "sentAt": service.book.parts.clock.now(), "userIds": ["ann"]}])
    with at_work(service, "wang") as wang:
        assert "Says <b>Spring</b> sale 1 message" in planned(wang).text
        campaign = wang.open("/campaign?name=spring")
        assert campaign.text.count("<b>Spring</b> sale") == 2
        assert "Says" not in wang.open("/campaign?name=other").text
        lines = wang.load("/v1/campaigns").json()
        messages = wang.load("/v1/messages?campaign=spring").json()["items"]
    assert {line["campaign"]: line["excerpt"] for line in lines} == {"spring": "<b>Spring</b> sale", "other": None}
    assert [message["excerpt"] for message in messages] == ["<b>Spring</b> sale"]


def test_who_is_asked_is_not_told_twice_that_a_second_person_has_to_agree(
    serve_ledger: ServeLedger, world: World
) -> None:
    service = serve_ledger(approval_recipients=1)
    send(service.book, world, 3)
    with at_work(service, "wang") as wang:
        page = planned(wang)
        assert "larger than one person may start alone" in page.text
        asked = wang.confirm(page, f"{wang.path}/run")
    assert "A second person has to agree" in asked.text
    assert "larger than one person may start alone" not in asked.text


def test_a_campaign_that_is_being_recalled_leads_to_its_recall(service: Service, world: World) -> None:
    send(service.book, world, 2)
    with at_work(service, "wang") as wang:
        page = planned(wang)
        wang.confirm(page, f"{wang.path}/run")
        board = wang.open("/")
    (row,) = re.findall(r"<tr class.*?</tr>", wang.source, re.DOTALL)
    assert 'href="/recalls/1"' in row
    assert "Recall 1" in board.text


def test_what_ended_without_a_question_is_in_our_own_words_and_not_in_those_of_dingtalk(
    service: Service, world: World
) -> None:
    send(service.book, world, 2)
    with at_work(service, "wang") as wang:
        page = planned(wang)
        wang.confirm(page, f"{wang.path}/run")
        service.book.cancel(1, actor="wang")
        for path in ("/recalls/1", "/history"):
            page = wang.open(path)
            assert "The recall was stopped before its turn." in page.text
            assert "DingTalk said" not in page.text


def test_a_paused_recall_whose_first_message_is_lost_counts_nothing_down(
    service: Service, world: World, clock: FakeClock
) -> None:
    send(service.book, world, 2, sent_ago=timedelta(hours=23, minutes=50))
    with at_work(service, "wang") as wang:
        page = planned(wang)
        page = wang.confirm(page, f"{wang.path}/run")
        wang.send(page, "/recalls/1/pause")
        assert "until the first of 2 waiting messages can no longer be recalled" in wang.open("/recalls/1").text
        clock.advance(timedelta(minutes=11))
        page = wang.open("/recalls/1")
    assert "Of the 2 messages that wait, the first can no longer be recalled." in page.text
    assert "until the first" not in page.text


@pytest.mark.parametrize("field", ["stop_sending", "at", "why"])
def test_what_was_filled_in_beside_a_plan_is_kept_when_it_could_not_be_done(
    serve_ledger: ServeLedger, world: World, field: str
) -> None:
    service = serve_ledger(approval_recipients=1 if field == "why" else None)
    send(service.book, world, 3)
    with at_work(service, "wang") as wang:
        page = planned(wang)
        address = wang.path
        action, given = {
            "stop_sending": ("run", {"stop_sending": "1"}),
            "at": ("schedule", {"at": "2026-03-01T13:00:00"}),
            "why": ("break-glass", {"reason": "it spreads"}),
        }[field]
        if field == "why":
            page = wang.confirm(page, f"{address}/run")
        refused = wang.send(page, f"{address}/{action}", typed="nonsense", **given)
        pages = [refused]
        if field != "why":
            again = next(form.action for form in refused.forms if "/plan-again" in form.action)
            pages.append(wang.send(refused, again))
            assert wang.path != address
    for page in pages:
        fields = [attributes for tag, attributes in page.tags if tag == "input"]
        assert not [one for one in fields if one.get("name") == "typed" and one.get("value")]
        if field == "stop_sending":
            assert [one for one in fields if one.get("name") == "stop_sending" and "checked" in one]
        else:
            wanted = next(iter(given.values()))
            assert [one for one in fields if one.get("value") == wanted]


def test_a_correction_or_what_else_waits_for_somebody_is_seen_on_the_first_page_and_on_its_recall(
    serve_ledger: ServeLedger, world: World
) -> None:
    service = serve_ledger(approval_recipients=2)
    send(service.book, world, 1, users=["ann", "bob", "cid"])
    service.book.run(service.book.plan(campaign="spring", reason="r", actor="li"), actor="li", break_glass="alone")
    with at_work(service, "wang") as wang:
        correct = "/recalls/1/correction"
        page = wang.send(wang.open(correct), correct, text="right", reason="right")
        wang.send(page, f"{correct}/run", typed="3")
        for path in ("/", "/recalls/1"):
            page = wang.open(path)
            assert "The correction of recall 1 waits for a second person" in page.text
            assert correct in page.links


def test_a_plan_of_a_correction_that_is_over_says_so_and_its_text_can_be_planned_again(
    service: Service, world: World, clock: FakeClock
) -> None:
    send(service.book, world, 1, users=["ann", "bob"])
    service.book.run(service.book.plan(campaign="spring", reason="r", actor="li"), actor="li")
    with at_work(service, "wang") as wang:
        correct = "/recalls/1/correction"
        wang.send(wang.open(correct), correct, text="the right one", reason="right")
        clock.advance(timedelta(minutes=16))
        page = wang.open(f"{correct}?plan=1")
        assert "This plan is too old." in page.text
        assert f"{correct}/run" not in [form.action for form in page.forms]
        assert "the right one" in page.outside
        again = wang.send(page, correct, text="the right one", reason="right")
        assert f"{correct}/run" in [form.action for form in again.forms]
