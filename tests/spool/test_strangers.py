"""A spool in which somebody else has left something: it is no journal of ours, and holds up nothing."""

import os
from pathlib import Path

import pytest

from ledger.services.recalls.running.kept_answers import ANSWERS, KeptAnswers
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


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_folder_that_a_stranger_made_where_everybody_may_make_some_is_not_ours(tmp_path: Path) -> None:
    around, second = tmp_path / "spool", tmp_path / "second"
    wait_with_a_key(around / "inner", "a-strangers")
    os.chown(around / "inner", NOBODY, NOBODY)
    around.chmod(0o1777)
    assert keys(replay(around / "inner")) == []
    journal = Journal(around / "inner", second)
    finish(journal, journal.begin(lines.sending(exchange("ours"))), answered("ours"))
    journal.close()
    assert keys(replay(second)) == ["key-ours"]
    around.chmod(0o755)
    assert keys(replay(around / "inner")) == ["key-a-strangers"]


def test_a_pipe_is_no_file_of_answers(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"a-pipe{ANSWERS}")
    KeptAnswers(tmp_path).adopt(lambda kept: pytest.fail(f"nobody kept {kept}"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_refused_rows_are_written_only_where_they_are_read_again(tmp_path: Path) -> None:
    spool, second = tmp_path / "spool", tmp_path / "second"
    spool.mkdir()
    (spool / REFUSED).write_text("")
    os.chown(spool / REFUSED, NOBODY, NOBODY)
    spool.chmod(0o777)
    rows = RefusedRows(spool, second)
    assert rows.add({"processQueryKey": "k"}, "why", "1").parent == second
    assert rows.count() == 1


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
