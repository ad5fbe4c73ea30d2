"""Disks that are full or gone: whatever was confirmed is read back, and a torn record takes no other along."""

import fcntl
import json
import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest

from ledger.spool import journal as journals
from ledger.spool import lines
from ledger.spool.frames import Record, framed, read_records
from ledger.spool.journal import Journal
from ledger.spool.lines import JournalEntry, LineReplay
from ledger.spool.places import with_last_resort
from ledger.spool.refused import RefusedRows
from ledger.spool.spool import Spool
from tests.disks import files_end_at, filled, tiny_disk
from tests.spool.test_journal import answered, exchange, finish, keys


def row(key: str) -> bytes:
    return lines.row({"processQueryKey": key, "robotCode": "r", "userIds": ["ann"] * 3})


def taken_in(*folders: Path) -> list[JournalEntry]:
    found: list[JournalEntry] = []
    Spool(*folders).replay(found.extend)
    return found


def rows(found: list[JournalEntry]) -> list[str]:
    assert [one.unreadable for one in found if one.unreadable] == []
    return [one.row["processQueryKey"] for one in found if one.row]


def contents(whole: bytes) -> list[bytes]:
    return [record.content for _, records in read_records(BytesIO(whole)) for record in records]


@pytest.mark.parametrize("before", [b"", framed(row("first"))])
def test_wherever_a_record_is_torn_the_next_one_is_read(before: bytes) -> None:
    torn, after = framed(row("torn")), framed(row("after"))
    for offset in range(len(torn) - 1):
        found = contents(before + torn[:offset] + after)
        assert found == [*contents(before), row("after").strip()], f"torn at {offset}"
    # All but the end of the line: its content is whole, and so it may as well be read.
    assert contents(torn[:-1] + after) == [row("torn").strip(), row("after").strip()]


def test_a_record_whose_bytes_were_changed_is_never_taken_for_whole() -> None:
    whole = framed(row("the-key"))
    for offset in range(len(whole)):
        changed = whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :]
        found = [record for _, records in read_records(BytesIO(changed + framed(row("next")))) for record in records]
        assert found[-1] == Record(row("next").strip()), f"changed at {offset}"
        (entry, *others) = [one for record in found[:-1] for one in LineReplay().add(record)][::-1]
        assert entry.unreadable is not None or entry.row == json.loads(row("the-key"))["row"], f"changed at {offset}"
        assert all(one.unreadable is not None for one in others)


def test_segments_of_an_older_version_are_read_also_where_they_were_glued(tmp_path: Path) -> None:
    torn = row("torn")[:-30]
    (tmp_path / "a.journal").write_bytes(row("one") + torn + row("two") + torn + torn + row("three") + row("half")[:-9])
    found = taken_in(tmp_path)
    assert [one.row["processQueryKey"] for one in found if one.row] == ["one", "two", "three"]
    assert len([one for one in found if one.unreadable]) == 3


def test_a_write_that_comes_up_short_at_any_byte_loses_no_confirmed_key(tmp_path: Path) -> None:
    first = len(framed(row("k0")))
    for offset in range(first + 1):
        folder, confirmed = tmp_path / str(offset), ["k0"]
        journal = Journal(folder)
        journal.add(row("k0"))
        with files_end_at(first + offset):
            for key in ("k1", "k2"):
                with suppress(OSError):
                    journal.sync(journal.add(row(key)))
                    confirmed.append(key)
        journal.sync(journal.add(row("k3")))
        journal.close()
        assert sorted(rows(taken_in(folder))) == [*confirmed, "k3"]


def test_where_no_file_has_room_nothing_is_confirmed_and_nothing_torn_stays(tmp_path: Path) -> None:
    record = len(framed(row("k0")))
    for offset in range(record):
        folder = tmp_path / str(offset)
        journal = Journal(folder)
        with files_end_at(offset), pytest.raises(OSError, match="too large"):
            journal.add(row("k0"))
        assert list(folder.iterdir()) == []
        journal.add(row("k1"))
        journal.close()
        assert rows(taken_in(folder)) == ["k1"]


def test_a_send_whose_end_has_no_room_beside_its_beginning_ends_elsewhere_and_leaves_no_false_trace(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path / "a", tmp_path / "b")
    segment = journal.begin(lines.sending(exchange("a")))
    other = journal.begin(lines.sending(exchange("b")))
    whole = len(framed(lines.whole(answered("a"))))
    with files_end_at(segment.size + 5):
        assert segment.size + 5 >= whole, "else the end has no room anywhere"
        finish(journal, segment, answered("a"))
        journal.end(other, lines.void("b"))
    journal.close()
    found = taken_in(tmp_path / "a", tmp_path / "b")
    assert set(keys(found)) == {"key-a"}
    assert [one.exchange.trouble for one in found if one.exchange and one.exchange.trouble] == []


