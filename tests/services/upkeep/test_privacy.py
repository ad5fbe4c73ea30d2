"""Who else on this machine can read what the ledger keeps, or hand in keys."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import Ledger, Settings
from ledger.core.check_up import Level
from tests.services.upkeep.test_doctor import found


@pytest.fixture
def house() -> Iterator[Path]:
    """A folder that every user of this machine may enter.

    It is not within pytest's: that keeps others out, and tests that run beside this one lie in it too.
    """
    with tempfile.TemporaryDirectory(prefix="ledger-house-") as folder:
        house = Path(folder)
        house.chmod(0o711)
        yield house


@pytest.fixture
def lived_in(house: Path) -> Iterator[Ledger]:
    """A ledger in folders and files that it made itself, under the umask of most machines."""
    before = os.umask(0o022)
    settings = Settings.load(
        database_url=f"sqlite:///{house}/data/ledger.sqlite", spool_dir=house / "spool", app_key="a", app_secret="b"
    )
    try:
        with Ledger(settings) as book:
            book.record(process_query_key="k1", robot_code="robot-1", user_ids=["ann"])
            book.doctor()
            yield book
    finally:
        os.umask(before)


def test_what_the_ledger_makes_only_its_user_can_read(lived_in: Ledger, house: Path) -> None:
    paths = list(house.rglob("*"))
    assert {path.name for path in paths} >= {"data", "ledger.sqlite", "ledger.sqlite-wal", "spool"}
    assert [path for path in paths if path.stat().st_mode & 0o077] == []
    assert found(lived_in, "privacy").level is Level.OK


def test_the_doctor_names_what_others_can_read_and_how_to_end_that(
    lived_in: Ledger, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house / "data").chmod(0o755)
    (house / "data" / "ledger.sqlite").chmod(0o644)
    settings_file = house / "ledger.toml"
    settings_file.write_text("")
    monkeypatch.setenv("LEDGER_CONFIG", str(settings_file))
    check = found(lived_in, "privacy")
    assert check.level is Level.WARNING
    assert f"can read {settings_file}, {house}/data/ledger.sqlite: `chmod o-rwx " in check.found
    for path in (settings_file, house / "data" / "ledger.sqlite"):
        path.chmod(0o640)
    assert found(lived_in, "privacy").level is Level.OK


def test_what_the_doctor_says_works_as_it_is_pasted(house: Path) -> None:
    folder = house / "our spool's"
    settings = Settings.load(database_url=f"sqlite:///{house}/l.sqlite", spool_dir=folder, app_key="a", app_secret="b")
    with Ledger(settings) as book:
        book.doctor()
        folder.chmod(0o777)
        command = found(book, "privacy").found.rpartition(": `")[2].rstrip("`")
        subprocess.run(command, shell=True, check=True)  # noqa: S602  (as somebody would)
        assert found(book, "privacy").level is Level.OK


def test_a_link_is_judged_by_where_it_leads(house: Path) -> None:
    private, public = house / "private", house / "public"
    private.mkdir(mode=0o700)
    public.mkdir(mode=0o755)
    (private / "l.sqlite").symlink_to(public / "real.sqlite")
    before = os.umask(0o022)
    try:
        settings = Settings.load(database_url=f"sqlite:///{private}/l.sqlite", spool_dir=house / "spool")
        with Ledger(settings) as book:
            book.record(process_query_key="k1", robot_code="robot-1", user_ids=["ann"])
            assert found(book, "privacy").level is Level.OK
            (public / "real.sqlite").chmod(0o644)
            assert f"can read {public}/real.sqlite: " in found(book, "privacy").found
    finally:
        os.umask(before)


def test_a_file_that_lies_where_nobody_else_may_enter_is_private(lived_in: Ledger, house: Path) -> None:
    (house / "data" / "ledger.sqlite").chmod(0o644)
    assert found(lived_in, "privacy").level is Level.OK


def test_the_doctor_warns_of_a_folder_in_which_everybody_could_replace_the_database(
    lived_in: Ledger, house: Path
) -> None:
    (house / "data").chmod(0o777)
    assert f"can replace the database in {house}/data: `chmod o-w {house}/data`" in found(lived_in, "privacy").found


def test_the_doctor_warns_of_a_spool_that_everybody_can_write(lived_in: Ledger, house: Path) -> None:
    (house / "spool").chmod(0o777)
    check = found(lived_in, "privacy")
    assert check.level is Level.WARNING
    assert f"can write to the spool {house}/spool, and so hand in keys: `chmod o-w {house}/spool`" in check.found
