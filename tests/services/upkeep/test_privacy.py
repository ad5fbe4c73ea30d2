"""Who else on this machine can read what the ledger keeps, or hand in keys."""

import os
import pwd
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


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


@pytest.fixture
def settings_file(house: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with secrets that nobody but its user can read."""
    file = house / "ledger.toml"
    file.write_text("")
    file.chmod(0o600)
    monkeypatch.setenv("LEDGER_CONFIG", str(file))
    return file


@needs_root
def test_the_doctor_names_a_file_with_secrets_that_is_somebody_elses(lived_in: Ledger, settings_file: Path) -> None:
    assert found(lived_in, "privacy").level is Level.OK
    os.chown(settings_file, pwd.getpwnam("nobody").pw_uid, -1)
    check = found(lived_in, "privacy")
    assert check.level is Level.WARNING
    assert f"{settings_file} belongs to nobody, who can read and change it: `chown root {settings_file}`" in check.found


@needs_root
def test_what_belongs_to_whom_the_ledger_belongs_to_is_no_strangers(lived_in: Ledger, settings_file: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(settings_file, nobody, -1)
    os.chown(lived_in.settings.spool_folder, nobody, -1)
    assert found(lived_in, "privacy").level is Level.OK


@needs_root
def test_the_doctor_names_who_else_of_a_group_can_read_secrets_but_not_a_group_of_ones_own(
    lived_in: Ledger, house: Path, settings_file: Path
) -> None:
    settings_file.chmod(0o640)
    assert found(lived_in, "privacy").level is Level.OK
    os.chown(settings_file, -1, pwd.getpwnam("nobody").pw_gid)
    message = found(lived_in, "privacy").found
    assert f"can read {settings_file}: `chmod g-rwx {settings_file}`" in message
    assert "nobody" in message.partition(f" can read {settings_file}")[0]
    house.chmod(0o700)
    assert found(lived_in, "privacy").level is Level.OK


@needs_root
def test_a_database_that_a_group_shares_is_as_it_was_made(lived_in: Ledger, house: Path) -> None:
    group = pwd.getpwnam("nobody").pw_gid
    for path in (house / "data", house / "data" / "ledger.sqlite"):
        os.chown(path, -1, group)
        path.chmod(path.stat().st_mode | 0o070)
    assert found(lived_in, "privacy").level is Level.OK


def test_a_key_that_signs_and_a_ticket_are_secrets_too(house: Path) -> None:
    key, ticket = house / "key", house / "ticket"
    for file in (key, ticket):
        file.write_text("t")
        file.chmod(0o644)
    settings = Settings.load(
        database_url=f"sqlite:///{house}/l.sqlite",
        spool_dir=house / "spool",
        audit_key_file=key,
        apps={"mail": {"suite_ticket_file": str(ticket)}},
    )
    with Ledger(settings) as book:
        assert f"can read {key}, {ticket}: `chmod o-rwx " in found(book, "privacy").found
