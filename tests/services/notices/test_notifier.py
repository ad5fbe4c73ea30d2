"""Somebody hears of what happened, once, whatever is away meanwhile, and no recall waits for that."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ledger import Ledger, LedgerError
from ledger.clock import FakeClock
from ledger.core.notices.notice_texts import text_of
from ledger.core.notices.notices import LEASE, OF_HISTORY
from ledger.entrypoints.process.attention import troubles
from ledger.errors import ApprovalNeededError, NoticeError
from ledger.notice_events import NoticeEvent
from ledger.services.notices.notifier import NEWS, Notifier
from ledger.services.notices.receivers import AppriseReceiver
from ledger.simulator import FailedReason, World
from ledger.store.database import Database
from ledger.store.schema import notice_marks
from tests.conftest import MakeLedger
from tests.receiver import Receiver
from tests.sending import send
from tests.services.notices.conftest import SECRET, MakeTelling, facts, heard

OF_CORRECTIONS = {event for name, event in OF_HISTORY.items() if name.startswith("correction_")}


def recall(book: Ledger, world: World, count: int = 2, campaign: str = "spring", **how: Any) -> int:
    send(book, world, count, campaign=campaign)
    return book.run(book.plan(campaign=campaign, reason="wrong link", actor="wang"), **how).recall_id


def test_who_waits_for_a_recall_hears_that_everybody_lost_the_message(
    telling: Ledger, world: World, receiver: Receiver
) -> None:
    recall(telling, world, 3)
    for _ in range(2):
        telling.parts.notifier.run_once()
    assert heard(receiver) == ["finished"]
    told = facts(receiver)
    assert (told["recall_id"], told["campaigns"], told["recalled"], told["eligible"]) == (1, ["spring"], 3, 3)
    assert (told["people"], told["people_lost"], told["people_left"]) == (3, 3, 0)
    text = text_of(NoticeEvent.FINISHED, told, "en")
    assert text.title == "Recall 1 is done"
    assert text.body == "All 3 messages of spring were recalled, from 3 people. Reason: “wrong link”, wang."


def test_what_is_left_is_said_with_how_it_ended(telling: Ledger, world: World, receiver: Receiver) -> None:
    keys = send(telling, world, 3)
    world.change(failed_reasons={keys[0]: FailedReason(reason="no", times=99)})
    telling.run(telling.plan(campaign="spring", reason="wrong link", actor="wang"))
    telling.parts.notifier.run_once()
    assert (facts(receiver)["left"], facts(receiver)["people_left"]) == ({"refused": 1}, 1)
    text = text_of(NoticeEvent.FINISHED, facts(receiver), "zh")
    assert text.title == "撤回任务 1 已结束，仍有 1 条未撤回"
    assert "3 人中有 2 人已看不到消息" in text.body


def test_a_receiver_can_check_who_sent_it_and_that_it_is_of_now(
    telling: Ledger, world: World, receiver: Receiver
) -> None:
    recall(telling, world)
    telling.parts.notifier.run_once()
    body, headers = receiver.taken[-1], receiver.headers[-1]
    # The clock of these tests stands in another year, which the official library would refuse.
    official = Webhook(SECRET)
    signature = official.sign(headers["webhook-id"], telling.parts.clock.now().replace(microsecond=0), body.decode())
    assert headers["webhook-signature"] == signature
    assert headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        official.verify(body, headers)


def test_what_does_not_arrive_is_tried_again_with_the_same_id_and_given_up_after_days(
    telling: Ledger, world: World, receiver: Receiver, clock: FakeClock
) -> None:
    recall(telling, world)
    receiver.status = 503
    notifier, desk = telling.parts.notifier, telling.parts.notice_desk
    for _ in range(2):
        notifier.run_once()
    assert len(receiver.taken) == 1
    (place,) = desk.places()
    assert (place.waiting, place.error) == (1, "127.0.0.1 answered with status 503")
    clock.advance(timedelta(seconds=6))
    notifier.deliver()
    assert len(receiver.taken) == 2
    assert len({headers["webhook-id"] for headers in receiver.headers}) == 1
    for _ in range(20):
        clock.advance(timedelta(hours=25))
        notifier.deliver()
    assert len(receiver.taken) == 10
    (place,) = desk.places()
    assert (place.waiting, place.given_up) == (0, 1)


def test_a_place_that_is_back_is_well_again(
    telling: Ledger, world: World, receiver: Receiver, clock: FakeClock
) -> None:
    recall(telling, world)
    receiver.status = 500
    telling.parts.notifier.run_once()
    (trouble,) = (one for one in troubles(telling.parts) if one.name == "notices")
    assert trouble.values == {"places": "desk"}
    receiver.status = 204
    clock.advance(timedelta(seconds=6))
    telling.parts.notifier.run_once()
    assert "notices" not in [one.name for one in troubles(telling.parts)]
    (place,) = telling.parts.notice_desk.places()
    assert (place.waiting, place.failing_since, place.error, place.reached_at) == (0, None, None, clock.now())


def test_a_clock_that_was_set_back_keeps_no_notice_waiting_for_long(
    telling: Ledger, world: World, receiver: Receiver, clock: FakeClock
) -> None:
    clock.advance(timedelta(days=30))
    recall(telling, world)
    telling.parts.notifier.collect()
    clock.advance(-timedelta(days=30))
    receiver.status = 500
    telling.parts.notifier.deliver()
    assert "finished" in heard(receiver)
    assert len(receiver.taken) == 2  # that, and that there was no worker; each once


def test_two_workers_tell_once(make_telling: MakeTelling, world: World, receiver: Receiver) -> None:
    one, other = make_telling(), make_telling()
    recall(one, world)
    one.parts.notifier.collect()
    other.parts.notifier.collect()
    for book in (one, other):
        book.parts.notifier.deliver()
    assert heard(receiver) == ["finished"]


def test_who_dies_before_sending_is_followed_by_another_and_nothing_is_lost(
    make_telling: MakeTelling, world: World, receiver: Receiver, clock: FakeClock, database: Database
) -> None:
    from ledger.store.notices import notices

    one, other = make_telling(), make_telling()
    recall(one, world)
    one.parts.notifier.collect()
    with database.write() as connection:
        assert notices.take(connection, clock.now()) is not None  # and then it is killed
    other.parts.notifier.run_once()
    assert heard(receiver) == []
    clock.advance(LEASE)
    other.parts.notifier.deliver()
    assert heard(receiver) == ["finished"]


def test_who_is_told_of_which_event_stands_in_a_table(
    make_telling: MakeTelling, world: World, receiver: Receiver
) -> None:
    book = make_telling(notify_events={"finished": (), "*": ("desk",)})
    recall(book, world)
    planned = book.plan(campaign="spring", reason="again", actor="wang")
    book.cancel(planned.recall_id, actor="wang")
    book.parts.notifier.run_once()
    assert heard(receiver) == ["cancelled"]


def test_a_second_person_hears_that_they_are_wanted_until_when_and_where(
    make_telling: MakeTelling, world: World, receiver: Receiver
) -> None:
    book = make_telling(approval_recipients=1, public_url="https://ledger.example.com")
    with pytest.raises(ApprovalNeededError):
        recall(book, world)
    book.parts.notifier.run_once()
    assert heard(receiver) == ["approval_wanted"]
    told = facts(receiver)
    assert told["link"] == "https://ledger.example.com/recalls/1"
    text = text_of(NoticeEvent.APPROVAL_WANTED, told, "en")
    assert text.body.startswith("wang wants to recall 2 messages of spring from 2 people: “wrong link”. ")
    assert text.body.endswith("\nhttps://ledger.example.com/recalls/1")
    book.refuse(1, reason="not this campaign", actor="li")
    book.parts.notifier.run_once()
    assert heard(receiver) == ["approval_wanted", "cancelled"]
    assert (facts(receiver)["by"], facts(receiver)["refusal"]) == ("li", "not this campaign")
    english, chinese = (text_of(NoticeEvent.CANCELLED, facts(receiver), language) for language in ("en", "zh"))
    assert english.title == "Recall 1 was not agreed to"
    assert english.body.startswith("li refused it: “not this campaign”. Nothing was recalled of 2 messages of spring.")
    assert chinese.title == "撤回任务 1 未获同意"
    assert chinese.body.startswith("spring：li 不同意：not this campaign。未撤回任何消息。")


def test_a_recall_without_its_second_person_is_told_of(
    make_telling: MakeTelling, world: World, receiver: Receiver
) -> None:
    book = make_telling(approval_recipients=1)
    send(book, world, 2)
    plan = book.plan(campaign="spring", reason="wrong link", actor="wang")
    book.parts.lifecycle.run(plan.recall_id, actor="wang", break_glass="nobody awake")
    book.parts.notifier.run_once()
    assert heard(receiver) == ["break_glass", "finished"]
    assert json.loads(receiver.taken[0])["data"]["why"] == "nobody awake"


@pytest.mark.parametrize("mark", ["999999", "nothing"])
def test_who_moves_the_mark_of_what_was_told_keeps_nobody_from_hearing(
    telling: Ledger, world: World, receiver: Receiver, database: Database, mark: str
) -> None:
    recall(telling, world)
    with database.write() as connection:
        connection.execute(update(notice_marks).where(notice_marks.c.name == "history").values(value=mark))
    for _ in range(2):
        telling.parts.notifier.run_once()
    assert heard(receiver) == ["finished"]


def test_what_is_recalled_and_still_there_is_told_of(telling: Ledger, world: World, receiver: Receiver) -> None:
    keys = send(telling, world, 2)
    number = telling.run(telling.plan(campaign="spring", reason="wrong link", actor="wang")).recall_id
    world.change(still_there=keys)
    checker = telling.parts.spot_checker
    checker.run(number, checker.draw(number, 2), actor="li")
    telling.parts.notifier.run_once()
    assert heard(receiver) == ["finished", "contradicted"]
    told = json.loads(receiver.taken[1])["data"]
    assert (told["still_there"], told["by"]) == (2, "li")
    assert "li asked again: 2 messages are there" in text_of(NoticeEvent.CONTRADICTED, told, "en").body
    assert "有 2 条消息仍然存在" in text_of(NoticeEvent.CONTRADICTED, told, "zh").body


def test_a_pause_says_why_in_both_languages(telling: Ledger, world: World, receiver: Receiver) -> None:
    world.change(monthly_quota=0)
    recall(telling, world)
    telling.parts.notifier.run_once()
    assert heard(receiver) == ["paused"]
    told = facts(receiver)
    assert told["code"] == "quota_used_up"
    assert "quota" in text_of(NoticeEvent.PAUSED, told, "en").body
    assert "本月的接口调用次数已用完" in text_of(NoticeEvent.PAUSED, told, "zh").body


def test_little_quota_is_told_of_once_a_month(
    make_telling: MakeTelling, world: World, receiver: Receiver, clock: FakeClock
) -> None:
    book = make_telling(monthly_calls=3, notify_events={"quota": ("desk",), "*": ()})
    recall(book, world)
    for _ in range(3):
        clock.advance(timedelta(minutes=2))
        book.parts.notifier.run_once()
    assert heard(receiver) == ["quota"]
    # Two sends, and a recall of both.
    assert facts(receiver) == {"used": 3, "limit": 3}


def test_a_watched_campaign_is_told_of_before_its_first_message_is_lost(
    telling: Ledger, world: World, receiver: Receiver, clock: FakeClock
) -> None:
    send(telling, world, 2)
    telling.parts.notice_desk.watch("spring", 7200, actor="wang")
    notifier = telling.parts.notifier
    clock.advance(timedelta(hours=20))
    notifier.run_once()
    assert heard(receiver) == ["worker"]
    for _ in range(2):
        clock.advance(timedelta(hours=1, minutes=10))
        notifier.run_once()
    told = [body for body in map(json.loads, receiver.taken) if body["type"] == "closing"]
    assert [one["data"]["campaigns"] for one in told] == [["spring"]]
    telling.parts.notice_desk.unwatch("spring")
    with pytest.raises(LedgerError, match="nobody watches"):
        telling.parts.notice_desk.unwatch("spring")


def test_keys_that_wait_outside_the_database_and_rows_that_were_refused_are_told_of(
    telling: Ledger, receiver: Receiver, clock: FakeClock
) -> None:
    spool = telling.parts.settings.spool_folder
    spool.mkdir(parents=True, exist_ok=True)
    (spool / "refused.jsonl").write_text('{"reason":"no robot","row":{}}\n')
    clock.advance(timedelta(minutes=2))
    telling.parts.notifier.run_once()
    assert heard(receiver) == ["refused_rows"]
    assert facts(receiver)["rows"] == 1


def test_nobody_hears_of_what_was_over_before_there_was_anybody_to_tell(
    make_ledger: MakeLedger, make_telling: MakeTelling, world: World, receiver: Receiver, clock: FakeClock
) -> None:
    recall(make_ledger(), world)
    book = make_telling()
    clock.advance(NEWS + timedelta(seconds=1))
    book.parts.notifier.run_once()
    assert heard(receiver) == ["worker"]


def test_what_is_for_a_place_that_is_gone_is_forgotten(
    make_telling: MakeTelling, world: World, receiver: Receiver, clock: FakeClock
) -> None:
    book = make_telling()
    recall(book, world)
    receiver.status = 500
    book.parts.notifier.run_once()
    clock.advance(timedelta(hours=1))
    make_telling(webhook_urls={"other": receiver.url})
    clock.advance(timedelta(hours=1))
    taken = len(receiver.taken)
    book.parts.notifier.deliver()
    assert len(receiver.taken) == taken


def test_a_recall_runs_while_no_place_can_be_reached(make_telling: MakeTelling, world: World) -> None:
    book = make_telling(webhook_urls={"nowhere": "http://127.0.0.1:9/"})
    recall(book, world)
    book.parts.notifier.run_once()
    assert "cannot be reached" in (book.parts.notice_desk.places()[0].error or "")
    assert book.recalls()[0].is_complete


def test_what_apprise_knows_is_told_in_the_language_that_is_set(
    make_telling: MakeTelling, world: World, receiver: Receiver
) -> None:
    address = f"json://127.0.0.1:{receiver.server_port}/kept"
    book = make_telling(webhook_urls={}, notify_urls={"team": address}, notify_language="zh")
    recall(book, world, 1)
    book.parts.notifier.run_once()
    told = json.loads(receiver.taken[-1])
    assert (told["title"], told["type"]) == ("撤回任务 1 已完成", "info")
    assert told["message"].startswith("spring：全部 1 条消息已撤回，涉及 1 人。原因：wrong link（wang）。")


@pytest.mark.parametrize("url", ["nosuch://token", "json://127.0.0.1:9/"])
def test_an_address_that_does_not_work_is_an_error_that_keeps_its_secret(url: str, clock: FakeClock) -> None:
    from ledger.core.notices.notices import Notice

    notice = Notice(uid="one", event=NoticeEvent.TEST, at=clock.now(), facts={"by": "wang"})
    with pytest.raises(NoticeError) as raised:
        AppriseReceiver(url, "en", clock.now().tzinfo).take(notice)  # type: ignore[arg-type]
    assert url not in str(raised.value)


def test_every_event_has_a_text_in_both_languages_for_all_that_it_may_be_told_with() -> None:
    told: dict[str, Any] = {
        "recall_id": 1,
        "campaigns": ["a\x1b[2J", None, *"bcdefg"],
        "reason": "r" * 1000,
        "actor": "wang",
        "by": "li",
        "eligible": 1,
        "recalled": 0,
        "left": {"unknown": 1},
        "people": 1,
        "people_lost": 0,
        "first_deadline": "2026-03-01T12:00:00Z",
        "valid_until": "2026-03-01T12:00:00Z",
        "message": "m",
        "code": "other",
        "why": "w",
        "still_there": 1,
        "recallable": 1,
        "used": 1,
        "limit": 2,
        "host": "h",
        "bytes": 1,
        "rows": 1,
        "from": "2026-03-01T12:00:00Z",
        "since": "2026-03-01T12:00:00Z",
        "name": "file",
        "error": "e",
    }
    of_correction = {"correction_id": 1, "sent": 0, "skipped": 1}
    for language in ("en", "zh"):
        texts = [text_of(event, told, language) for event in NoticeEvent]
        texts += [text_of(event, told | of_correction, language) for event in OF_CORRECTIONS]
        assert len({text.title for text in texts}) == len(NoticeEvent) + len(OF_CORRECTIONS)
        assert all(text.body and (text.title + text.body.replace("\n", "")).isprintable() for text in texts)
        assert max(len(text.body) for text in texts) < 1000


def test_a_worker_tells_by_itself(telling: Ledger) -> None:
    assert isinstance(telling.parts.worker()._notifier, Notifier)
