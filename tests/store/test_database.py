"""Transactions: naive times refused, many writers at once, and errors that say what to fix."""

import subprocess
import sys
import textwrap
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from ledger import Ledger, Settings
from ledger.clock import AlignedClock, SystemClock
from ledger.errors import DatabaseUnavailableError, NaiveTimeError, SettingsError
from ledger.store.database import Database
from ledger.store.schema import messages, usage
from tests.databases import PostgreSQL

WRITER = textwrap.dedent(
    """
    import sys
    from datetime import UTC, datetime
    from ledger import Ledger, Settings
    url, name = sys.argv[1:]
    with Ledger(Settings.load(database_url=url)) as book:
        for number in range(50):
            book.record(process_query_key=f"{name}-{number}", robot_code="r", user_ids=["u"], sent_at=datetime.now(UTC))
    """
)


def test_a_naive_time_never_reaches_the_database(database: Database) -> None:
    row = {"robot_code": "r", "process_query_key": "k", "chat": "one_to_one", "recipients": [], "recipient_count": 0,
           "undelivered": {}, "deadline": SystemClock().now(), "recorded_at": SystemClock().now()}  # fmt: skip
    with pytest.raises(Exception, match="no zone") as caught, database.write() as connection:
        connection.execute(insert(messages), [{**row, "sent_at": datetime(2026, 3, 1)}])  # noqa: DTZ001
    assert isinstance(caught.value.__cause__ or caught.value, NaiveTimeError)


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def fail_after_writing() -> None:
        with database.write() as connection:
            connection.execute(insert(usage).values(app="a", month="2026-03", calls=1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_writing()
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(usage)) == 0


def write_from_processes(url: str, processes: int) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", WRITER, url, str(number)], stderr=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    for process in started:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


def test_four_processes_that_record_at_once_lose_nothing(database_url: str, database: Database) -> None:
    write_from_processes(database_url, 4)
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(messages)) == 200


def test_processes_that_meet_at_the_first_use_create_the_ledger_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    write_from_processes(url, 4)
    with Ledger(Settings.load(database_url=url)) as book:
        assert book.campaigns()[0].messages == 200


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "not an SQLAlchemy URL"),
        ("mysql://user@host/name", "sqlite and postgresql"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_a_url_that_cannot_work_says_why(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Database(url)


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    settings = Settings.load(database_url="postgresql://ann:very-secret@127.0.0.1:1/name")
    with Ledger(settings) as book, pytest.raises(DatabaseUnavailableError) as caught:
        book.campaigns()
    assert "127.0.0.1:1" in str(caught.value)
    assert "very-secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("this is no database, only some text that is long enough to look at" * 20)
    settings = Settings.load(database_url=f"sqlite:///{path}")
    with Ledger(settings) as book, pytest.raises(DatabaseUnavailableError, match="not a database"):
        book.campaigns()


def test_processes_that_share_a_server_share_its_time(postgresql: PostgreSQL) -> None:
    class Fast(SystemClock):
        def now(self) -> datetime:
            return super().now() + timedelta(minutes=10)

    url = postgresql.create()
    with Ledger(Settings.load(database_url=url), clock=AlignedClock(Fast())) as book:
        assert book.campaigns() == []
        assert abs(book.clock.now() - book.database.server_time()) < timedelta(seconds=5)
    postgresql.drop(url)


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = Settings.load(database_url=f"sqlite:///{tmp_path / 'file' / 'ledger.sqlite'}")
    with Ledger(settings) as book, pytest.raises(DatabaseUnavailableError, match="cannot be made"):
        book.campaigns()
