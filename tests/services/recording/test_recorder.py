"""Keys that are handed in are kept: with the database there, away, and back; whoever dies in between."""

import json
import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recording.capture import SEND_PATHS
from ledger.core.recording.message import Message
from ledger.errors import InvalidMessageError, LedgerError
from ledger.patience import OutageLog
from ledger.services.recording.batches import Imported, WriteCounts
from ledger.services.recording.group_writer import GroupWriter, PendingWrite
from ledger.services.recording.rows import Defaults, Line, message_of
from ledger.services.recording.waiting_log import WaitingLog
from ledger.services.recording.write_apart import Content, Written
from ledger.services.recording.write_outcome import WriteOutcome
from ledger.spool.journal import Journal
from ledger.spool.lines import JournalEntry
from ledger.spool.refused import REFUSED
from ledger.spool.sends import OpenSend
from ledger.spool.spool import Spool
from ledger.store.statements import Committed
from tests.conftest import MakeLedger
from tests.outages import away

ONE, GROUP, _ = SEND_PATHS


def record(book: Ledger, key: str, **more: object) -> WriteCounts:
    fields: dict[str, object] = {"process_query_key": key, "robot_code": "robot-1", "user_ids": ["ann"]}
    return book.record(**{**fields, **more})  # type: ignore[arg-type]


def sending(book: Ledger, path: str = ONE, **more: Any) -> OpenSend[PendingWrite]:
    body = json.dumps({"robotCode": "robot-1", "userIds": ["ann", "bob"], "openConversationId": "cid"})
    found = book.parts.recorder.send_recorder.sending("POST", f"https://api.dingtalk.com{path}", body, **more)
    assert found is not None
    return found


def message(key: str) -> Message:
    fields = {"processQueryKey": key, "robotCode": "robot-1", "sentAt": "2026-03-01T11:00:00Z"}
    return message_of(fields, Defaults())


def kept(book: Ledger) -> dict[str | None, tuple[int, int]]:
    """Return, by campaign, how many messages and how many sends without a key the ledger holds."""
    return {line.campaign: (line.messages, line.keyless) for line in book.campaigns()}


def spooled(book: Ledger) -> int:
    return book.parts.recorder.depth().files


def test_many_threads_record_through_one_writer(book: Ledger) -> None:
    counts: list[WriteCounts] = []

    def work(thread: int) -> None:
        counts.extend([record(book, f"{thread % 4}-{number}") for number in range(50)])

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(counts) == {WriteCounts(recorded=1, duplicates=0): 200, WriteCounts(recorded=0, duplicates=1): 200}
    assert kept(book) == {None: (200, 0)}


def test_what_the_database_cannot_take_is_told_kept_and_taken_in_once(make_ledger: MakeLedger) -> None:
    first, second = make_ledger(), make_ledger()
    assert record(first, "a").recorded == 1
    with away(first, second):
        assert record(first, "a") == WriteCounts(recorded=0, duplicates=0, spooled=1)
        assert record(first, "b", campaign="spring").spooled == 1
    assert spooled(first) > 0
    first.parts.recorder.replay()
    assert kept(second) == {None: (1, 0), "spring": (1, 0)}
    assert spooled(first) == spooled(second) == 0
    assert kept(first) == kept(second)


def test_recording_works_before_the_database_does(book: Ledger) -> None:
    with away(book):
        assert record(book, "a").spooled == 1
    assert kept(book) == {None: (1, 0)}


def test_what_waits_survives_the_program(make_ledger: MakeLedger) -> None:
    book = make_ledger()
    with away(book):
        sending(book, campaign="spring").answered(200, b'{"processQueryKey":"k"}')
        book.close()
    assert kept(make_ledger()) == {"spring": (1, 0)}


def test_a_send_is_recorded_with_its_time_before_it_left(book: Ledger, clock: FakeClock) -> None:
    left_at = clock.now()
    send = sending(book, GROUP, campaign="spring", source="mailer")
    clock.advance(timedelta(seconds=9))
    entry = send.answered(200, {"processQueryKey": "k"})
    book.parts.recorder.send_recorder.wait(entry)
    (line,) = book.campaigns()
    assert (line.campaign, line.first_deadline) == ("spring", left_at + timedelta(hours=24))
    assert entry is not None
    assert entry.outcome.result() is WriteOutcome.RECORDED
    assert book.plan(campaign="spring", reason="look").robots == {"robot-1": 1}


