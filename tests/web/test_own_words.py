"""The ledger's own words are in the language of the page and of the file; DingTalk's stay as they are."""

import csv
import re

import pytest

from ledger.core.access.roles import Role
from ledger.core.key_results import NAMED_NOWHERE
from ledger.core.recalls.recall import CANCELLED_WAITING
from ledger.simulator import ScriptedAnswer, World
from tests.api.conftest import Service
from tests.sending import send

from .reading import Page
from .test_pages import looking

CHINESE = {"Accept-Language": "zh-CN"}
REFUSAL = "Forbidden.AccessDenied.AccessTokenPermissionDenied"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.removeprefix("\ufeff").splitlines()))


def test_what_a_silent_answer_means_is_said_in_chinese_and_not_as_the_words_of_dingtalk(
    service: Service, world: World
) -> None:
    (key,) = send(service.book, world, 1)
    world.change(silent_keys=frozenset({key}))
    recall = service.book.run(service.book.plan(campaign="spring", reason="错了", actor="wang")).recall_id
    with looking(service, Role.OPERATOR) as browser:
        page = Page(browser.get(f"/recalls/{recall}", headers=CHINESE).text)
        english = Page(browser.get(f"/recalls/{recall}").text)
        file = rows(browser.get(f"/recalls/{recall}/items.csv", headers=CHINESE).text)
        plain = rows(browser.get(f"/recalls/{recall}/items.csv?raw=true", headers=CHINESE).text)
    assert "钉钉的答复没有提到此消息。" in page.text
    assert NAMED_NOWHERE not in page.text + english.text
    assert [row["原因 (reason)"] for row in file] == ["钉钉的答复没有提到此消息"]
    assert [row["reason"] for row in plain] == [NAMED_NOWHERE]


def test_who_did_what_nobody_did_and_why_it_stopped_are_said_in_chinese(service: Service, world: World) -> None:
    send(service.book, world, 2)
    world.script(ScriptedAnswer.error(REFUSAL, path="/v1.0/robot/otoMessages/batchRecall"))
    recall = service.book.run(service.book.plan(campaign="spring", reason="错了", actor="wang")).recall_id
    with looking(service, Role.OPERATOR) as browser:
        paused = Page(browser.get(f"/recalls/{recall}", headers=CHINESE).text)
        (line,) = rows(browser.get("/v1/recalls?format=excel&language=zh").text)
        (plain,) = rows(browser.get("/v1/recalls?format=csv").text)
        service.book.cancel(recall, actor="wang")
        items = rows(browser.get(f"/recalls/{recall}/items.csv", headers=CHINESE).text)
    assert "暂停 系统" in paused.text
    assert "the ledger" not in paused.text
    why = line["暂停原因 (error)"]
    assert why.startswith("应用缺少权限。请在钉钉开发者后台开通权限 qyapi_robot_sendmsg，再点击“继续”。钉钉答复：")
    assert REFUSAL in why
    assert "ledger resume" not in why
    assert "ledger resume" in plain["error"]
    assert [row["原因 (reason)"] for row in items] == ["轮到之前任务已停止"] * 2
    assert CANCELLED_WAITING not in str(items)


def test_a_correction_is_recorded_under_a_name_that_is_seen_to_be_one(service: Service, world: World) -> None:
    send(service.book, world, 1, users=["ann"])
    recall = service.book.run(service.book.plan(campaign="spring", reason="错了", actor="wang")).recall_id
    address = f"/recalls/{recall}/correction"
    with looking(service, Role.OPERATOR) as browser:
        typed = {"kind": "sampleText", "text": "对的", "reason": "对的链接"}
        key = Page(browser.get(address).text).form(address).fields["form_key"]
        made = browser.post(address, data={**typed, "form_key": key}, headers=CHINESE)
    assert re.search("记录为群发批次 “ ?correction of spring", Page(made.text).text)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_spreadsheets_have_the_times_of_the_screen_and_name_the_zone_and_programs_have_them_as_ever(
    service: Service, world: World, language: str
) -> None:
    send(service.book, world, 1)
    recall = service.book.run(service.book.plan(campaign="spring", reason="错了", actor="wang")).recall_id
    with looking(service, Role.OPERATOR, language) as browser:
        browser.cookies.set("ledger-zone", "Asia/Shanghai")
        seen = Page(browser.get(f"/recalls/{recall}").text).text
        lists = [
            next(link for link in Page(browser.get(path).text).links if "format=excel" in link)
            for path in ("/recalls", "/history")
        ]
        files = [rows(browser.get(path).text) for path in (*lists, f"/recalls/{recall}/items.csv")]
        plain = rows(browser.get("/v1/history?format=csv&zone=Asia/Shanghai").text)
        refused = browser.get("/v1/history?format=excel&zone=Asia/Nowhere", headers={"Accept": "application/json"})
    head = {"en": "finished_at (Asia/Shanghai)", "zh-CN": "结束时间 (finished_at · Asia/Shanghai)"}[language]
    for file in files:
        (row,) = file
        assert re.fullmatch(r"2026-03-01 20:\d\d:\d\d", row[head])
        assert row[head] in seen
    assert plain[0]["finished_at"].endswith("Z")
    assert refused.status_code == 422
