"""Transactions: naive times refused, many writers at once, and errors that say what to fix."""

import ctypes
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from ledger import Ledger, Settings
from ledger.clock import AlignedClock, SystemClock
from ledger.database_url import url_of_file
from ledger.errors import DatabaseUnavailableError, NaiveTimeError, SettingsError
from ledger.store.database import Database
from ledger.store.schema import messages, usage
from tests.databases import PostgreSQL
from tests.forked_command import ForkedCommand


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


def write_from_processes(url: str, folder: Path, processes: int) -> None:
    with (folder / "said").open("ab") as said, Path(os.devnull).open("r+b") as nothing:
        started = [
            ForkedCommand(
                [str(number), "50", str(folder / "promised")],
                program="tests.processes.recording",
                env=os.environ | {"LEDGER_DATABASE_URL": url},
                stdin=nothing,
                stdout=nothing,
                stderr=said,
            )
            for number in range(processes)
        ]
    assert [process.wait(120) for process in started] == [0] * processes, (folder / "said").read_text()


def test_four_processes_that_record_at_once_lose_nothing(database_url: str, database: Database, tmp_path: Path) -> None:
    write_from_processes(database_url, tmp_path, 4)
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(messages)) == 4 * 48


def test_processes_that_meet_at_the_first_use_create_the_ledger_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    write_from_processes(url, tmp_path, 4)
    with Ledger(Settings.load(database_url=url)) as book:
        assert book.campaigns()[0].messages == 4 * 48


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "no URL of a database"),
        ("/data/ledger.sqlite", "no URL of a database: write sqlite:////path"),
        ("sqlite:/data/ledger.sqlite", "no URL of a database"),
        ("sqlite:////data/a\nb", "no URL of a database"),
        ("mysql://user@host/name", "sqlite and postgresql"),
        ("mssql+pyodbc://host/name", "sqlite and postgresql"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////data/", "names no file"),
        ("sqlite://data/ledger.sqlite", "three slashes"),
        ("sqlite:////data/what?.sqlite", "write %3F for"),
        ("sqlite:////data/x.sqlite?mode=ro&uri=true", "nothing that SQLite knows"),
        ("sqlite+aiosqlite:////data/x.sqlite", "without another driver"),
        ("postgresql+asyncpg://host/name", "psycopg alone: write postgresql://"),
        ("postgresql+psycopg2://host/name", "psycopg alone: write postgresql://"),
    ],
)
def test_a_url_that_cannot_work_says_why(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Database(url)
    with pytest.raises(SettingsError, match=says):
        Settings.load(database_url=url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:very@secret@host/name",
        "postgresql://ann:x@very/secret@host/name",
        "postgresql://ann:x@very?secret@host/name",
        "postgresql://ann:very-secret",
        "postgresql://host:very-secret/name",
        "postgresql://host:99999secret/name",
        "postgresql//ann:very-secret@host/name",
        "ann:very-secret@host/name",
        "secret://ann:very-secret@host/name",
        "mysql://ann:very-secret@host/name",
        "postgresql+secret://ann:very-secret@host/name",
        "sqlite://ann:very-secret@host/name",
    ],
)
def test_nothing_of_a_url_is_shown_that_did_not_parse_as_meant(url: str) -> None:
    for refuse in (Database, lambda url: Settings.load(database_url=url)):
        with pytest.raises(SettingsError) as caught:
            refuse(url)
        assert "secret" not in str(caught.value) + repr(caught.value)
        assert "very" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "user", "password", "host", "name"),
    [
        ("postgres://ann:pw@host/name", "ann", "pw", "host", "name"),
        ("postgresql+psycopg://ann:pw@host/name", "ann", "pw", "host", "name"),
        (" postgresql://ann:pw@host/name\n", "ann", "pw", "host", "name"),
        ("postgresql://ann:p%40%2F%23%25%3A%3F@host/name", "ann", "p@/#%:?", "host", "name"),
        ("postgresql://ann:p/w#x:y%zz?@host:1/name", "ann", "p/w#x:y%zz?", "host", "name"),
        ("postgresql://ann@%2Frun%2Fpostgresql/name", "ann", None, "/run/postgresql", "name"),
        ("postgresql://[fd00::1]:5/name", None, None, "fd00::1", "name"),
    ],
)
def test_a_url_of_postgresql_is_read_as_it_was_meant(
    url: str, user: str | None, password: str | None, host: str, name: str
) -> None:
    database = Database(url)
    assert database.url.drivername == "postgresql+psycopg"
    found = database.url
    assert (found.username, found.password, found.host, found.database) == (user, password, host, name)
    assert password is None or password not in database.shown_url
    assert Settings.load(database_url=url).spool_folder