@pytest.mark.parametrize("request_", [("GET", ONE), ("POST", "/v1.0/robot/otoMessages/batchRecall"), ("POST", "[")])
def test_other_requests_are_not_followed(book: Ledger, request_: tuple[str, str]) -> None:
    assert book.parts.recorder.send_recorder.sending(*request_, b"{}") is None


def test_a_send_whose_answer_never_came_leaves_a_trace_that_campaigns_count(book: Ledger, clock: FakeClock) -> None:
    for end in ("lost", "answered"):
        send = sending(book, campaign="spring")
        book.parts.recorder.send_recorder.wait(
            send.lost("ReadTimeout") if end == "lost" else send.answered(502, b"<html>")
        )
    sending(book, campaign="spring").void()
    assert sending(book, campaign="spring").answered(400, b'{"code":"staffId.notExisted"}') is None
    assert kept(book) == {"spring": (0, 2)}
    clock.advance(timedelta(hours=24))
    book.purge()
    assert kept(book) == {}


def test_sends_without_a_key_count_against_the_quota_also_after_the_purge(book: Ledger, clock: FakeClock) -> None:
    book.parts.recorder.send_recorder.wait(sending(book, campaign="spring").lost("cut"))
    record(book, "k", campaign="spring")
    assert book.plan(campaign="spring", reason="look").quota["used"] == 2
    clock.advance(timedelta(hours=25))
    book.purge()
    record(book, "l", campaign="spring")
    assert book.plan(campaign="spring", reason="look").quota["used"] == 3


def test_a_program_that_is_killed_leaves_its_keys_and_a_trace_of_the_send_under_way(make_ledger: MakeLedger) -> None:
    book = make_ledger()
    with away(book):
        pid = os.fork()
        if pid == 0:
            sending(book, campaign="spring").answered(200, b'{"processQueryKey":"k"}')
            sending(book, campaign="spring")
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
    assert kept(book) == {"spring": (1, 1)}
    assert kept(make_ledger()) == {"spring": (1, 1)}


