"""One process writes, others read: nothing is lost, whenever the writer dies, and nothing is read for ever."""

import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.recording.capture import Exchange, path_of
from ledger.core.recording.message import Chat, KeylessSend
from ledger.integrations.feed import Feed
from ledger.spool import journal as journals
from ledger.spool import lines
from ledger.spool.frames import Record
from ledger.spool.journal import FEED, Journal
from ledger.spool.lines import DIED, JournalEntry, LineReplay
from ledger.spool.segments import Segment
from ledger.spool.spool import Spool

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def exchange(name: str) -> Exchange:
    asked = {"robotCode": "dingbot", "userIds": ["u1"]}
    return Exchange(id=name, path=path_of(Chat.ONE_TO_ONE), asked=asked, sent_at=NOW, campaign="春")


def answered(name: str) -> Exchange:
    return replace(exchange(name), status=200, answered={"processQueryKey": f"key-{name}"})


def finish(journal: Journal, segment: Segment, ended: Exchange) -> None:
    """Write how a send ended that leaves something to record."""
    journal.end(segment, lines.over(ended), whole=lines.whole(ended), void=lines.void(ended.id))


def replay(folder: Path) -> list[JournalEntry]:
    """Take in what waits, and return it."""
    found: list[JournalEntry] = []
    Spool(folder).replay(found.extend)
    return found


def keys(found: Sequence[JournalEntry]) -> list[object]:
    return [kept.exchange.answered.get("processQueryKey") for kept in found if kept.exchange is not None]


