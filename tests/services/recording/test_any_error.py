"""Errors that nobody thought of: whatever a database says, each key ends in the database or in the spool."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from ledger import Ledger, Settings
from ledger.clock import FakeClock, format_time
from ledger.core.recording.message import Message, MessageKey, RobotCode
from ledger.errors import DatabaseUnavailableError, InvalidMessageError, StatementRefusedError
from ledger.services.recording.group_writer import PATIENCE_SECONDS
from ledger.services.recording.write_outcome import WriteOutcome
from ledger.spool.refused import REFUSED
from ledger.store import migrate
from ledger.store.database import Database
from ledger.store.recording.incoming import COPY_FROM_ROWS
from tests.conftest import NOON, MakeLedger
from tests.databases import PostgreSQL
from tests.disks import filled, tiny_disk
from tests.roles import execute, name_of, role

# Each SQLSTATE that PostgreSQL knows, but for those that are no errors.
STATES = sorted(state for state in psycopg.errors._sqlcodes if state[:2] not in ("00", "01", "02"))
# By COPY each takes a while, since it is tried by itself then.
BY_COPY = ("08006", "22012", "23514", "25006", "42501", "54000", "P0001", "XX000")
FAIL_ON_DEMAND = """
    CREATE TABLE fault (state text);
    CREATE FUNCTION fail_on_demand() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wanted text := (SELECT state FROM fault);
    BEGIN
        IF wanted IS NOT NULL THEN RAISE EXCEPTION 'injected' USING ERRCODE = wanted; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER fail_on_demand BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION fail_on_demand();
    CREATE TRIGGER fail_on_demand BEFORE INSERT ON keyless_sends FOR EACH ROW EXECUTE FUNCTION fail_on_demand();
