"""Recording messages, one by one and many at once, on both databases."""

from datetime import datetime, timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock, format_time
from ledger.errors import InvalidMessageError
from ledger.services.recording.batches import Imported, WriteCounts
from ledger.simulator import World
from tests.conftest import MakeLedger
from tests.sending import row, send


def record(book: Ledger, **changes: object) -> WriteCounts:
    fields: dict[str, object] = {"process_query_key": "key+/=", "robot_code": "robot-1", "user_ids": ["ann"]}
    return book.record(**{**fields, **changes})  # type: ignore[arg-type]


def test_recording_twice_changes_nothing(book: Ledger) -> None:
    assert record(book, campaign="spring") == WriteCounts(recorded=1, duplicates=0)
    assert record(book, campaign="spring") == WriteCounts(recorded=0, duplicates=1)
    (line,) = book.campaigns()
    assert (line.campaign, line.messages) == ("spring", 1)


def test_keys_are_case_sensitive_and_belong_to_their_robot(book: Ledger) -> None:
    record(book, process_query_key="Key")
    assert record(book, process_query_key="key").recorded == 1
    assert record(book, process_query_key="Key", robot_code="robot-2").recorded == 1


def test_a_naive_time_is_refused_and_nothing_is_recorded(book: Ledger) -> None:
    with pytest.raises(InvalidMessageError, match="no zone"):
        record(book, sent_at=datetime(2026, 3, 1, 10))  # noqa: DTZ001
    with pytest.raises(InvalidMessageError, match="no zone"):
        record(book, sent_at="2026-03-01T10:00:00")
    assert book.campaigns() == []


def test_a_time_with_any_offset_is_the_same_moment(book: Ledger, clock: FakeClock) -> None:
    record(book, sent_at="2026-03-01T19:00:00+08:00")
    (line,) = book.campaigns()
    assert line.first_deadline == clock.now() + timedelta(hours=23)


def test_a_time_in_the_future_is_refused(book: Ledger, clock: FakeClock) -> None:
    with pytest.raises(InvalidMessageError, match="future"):
        record(book, sent_at=clock.now() + timedelta(minutes=6))


@pytest.mark.parametrize(("length", "accepted"), [(1, True), (1024, True), (1025, False), (0, False)])
def test_a_key_has_1_to_1024_characters(book: Ledger, length: int, accepted: bool) -> None:
    if accepted:
        assert record(book, process_query_key="k" * length).recorded == 1
    else:
        with pytest.raises(InvalidMessageError, match=r"characters|missing"):
            record(book, process_query_key="k" * length)


def test_texts_of_every_script_come_back_as_they_were(book: Ledger, world: World) -> None:
    campaign = "春季 🌱 'quoted\" \\ % _"
    send(book, world, 1, campaign=campaign, users=["张三", "o'brien", 'a"b', "x,y", "{z}"])
    (line,) = book.campaigns()
    assert line.campaign == campaign
    assert book.plan(users=["张三"], reason="找", include_shared=True).eligible == 1
    assert book.plan(users=["{z}"], reason="找", include_shared=True).eligible == 1
    assert book.plan(users=["x"], reason="找", include_shared=True).eligible == 0


@pytest.mark.parametrize("count", [5, 500])
def test_bad_rows_are_listed_and_the_others_recorded(book: Ledger, count: int) -> None:
    now = book.parts.clock.now()
    rows = [row(f"key-{number}", now) for number in range(count)]
    rows[1] = {"processQueryKey": "no robot", "sentAt": format_time(now)}
    rows[3]["campain"] = rows[3].pop("campaign")
    result = book.record_many(rows)
    assert (result.read, result.recorded, result.duplicates) == (count, count - 2, 0)
    assert [one.line for one in result.rejected] == [2, 4]
    assert "robotCode is missing" in result.rejected[0].reason
    assert "did you mean 'campaign'" in result.rejected[1].reason


@pytest.mark.parametrize("count", [5, 500])
def test_importing_twice_changes_nothing(book: Ledger, count: int) -> None:
    rows = [row(f"key-{number}", book.parts.clock.now()) for number in range(count)]
    assert book.record_many(rows) == Imported(read=count, recorded=count, duplicates=0, rejected=())
    assert book.record_many(rows) == Imported(read=count, recorded=0, duplicates=count, rejected=())


@pytest.mark.parametrize("count", [5, 500])
def test_a_key_that_stands_twice_in_one_batch_is_recorded_once(book: Ledger, count: int) -> None:
    rows = [row(f"key-{number}", book.parts.clock.now()) for number in range(count)] * 2
    result = book.record_many(rows)
    assert (result.recorded, result.duplicates) == (count, count)


def test_a_row_takes_what_it_lacks_and_keeps_what_it_has(book: Ledger) -> None:
    now = book.parts.clock.now()
    bare = {"processQueryKey": "k1"}
    full = row("k2", now, robot="own", campaign="own")
    book.record_many([bare, full], campaign="given", robot_code="given", sent_at=now)
    assert {line.campaign for line in book.campaigns()} == {"given", "own"}
    assert book.plan(robot="given", reason="look").eligible == 1


def test_a_captured_pair_is_read_by_its_send_and_keeps_the_undelivered_apart(book: Ledger) -> None:
    pair = {
        "request": {
            "method": "POST",
            "url": "https://api.dingtalk.com/v1.0/robot/oToMessages/batchSend",
            "body": {"robotCode": "robot-1", "userIds": ["ann", "bob", "cid"], "msgKey": "sampleText"},
        },
        "response": {"body": {"processQueryKey": "k1", "invalidStaffIdList": ["bob"], "filteredStaffIdList": ["cid"]}},
        "sentAt": format_time(book.parts.clock.now()),
        "campaign": "spring",
    }
    assert book.record_many([pair]).recorded == 1
    assert book.plan(users=["bob"], reason="look").eligible == 0
    plan = book.plan(users=["ann"], reason="look")
    (item,) = book.show(plan.recall_id).items
    assert item.recipients == ("ann",)
    assert item.undelivered == {"invalid": ("bob",), "filtered": ("cid",)}


@pytest.mark.usefixtures("patient_records")
def test_the_first_use_of_an_embedded_ledger_creates_it(make_ledger: MakeLedger, tmp_path: object) -> None:
    book = make_ledger(database_url=f"sqlite:///{tmp_path}/new/folder/ledger.sqlite")
    assert record(book).recorded == 1


def test_campaigns_come_soonest_deadline_first_and_ended_ones_last(book: Ledger, world: World) -> None:
    send(book, world, 1, campaign="young", sent_ago=timedelta(hours=1))
    send(book, world, 2, campaign="old", sent_ago=timedelta(hours=20), users=["ann", "bob"])
    send(book, world, 1, campaign="over", sent_ago=timedelta(hours=30))
    send(book, world, 1, campaign=None, sent_ago=timedelta(hours=2))
    lines = book.campaigns()
    assert [line.campaign for line in lines] == ["old", None, "young", "over"]
    assert (lines[0].messages, lines[0].recipients, lines[0].recallable) == (2, 4, 2)
    assert (lines[3].recallable, lines[3].first_deadline) == (0, None)


def test_one_user_id_is_not_taken_for_a_list_of_letters(book: Ledger) -> None:
    with pytest.raises(InvalidMessageError, match="user_ids"):
        record(book, user_ids="u1")