def test_nobody_takes_the_journal_of_a_process_that_lives(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    segment = journal.begin(lines.sending(exchange("a")))
    finish(journal, segment, answered("a"))
    assert replay(tmp_path) == []
    journal.close()
    assert keys(replay(tmp_path)) == ["key-a"]
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_the_database_leaves_no_file_behind(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    segment = journal.begin(lines.sending(exchange("a")))
    finish(journal, segment, answered("a"))
    journal.settle(segment)
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_a_send_that_never_left_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    segment = journal.begin(lines.sending(exchange("a")))
    journal.end(segment, lines.void("a"))
    journal.close()
    assert replay(tmp_path) == []


def test_a_segment_that_is_left_to_others_is_replayed_while_its_writer_lives(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    first = journal.add(lines.row({"processQueryKey": "k", "robotCode": "r"}))
    still_out = journal.begin(lines.sending(exchange("a")))
    assert still_out is first
    journal.hand_over(first)
    journal.seal()
    assert replay(tmp_path) == []  # a send is still out: its end has to come first
    finish(journal, still_out, answered("a"))
    found = replay(tmp_path)
    assert [kept.row for kept in found if kept.row] == [{"processQueryKey": "k", "robotCode": "r"}]
    assert keys(found) == ["key-a"]
    assert journal.add(lines.row({})) is not first
    journal.close()


def test_what_is_left_to_others_shares_a_segment_until_it_is_let_go(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    segments = set()
    for number in range(3):
        segment = journal.add(lines.row({"processQueryKey": str(number)}))
        journal.sync(segment)
        journal.hand_over(segment)
        segments.add(segment)
    assert len(segments) == 1
    assert replay(tmp_path) == []
    journal.seal()
    assert len(replay(tmp_path)) == 3
    journal.sync(segments.pop())  # taken in already: nothing is left to do
    journal.close()


def test_a_full_segment_makes_room_for_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "LARGEST_SEGMENT_BYTES", 1000)
    journal = Journal(tmp_path)
    for number in range(50):
        segment = journal.begin(lines.sending(exchange(str(number))))
        finish(journal, segment, answered(str(number)))
    assert len(list(tmp_path.iterdir())) > 5
    journal.close()
    assert sorted(map(str, keys(replay(tmp_path)))) == sorted(f"key-{number}" for number in range(50))


def test_a_busy_segment_is_emptied_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "EMPTY_AFTER_BYTES", 2000)
    journal = Journal(tmp_path)
    for number in range(200):
        segment = journal.begin(lines.sending(exchange(str(number))))
        finish(journal, segment, answered(str(number)))
        journal.settle(segment)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size < 3000
    journal.close()


def test_a_busy_segment_that_cannot_be_emptied_gives_way_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "EMPTY_AFTER_BYTES", 1)
    journal = Journal(tmp_path)
    segment = journal.add(lines.row({"processQueryKey": "a"}))
    read_only = os.open(segment.path, os.O_RDONLY)  # as on a disk that may only be read since something went wrong
    os.dup2(read_only, segment.descriptor)
    os.close(read_only)
    journal.settle(segment)
    another = journal.add(lines.row({"processQueryKey": "b"}))
    assert another is not segment
    assert list(tmp_path.iterdir()) == [another.path]
    journal.close()


def test_a_feed_is_followed_while_its_writer_lives_and_deleted_after(tmp_path: Path) -> None:
    feed, spool, found = Journal(tmp_path, kind=FEED), Spool(tmp_path), list[JournalEntry]()
    segment = feed.begin(lines.sending(exchange("a")))
    finish(feed, segment, answered("a"))
    half = feed.begin(lines.sending(exchange("b")))
    spool.replay(found.extend)
    assert keys(found) == ["key-a"]
    finish(feed, half, answered("b"))
    spool.replay(found.extend)
    assert keys(found) == ["key-a", "key-b"]  # nothing is read twice by the same reader
    feed.begin(lines.sending(exchange("c")))
    feed.close()
    spool.replay(found.extend)
    assert found[-1].exchange is not None
    assert (found[-1].exchange.id, found[-1].exchange.trouble) == ("c", DIED)
    assert list(tmp_path.iterdir()) == []


def test_what_the_reader_could_not_write_is_read_again(tmp_path: Path) -> None:
    def away(_: Sequence[JournalEntry]) -> None:
        raise ConnectionError

    feed = Journal(tmp_path, kind=FEED)
    segment = feed.begin(lines.sending(exchange("a")))
    finish(feed, segment, answered("a"))
    spool = Spool(tmp_path)
    with pytest.raises(ConnectionError):
        spool.replay(away)
    found: list[JournalEntry] = []
    spool.replay(found.extend)
    assert keys(found) == ["key-a"]
    feed.close()


def test_half_a_line_of_a_writer_that_died_is_left_out(tmp_path: Path) -> None:
    whole = lines.row({"processQueryKey": "whole"})
    (tmp_path / "a.journal").write_bytes(whole + lines.row({"processQueryKey": "half"})[:-9])
    assert [kept.row for kept in replay(tmp_path)] == [{"processQueryKey": "whole"}]


@pytest.mark.parametrize("kind", ["journal", "feed"])
def test_a_writer_that_is_killed_leaves_keys_and_traces(tmp_path: Path, kind: str) -> None:
    pid = os.fork()
    if pid == 0:
        journal = Journal(tmp_path, kind=f".{kind}")
        segment = journal.begin(lines.sending(exchange("a")))
        finish(journal, segment, answered("a"))
        journal.begin(lines.sending(exchange("b")))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    first, second = replay(tmp_path)
    assert keys([first]) == ["key-a"]
    assert second.exchange is not None
    assert (second.exchange.id, second.exchange.trouble) == ("b", DIED)


def test_a_forked_process_writes_a_journal_of_its_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    segment = journal.begin(lines.sending(exchange("parent")))
    pid = os.fork()
    if pid == 0:
        finish(journal, segment, answered("parent"))  # not ours: it does nothing
        own = journal.begin(lines.sending(exchange("child")))
        finish(journal, own, answered("child"))
        os._exit(0)
    os.waitpid(pid, 0)
    assert keys(replay(tmp_path)) == ["key-child"]
    finish(journal, segment, answered("parent"))
    journal.close()
    assert keys(replay(tmp_path)) == ["key-parent"]


def test_a_send_that_ends_in_a_forked_process_leaves_its_key_there(tmp_path: Path) -> None:
    feed = Feed([tmp_path], "spring", "cron")
    url, body = f"https://api.dingtalk.com{path_of(Chat.ONE_TO_ONE)}", {"robotCode": "dingbot", "userIds": ["u1"]}
    under_way = feed.sending("POST", url, body)
    assert under_way is not None
    pid = os.fork()
    if pid == 0:
        under_way.answered(200, {"processQueryKey": "in-the-child"})
        os._exit(0)
    os.waitpid(pid, 0)
    assert keys(replay(tmp_path)) == ["in-the-child"]
    under_way.void()


def test_a_program_that_dies_while_one_hook_gives_way_to_the_next_leaves_one_trace_of_its_send(tmp_path: Path) -> None:
    url, body = f"https://api.dingtalk.com{path_of(Chat.ONE_TO_ONE)}", {"robotCode": "dingbot", "userIds": ["u1"]}
    pid = os.fork()
    if pid == 0:
        feed = Feed([tmp_path], "spring", "cron")
        outer = feed.sending("POST", url, body)
        if outer is not None and feed.sending("POST", url, body, instead=outer.id) is not None:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    (entry,) = replay(tmp_path)
    assert entry.exchange is not None
    assert entry.exchange.trouble == lines.DIED


def test_many_threads_share_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    def work(thread: int) -> None:
        for number in range(100):
            name = f"{thread}-{number}"
            segment = journal.begin(lines.sending(exchange(name)))
            finish(journal, segment, answered(name))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert len(set(keys(replay(tmp_path)))) == 800


def test_several_readers_hand_on_everything_and_delete_each_file_once(tmp_path: Path) -> None:
    for number in range(40):
        journal = Journal(tmp_path)
        journal.add(lines.row({"processQueryKey": str(number)}))
        journal.close()
    found: list[JournalEntry] = []
    deleted: list[int] = []
    readers = [threading.Thread(target=lambda: deleted.append(Spool(tmp_path).replay(found.extend))) for _ in range(6)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert sorted(int(kept.row["processQueryKey"]) for kept in found if kept.row) == list(range(40))
    assert sum(deleted) == 40


def test_a_trace_survives_the_spool() -> None:
    send = KeylessSend(
        trace="t",
        robot_code="r",  # type: ignore[arg-type]
        sent_at=NOW,
        chat=Chat.GROUP,
        open_conversation_id="cid",  # type: ignore[arg-type]
        campaign=None,
        source=None,
        recipients=(),
        why="ReadTimeout",
    )
    (kept,) = LineReplay().add(Record(lines.trace(send)))
    assert kept.exchange is not None
    assert (kept.exchange.id, kept.exchange.trouble) == ("t", "ReadTimeout")
    assert kept.exchange.path == path_of(Chat.GROUP)


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"{}", b'{"over":"x"}', b'{"row":1}', b'{"sending":{}}'])))
def test_no_line_whatever_it_holds_breaks_the_reading(junk: list[bytes]) -> None:
    line_replay = LineReplay()
    for line in junk:
        kept = line_replay.add(Record(line + b"\n"))
        assert all(one.unreadable is not None or one.row is not None for one in kept)


