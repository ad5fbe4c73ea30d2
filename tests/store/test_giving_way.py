"""A transaction that PostgreSQL undoes for the sake of another one is done again: the database is not away then."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from ledger import Ledger
from ledger.clock import format_time
from ledger.errors import DatabaseUnavailableError
from ledger.store import faults
from ledger.store.database import Database
from tests.conftest import NOON

LONG_SECONDS = 30
WAITING_ON_LOCKS = """
    SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


def rows(*users: str) -> list[dict[str, Any]]:
    return [
        {"processQueryKey": key, "robotCode": "r", "userIds": list(users), "sentAt": format_time(NOON)} for key in "ab"
    ]


def raising(state: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'said by a test' USING ERRCODE = '{state}'; END $$"


@pytest.fixture
def database(book: Ledger) -> Database:
    opened = book.parts.opened()
    if opened.is_sqlite:
        pytest.skip("SQLite has one that writes, which never has to give way")
    return opened


@pytest.fixture
def states(database: Database) -> Iterator[list[str]]:
    """What the database has said, as SQLSTATEs."""
    said: list[str] = []

    def note(context: Any) -> None:
        said.append(context.original_exception.sqlstate)

    event.listen(database.engine, "handle_error", note)
    yield said
    event.remove(database.engine, "handle_error", note)


def connected(database: Database) -> "psycopg.Connection[Any]":
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url)


def test_recording_that_loses_a_deadlock_is_done_again_and_nothing_waits_in_the_spool(
    book: Ledger, database: Database, states: list[str]
) -> None:
    assert book.record_many(rows("ann")).recorded == 2
    has_locked = threading.Event()

    def cross() -> None:
        """Lock the second message, and the first one once somebody has that and waits for the second."""
        with connected(database) as other, connected(database) as looking:
            looking.autocommit = True
            # It is the other one that looks for a deadlock first.
            other.execute(f"SET deadlock_timeout TO '{LONG_SECONDS}s'".encode())
            other.execute("SELECT FROM messages WHERE process_query_key = 'b' FOR UPDATE")
            has_locked.set()
            while looking.execute(WAITING_ON_LOCKS.encode()).fetchone() == (0,):
                pass
            other.execute("SELECT FROM messages WHERE process_query_key = 'a' FOR UPDATE")

    crossing = threading.Thread(target=cross)
    crossing.start()
    assert has_locked.wait(LONG_SECONDS)
    done = book.record_many(rows("ann", "bob"))
    crossing.join()
    assert states == ["40P01"]
    assert (done.duplicates, done.spooled) == (2, 0)
    assert [one.recipients for one in book.campaigns()] == [4]


@pytest.mark.parametrize("state", sorted(faults.GAVE_WAY))
def test_who_has_to_give_way_each_time_is_told_that_the_database_is_away_in_the_end(
    database: Database, states: list[str], state: str
) -> None:
    @faults.repeated
    def work() -> None:
        with database.write() as connection:
            connection.exec_driver_sql(raising(state))

    with pytest.raises(DatabaseUnavailableError, match=state):
        work()
    assert states == [state] * faults.TRIES


def test_what_fails_for_another_reason_is_not_done_again(database: Database, states: list[str]) -> None:
    @faults.repeated
    def work() -> None:
        with database.write() as connection:
            connection.exec_driver_sql(raising("53100"))

    with pytest.raises(DatabaseUnavailableError):
        work()
    assert states == ["53100"]


def test_a_statement_committed_with_itself_is_done_again_as_well(database: Database) -> None:
    database.commit("CREATE SEQUENCE tries", ())
    text = "DO $$ BEGIN IF nextval('tries') < 3 THEN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END IF; END $$"
    database.commit(text, ())
    assert database.commit("SELECT last_value FROM tries", ()).rows == [(3,)]
