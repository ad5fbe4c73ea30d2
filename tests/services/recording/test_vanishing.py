"""How long a message stays is recorded with it, by whatever way it comes, and never costs its key."""

import json
from datetime import timedelta
from typing import Any

import pytest

from ledger import Ledger
from ledger.clock import FakeClock, format_time
from ledger.core.recording.capture import SEND_PATHS
from ledger.errors import InvalidMessageError
from tests.conftest import MakeLedger
from tests.outages import away

HOUR = timedelta(hours=1)


def record(book: Ledger, key: str, **more: Any) -> None:
    book.record(process_query_key=key, robot_code="robot-1", user_ids=["ann"], campaign="codes", **more)


def expires_next(book: Ledger) -> Any:
    return {line.campaign: line.expires_next for line in book.campaigns()}["codes"]


def test_it_counts_from_the_send_or_is_a_time(book: Ledger, clock: FakeClock) -> None:
    record(book, "a", sent_at=clock.now() - HOUR, expires_in=7200)
    assert expires_next(book) == clock.now() + HOUR
    record(book, "b", expires_at=clock.now() + HOUR / 2)
    assert expires_next(book) == clock.now() + HOUR / 2


def test_what_waits_in_the_spool_keeps_it(make_ledger: MakeLedger, clock: FakeClock) -> None:
    book = make_ledger()
    with away(book):
        record(book, "a", expires_in=3600)
        book.close()
    assert expires_next(make_ledger()) == clock.now() + HOUR


def test_a_send_that_was_followed_keeps_it_in_the_journal(make_ledger: MakeLedger, clock: FakeClock) -> None:
    book = make_ledger()
    body = json.dumps({"robotCode": "robot-1", "userIds": ["ann"]})
    with away(book):
        send = book.parts.recorder.send_recorder.sending(
            "POST", f"https://api.dingtalk.com{next(iter(SEND_PATHS))}", body, campaign="codes", expires_in=3600
        )
        assert send is not None
        send.answered(200, b'{"processQueryKey": "k"}')
        book.close()
    assert expires_next(make_ledger()) == clock.now() + HOUR


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"expiresIn": -1}, "greater than or equal to 0"),
        ({"expiresIn": "soon"}, "expiresIn"),
        ({"expiresIn": 10**9}, "less than or equal to"),
        ({"expiresAt": "2026-03-01T13:00:00"}, "expiresAt"),
        ({"expiresAt": "2026-03-01T13:00:00Z", "expiresIn": 5}, "exclude each other"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused_with_the_reason(
    book: Ledger, clock: FakeClock, fields: dict[str, Any], says: str
) -> None:
    row = {"processQueryKey": "k", "robotCode": "r", "sentAt": format_time(clock.now())}
    imported = book.record_many([row | fields])
    assert imported.recorded == 0
    assert says in imported.rejected[0].reason
    with pytest.raises(InvalidMessageError):
        record(book, "k", expires_in=-1)


def test_a_captured_pair_takes_it_too(book: Ledger, clock: FakeClock) -> None:
    pair = {
        "request": {"robotCode": "robot-1", "userIds": ["ann"]},
        "response": {"processQueryKey": "k"},
        "sentAt": format_time(clock.now()),
        "campaign": "codes",
    }
    assert book.record_many([pair | {"expiresIn": 3600}]).recorded == 1
    assert expires_next(book) == clock.now() + HOUR


def test_many_at_once_and_one_by_one_write_the_same(book: Ledger, clock: FakeClock) -> None:
    at = format_time(clock.now())
    rows = [{"processQueryKey": f"k{n}", "robotCode": "r", "sentAt": at, "campaign": "codes"} for n in range(60)]
    assert book.record_many([row | {"expiresIn": 3600 + n} for n, row in enumerate(rows)]).recorded == 60
    (line,) = book.campaigns()
    assert (line.expiring, line.expires_next) == (60, clock.now() + HOUR)
