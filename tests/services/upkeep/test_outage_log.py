"""While a database is away, a worker says so once, and once that it is back; nobody writes tracebacks."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.errors import DatabaseUnavailableError
from ledger.patience import OutageLog
from ledger.store.database import Database
from tests.conftest import NOON
from tests.databases import PostgreSQL
from tests.outages import away

AWAY, BACK = "the database is away", "the database is back"


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until, "this never came about"
        time.sleep(0.02)


def fail() -> None:
    raise DatabaseUnavailableError("no route")


def test_many_failures_are_one_line_and_many_successes_one_more(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock(NOON)
    outage = OutageLog(clock)
    outage.observe(lambda: None)
    for _ in range(2):
        for _ in range(50):
            with pytest.raises(DatabaseUnavailableError):
                outage.observe(fail)
        clock.sleep(7)
        for _ in range(50):
            outage.observe(lambda: None)
    assert len(caplog.messages) == 4
    assert caplog.messages[:2] == caplog.messages[2:]
    assert caplog.messages[0].endswith("no route")
    assert caplog.messages[1] == "the database is back, after 7 s"


def test_what_began_before_or_asks_nothing_does_not_say_that_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock(NOON)
    outage = OutageLog(clock)

    def lose_it_meanwhile() -> None:
        clock.sleep(1)
        with pytest.raises(DatabaseUnavailableError):
            outage.observe(fail)

    outage.observe(lose_it_meanwhile)
    clock.sleep(1)
    outage.observe(lambda: None, asks_always=False)
    assert len(caplog.messages) == 1
    outage.observe(lambda: None)
    assert len(caplog.messages) == 2


def test_a_worker_tells_once_that_the_database_is_away_and_once_that_it_is_back(
    postgresql: PostgreSQL, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = postgresql.create()
    settings = Settings.load(database_url=url, spool_dir=tmp_path / "spool", app_key="a", app_secret="b")

    def lines(start: str) -> int:
        return len([message for message in caplog.messages if message.startswith(start)])

    with caplog.at_level(logging.WARNING, logger="ledger"), Ledger(settings) as book:
        worker = book.parts.worker()
        thread = threading.Thread(target=worker.run)
        try:
            with away(book):
                thread.start()
                wait_until(lambda: lines(AWAY) > 0)
                # Several chores come due meanwhile.
                time.sleep(1.5)
            wait_until(lambda: lines(BACK) > 0)
        finally:
            worker.stop()
            thread.join()
    postgresql.drop(url)
    told = [record for record in caplog.records if record.name.startswith(("ledger", "sqlalchemy", "apscheduler."))]
    assert (lines(AWAY), lines(BACK)) == (1, 1), caplog.text
    assert [record for record in told if record.exc_info] == []


def test_a_connection_that_breaks_in_the_middle_is_an_error_of_ours_and_no_traceback(
    postgresql: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    url = postgresql.create()
    database, other = Database(url), Database(url)
    with pytest.raises(DatabaseUnavailableError), database.write() as connection:  # noqa: PT012  (one broken transaction)
        number = connection.scalar(text("SELECT pg_backend_pid()"))
        with other.write() as killing:
            killing.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
        connection.execute(text("SELECT 1"))
    for one in (database, other):
        one.close()
    postgresql.drop(url)
    assert [record for record in caplog.records if record.exc_info] == []