def test_a_forked_process_has_a_writer_of_its_own(book: Ledger) -> None:
    assert record(book, "parent").recorded == 1
    pid = os.fork()
    if pid == 0:
        os._exit(0 if record(book, "child").recorded == 1 else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert record(book, "child").duplicates == 1


def test_a_poisoned_line_is_kept_apart_and_holds_up_nothing(book: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    folder = book.settings.spool_folder
    folder.mkdir(parents=True)
    good = json.dumps({"row": {"processQueryKey": "k", "robotCode": "r", "sentAt": "2026-03-01T11:00:00Z"}})
    bad = json.dumps({"row": {"processQueryKey": "the-key", "sentAt": "2026-03-01T11:00:00Z"}})
    (folder / "x.journal").write_text(f"nonsense\n{bad}\n{good}\n")
    assert book.parts.recorder.replay().to_json() == {
        "recorded": 1,
        "duplicates": 0,
        "keyless": 0,
        "pushes": 0,
        "refused": 2,
        "left": 0,
    }
    assert "the-key" in (folder / REFUSED).read_text()
    assert any(entry.levelno == logging.CRITICAL and "the-key" in entry.message for entry in caplog.records)
    assert book.parts.recorder.replay().refused == 0
    check = next(check for check in book.doctor().checks if check.name == "spool")
    assert not check.ok
    assert REFUSED in check.found


def test_a_key_that_neither_database_nor_spool_takes_is_in_the_log(
    make_ledger: MakeLedger, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "file"))
    book = make_ledger(spool_dir=tmp_path / "file")
    entry = sending(book).answered(200, b'{"processQueryKey":"through"}')
    book.parts.recorder.send_recorder.wait(entry)
    with away(book):
        book.parts.recorder.send_recorder.wait(sending(book).answered(200, b'{"processQueryKey":"last-resort"}'))
        with pytest.raises(LedgerError, match="spool"):
            record(book, "by-hand")
    text = [entry.message for entry in caplog.records if entry.levelno == logging.CRITICAL]
    assert any("last-resort" in line for line in text)
    assert any("by-hand" in line for line in text)
    assert kept(book) == {None: (1, 0)}
    assert book.parts.recorder.writer.counts["lost"] == 2


def test_an_answer_that_makes_no_message_is_kept_also_when_the_ledger_was_closed_meanwhile(book: Ledger) -> None:
    send = sending(book)
    book.close()
    send.answered(200, {"processQueryKey": "too-long-" * 1000})
    book.parts.recorder.replay()
    assert "too-long-" in (book.settings.spool_folder / REFUSED).read_text()


def test_a_fault_of_the_writer_itself_takes_no_key_along(tmp_path: Path, clock: FakeClock) -> None:
    def write(contents: Sequence[Content]) -> list[Written]:
        return [Written(error=InvalidMessageError("no"))] * len(contents)

    def refuse(_content: Content, _error: Exception) -> None:
        raise RuntimeError("a bug")

    writer = GroupWriter(write, Journal(tmp_path), refuse, WaitingLog(OutageLog(clock), clock, lambda: None))
    try:
        first, second = (writer.submit(message(key)) for key in ("a", "b"))
        assert [writer.wait(one) for one in (first, second)] == [WriteOutcome.SPOOLED] * 2
    finally:
        writer.close()
    found: list[JournalEntry] = []
    Spool(tmp_path).replay(found.extend)
    assert sorted(one.row["processQueryKey"] for one in found if one.row) == ["a", "b"]


def test_a_message_that_the_database_refuses_does_not_take_others_along(book: Ledger) -> None:
    send = sending(book)
    # No door lets this through; a row of another version might.
    object.__setattr__(send.exchange, "sent_at", None)
    assert send.answered(200, b'{"processQueryKey":"odd"}') is None
    assert record(book, "good").recorded == 1


def test_few_rows_of_many_threads_are_written_together_and_each_is_told_what_became_of_its_own(
    book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    inserts: list[str] = []
    held, may_go = threading.Event(), threading.Event()
    database = book.parts.opened()
    commit = database.commit

    def note(statement: str, values: Sequence[object]) -> Committed:
        inserts.append(statement)
        held.set()
        may_go.wait(10)
        return commit(statement, values)

    monkeypatch.setattr(database, "commit", note)

    def hand_in(key: str) -> Imported:
        rows = [
            Line(number=1, fields={"processQueryKey": key, "robotCode": "r", "sentAt": "2026-03-01T11:00:00Z"}),
            Line(number=2, fields={}),
        ]
        return book.parts.recorder.record_beside_others(rows, Defaults())

    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(hand_in, "first")
        assert held.wait(10)
        others = [threads.submit(hand_in, f"k{number % 7}") for number in range(8)]
        while book.parts.recorder.writer.waiting < 8:
            time.sleep(0.001)
        may_go.set()
        told = [one.result() for one in (first, *others)]
    assert Counter((one.recorded, one.duplicates, one.rejected_count) for one in told) == {(1, 0, 1): 8, (0, 1, 1): 1}
    assert len(inserts) == 2


def test_a_row_that_the_database_refuses_is_told_and_not_kept_for_later(book: Ledger) -> None:
    refused = InvalidMessageError("no message")
    book.parts.recorder.writer._write = lambda contents: [Written(error=refused)] * len(contents)
    rows = [Line(number=1, fields={"processQueryKey": "k", "robotCode": "r", "sentAt": "2026-03-01T11:00:00Z"})]
    told = book.parts.recorder.record_beside_others(rows, Defaults())
    assert [(one.line, one.reason) for one in told.rejected] == [(1, "no message")]
    assert book.parts.recorder.depth().refused_rows == 0


def test_users_that_did_not_get_it_are_kept_apart_and_shown(book: Ledger) -> None:
    answer = {"processQueryKey": "k", "invalidStaffIdList": ["bob"]}
    book.parts.recorder.send_recorder.wait(sending(book, campaign="spring").answered(200, answer))
    result = book.run(book.plan(campaign="spring", reason="look"))
    (item,) = book.history(keys=["k"])
    assert (item.recipients, item.undelivered) == (("ann",), {"invalid": ("bob",)})
    assert result.eligible == 1


def test_many_rows_wait_in_the_spool_while_the_database_is_away(make_ledger: MakeLedger) -> None:
    book = make_ledger()
    rows = [{"processQueryKey": f"k{n}", "robotCode": "r", "sentAt": "2026-03-01T11:00:00Z"} for n in range(1500)]
    with away(book):
        imported = book.record_many([*rows, {"robotCode": "r"}])
        assert (imported.read, imported.spooled, imported.recorded, imported.rejected_count) == (1501, 1500, 0, 1)
    book.parts.recorder.replay()  # unless its writer has, which looks by itself
    assert kept(make_ledger()) == {None: (1500, 0)}
    assert book.record_many(rows).duplicates == 1500
