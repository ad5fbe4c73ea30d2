"""Every page, in both languages, for every role: what it shows, what it hides, and that nothing breaks out of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from jinja2 import DictLoader
from sqlalchemy import select, update

from ledger.core.access.roles import Role
from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recalls.recall_state import RecallState
from ledger.core.recording.message import Chat
from ledger.entrypoints.formats import history_csv, people_rows, recalls_csv, translations
from ledger.entrypoints.formats.translations import FileLanguage
from ledger.entrypoints.web import assets
from ledger.entrypoints.web import page as page_room
from ledger.entrypoints.web.words import words_of
from ledger.simulator import FailedReason, ScriptedAnswer, World
from ledger.store.database import Database
from ledger.store.schema import recall_items, recalls
from tests.api.conftest import Service
from tests.sending import send

from .conftest import EVIL, Furniture
from .reading import Page

LANGUAGES = ("en", "zh-CN")
# What stays as it is in any language: names of formats and of the time that all agree on.
_SAME = {"CSV", "Excel", "JSON", "UTC", "ID", "IP", "HTTP", "NTP", "Webhook"}
# Names of DingTalk's that administrators look for, and of settings.
_SAME |= {"AppKey", "AppSecret", "userId", "robotCode", "processQueryKey", "SSL", "CERT", "FILE"}


@contextmanager
def looking(service: Service, role: Role, language: str = "en") -> Iterator[httpx.Client]:
    """A browser in which somebody with a role is signed in."""
    headers = {"Accept": "text/html", "Accept-Language": language}
    with service.client(headers=headers, follow_redirects=True) as browser:
        assert browser.post("/sign-in", data={"token": service.token(role)}).status_code in (200, 403)
        yield browser


def pages_of(furniture: Furniture) -> list[str]:
    """Return the address of every page, of recalls in every state."""
    numbers = (
        furniture.planned,
        furniture.large,
        furniture.running,
        furniture.paused,
        furniture.finished,
        furniture.cancelled,
    )
    return [
        "/",
        "/campaign?name=spring",
        f"/campaign?name={EVIL}",
        "/campaign?name=nothing",
        "/recalls",
        "/recalls?status=paused",
        *(f"/recalls/{number}" for number in numbers),
        *(f"/recalls/{number}/people" for number in (furniture.planned, furniture.running, furniture.finished)),
        f"/recalls/{furniture.finished}/people?only=left",
        f"/recalls/{furniture.finished}/people?only=never",
        "/campaign/people?name=spring",
        f"/campaign/people?name={EVIL}",
        f"/recalls/{furniture.finished}?only=refused",
        "/history",
        "/history?campaign=spring&outcome=refused",
        "/history?campaign=nothing",
        "/history?since=nonsense",
        "/people",
        "/people?user=zhang.san",
        "/people?user=nobody",
        "/nowhere",
        "/recalls/999999",
    ]


FOR_OPERATORS = ["/recalls/new", "/recalls/new?campaign=spring", "/recalls/new?user=zhang.san"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_holds_a_text_that_is_not_in_the_language_of_its_viewer(
    service: Service, furniture: Furniture, language: str
) -> None:
    wrong = re.compile(r"[\u4e00-\u9fff]") if language == "en" else re.compile(r"[A-Za-z]{2,}")
    with looking(service, Role.OPERATOR, language) as browser:
        for address in [*pages_of(furniture), *FOR_OPERATORS]:
            answer = browser.get(address)
            assert answer.status_code < 500, address
            page = Page(answer.text)
            assert ("html", {"lang": language}) in page.tags
            # What is marked as English is for nobody who reads Chinese but the details of a check-up and of an error.
            english = [tag for tag in re.findall(r"<[a-z]+[^>]* lang=.en.[^>]*>", answer.text) if "detail" not in tag]
            assert language == "en" or [tag for tag in english if "button" not in tag] == [], address
            strange = [text for text in page.own if set(wrong.findall(text)) - _SAME]
            assert strange == [], address


def test_nothing_that_came_from_outside_becomes_a_part_of_a_page(service: Service, furniture: Furniture) -> None:
    with looking(service, Role.ADMIN) as browser:
        seen = ""
        for address in [*pages_of(furniture), *FOR_OPERATORS, f"/recalls/new?campaign={EVIL}&robot={EVIL}"]:
            answer = browser.get(address)
            page = Page(answer.text)
            scripts = [attributes for tag, attributes in page.tags if tag == "script"]
            assert scripts, address
            assert all(script.get("src") for script in scripts), address
            assert not [tag for tag, _ in page.tags if tag in ("b", "i") and "bold" in page.own], address
            assert not [name for _, attributes in page.tags for name in attributes if name.startswith(("on", "style"))]
            assert EVIL not in "".join(page.own), address
            seen += "".join(page.outside)
    assert EVIL in seen
    assert "<b>bold</b>" in seen
    assert "<i>who</i>" in seen


def test_what_a_role_may_not_do_is_not_shown_and_not_done(service: Service, furniture: Furniture) -> None:
    with looking(service, Role.AUDITOR) as browser:
        for address in pages_of(furniture):
            page = Page(browser.get(address).text)
            assert {form.action for form in page.forms if form.method == "post"} <= {"/language", "/sign-out"}, address
            assert not [link for link in page.links if link.startswith("/recalls/new")], address
        for address in FOR_OPERATORS:
            assert browser.get(address).status_code == 403


@pytest.mark.parametrize(
    ("language", "text"), [("en", "This token is for programs"), ("zh", "此令牌供程序登记消息使用")]
)
def test_the_token_of_a_recorder_is_told_at_the_sign_in_that_it_is_for_programs(
    service: Service, language: str, text: str
) -> None:
    headers = {"Accept": "text/html", "Accept-Language": language}
    with service.client(headers=headers, follow_redirects=True) as browser:
        refused = browser.post("/sign-in", data={"token": service.token(Role.RECORDER)})
        assert refused.status_code == 403
        assert text in Page(refused.text).text
        # It opened no session either.
        assert browser.get("/").url.path == "/sign-in"


def test_every_form_of_a_session_carries_its_key_and_without_it_nothing_is_done(
    service: Service, furniture: Furniture
) -> None:
    with looking(service, Role.OPERATOR) as browser:
        for address in [*pages_of(furniture), *FOR_OPERATORS]:
            for form in Page(browser.get(address).text).forms:
                if form.method == "post" and form.action not in ("/language", "/sign-out", "/sign-in"):
                    assert "form_key" in form.fields, (address, form.action)
        page = {"Referer": f"{service.url}/recalls/{furniture.paused}?only=waiting"}
        refused = browser.post(f"/recalls/{furniture.paused}/resume", data={}, headers=page)
        # It leads back to the page, which says so: there is nothing to see at the address of a form.
        assert [one.status_code for one in refused.history] == [303]
        assert refused.url.path == f"/recalls/{furniture.paused}"
        assert "You have signed in anew" in Page(refused.text).text
        assert service.book.result(furniture.paused).status == "paused"


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_then_to_the_page(service: Service) -> None:
    secret = service.token(Role.OPERATOR)
    with service.client(headers={"Accept": "text/html"}, follow_redirects=True) as browser:
        asked = browser.get("/people?user=zhang.san")
        assert asked.url.path == "/sign-in"
        fields = Page(asked.text).form("/sign-in").fields
        wrong = browser.post("/sign-in", data={**fields, "token": "ledger_wrong"})
        assert (wrong.status_code, "This token is not valid" in Page(wrong.text).text) == (401, True)
        inside = browser.post("/sign-in", data={**fields, "token": secret})
        assert (inside.url.path, inside.url.params["user"]) == ("/people", "zhang.san")


def test_a_language_chosen_by_hand_wins_and_stays(service: Service) -> None:
    with service.client(headers={"Accept": "text/html", "Accept-Language": "en"}, follow_redirects=True) as browser:
        assert "Needs attention" in Page(browser.get("/").text).own or "Now" in Page(browser.get("/").text).own
        chosen = browser.post("/language", data={"language": "zh", "next": "/history?campaign=x"})
        assert (chosen.url.path, "撤回历史" in Page(chosen.text).own) == ("/history", True)
        assert "总览" in Page(browser.get("/").text).own


def test_times_are_in_the_zone_that_the_browser_told_and_say_so(service: Service, furniture: Furniture) -> None:
    with looking(service, Role.AUDITOR) as browser:
        unknown = Page(browser.get(f"/recalls/{furniture.large}").text).text
        browser.cookies.set("ledger-zone", "Asia/Shanghai", domain="127.0.0.1")
        detail = Page(browser.get(f"/recalls/{furniture.large}").text).text
        browser.cookies.set("ledger-zone", "../../etc/passwd", domain="127.0.0.1")
        odd = Page(browser.get("/").text).text
    assert "2026-03-02 11:00:00 UTC" in unknown
    assert "Times in UTC" in unknown
    assert "2026-03-02 19:00:00 UTC+8" in detail
    assert "Times in UTC+8 Asia/Shanghai" in detail
    assert "Times in UTC" in odd


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_cannot_be_recalled_stands_beside_its_campaign_with_the_reason(service: Service, language: str) -> None:
    recorder = service.book.parts.recorder.send_recorder
    url, asked = "https://oapi.dingtalk.com/robot/send?access_token=t", b'{"msgtype": "text"}'
    sending = recorder.sending("POST", url, asked, campaign="hooks")
    assert sending is not None
    recorder.wait(sending.answered(200, b'{"errcode": 0}'))
    with looking(service, Role.AUDITOR, language) as browser:
        for path in ("/", "/campaign?name=hooks"):
            assert {"en": "1 webhook message", "zh": "1 条 Webhook 消息"}[language] in browser.get(path).text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        ("invalidClientIdOrSecret", {"en": "key or secret is missing or wrong", "zh-CN": "AppKey 或 AppSecret"}),
        (
            "Forbidden.AccessDenied.IpNotInWhiteList",
            {"en": "does not accept calls from this machine", "zh-CN": "来自本机地址的调用"},
        ),
        (
            "Forbidden.AccessDenied.ApiCountLimitForOrg",
            {"en": "quota of API calls is used up", "zh-CN": "调用次数已用完"},
        ),
    ],
)
def test_a_pause_says_in_the_viewers_language_what_to_do_and_in_dingtalks_words_what_it_said(
    service: Service, world: World, language: str, refusal: str, says: dict[str, str]
) -> None:
    send(service.book, world, 2)
    world.script(ScriptedAnswer.error(refusal, path="/v1.0/robot/otoMessages/batchRecall"))
    result = service.book.run(service.book.plan(campaign="spring", reason="wrong link"))
    assert result.error is not None
    assert refusal in result.error["answered"]
    with looking(service, Role.AUDITOR, language) as browser:
        pages = {path: browser.get(path) for path in (f"/recalls/{result.recall_id}", "/", "/recalls")}
    assert {answer.status_code for answer in pages.values()} == {200}
    recall = Page(pages[f"/recalls/{result.recall_id}"].text)
    assert says[language] in recall.text
    assert {"en": "DingTalk said:", "zh-CN": "钉钉答复："}[language] in recall.text
    assert refusal in "".join(recall.outside)
    assert "ledger resume" not in recall.text
    assert says[language] in Page(pages["/"].text).text


def test_a_page_loads_nothing_from_outside(service: Service) -> None:
    with service.client(headers={"Accept": "text/html"}) as browser:
        answer = browser.get("/")
        page = Page(answer.text)
        loaded = [
            attributes.get("src") or attributes.get("href")
            for tag, attributes in page.tags
            if tag in ("script", "link")
        ]
        assert len(loaded) == 7
        for address in loaded:
            found = browser.get(address or "")
            assert (found.status_code, "immutable" in found.headers["cache-control"]) == (200, True)
        assert browser.get("/static/../page.py").status_code == 404
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_check_disputed_stands_on_top_of_a_recall_and_beside_the_message_until_a_clean_one(
    service: Service, furniture: Furniture, database: Database, language: str
) -> None:
    mine = recall_items.c.recall_id == furniture.finished
    with database.write() as connection:
        first = connection.execute(
            select(recall_items).where(mine, recall_items.c.outcome == "recalled").limit(1)
        ).one()
        edited = update(recall_items).where(recall_items.c.id == first.id)
        connection.execute(edited.values(outcome="unknown", reason=EVIL))
        connection.execute(update(recalls).where(recalls.c.id == furniture.planned).values(actor="somebody"))
    assert not service.book.verify().ok
    with looking(service, Role.AUDITOR, language) as browser:
        pages = [Page(browser.get(f"/recalls/{number}").text) for number in (furniture.finished, furniture.planned)]
        unmarked = Page(browser.get(f"/recalls/{furniture.cancelled}").text).text
        api = browser.get(f"/v1/recalls/{furniture.finished}").json()["disputes"]
        with database.write() as connection:
            connection.execute(edited.values(outcome="recalled", reason=None))
            connection.execute(update(recalls).where(recalls.c.id == furniture.planned).values(actor="wang"))
        assert service.book.verify().ok
        after = browser.get(f"/recalls/{furniture.finished}").text
        assert browser.get(f"/v1/recalls/{furniture.finished}").json()["disputes"] is None
    said = {"en": "2 values of this recall are not what the history says", "zh-CN": "此任务有 2 个值与历史记录不符"}
    mark = {"en": "Disputed:", "zh-CN": "有争议："}[language]
    assert said[language] in pages[0].text
    assert pages[0].text.count(mark) == 2
    assert {"outcome", "recalled"} <= set(pages[0].outside)
    assert {"actor", "wang"} <= set(pages[1].outside)
    assert mark not in unmarked + after
    assert [(one["key"], one["field"], one["history_says"]) for one in api["values"]] == [
        (first.process_query_key, "outcome", "recalled"),
        (first.process_query_key, "reason", None),
    ]
    strange = re.compile(r"[\u4e00-\u9fff]") if language == "en" else re.compile(r"[A-Za-z]{2,}")
    assert [text for page in pages for text in page.own if set(strange.findall(text)) - _SAME] == []


def test_pages_of_a_running_service_stay_those_of_its_version_whatever_is_put_in_place_of_its_files(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = DictLoader(dict.fromkeys(page_room._environment.list_templates(), "{{ a_value_of_the_next_version }}"))
    monkeypatch.setattr(page_room._environment.loader, "get_source", newer.get_source)
    monkeypatch.setattr(assets, "_FOLDER", Path("/nowhere"))
    with looking(service, Role.OPERATOR) as browser:
        assert "There is no such recall" in Page(browser.get("/recalls/77").text).text
        assert browser.get("/").status_code == 200
        for name in assets.NAMES:
            assert browser.get(assets.address(name)).status_code == 200


def test_files_for_people_have_chinese_words_beside_their_codes_where_chinese_is_read(
    service: Service, world: World
) -> None:
    keys = send(service.book, world, 2, users=["ann"])
    world.change(failed_reasons={keys[0]: FailedReason(reason="busy")})
    recall_id = service.book.run(service.book.plan(campaign="spring", reason="wrong link")).recall_id
    chinese = {"Accept-Language": "zh-CN"}
    with looking(service, Role.OPERATOR) as browser:
        for page in ("/history", "/recalls"):
            links = [link for link in Page(browser.get(page, headers=chinese).text).links if "format=excel" in link]
            assert links
            for link in links:
                assert "language=zh" in link
                head = browser.get(link).text.splitlines()[0]
                assert "(campaign" in head
                assert all(name.endswith(")") for name in head.split(","))
        found = browser.get(f"/recalls/{recall_id}/items.csv", headers=chinese).text
        assert "结果 (outcome)" in found
        assert "被拒绝 (refused)" in found
        people = browser.get(f"/recalls/{recall_id}/people.csv", headers=chinese).text
        assert people.splitlines()[0].endswith("仍能看到 (left),结果不明 (unknown),未送达 (undelivered)")
        # Programs get what the contract says, in any language.
        plain = browser.get("/v1/history?format=csv&language=zh", headers=chinese).text
        assert plain.splitlines()[0].split(",")[:2] == ["process_query_key", "robot_code"]
        assert "(refused)" not in plain
        raw = browser.get(f"/recalls/{recall_id}/items.csv?raw=true", headers=chinese).text
        assert raw.splitlines()[0].startswith("process_query_key,")
        english = browser.get(f"/recalls/{recall_id}/items.csv").text
        assert "(refused)" not in english


def test_every_column_of_a_file_has_a_chinese_name() -> None:
    columns = {*history_csv.COLUMNS, history_csv.USER, *recalls_csv.COLUMNS, recalls_csv.STATE, *people_rows.COLUMNS}
    assert [name for name in columns if translations.column_in(FileLanguage.ZH, name) == name] == []
    for column, codes in (("outcome", Outcome), ("status", Status), ("state", RecallState), ("chat", Chat)):
        assert [code for code in codes if translations.code_in(FileLanguage.ZH, column, code.value) == code] == []
    # Files and pages call the same by the same name.
    for column, codes in (("outcome", Outcome), ("state", RecallState), ("chat", Chat)):
        said = {f"{words_of('zh')(f'{column}.{code.value}')} ({code.value})" for code in codes}
        assert {translations.code_in(FileLanguage.ZH, column, code.value) for code in codes} == said
