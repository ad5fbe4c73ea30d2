"""A spool in which somebody else has left something: it is no journal of ours, and holds up nothing."""

import os
from pathlib import Path

import pytest

from ledger.spool import lines
from ledger.spool.journal import FEED, OWN, Journal
from ledger.spool.refused import REFUSED, RefusedRows
from tests.spool.test_journal import answered, exchange, finish, keys, replay

NOBODY = 65534


def wait_with_a_key(folder: Path, name: str) -> None:
    """Leave a journal with a key."""
    journal = Journal(folder)
    finish(journal, journal.begin(lines.sending(exchange(name))), answered(name))
    journal.close()


@pytest.mark.parametrize("kind", [OWN, FEED])
def test_a_pipe_and_a_link_are_passed_over(tmp_path: Path, kind: str) -> None:
    spool, elsewhere = tmp_path / "spool", tmp_path / "elsewhere"
    wait_with_a_key(elsewhere, "theirs")
    (theirs,) = elsewhere.iterdir()
    wait_with_a_key(spool, "ours")
    os.mkfifo(spool / f"a-pipe{kind}")
    (spool / f"b-link{kind}").symlink_to(theirs)
    assert keys(replay(spool)) == ["key-ours"]
    assert theirs.exists()


def test_refused_rows_are_not_written_through_a_link(tmp_path: Path) -> None:
    spool, victim = tmp_path / "spool", tmp_path / "victim"
    spool.mkdir()
    victim.write_text("precious")
    (spool / REFUSED).symlink_to(victim)
    rows = RefusedRows(spool, tmp_path / "second")
    assert rows.add({"processQueryKey": "k"}, "why", "1").parent == tmp_path / "second"
    assert victim.read_text() == "precious"
    assert rows.count() == 1


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_where_everybody_may_write_only_files_of_ours_or_of_whose_folder_it_is_are_taken(tmp_path: Path) -> None:
    wait_with_a_key(tmp_path, "a-strangers")
    (stranger,) = tmp_path.iterdir()
    os.chown(stranger, NOBODY, NOBODY)
    wait_with_a_key(tmp_path, "ours")
    tmp_path.chmod(0o1777)
    assert keys(replay(tmp_path)) == ["key-ours"]
    tmp_path.chmod(0o700)
    assert keys(replay(tmp_path)) == ["key-a-strangers"]
