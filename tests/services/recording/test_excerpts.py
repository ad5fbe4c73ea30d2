"""The beginning of what a message says is kept only where that was asked for, with the message, and goes with it."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.access.bounds import Bounds
from ledger.core.recalls.plan_seal import DIGEST
from ledger.core.recalls.recall import PlannedExcerpt
from ledger.core.recalls.selection import select
from ledger.core.recording.message import RobotCode
from ledger.integrations.feed import Feed
from ledger.store.audit import history
from tests.conftest import MakeLedger
from tests.outages import away

TEXT = "Dear all, the canteen is closed"
PATH = "/v1.0/robot/oToMessages/batchSend"
BODY = {"robotCode": "robot-1", "userIds": ["ann"], "msgKey": "sampleText", "msgParam": json.dumps({"content": TEXT})}


def by_hook(book: Ledger, key: str) -> None:
    recorder = book.parts.recorder.send_recorder
    send = recorder.sending("POST", f"https://api.dingtalk.com{PATH}", json.dumps(BODY), campaign="spring")
    assert send is not None
    recorder.wait(send.answered(200, {"processQueryKey": key}))


def by_captured_pair(book: Ledger, key: str) -> None:
    pair = {"request": {"url": PATH, "body": BODY}, "response": {"body": {"processQueryKey": key}}}
    row = {**pair, "sentAt": book.parts.clock.now(), "campaign": "spring"}
    assert book.record_many([row]).recorded == 1


def by_row(book: Ledger, key: str) -> None:
    row = {"processQueryKey": key, "robotCode": "robot-1", "userIds": ["ann"], "excerpt": TEXT}
    assert book.record_many([{**row, "sentAt": book.parts.clock.now(), "campaign": "spring"}]).recorded == 1


def by_feed(book: Ledger, key: str) -> None:
    """As under `ledger run`, where the sender has no ledger of its own."""
    feed = Feed([book.settings.spool_folder], "spring", None, keeps_excerpt=book.settings.keep_excerpt)
    send = feed.sending("POST", f"https://api.dingtalk.com{PATH}", json.dumps(BODY))
    assert send is not None
    send.answered(200, {"processQueryKey": key})
    feed._journal.close()


DOORS = [by_hook, by_captured_pair, by_row, by_feed]


def said(book: Ledger) -> list[str | None]:
    book.parts.recorder.catch_up()
    page = book.parts.pages.messages(select(campaign="spring"), limit=10)
    return [message.excerpt for message in page.values]


def spooled(book: Ledger) -> str:
    files = [path for path in Path(book.settings.spool_folder).rglob("*") if path.is_file()]
    return "".join(path.read_bytes().decode("latin-1") for path in files)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("is_kept", [True, False])
def test_every_door_keeps_it_only_where_it_is_wanted(
    make_ledger: MakeLedger, door: Callable[[Ledger, str], None], is_kept: bool
) -> None:
    book = make_ledger(keep_excerpt=is_kept)
    door(book, "k")
    assert (TEXT in spooled(book)) <= is_kept
    assert said(book) == [TEXT if is_kept else None]


@pytest.mark.parametrize("door", [by_hook, by_captured_pair, by_row])
def test_while_the_database_is_away_the_spool_has_it_only_where_it_is_wanted(
    make_ledger: MakeLedger, door: Callable[[Ledger, str], None]
) -> None:
    for is_kept, name in ((False, "off"), (True, "on")):
        book = make_ledger(keep_excerpt=is_kept)
        with away(book):
            if door is by_hook:
                door(book, name)
            else:
                with pytest.raises(AssertionError):
                    door(book, name)
            assert (TEXT in spooled(book)) is is_kept
        book.parts.recorder.replay()
    assert sorted(map(str, said(book))) == sorted(["None", TEXT])


def test_what_waited_since_it_was_kept_is_taken_in_without_once_it_is_not(make_ledger: MakeLedger) -> None:
    before, after = make_ledger(keep_excerpt=True), make_ledger(keep_excerpt=False)
    with away(before, after):
        by_hook(before, "k")
        before.close()
    after.parts.recorder.replay()
    assert said(after) == [None]


def test_plans_and_campaigns_show_it_and_no_plan_keeps_it(make_ledger: MakeLedger) -> None:
    book = make_ledger(keep_excerpt=True)
    for number in range(3):
        by_row(book, f"k{number}")
    book.record(process_query_key="other", robot_code="robot-1", campaign="spring")
    plan = book.plan(campaign="spring", reason="wrong link", actor="wang")
    assert plan.excerpts == (PlannedExcerpt(excerpt=TEXT, messages=3),)
    assert book.parts.planner.excerpts_of(plan.recall_id) == plan.excerpts
    assert [(line.campaign, line.excerpt) for line in book.campaigns()] == [("spring", TEXT)]
    assert book.parts.campaigns(Bounds(robots=frozenset({RobotCode("robot-2")}))) == []
    with book.parts.database.read() as connection:
        written = "".join(str(entry) for entry in history.read_all(connection))
    assert DIGEST in written
    assert TEXT not in written + str(book.show(plan.recall_id).to_json())


def test_it_is_purged_with_its_message(make_ledger: MakeLedger, clock: FakeClock) -> None:
    book = make_ledger(keep_excerpt=True)
    by_row(book, "k")
    clock.advance(timedelta(hours=25))
    assert book.purge().purged == 1
    assert said(book) == []


def test_erasing_a_person_deletes_it_where_they_got_it_and_where_it_mentions_them(make_ledger: MakeLedger) -> None:
    book = make_ledger(keep_excerpt=True)
    rows = [("got", ["ann"], TEXT), ("mentioned", ["bob"], "ann leaves us"), ("other", ["bob"], "nothing to see")]
    now = book.parts.clock.now()
    for key, users, text in rows:
        row = {"processQueryKey": key, "robotCode": "robot-1", "userIds": users, "excerpt": text, "sentAt": now}
        book.record_many([{**row, "campaign": "spring"}])
    exported = book.parts.person_export.run_once("ann", actor="li")
    assert [message["excerpt"] for message in exported.messages] == [TEXT]
    assert book.parts.person_eraser.look("ann").places["excerpts"] == 2
    done = book.parts.person_eraser.erase("ann", reason="asked to be forgotten", actor="li")
    assert done.places["excerpts"] == 2
    assert sorted(map(str, said(book))) == ["None", "None", "nothing to see"]
    assert book.verify().ok
