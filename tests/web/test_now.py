"""*Now* as it is served: the strip of the day, the board, and looking for campaigns without a script."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.clock import FakeClock
from ledger.core.access.bounds import EVERYTHING
from ledger.core.access.roles import Role
from ledger.core.campaigns.campaign import CampaignLine, no_messages
from ledger.entrypoints.web import now
from ledger.entrypoints.web.day_strip import HEIGHT, MOST_BARS, WIDTH, day_strip
from ledger.errors import ApprovalNeededError
from ledger.simulator import World
from tests.api.conftest import ServeLedger, Service
from tests.sending import send

from .reading import Page
from .test_pages import looking

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(minutes: float, messages: int = 10, until: float | None = None) -> CampaignLine:
    first, last = NOW + timedelta(minutes=minutes), NOW + timedelta(minutes=until or minutes)
    values = {"recallable": messages, "messages": messages, "first_deadline": first, "last_deadline": last}
    base = no_messages("spring")
    return CampaignLine(**{name: getattr(base, name) for name in base.__slots__} | values)


def test_a_bar_goes_from_the_first_to_the_last_deadline_and_its_height_is_its_messages() -> None:
    strip = day_strip([line(360, 100, until=1440), line(5, 1), line(30, 25)], NOW)
    assert strip is not None
    large, amber, red = strip.bars
    assert (large.start, large.width, large.style) == (WIDTH / 2, WIDTH / 2, "calm")
    assert HEIGHT > large.height > amber.height > red.height > 0
    assert (amber.style, red.style) == ("amber", "red")
    assert red.start < amber.start < large.start
    assert (strip.red, strip.amber, strip.messages, strip.campaigns) == (1, 1, 126, 3)


def test_every_bar_is_inside_the_strip_and_seen() -> None:
    strip = day_strip([line(1440.5), line(0.01), line(1439, 100_000)], NOW)
    assert strip is not None
    for bar in strip.bars:
        assert bar.start >= 0
        assert bar.start + bar.width <= WIDTH
        assert bar.width >= 5
        assert 5 < bar.height <= HEIGHT


def test_without_anything_to_recall_there_is_no_strip() -> None:
    assert day_strip([], NOW) is None
    assert day_strip([no_messages("over"), line(-5)], NOW) is None


def test_of_very_many_campaigns_the_most_urgent_are_drawn_and_all_are_counted() -> None:
    strip = day_strip([line(number + 1) for number in range(1000)], NOW)
    assert strip is not None
    assert (len(strip.bars), strip.campaigns) == (MOST_BARS, 1000)


def test_what_loses_its_first_message_soonest_comes_first_with_its_countdown(
    serve_ledger: ServeLedger, world: World
) -> None:
    service = serve_ledger(approval_recipients=3)
    book = service.book
    for name, count, hours in (("far", 2, 3), ("asked", 4, 5), ("near", 2, 23.9)):
        send(book, world, count, campaign=name, sent_ago=timedelta(hours=hours))
    numbers = {}
    for name in ("near", "far"):
        numbers[name] = book.plan(campaign=name, reason="typo", actor=name).recall_id
    for name in ("near", "far"):
        book.parts.lifecycle.start(numbers[name], actor=name)
        book.parts.lifecycle.pause(numbers[name], why="looking into it", actor=name)
    numbers["asked"] = book.plan(campaign="asked", reason="typo", actor="wang").recall_id
    with pytest.raises(ApprovalNeededError):
        book.parts.lifecycle.run(numbers["asked"], actor="wang")
    wanted = [numbers[name] for name in ("near", "asked", "far")]
    with looking(service, Role.ADMIN) as browser:
        page = Page(browser.get("/").text)
        links = [link for link in page.links if link.startswith("/recalls/") and link != "/recalls/new"]
        assert links[:3] == [f"/recalls/{number}" for number in wanted]
        for left in ("6 min 0 s until the first is lost", "19 h 0 min until", "21 h 0 min until"):
            assert left in page.text
        assert f"less than 15 minutes left. Recall {numbers['near']} Resume" in page.text
        listed = Page(browser.get("/recalls?waits=me").text)
        rows = [link for link in listed.links if link.startswith("/recalls/") and link != "/recalls/new"]
        assert rows == [f"/recalls/{number}" for number in wanted]


def test_campaigns_are_found_without_a_script(service: Service, world: World) -> None:
    book = service.book
    send(book, world, 3, campaign="spring-promo", robot="robot-1")
    send(book, world, 2, campaign="summer", robot="robot-2", sent_ago=timedelta(hours=23, minutes=30))
    with looking(service, Role.OPERATOR) as browser:

        def found(query: str) -> list[str]:
            links = Page(browser.get(f"/?{query}").text).links
            return [link.removeprefix("/campaign?name=") for link in links if link.startswith("/campaign?")]

        assert found("") == ["summer", "spring-promo"]
        assert found("q=PROMO") == ["spring-promo"]
        assert found("sort=messages") == ["spring-promo", "summer"]
        assert found("soon=1") == ["summer"]
        assert found("robot=robot-1") == ["spring-promo"]
        assert found("source=nothing") == []
        assert found("sort=nonsense") == ["summer", "spring-promo"]
        text = Page(browser.get("/?q=nothing").text).text
        assert "No campaign fits." in text
        assert "Show all 2" in text
        page = Page(browser.get("/").text)
    said = [given["aria-label"] or "" for tag, given in page.tags if tag == "svg" and given.get("role") == "img"]
    assert said == ["2 campaigns with 5 messages; within ten minutes end: 0, within the hour: 1."]


def test_of_many_campaigns_the_nearest_are_shown_and_all_when_asked_for(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(now, "SHOWN_CAMPAIGNS", 2)
    for number in range(4):
        send(service.book, world, 1, campaign=f"campaign-{number}", sent_ago=timedelta(hours=number + 1))
    with looking(service, Role.AUDITOR) as browser:
        page = Page(browser.get("/?q=campaign").text)
        assert [link for link in page.links if link.startswith("/campaign?")] == [
            "/campaign?name=campaign-3",
            "/campaign?name=campaign-2",
        ]
        everything = next(link for link in page.links if "all=1" in link)
        assert "q=campaign" in everything
        assert len([one for one in Page(browser.get(everything).text).links if one.startswith("/campaign?")]) == 4


def test_what_starts_by_itself_and_what_is_not_sent_any_more_stand_on_the_board(
    service: Service, world: World, clock: FakeClock
) -> None:
    book = service.book
    send(book, world, 3, campaign="spring")
    send(book, world, 2, campaign="autumn")
    plan = book.plan(campaign="spring", reason="over then", actor="wang")
    book.parts.schedules.set(plan.recall_id, clock.now() + timedelta(hours=1), actor="wang", is_proven=False)
    book.parts.sending_stops.stop(["autumn"], actor="wang", bounds=EVERYTHING)
    with looking(service, Role.OPERATOR) as browser:
        page = Page(browser.get("/").text)
        assert "Set for later Recall 1 3 messages of spring from 3 people over then" in page.text
        assert "what is still sent of it is refused" in page.text
        assert "已拒绝继续发送" in browser.get("/", headers={"Accept-Language": "zh"}).text


def test_people_beside_a_part_of_the_messages_say_whose_they_are(service: Service, world: World) -> None:
    book = service.book
    keys = send(book, world, 3, campaign="spring", users=["ann"])
    send(book, world, 1, campaign="whole", users=["ann"])
    book.run(book.plan(keys=keys[:1], reason="one of them"))
    with looking(service, Role.OPERATOR) as browser:
        text = Page(browser.get("/").text).text
        assert text.count("of all 3 messages") == 1
        assert "of all 1" not in text
        assert "of all 3 messages" in Page(browser.get("/campaign?name=spring").text).text


def test_whoever_may_touch_only_some_messages_is_not_told_what_is_counted_of_all(
    serve_ledger: ServeLedger, world: World
) -> None:
    apps = {"default": {"app_key": "dingapp", "app_secret": "a-long-secret-of-the-app", "robots": ["robot-1"]}}
    service = serve_ledger(apps=apps, app_key=None, app_secret=None)
    send(service.book, world, 3, campaign="theirs", robot="stranger")
    with service.signed_up(Role.OPERATOR, robots=("robot-1",), name="bound") as bound:
        assert "no app is configured" not in bound.get("/", headers={"Accept": "text/html"}).text
    with service.signed_up(Role.OPERATOR, name="all") as unbound:
        assert "no app is configured" in unbound.get("/", headers={"Accept": "text/html"}).text


def test_the_page_of_a_campaign_says_how_much_of_it_no_app_can_recall(serve_ledger: ServeLedger, world: World) -> None:
    apps = {"default": {"app_key": "dingapp", "app_secret": "a-long-secret-of-the-app", "robots": ["robot-1"]}}
    service = serve_ledger(apps=apps, app_key=None, app_secret=None)
    send(service.book, world, 2, campaign="spring", robot="robot-1")
    send(service.book, world, 3, campaign="spring", robot="stranger")
    send(service.book, world, 1, campaign="summer", robot="robot-1")
    with looking(service, Role.OPERATOR) as browser:
        browser.get("/")
        assert "3 messages cannot be recalled: no app" in Page(browser.get("/campaign?name=spring").text).text
        assert "no app is configured" not in Page(browser.get("/campaign?name=summer").text).text