def test_a_disk_that_fills_up_and_has_room_again_loses_no_confirmed_key(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", "size=64k") as disk:
        texts: list[str] = []
        journal, confirmed, refused = Journal(disk / "spool", complain=texts.append), set[str](), 0
        for number in range(2000):
            try:
                segment = journal.begin(lines.sending(exchange(str(number))))
                finish(journal, segment, answered(str(number)))
                confirmed.add(f"key-{number}")
            except OSError:
                refused += 1
            if number % 500 == 499:
                with filled(disk), pytest.raises(OSError, match="No space"):
                    journal.add(row("x" * 100))
                shutil.copytree(disk / "spool", tmp_path / str(number))
                for path in (disk / "spool").iterdir():
                    os.truncate(path, 0)
                journal.close()
                journal = Journal(disk / "spool", complain=texts.append)
        journal.close()
        copies = [tmp_path / str(number) for number in range(499, 2000, 500)]
        found = taken_in(*copies)
    assert refused > 0
    assert confirmed <= set(keys(found))
    assert [one.unreadable for one in found if one.unreadable] == []
    assert 1 <= len(texts) <= 8, "not a line a send"


def test_while_one_folder_cannot_be_written_the_next_one_is_and_then_the_first_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tiny_disk(tmp_path / "disk", "size=64k") as disk:
        texts: list[str] = []
        journal = Journal(disk / "spool", tmp_path / "second", complain=texts.append)
        journal.add(row("before"))
        with filled(disk):
            for number in range(100):
                journal.sync(journal.add(row(f"{number:03}-{'x' * 200}")))
        monkeypatch.setattr(journals, "LEFT_ALONE_SECONDS", 0.0)
        journal._back_at = 0.0
        assert journal.add(row("after")).path.parent == disk / "spool"
        journal.close()
        assert len(rows(taken_in(disk / "spool", tmp_path / "second"))) == 102
    (text,) = texts
    assert "No space left" in text
    assert str(tmp_path / "second") in text


@pytest.mark.parametrize("options", ["ro", "size=64k,nr_inodes=2"])
def test_where_no_file_can_be_made_the_next_folder_is_used(tmp_path: Path, options: str) -> None:
    with tiny_disk(tmp_path / "disk", options) as disk:
        journal = Journal(disk / "spool", tmp_path / "second")
        if options != "ro":
            (disk / "spool").mkdir()  # the last name that it has room for
        assert journal.add(row("k")).path.parent == tmp_path / "second"
        journal.close()
        assert list(disk.rglob("*.new")) == []
        assert rows(taken_in(disk / "spool", tmp_path / "second")) == ["k"]


@pytest.mark.parametrize("fate", ["deleted", "moved", "replaced"])
def test_a_folder_that_goes_away_under_us_is_made_anew_and_what_it_held_is_not_confirmed(
    tmp_path: Path, fate: str
) -> None:
    folder = tmp_path / "spool"
    journal = Journal(folder)
    segment = journal.begin(lines.sending(exchange("a")))
    journal.add(row("not synced"))
    shutil.rmtree(folder) if fate == "deleted" else folder.rename(tmp_path / "elsewhere")
    if fate == "replaced":
        folder.mkdir()
        (folder / segment.path.name).write_bytes(b"")
    with pytest.raises(OSError, match=r"deleted|No such file"):
        journal.sync(segment)
    finish(journal, segment, answered("a"))
    journal.sync(journal.add(row("k")))
    journal.close()
    found = taken_in(folder)
    assert keys(found) == ["key-a"]
    assert rows(found) == ["k"]


def test_the_name_of_a_new_segment_is_on_disk_before_anything_in_it_is_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        fsync(descriptor)
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name if is_folder else "file")

    monkeypatch.setattr(os, "fsync", noting)
    journal = Journal(tmp_path / "spool")
    segment = journal.add(row("k"))
    journal.sync(segment)
    journal.sync(journal.add(row("l")))
    assert synced == [tmp_path.name, "file", "spool", "file"]
    journal.close()


def test_the_folder_of_last_resort_is_used_only_when_it_is_ours_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = with_last_resort(Path("/proc/no/spool"))[-1]
    assert folder.is_relative_to(tmp_path)
    journal = Journal(Path("/proc/no/spool"), folder)
    journal.add(row("k"))
    journal.close()
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    folder.parent.chmod(0o777)
    with pytest.raises(OSError, match="No such file"):
        journal.add(row("l"))
    assert taken_in(folder) == []
    folder.parent.chmod(0o700)
    assert rows(taken_in(folder)) == ["k"]


def test_a_file_that_cannot_be_read_holds_up_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.journal").mkdir()
    journal = Journal(tmp_path)
    journal.add(row("k"))
    journal.close()
    assert rows(taken_in(tmp_path)) == ["k"]


def test_two_processes_that_offer_refused_rows_again_do_not_stumble_over_each_other(tmp_path: Path) -> None:
    file = RefusedRows(tmp_path).add({"processQueryKey": "k"}, "no", "version 1")
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with ThreadPoolExecutor(1) as threads:
            second = threads.submit(RefusedRows(tmp_path).offer_again, "version 2")
            file.rename(tmp_path / "taken.journal")  # as the first one does, under the lock
            fcntl.flock(held, fcntl.LOCK_UN)
            second.result()
    assert rows(taken_in(tmp_path)) == ["k"]