def test_what_a_process_that_lives_has_just_written_does_not_wait(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    segment = journal.begin(lines.sending(exchange("a")))
    finish(journal, segment, answered("a"))
    spool = Spool(tmp_path)
    assert (spool.depth().files, spool.depth().bytes) == (0, 0)
    # Written long ago and still there: its writer is stuck, or the database is away.
    os.utime(segment.path, (0, 0))
    assert (spool.depth().files, spool.depth().bytes) == (1, segment.size)
    journal.settle(segment)
    journal.empty()
    os.utime(segment.path, (0, 0))
    assert (spool.depth().files, spool.depth().bytes) == (0, 0)
    assert segment.path.stat().st_size == 0
    journal.close()


def test_what_is_left_to_others_waits_at_once(tmp_path: Path) -> None:
    journal, spool = Journal(tmp_path), Spool(tmp_path)
    segment = journal.add(lines.row({"processQueryKey": "k"}))
    assert spool.depth(journal.handed_over).bytes == 0
    journal.sync(segment)
    journal.hand_over(segment)
    journal.empty()
    assert spool.depth(journal.handed_over).bytes == segment.size
    journal.seal()
    assert journal.handed_over == []
    assert spool.depth().bytes == segment.size
    journal.close()


def test_of_a_feed_waits_what_was_not_followed_yet(tmp_path: Path) -> None:
    feed, spool = Journal(tmp_path, kind=FEED), Spool(tmp_path)
    segment = feed.add(lines.row({"processQueryKey": "k"}))
    assert spool.depth().bytes == segment.size
    spool.replay(lambda _: None)
    assert spool.depth().bytes == 0
    feed.add(lines.row({"processQueryKey": "l"}))
    assert 0 < spool.depth().bytes < segment.size
    feed.close()
