"""Connections to PostgreSQL that waited, in the pool or at hand, are not used once their server has ended them."""

import pytest
from sqlalchemy import text

from ledger import Ledger
from ledger.errors import DatabaseUnavailableError
from ledger.store import waiting_connections
from ledger.store.database import Database

MINE = "SELECT pg_backend_pid()"


def process_in_pool(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(text(MINE)).scalar_one())


def process_at_hand(database: Database) -> int:
    ((process,),) = database.commit(MINE, ()).rows
    return int(process)


@pytest.fixture(params=[process_in_pool, process_at_hand])
def waiting(book: Ledger, request: pytest.FixtureRequest) -> Database:
    """A database of which one connection waits, which its server has ended meanwhile."""
    database = book.parts.opened()
    if database.is_sqlite:
        pytest.skip("SQLite has no connection that can be lost")
    process = request.param(database)
    other = Database(database.url.render_as_string(hide_password=False))
    with other.read() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})
    other.close()
    return database


def test_a_connection_that_its_server_ended_is_had_anew(waiting: Database) -> None:
    assert waiting.commit("SELECT 1", ()).rows == [(1,)]


def test_without_a_look_it_would_be_given_out(waiting: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_connections, "_has_news", lambda _: False)
    with pytest.raises(DatabaseUnavailableError):
        waiting.commit("SELECT 1", ())
    assert waiting.commit("SELECT 1", ()).rows == [(1,)]


def test_one_that_waited_for_long_is_asked(waiting: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_connections, "_has_news", lambda _: False)
    monkeypatch.setattr(waiting_connections, "ASKED_AFTER_SECONDS", 0.0)
    assert waiting.commit("SELECT 1", ()).rows == [(1,)]


def test_when_one_is_lost_all_others_of_its_time_are_opened_anew(book: Ledger) -> None:
    database = book.parts.opened()
    if database.is_sqlite:
        pytest.skip("SQLite has no connection that can be lost")
    before = {process_in_pool(database), process_at_hand(database)}
    with database.read():
        before.add(process_in_pool(database))
    with pytest.raises(DatabaseUnavailableError):
        # As a standby says it, where another server has become the one that can be written.
        database.commit("DO $$ BEGIN RAISE EXCEPTION 'said by a test' USING ERRCODE = '25006'; END $$", ())
    with database.read():
        after = {process_in_pool(database), process_at_hand(database)}
    assert not before & after
