"""A message that comes again: with another campaign it is said which is kept, and users that are new are added."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ledger import Ledger
from ledger.clock import FakeClock, format_time
from ledger.store.schema import message_recipients, messages
from tests.conftest import NOON, MakeLedger
from tests.outages import away


def record(book: Ledger, campaign: str | None = "a", *users: str) -> Any:
    return book.record(process_query_key="k", robot_code="r", user_ids=users, campaign=campaign, sent_at=NOON)


def row(key: str, campaign: str, *users: str) -> dict[str, Any]:
    fields = {"processQueryKey": key, "robotCode": "r", "campaign": campaign, "userIds": list(users)}
    return {**fields, "sentAt": format_time(NOON)}


def found_by(book: Ledger, user: str) -> int:
    """Return how many messages a plan finds that reached a user."""
    try:
        return book.plan(users=[user], reason="look", include_shared=True).eligible
    finally:
        for result in book.recalls():
            book.cancel(result.recall_id)


def recipients(book: Ledger) -> list[tuple[list[str], int]]:
    with book.parts.database.read() as connection:
        columns = messages.c
        rows = connection.execute(select(columns.recipients, columns.recipient_count).order_by(columns.id))
        return [(list(row.recipients), row.recipient_count) for row in rows]


def test_the_same_message_again_says_nothing_and_changes_nothing(book: Ledger) -> None:
    assert record(book, "a", "ann").recorded == 1
    for _ in range(2):
        again = record(book, "a", "ann")
        assert (again.duplicates, again.note) == (1, None)
    assert recipients(book) == [(["ann"], 1)]


@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        ("a", "b", "campaign a kept (`ledger tag` changes it)"),
        (None, "b", "no campaign kept (`ledger tag` changes it)"),
        ("a", None, None),
    ],
)
def test_another_campaign_is_named_and_the_first_is_kept(
    book: Ledger, first: str | None, second: str | None, note: str | None
) -> None:
    record(book, first, "ann")
    assert record(book, second, "ann").note == note
    assert [line.campaign for line in book.campaigns()] == [first]


def test_users_that_are_new_are_added_and_found(book: Ledger) -> None:
    record(book, "a", "ann")
    assert record(book, "b", "bob", "ann", "cid").note == "campaign a kept (`ledger tag` changes it), 2 users added"
    assert recipients(book) == [(["ann", "bob", "cid"], 3)]
    for user in ("ann", "bob", "cid"):
        assert found_by(book, user) == 1
    (line,) = book.campaigns()
    assert line.recipients == 3


def test_who_did_not_get_it_is_not_added(book: Ledger) -> None:
    sent = {"robotCode": "r", "userIds": ["ann", "bob"]}
    send = book.parts.recorder.send_recorder.sending("POST", "/v1.0/robot/oToMessages/batchSend", sent)
    assert send is not None
    book.parts.recorder.send_recorder.wait(send.answered(200, {"processQueryKey": "k", "invalidStaffIdList": ["bob"]}))
    assert record(book, None, "ann", "bob").note is None
    assert recipients(book) == [(["ann"], 1)]


@pytest.mark.parametrize("count", [3, 200])
def test_many_rows_say_which_of_them_differ(book: Ledger, count: int) -> None:
    rows = [row(f"k{number:03}", "a", "ann") for number in range(count)]
    assert book.record_many(rows).recorded == count
    again = [*rows, row("k001", "b", "bob"), row("new", "a", "ann"), row("new", "a", "dan")]
    result = book.record_many(again)
    assert (result.recorded, result.duplicates, result.differing_count) == (1, count + 2, 2)
    assert [(one.line, one.note) for one in result.differing] == [
        (count + 1, "campaign a kept (`ledger tag` changes it), 1 user added"),
        (count + 3, "1 user added"),
    ]
    assert (found_by(book, "bob"), found_by(book, "dan"), found_by(book, "ann")) == (1, 1, count + 1)


def test_users_that_several_add_at_once_are_all_there(make_ledger: MakeLedger) -> None:
    books = [make_ledger() for _ in range(4)]
    record(books[0], "a", "ann")
    notes: list[str | None] = []

    def add(book: Ledger, number: int) -> None:
        for user in range(10):
            notes.append(record(book, "a", f"{number}-{user}", "ann").note)  # noqa: PERF401  (from several threads)

    threads = [threading.Thread(target=add, args=(book, number)) for number, book in enumerate(books)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert notes == ["1 user added"] * 40
    ((users, count),) = recipients(books[0])
    assert len(set(users)) == count == 41


def test_what_waited_in_the_spool_adds_its_users_too(book: Ledger) -> None:
    record(book, "a", "ann")
    with away(book):
        assert record(book, "a", "bob").spooled == 1
    book.parts.recorder.replay()
    assert found_by(book, "bob") == 1


def test_what_the_purge_deletes_leaves_no_added_user_in_the_index(book: Ledger, clock: FakeClock) -> None:

    if not book.parts.database.is_sqlite:
        pytest.skip("PostgreSQL's index follows by itself")
    record(book, "a", "ann")
    record(book, "a", "bob")
    clock.advance(timedelta(hours=30))
    book.purge()
    with book.parts.database.read() as connection:
        assert connection.execute(select(message_recipients)).all() == []