"""


def rows(*keys: str) -> list[dict[str, Any]]:
    return [{"processQueryKey": key, "robotCode": "r", "userIds": ["ann"], "sentAt": format_time(NOON)} for key in keys]


def a_ledger(url: str, spool: Path) -> Ledger:
    return Ledger(Settings.load(database_url=url, spool_dir=spool), clock=FakeClock(NOON))


def record(book: Ledger, key: str) -> str:
    """Record one message, and say what became of it."""
    written = book.record(process_query_key=key, robot_code="r", user_ids=["ann"], sent_at=NOON)
    return next(name for name, number in written.to_json().items() if number)


def kept(book: Ledger) -> int:
    return sum(line.messages for line in book.campaigns())


def refused(book: Ledger) -> list[dict[str, Any]]:
    path = book.settings.spool_folder / REFUSED
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def set_fault(url: str, state: str) -> None:
    """Let every insert fail with a state from now on."""
    execute(url, "DELETE FROM fault", f"INSERT INTO fault VALUES ('{state}')")  # noqa: S608  (a state of ours)


def test_the_table_of_states_is_whole() -> None:
    assert len(STATES) > 200
    assert {"08006", "25006", "42501", "26000", "42P05", "42P01", "0A000", "53100", "57P01", "XX000"} <= set(STATES)


def test_whatever_postgresql_says_of_a_message_its_key_is_kept_and_recorded_when_that_is_over(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    url = postgresql.create()
    execute(url, FAIL_ON_DEMAND)
    with a_ledger(url, tmp_path) as book:
        assert record(book, "before") == "recorded"
        for state in STATES:
            set_fault(url, state)
            assert book.record_many(rows(state)).spooled == 1, state
        for state in BY_COPY:
            set_fault(url, state)
            many = [f"{state}-{number}" for number in range(COPY_FROM_ROWS)]
            assert book.record_many(rows(*many)).spooled == COPY_FROM_ROWS, state
        assert record(book, "alone") == "spooled"
        execute(url, "DELETE FROM fault")
        book.parts.recorder.replay()
        assert book.parts.recorder.depth().bytes == 0
        assert kept(book) == len(STATES) + len(BY_COPY) * COPY_FROM_ROWS + 2
        assert refused(book) == []
    postgresql.drop(url)


@contextmanager
def failing_at(book: Ledger, statement_number: int, state: str) -> Iterator[list[str]]:
    """Let one statement fail, counted from now, as if the server had said it; yield what was executed."""
    kind, executed, numbers = psycopg.errors.lookup(state), list[str](), count()

    def fail(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        executed.append(statement)
        if next(numbers) == statement_number:
            raise DBAPIError.instance(statement, None, kind("injected"), psycopg.Error)

    event.listen(book.parts.database.engine, "before_cursor_execute", fail)
    try:
        yield executed
    finally:
        event.remove(book.parts.database.engine, "before_cursor_execute", fail)


@pytest.mark.parametrize("state", ["08006", "0A000", "22012", "23502", "25006", "40P01", "42501", "42P01", "XX000"])
def test_whichever_statement_of_recording_fails_the_key_is_kept(make_ledger: MakeLedger, state: str) -> None:
    for number in range(20):
        book = make_ledger()  # a new one, which looks at the tables first
        with failing_at(book, number, state) as executed:
            assert book.record_many(rows(f"{state}-{number}")).rejected_count == 0
        book.close()
        if len(executed) <= number:
            break
    assert 1 < number < 20
    book = make_ledger()
    book.parts.recorder.replay()
    assert kept(book) == number + 1
    assert refused(book) == []


def test_a_table_that_is_missing_refuses_no_message(make_ledger: MakeLedger) -> None:
    book = make_ledger()
    assert record(book, "a") == "recorded"
    with book.parts.database.write() as connection:
        connection.execute(text("ALTER TABLE messages RENAME TO gone"))
    assert record(book, "b") == "spooled"
    assert book.record_many(rows(*(f"many-{number}" for number in range(60)))).spooled == 60
    with book.parts.database.write() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO messages"))
    book.parts.recorder.replay()
    assert kept(book) == 62


@pytest.mark.parametrize("loss", ["INSERT", "read only"])
def test_a_role_that_may_not_write_any_more_loses_no_message_and_the_doctor_sees_it(
    postgresql: PostgreSQL, tmp_path: Path, loss: str
) -> None:
    url = postgresql.create()
    with (
        role(url) as lesser,
        Ledger(Settings.load(database_url=lesser, spool_dir=tmp_path), clock=FakeClock(NOON)) as book,
    ):
        assert record(book, "a") == "recorded"
        name = name_of(lesser)
        readonly = f"ALTER ROLE {name} SET default_transaction_read_only ="
        execute(url, f"REVOKE INSERT ON messages FROM {name}" if loss == "INSERT" else f"{readonly} on")
        book.parts.database.close()  # a role's settings count from the next connection on
        assert record(book, "b") == "spooled"
        assert book.record_many(rows("c", "d")).spooled == 2
        (check,) = [check for check in book.doctor().checks if check.name == "database"]
        assert not check.ok
        assert ("GRANT INSERT ON messages" if loss == "INSERT" else "default_transaction_read_only") in check.found
        assert "ledger doctor" in book.parts.lacks()["database"]
        execute(url, f"GRANT INSERT ON messages TO {name}" if loss == "INSERT" else f"{readonly} off")
        book.parts.database.close()
        book.parts.recorder.replay()
        assert kept(book) == 4
        assert refused(book) == []
    postgresql.drop(url)


def test_a_role_that_may_only_read_may_not_write_on_a_connection_that_was_read_with_before(
    postgresql: PostgreSQL,
) -> None:
    url = postgresql.create()
    with role(url, ("default_transaction_read_only = on",)) as lesser:
        database = Database(lesser)
        for _ in range(2):
            with database.read() as connection:
                assert connection.scalar(text("SELECT current_setting('transaction_read_only')")) == "on"
            with pytest.raises(DatabaseUnavailableError, match="read-only transaction"), database.write() as connection:
                connection.execute(text("DELETE FROM messages"))
        database.close()
    postgresql.drop(url)


def test_a_row_that_a_rule_of_others_stops_waits_and_takes_no_other_along(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    url = postgresql.create()
    rule = "CHECK (process_query_key NOT LIKE 'bad%') NOT VALID"
    execute(url, f"ALTER TABLE messages ADD CONSTRAINT theirs {rule}")
    with a_ledger(url, tmp_path) as book:
        keys = [f"{'bad' if number % 10 == 0 else 'good'}-{number}" for number in range(100)]
        result = book.record_many(rows(*keys))
        assert (result.recorded, result.spooled, result.rejected_count) == (90, 10, 0)
        for _ in range(3):
            with pytest.raises(StatementRefusedError, match="theirs"):
                book.parts.recorder.replay()
        # Beside others, too, it takes none along.
        assert book.record_many(rows("another", "bad-again")).recorded == 1
        execute(url, "ALTER TABLE messages DROP CONSTRAINT theirs")
        book.parts.recorder.replay()
        assert kept(book) == 102
        assert refused(book) == []
    postgresql.drop(url)


def an_impossible_message() -> Message:
    """A message with a key that no door lets in, but a program of another version might."""
    return Message(process_query_key=MessageKey("k" * 2000), robot_code=RobotCode("r"), sent_at=NOON)


def test_only_what_breaks_a_rule_of_ours_is_refused_kept_as_a_row_and_counted(book: Ledger) -> None:
    good = Message(process_query_key=MessageKey("good"), robot_code=RobotCode("r"), sent_at=NOON)
    writer = book.parts.recorder.writer
    pending = [writer.submit(message) for message in (good, an_impossible_message())]
    assert [writer.wait(one, 10) for one in pending] == [WriteOutcome.RECORDED, WriteOutcome.REFUSED]
    with pytest.raises(InvalidMessageError):
        book.parts.recorder.keep(an_impossible_message())
    (first, second) = refused(book)
    assert first == second
    assert (first["processQueryKey"], first["robotCode"]) == ("k" * 2000, "r")
    assert "key_length" in first["refused"]["reason"]
    depth = book.parts.recorder.depth()
    assert (depth.refused_rows, depth.bytes) == (2, 0)
    (check,) = [check for check in book.doctor().checks if check.name == "spool"]
    assert (check.ok, "2 rows" in check.found) == (False, True)
    assert book.parts.recorder.replay().refused == 0, "it is not offered again before somebody changed something"


def test_what_was_refused_can_be_imported_and_is_offered_again_after_an_upgrade(book: Ledger) -> None:
    folder = book.settings.spool_folder
    folder.mkdir(parents=True)
    reason = {"reason": "the database did not take it", "version": "0.0.1, tables 0001"}
    old = [{**rows("new-form")[0], "refused": reason}]
    by_hand = json.dumps({"row": rows("old-form")[0]}) + "  # (psycopg.errors.InsufficientPrivilege) permission denied"
    (folder / REFUSED).write_text("".join(f"{json.dumps(one)}\n" for one in old) + by_hand + "\nnonsense\n")
    assert book.record_many(old).recorded == 1
    replayed = book.parts.recorder.replay()
    assert (replayed.recorded, replayed.duplicates, replayed.refused) == (1, 1, 1)
    (left,) = refused(book)
    assert left["unreadable"] == "nonsense"
    assert book.parts.recorder.replay().refused == 0
    assert kept(book) == 2


def test_what_the_database_and_a_full_disk_refuse_goes_to_the_next_folder_through_every_door(
    make_ledger: MakeLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    with tiny_disk(tmp_path / "disk", "size=64k") as disk, filled(disk):
        book = make_ledger(spool_dir=disk / "spool", spool_fallback_dir=tmp_path / "second")
        with book.parts.database.write() as connection:
            connection.execute(text("ALTER TABLE messages RENAME TO gone"))
        assert [record(book, f"{number}") for number in range(30)] == ["spooled"] * 30
        send = book.parts.recorder.send_recorder.sending(
            "POST", "/v1.0/robot/oToMessages/batchSend", {"robotCode": "r"}
        )
        assert send is not None
        book.parts.recorder.send_recorder.wait(send.answered(200, {"processQueryKey": "sent"}))
        assert book.record_many(rows("many")).spooled == 1
        assert len([one for one in caplog.records if "LEDGER_SPOOL_DIR" in one.message]) == 1
        assert not any("NOT RECORDED" in one.message for one in caplog.records)
        with book.parts.database.write() as connection:
            connection.execute(text("ALTER TABLE gone RENAME TO messages"))
        book.parts.recorder.replay()
        assert kept(book) == 32


def test_no_traceback_stands_in_any_log_line(make_ledger: MakeLedger, caplog: pytest.LogCaptureFixture) -> None:
    book = make_ledger()
    with failing_at(book, 0, "XX000"):
        assert record(book, "a") == "spooled"
    assert [one.exc_info for one in caplog.records if one.exc_info] == []
    assert all("\n" not in one.getMessage() for one in caplog.records)


def test_old_tables_keep_what_is_handed_in_until_they_are_upgraded(make_ledger: MakeLedger) -> None:
    book = make_ledger()
    migrate.downgrade(book.parts.database, "0002")
    assert record(book, "a") == "spooled"
    migrate.upgrade(book.parts.database)
    book.parts.recorder.replay()
    assert kept(book) == 1


def test_a_slow_database_is_waited_for_when_the_spool_cannot_be_written(
    make_ledger: MakeLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "file"))
    book, other = make_ledger(spool_dir=tmp_path / "file"), make_ledger()
    assert record(book, "before") == "recorded"
    with ExitStack() as held:
        connection = held.enter_context(other.parts.database.write())
        if not other.parts.database.is_sqlite:
            connection.execute(text("LOCK TABLE messages"))
        release = threading.Timer(PATIENCE_SECONDS * 1.5, held.close)
        release.start()
        assert record(book, "slow") == "recorded"
        release.join()
    assert kept(book) == 2
    assert not any("NOT RECORDED" in one.message for one in caplog.records)
