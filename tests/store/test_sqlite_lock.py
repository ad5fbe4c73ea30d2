"""Whoever waits for SQLite's write lock has it soon after it is free, and gives up in the end."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.clock import SystemClock
from ledger.errors import DatabaseUnavailableError
from ledger.store import database as databases
from ledger.store import sqlite_lock, sqlite_queue
from ledger.store.database import Database


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


def lock(file: Database) -> sqlite3.Connection:
    other = sqlite3.connect(file.url.database or "", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_a_transaction_waits_for_another_one_and_then_writes(file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with file.write() as connection:
        connection.execute(text("CREATE TABLE one (two INTEGER)"))
    other, looked = lock(file), threading.Event()
    monkeypatch.setattr(sqlite_lock, "WAITING", Looking(looked))

    def free() -> None:
        looked.wait(10)
        other.execute("COMMIT")
        other.close()

    freeing = threading.Thread(target=free)
    freeing.start()
    with file.write() as connection:
        connection.execute(text("INSERT INTO one VALUES (1)"))
    freeing.join()
    assert looked.is_set()


def test_what_stays_locked_is_unavailable_and_can_be_used_later(
    file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "SQLITE_BUSY_SECONDS", 0.01)
    with file.read() as connection:
        connection.execute(text("SELECT 1"))
    other = lock(file)
    with pytest.raises(DatabaseUnavailableError, match="database is locked"), file.write():
        pass
    other.execute("ROLLBACK")
    other.close()
    with file.write() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10


class Looking(SystemClock):
    """The machine's clock, which says when somebody found the lock taken."""

    def __init__(self, looked: threading.Event) -> None:
        self._looked = looked

    def sleep(self, seconds: float) -> None:
        self._looked.set()
        super().sleep(seconds)


def test_whoever_waits_goes_first(file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with file.write() as connection:
        connection.execute(text("CREATE TABLE one (two TEXT)"))
    looked = threading.Event()
    monkeypatch.setattr(sqlite_lock, "WAITING", Looking(looked))
    monkeypatch.setattr(sqlite_lock, "MOST_PATIENCE_SECONDS", 60)

    def write(who: str) -> None:
        with file.write() as connection:
            connection.execute(text("INSERT INTO one VALUES (:who)"), {"who": who})

    other, waiting = lock(file), threading.Thread(target=write, args=("waited",))
    waiting.start()
    assert looked.wait(10)
    other.execute("INSERT INTO one VALUES ('held')")
    other.execute("COMMIT")
    other.close()
    file.let_others_write()
    write("came back")
    waiting.join()
    with file.read() as connection:
        assert list(connection.execute(text("SELECT two FROM one ORDER BY rowid")).scalars()) == [
            *("held", "waited", "came back"),
        ]


def test_who_never_gets_on_keeps_nobody_waiting_for_good(file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_lock, "MOST_PATIENCE_SECONDS", 0.001)
    with sqlite_queue.Waiting(lambda: file.url.database) as stuck:
        stuck.join()
        file.let_others_write()


def test_where_a_folder_cannot_be_locked_nobody_is_seen_to_wait(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "gone" / "ledger.sqlite")
    with sqlite_queue.Waiting(lambda: nowhere) as waiting:
        waiting.join()
        sqlite_queue.let_go_first(nowhere, SystemClock(), 60)
