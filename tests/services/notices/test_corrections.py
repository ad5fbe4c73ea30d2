"""Somebody hears of corrections: that one waits for a second person, stops, ends or is given up."""

from typing import Any

import pytest

from ledger import Ledger
from ledger.core.corrections.correction import CorrectionResult
from ledger.core.corrections.correction_text import read_text
from ledger.core.notices.notice_texts import NoticeText, text_of
from ledger.core.recalls.recall import Status
from ledger.errors import ApprovalNeededError
from ledger.notice_events import NoticeEvent
from ledger.simulator import World
from tests.receiver import Receiver
from tests.sending import send
from tests.services.notices.conftest import MakeTelling, facts, heard

PEOPLE = ["ann", "bob", "cid"]
RIGHT = read_text("sampleText", '{"content": "The right link is https://example.com/spring"}')


@pytest.fixture
def recalled(telling: Ledger, world: World, receiver: Receiver) -> int:
    """A recall that took a message from three people, of which somebody has heard."""
    send(telling, world, 1, users=PEOPLE)
    number = telling.run(telling.plan(campaign="spring", reason="wrong link", actor="wang")).recall_id
    telling.parts.notifier.run_once()
    receiver.taken.clear()
    return number


def correct(book: Ledger, recall_id: int) -> CorrectionResult:
    plan = book.parts.correction_planner.plan(recall_id, RIGHT, reason="the right link", actor="wang")
    return book.parts.corrections.run(plan.correction_id, actor="wang")


def told(book: Ledger, receiver: Receiver) -> tuple[list[str], Any]:
    """Tell what there is to tell, twice: the second time is nobody's news. Return the events and the last facts."""
    for _ in range(2):
        book.parts.notifier.run_once()
    return heard(receiver), facts(receiver)


def texts(event: NoticeEvent, said: Any) -> tuple[NoticeText, NoticeText]:
    return text_of(event, said, "en"), text_of(event, said, "zh")


def test_who_waits_for_a_correction_hears_that_it_reached_everybody(
    telling: Ledger, receiver: Receiver, recalled: int
) -> None:
    correct(telling, recalled)
    events, said = told(telling, receiver)
    assert events == ["finished"]
    assert (said["recall_id"], said["correction_id"], said["people"], said["sent"]) == (1, 1, 3, 3)
    assert (said["left"], said["pending"], said["campaigns"]) == ({}, 0, ["correction of spring (recall 1)"])
    english, chinese = texts(NoticeEvent.FINISHED, said)
    assert english.title == "The correction of recall 1 is done"
    assert english.body == "All 3 people got it. Reason: “the right link”, wang."
    assert chinese.body == "更正已发送给全部 3 人。原因：the right link（wang）。"


def test_whom_a_correction_did_not_reach_is_counted_and_nobody_is_named(
    telling: Ledger, world: World, receiver: Receiver, recalled: int
) -> None:
    world.change(invalid_users=frozenset({"bob"}))
    correct(telling, recalled)
    events, said = told(telling, receiver)
    assert (events, said["sent"], said["left"]) == (["finished"], 2, {"not_reached": 1})
    english, chinese = texts(NoticeEvent.FINISHED, said)
    assert english.title == "The correction of recall 1 ended, and 1 person is left"
    assert english.body.startswith("2 of 3 people got it. Left: 1 not reached.")
    assert "未收到：未送达 1 人" in chinese.body
    assert "bob" not in receiver.taken[-1].decode()


def test_a_second_person_hears_that_a_correction_waits_for_them_until_when_and_where(
    make_telling: MakeTelling, receiver: Receiver, recalled: int
) -> None:
    strict = make_telling(approval_recipients=2, public_url="https://ledger.example.com")
    for _ in range(2):
        with pytest.raises(ApprovalNeededError):
            strict.parts.corrections.run(_planned(strict, recalled), actor="wang")
    events, said = told(strict, receiver)
    assert events == ["approval_wanted"]
    result = strict.parts.correction_reports.result(1)
    assert result.approval is not None
    assert said["valid_until"] == result.to_json()["approval"]["valid_until"]
    english, chinese = texts(NoticeEvent.APPROVAL_WANTED, said)
    assert english.title == "The correction of recall 1 waits for a second person"
    assert english.body.startswith(
        "wang wants to send it to 3 people: “the right link”. Another person has to answer by 2"
    )
    for text in (english, chinese):
        assert text.body.endswith("\nhttps://ledger.example.com/recalls/1/correction")


def test_whoever_asked_hears_that_the_second_person_did_not_agree_to_a_correction_and_why(
    make_telling: MakeTelling, receiver: Receiver, recalled: int
) -> None:
    strict = make_telling(approval_recipients=2)
    with pytest.raises(ApprovalNeededError):
        strict.parts.corrections.run(_planned(strict, recalled), actor="wang")
    strict.parts.corrections.refuse(1, actor="li", reason="the link is wrong, too")
    events, said = told(strict, receiver)
    assert (events, said["by"], said["refusal"]) == (["approval_wanted", "cancelled"], "li", "the link is wrong, too")
    english, chinese = texts(NoticeEvent.CANCELLED, said)
    assert english.title == "The correction of recall 1 was not agreed to"
    assert english.body == "li refused it: “the link is wrong, too”. None of 3 people got it."
    assert chinese.title == "撤回任务 1 的更正未获同意"
    assert chinese.body == "li 不同意：the link is wrong, too。共 3 人，均未发送。"


def _planned(book: Ledger, recall_id: int) -> int:
    waiting = book.parts.correction_reports.open_of(recall_id)
    if waiting is not None:
        return waiting.id
    return book.parts.correction_planner.plan(recall_id, RIGHT, reason="the right link", actor="wang").correction_id


def test_a_correction_that_stops_says_why_and_who_gives_it_up_is_named(
    telling: Ledger, world: World, receiver: Receiver, recalled: int
) -> None:
    world.change(monthly_quota=0)
    paused = correct(telling, recalled)
    assert paused.status is Status.PAUSED
    events, said = told(telling, receiver)
    assert (events, said["code"], said["pending"]) == (["paused"], "quota_used_up", 3)
    english, chinese = texts(NoticeEvent.PAUSED, said)
    assert english.title == "The correction of recall 1 is paused"
    assert english.body.startswith("0 of 3 people got it. ")
    assert "quota" in english.body
    assert "本月的接口调用次数已用完" in chinese.body
    telling.parts.corrections.cancel(paused.correction_id, actor="li")
    events, said = told(telling, receiver)
    assert (events, said["by"], said["left"]) == (["paused", "cancelled"], "li", {"cancelled": 3})
    english, chinese = texts(NoticeEvent.CANCELLED, said)
    assert english.body == "li cancelled it: 0 of 3 people got it."
    assert chinese.body == "由 li 取消；共 3 人，已发送 0 人。"


def test_a_correction_goes_out_while_no_place_can_be_reached(
    telling: Ledger, receiver: Receiver, recalled: int
) -> None:
    receiver.status = 503
    assert correct(telling, recalled).is_complete
    assert told(telling, receiver)[0] == ["finished"]
    assert telling.parts.notice_desk.places()[0].waiting == 1
