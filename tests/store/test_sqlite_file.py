"""An SQLite file that is deleted or replaced while it is open: nothing is confirmed that nobody finds again."""

import os
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger import Ledger
from ledger.errors import DatabaseUnavailableError
from ledger.store.database import Database
from tests.services.recording.test_any_error import a_ledger, kept, record, rows


@pytest.fixture
def path(tmp_path: Path, sqlite_template: Path) -> Path:
    """An SQLite file with tables in a folder of its own."""
    (tmp_path / "data").mkdir()
    return Path(shutil.copy(sqlite_template, tmp_path / "data" / "ledger.sqlite"))


def open_ledger(path: Path) -> Ledger:
    return a_ledger(f"sqlite:///{path}", path.parent.parent / "spool")


def delete(path: Path) -> None:
    for one in path.parent.iterdir():
        one.unlink()


def put_back(path: Path, backup: Path) -> None:
    """Restore a backup as one does: none of the files that SQLite keeps beside the old one stays."""
    copy = Path(shutil.copy(backup, path.parent.parent / "copy"))
    delete(path)
    os.replace(copy, path)  # noqa: PTH105


def test_keys_that_come_while_the_file_is_gone_wait_for_the_backup_that_is_put_back(
    path: Path, sqlite_template: Path
) -> None:
    with open_ledger(path) as book:
        assert record(book, "in the file that is deleted") == "recorded"
        delete(path)
        assert [record(book, "one"), record(book, "two")] == ["spooled", "spooled"]
        assert book.record_many(rows("three")).spooled == 1
        put_back(path, sqlite_template)
        book.parts.recorder.replay()
        assert kept(book) == 3
    with open_ledger(path) as another:
        assert kept(another) == 3


def test_keys_go_to_the_file_that_replaced_the_one_they_went_to_before(path: Path, sqlite_template: Path) -> None:
    with open_ledger(path) as book:
        assert record(book, "before") == "recorded"
        put_back(path, sqlite_template)
        assert record(book, "after") == "recorded"
        with open_ledger(path) as another:
            assert kept(another) == 1


def test_a_transaction_whose_file_is_deleted_meanwhile_is_not_confirmed(path: Path) -> None:
    database = Database(f"sqlite:///{path}")

    def write_while_it_goes() -> None:
        with database.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
            delete(path)

    with pytest.raises(DatabaseUnavailableError, match="deleted or replaced meanwhile"):
        write_while_it_goes()
    database.close()
