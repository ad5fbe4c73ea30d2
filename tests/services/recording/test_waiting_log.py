"""While the database is away the log says so once, however much is sent meanwhile, and once that it is back."""

import logging
import time
from collections.abc import Callable

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.errors import StatementRefusedError
from ledger.patience import CALM_SECONDS, OutageLog
from ledger.services.recording import group_writer
from ledger.services.recording.waiting_log import SAY_AGAIN_SECONDS, WaitingLog
from ledger.services.recording.write_apart import Written
from tests.conftest import NOON
from tests.outages import away

AWAY, BACK = "the database is away", "the database is back"


def record_one(book: Ledger, key: str) -> None:
    book.record(process_query_key=key, robot_code="r", user_ids=["ann"])


def record_many(book: Ledger, key: str) -> None:
    book.record_many(
        [{"processQueryKey": f"{key}{n}", "robotCode": "r", "sentAt": "2026-03-01T11:00:00Z"} for n in range(2)]
    )


def wait_until_it_is_back(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    until = time.monotonic() + 20
    while BACK not in lines_of(caplog):
        assert time.monotonic() < until, "nobody says that it is back"
        # Each time: a look that began before may fail after this.
        clock.sleep(CALM_SECONDS)
        time.sleep(0.01)


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [" ".join(one.message.split()[:4]).rstrip(":,") for one in caplog.records if one.levelno >= logging.WARNING]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look soon whether the database is back."""
    monkeypatch.setattr(group_writer, "LEFT_ALONE_SECONDS", 0.02)


@pytest.mark.parametrize("record", [record_one, record_many])
def test_whatever_is_sent_in_an_outage_leaves_one_line_when_it_begins_and_one_when_it_is_over(
    book: Ledger, clock: FakeClock, caplog: pytest.LogCaptureFixture, record: Callable[[Ledger, str], None]
) -> None:
    with away(book):
        for number in range(20):
            record(book, f"k{number}")
            time.sleep(0.005)
        book.parts.recorder.catch_up()
    wait_until_it_is_back(clock, caplog)
    for number in range(20):
        record(book, f"later{number}")
    assert lines_of(caplog) == [AWAY, BACK], caplog.text


def test_a_door_that_opens_in_an_outage_says_when_it_is_over_also_when_nothing_is_sent(
    book: Ledger, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    with away(book):
        book.parts.recorder.look_after_spool()
    wait_until_it_is_back(clock, caplog)
    assert lines_of(caplog) == [AWAY, BACK], caplog.text


def test_what_a_database_refuses_that_is_there_is_said_at_most_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock(NOON)
    waiting_log = WaitingLog(OutageLog(clock), clock, lambda: None)
    full = Written(error=StatementRefusedError("a trigger says no"))
    for _ in range(5):
        waiting_log.note(clock.monotonic(), [full, Written(is_new=True)])
    assert caplog.messages == ["what was sent waits in the spool: a trigger says no"]
    clock.sleep(SAY_AGAIN_SECONDS)
    waiting_log.note(clock.monotonic(), [full])
    assert caplog.messages[1:] == [
        "what was sent waits in the spool (5 times since this was last said): a trigger says no"
    ]
