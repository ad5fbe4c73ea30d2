"""How the shared writer groups what many threads hand in, where each group takes long."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.clock import FakeClock
from ledger.core.recording.message import Message
from ledger.patience import OutageLog
from ledger.services.recording import group_writer
from ledger.services.recording.group_writer import GroupWriter
from ledger.services.recording.rows import Defaults, message_of
from ledger.services.recording.waiting_log import WaitingLog
from ledger.services.recording.write_apart import Content, Written
from ledger.services.recording.write_outcome import WriteOutcome
from ledger.spool.journal import Journal
from tests.conftest import NOON

LONG_SECONDS = 10.0


def message(key: str) -> Message:
    return message_of({"processQueryKey": key, "robotCode": "r", "sentAt": "2026-03-01T11:00:00Z"}, Defaults())


class SlowDatabase:
    """Writes a group when it is let; keeps the keys of each."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.is_asked, self.may_go = threading.Event(), threading.Event()

    def write(self, contents: Sequence[Content]) -> list[Written]:
        self.groups.append([one.process_query_key for one in contents if isinstance(one, Message)])
        self.is_asked.set()
        assert self.may_go.wait(LONG_SECONDS)
        return [Written(is_new=True)] * len(contents)


@pytest.fixture
def database() -> SlowDatabase:
    return SlowDatabase()


@pytest.fixture
def writer(tmp_path: Path, database: SlowDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[GroupWriter]:
    """A writer that takes every group for a slow one."""
    monkeypatch.setattr(group_writer, "QUICK_GROUP_SECONDS", 0.0)
    monkeypatch.setattr(group_writer, "SHARE_OF_LAST_GROUP", 1e9)
    clock = FakeClock(NOON)
    log = WaitingLog(OutageLog(clock), clock, lambda: None)
    made = GroupWriter(database.write, Journal(tmp_path), lambda *_: None, log)
    yield made
    database.may_go.set()
    made.close()


def test_who_comes_back_from_a_slow_group_goes_with_the_next(
    writer: GroupWriter, database: SlowDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_writer, "MOST_SECONDS_FOR_COMPANY", 3 * LONG_SECONDS)
    first = writer.submit(message("first"))

    def come_back() -> WriteOutcome:
        writer.wait(first, LONG_SECONDS)
        return writer.wait(writer.submit(message("again")), LONG_SECONDS)

    with ThreadPoolExecutor(1) as threads:
        assert database.is_asked.wait(LONG_SECONDS)
        told = threads.submit(come_back)
        others = [writer.submit(message(key)) for key in ("other", "third")]
        while not first.has_waiter:
            threading.Event().wait(0.001)
        database.may_go.set()
        assert told.result() is WriteOutcome.RECORDED
    assert [writer.wait(one, LONG_SECONDS) for one in others] == [WriteOutcome.RECORDED] * 2
    assert database.groups == [["first"], ["other", "third", "again"]]


def test_who_does_not_come_back_holds_the_others_up_for_a_moment_only(
    writer: GroupWriter, database: SlowDatabase
) -> None:
    first = writer.submit(message("first"))
    first.has_waiter = True
    assert database.is_asked.wait(LONG_SECONDS)
    other = writer.submit(message("other"))
    database.may_go.set()
    assert writer.wait(other, LONG_SECONDS) is WriteOutcome.RECORDED


def test_nobody_is_waited_for_who_did_not_wait(
    writer: GroupWriter, database: SlowDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_writer, "MOST_SECONDS_FOR_COMPANY", 3 * LONG_SECONDS)
    first = writer.submit(message("first"))
    assert database.is_asked.wait(LONG_SECONDS)
    other = writer.submit(message("other"))
    database.may_go.set()
    assert writer.wait(other, LONG_SECONDS) is WriteOutcome.RECORDED
    assert first.outcome.result() is WriteOutcome.RECORDED