@pytest.mark.parametrize("name", ["100%", "a b", "消息", "what?", "a#b", "%41", "'q'", "a&b=c", "x" * 200])
def test_a_file_of_any_name_is_opened_and_its_spool_lies_beside_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / f"{name}.sqlite"
    settings = Settings.load(database_url=url_of_file(path))
    with Ledger(settings) as book:
        assert book.campaigns() == []
        assert str(path) in book.parts.database.shown_url
    assert path.is_file()
    assert settings.spool_dir_or_default == path.parent / "spool"


def test_a_relative_file_lies_where_the_command_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Ledger(Settings.load(database_url="sqlite:///book.sqlite")) as book:
        assert book.campaigns() == []
    assert (tmp_path / "book.sqlite").is_file()


def test_the_home_of_a_user_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with Ledger(Settings.load(database_url="sqlite:///~/book.sqlite")) as book:
        assert book.campaigns() == []
    assert (tmp_path / "book.sqlite").is_file()


def test_a_folder_that_is_gone_is_no_place_for_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SettingsError, match="which is gone: write the whole path"):
        Database("sqlite:///ledger.sqlite")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["x" * 300, "/".join(["folder"] * 1000)])
def test_a_path_that_is_too_long_is_an_error_of_ours(name: str, tmp_path: Path) -> None:
    with (
        Ledger(Settings.load(database_url=f"sqlite:///{tmp_path}/{name}/l.sqlite")) as book,
        pytest.raises(DatabaseUnavailableError),
    ):
        book.campaigns()


def test_a_pipe_is_no_database(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(SettingsError, match="which is a device or a pipe"):
            Database(f"sqlite:///{path}")


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_this_user_may_not_write_is_named_with_what_to_do(tmp_path: Path, what: str) -> None:
    """A process without the right to write whatever it likes, which root has, finds out."""
    path = tmp_path / "kept" / "ledger.sqlite"
    url = f"sqlite:///{path}"
    with Ledger(Settings.load(database_url=url)) as book:
        assert book.campaigns() == []
    (path if what == "file" else path.parent).chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-m", "ledger", "purge"],
        env={**os.environ, "LEDGER_DATABASE_URL": url, "LEDGER_SPOOL_DIR": str(tmp_path)},
        preexec_fn=_as_an_ordinary_user, capture_output=True, text=True, check=False,
    )  # fmt: skip
    path.parent.chmod(0o755)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "Let this user write the file and its folder" in done.stderr


def _as_an_ordinary_user() -> None:
    """Give up the rights of root over files: those of the bounding set are lost with the next program."""
    drop, override, read_search = 24, 1, 2
    for capability in (override, read_search):
        ctypes.CDLL(None).prctl(drop, capability, 0, 0, 0)


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"names a folder: add a file to it, as in {tmp_path}/ledger.sqlite"):
        Database(f"sqlite:///{tmp_path}")


def test_parameters_of_the_url_reach_the_server(postgresql: PostgreSQL) -> None:
    url = postgresql.create()
    joint = "&" if "?" in url else "?"
    for parameter, expected in (("application_name=mine", "mine"), ("connect_timeout=3", "ledger")):
        database = Database(f"{url}{joint}{parameter}&sslmode=prefer")
        with database.read() as connection:
            assert connection.scalar(text("SHOW application_name")) == expected
        database.close()
    for wrong in ("sslmod=prefer", "sslmode=sometimes"):
        database = Database(f"{url}{joint}{wrong}")
        with pytest.raises(DatabaseUnavailableError, match="sslmod"), database.read():
            pass
        database.close()
    postgresql.drop(url)


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
        assert abs(book.parts.clock.now() - book.parts.database.server_time()) < timedelta(seconds=5)
    postgresql.drop(url)


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = Settings.load(database_url=f"sqlite:///{tmp_path / 'file' / 'ledger.sqlite'}")
    with Ledger(settings) as book, pytest.raises(DatabaseUnavailableError, match="cannot be made"):
        book.campaigns()
