"""People in the console: who lost it, who still has it, who never got it, of a recall and of a campaign."""

import csv
import io

from python_calamine import CalamineWorkbook

from ledger.core.access.roles import Role
from ledger.simulator import FailedReason, World
from tests.api.conftest import Service
from tests.sending import send

from .reading import Page
from .test_pages import looking

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def recalled(service: Service, world: World) -> str:
    """Return the address of a recall of two messages, of which one was refused: bob still has it."""
    send(service.book, world, 1, users=["ann", "bob"])
    (refused,) = send(service.book, world, 1, users=["bob"])
    world.change(failed_reasons={refused: FailedReason(reason="no")})
    return f"/recalls/{service.book.run(service.book.plan(campaign='spring', reason='wrong link')).recall_id}"


def test_a_finished_recall_says_whether_everybody_lost_it_and_leads_to_each_person(
    service: Service, world: World
) -> None:
    recall = recalled(service, world)
    with looking(service, Role.AUDITOR) as browser:
        page = Page(browser.get(recall).text)
        assert "1 of 2 people lost it. 1 still has it: bob ." in page.text
        assert f"{recall}/people" in page.links
        people = Page(browser.get(f"{recall}/people").text)
        assert "1 of 2 people lost it. 1 still has it: bob ." in people.text
        # Who still has it is looked for first.
        assert "bob still has it 2 1 1 0 0 ann lost it 1 1 0 0 0" in people.text
        assert recall in people.links
        left = Page(browser.get(f"{recall}/people?only=left").text)
        assert "bob still has it 2 1 1 0 0" in left.text
        assert "ann lost it" not in left.text
        world.change(failed_reasons={})
        service.book.retry(1)
        assert "All 2 people lost it." in Page(browser.get(f"{recall}/people").text).text


def test_a_campaign_has_its_people_beside_its_messages(service: Service, world: World) -> None:
    send(service.book, world, 3, users=["ann"])
    with looking(service, Role.AUDITOR) as browser:
        assert "/campaign/people?name=spring" in Page(browser.get("/campaign?name=spring").text).links
        people = Page(browser.get("/campaign/people?name=spring").text)
        assert "0 of 1 person lost it. 1 still has it: ann ." in people.text
        assert "ann still has it 3 0 3 0 0" in people.text


def test_people_are_taken_along_as_csv_and_as_a_workbook(service: Service, world: World) -> None:
    recall = recalled(service, world)
    with looking(service, Role.AUDITOR) as browser:
        for base, query in ((f"{recall}/people", "only=left"), ("/campaign/people", "name=spring&only=left")):
            answer = browser.get(f"{base}.csv?{query}")
            rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
            assert [row[0] for row in rows] == ["user", "bob"]
            answer = browser.get(f"{base}.xlsx?{query}")
            assert answer.headers["content-type"] == EXCEL
            book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
            assert [row[0] for row in book.get_sheet_by_index(0).to_python()] == ["user", "bob"]


def test_many_people_come_page_by_page_each_once(service: Service, world: World) -> None:
    users = [f"user-{number:03}" for number in range(120)]
    for start in range(0, 120, 20):
        send(service.book, world, 1, users=users[start : start + 20])
    plan = service.book.plan(campaign="spring", reason="wrong link").recall_id
    with looking(service, Role.AUDITOR) as browser:
        for address in (f"/recalls/{plan}/people", "/campaign/people?name=spring"):
            found, following = list[str](), [address]
            while following:
                page = Page(browser.get(following[0]).text)
                found += [one.partition("=")[2] for one in page.links if one.startswith("/people?user=user-")][3:]
                following = [one for one in page.links if "cursor=" in one]
            assert found == users


def test_what_only_one_person_got_is_apart_from_what_others_got_too_each_with_its_count_and_button(
    service: Service, world: World
) -> None:
    send(service.book, world, 2, users=["ann"])
    send(service.book, world, 3, users=["ann", "bob"])
    (recalled,) = send(service.book, world, 1, users=["ann"])
    service.book.run(service.book.plan(keys=[recalled], reason="over"))
    with looking(service, Role.OPERATOR) as browser:
        page = Page(browser.get("/people?user=ann").text)
        assert page.text.index("2 messages to nobody else") < page.text.index("3 messages shared with others")
        assert {"/recalls/new?user=ann", "/recalls/new?user=ann&shared=yes"} <= set(page.links)
        shared = browser.get("/people?user=ann&group=shared").text
        assert "3 messages shared" in Page(shared).text
        assert "to nobody else" not in Page(shared).text
        for address, is_shared in (("/recalls/new?user=ann", False), ("/recalls/new?user=ann&shared=yes", True)):
            boxes = [one for tag, one in Page(browser.get(address).text).tags if one.get("name") == "shared"]
            assert ["checked" in box for box in boxes] == [is_shared]


def test_a_name_that_there_is_not_leads_to_those_that_are_near(service: Service, world: World) -> None:
    send(service.book, world, 1, campaign="spring-promo", users=["zhang.san"])
    with looking(service, Role.OPERATOR) as browser:
        person = Page(browser.get("/people?user=zhangsan").text)
        assert "Nothing reached zhangsan lately. Did you mean: zhang.san" in person.text
        assert "/people?user=zhang.san" in person.links
        campaign = Page(browser.get("/campaign?name=sprng-promo").text)
        assert "no message of a campaign sprng-promo . Did you mean: spring-promo" in campaign.text
        assert "/campaign?name=spring-promo" in campaign.links
        plan = service.book.plan(campaign="sprng-promo", reason="a slip").recall_id
        assert "Did you mean: spring-promo" in Page(browser.get(f"/recalls/{plan}").text).text


def test_the_report_of_a_recall_has_its_people(service: Service, world: World) -> None:
    recall = recalled(service, world)
    with looking(service, Role.AUDITOR) as browser:
        people = browser.get(f"{recall}/report.json").json()["people"]
    assert people == {"people": 2, "lost": 1, "left": 1, "unknown": 0, "never": 0, "still": ["bob"]}
