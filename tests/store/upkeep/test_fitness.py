"""Whether a database can be worked with: encodings, rights, and settings of roles that must not matter."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url

import ledger
from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.errors import UnfitDatabaseError
from ledger.simulator import World
from ledger.store import migrate
from ledger.store.database import Database
from ledger.store.schema import metadata
from ledger.store.upkeep.fitness import rights_needed
from ledger.testing import InlineExecutor, WorldTransport
from tests.conftest import NOON
from tests.databases import PostgreSQL
from tests.disks import filled, tiny_disk
from tests.known_person import ANN, name_everywhere
from tests.roles import execute, name_of, role
from tests.sending import send


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "EUC_CN", "LATIN1"])
def test_a_database_that_cannot_hold_every_name_is_refused_before_it_has_tables(
    postgresql: PostgreSQL, encoding: str
) -> None:
    server = postgresql.create_empty()
    name = f"ledger_test_{uuid4().hex[:12]}"
    execute(server, f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    database = Database(make_url(server).set(database=name).render_as_string(hide_password=False))
    with pytest.raises(UnfitDatabaseError, match=f"encoding is {encoding}.*ENCODING 'UTF8'"):
        migrate.upgrade(database)
    assert migrate.current(database) is None
    database.close()
    execute(server, f"DROP DATABASE {name}")
    postgresql.drop(server)


ODD_STYLES = (
    "DateStyle = 'German, DMY'",
    "IntervalStyle = 'sql_standard'",
    "TimeZone = 'Asia/Kolkata'",
    "bytea_output = 'escape'",
    "client_encoding = 'GBK'",
    "default_transaction_isolation = 'serializable'",
)


def test_a_role_that_has_what_the_ledger_needs_and_odd_settings_works_as_any_other(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    url = postgresql.create()
    clock = FakeClock(NOON)
    world = World(clock.now, seed=7)
    with role(url, ODD_STYLES) as odd:
        own = {"app_key": "dingapp", "app_secret": "a-long-secret", "keep_excerpt": True}
        settings = Settings.load(database_url=odd, spool_dir=tmp_path, **own)
        world.configure(apps={"dingapp": "a-long-secret"})
        transport = WorldTransport(world, clock)
        with Ledger(settings, clock=clock, executor=InlineExecutor(), transport=transport) as book:
            send(book, world, 100, campaign="春 🌱", users=["张三"])
            (line,) = book.campaigns()
            assert (line.campaign, line.last_deadline) == ("春 🌱", datetime(2026, 3, 2, 11, tzinfo=UTC))
            assert book.run(book.plan(campaign="春 🌱", reason="错")).recalled == 100
            (check,) = [check for check in book.doctor().checks if check.name == "database"]
            assert check.ok, check.found
            assert {item.sent_at for item in book.history()} == {datetime(2026, 3, 1, 11, tzinfo=UTC)}
            name_everywhere(book, world)
            erasure = book.parts.person_eraser.erase(ANN, reason="asked to be forgotten", actor="li")
            assert {place for place, count in erasure.places.items() if not count} <= {"answers"}
            assert "permission denied to vacuum" in str(erasure.left)
            assert "as the role that owns the tables" in str(erasure.left)
            clock.advance(timedelta(hours=30))
            book.purge()
            assert book.verify().ok
    postgresql.drop(url)


def test_whatever_the_code_deletes_or_changes_its_role_may() -> None:
    sources = [path.read_text() for path in (Path(ledger.__file__).parent / "store").rglob("*.py")]
    done = {
        (right, table)
        for right, verb in (("DELETE", "delete"), ("UPDATE", "update"))
        for source in sources
        for table in re.findall(rf"\b{verb}\((\w+)\)", source)
        if table in metadata.tables
    }
    assert ("DELETE", "messages") in done
    # The index by recipients is of SQLite, which knows no roles.
    only_sqlite = {("DELETE", "message_recipients")}
    assert done - set(rights_needed(keeps_for_ever=False)) - only_sqlite == set()


@pytest.mark.parametrize(("right", "table"), [("SELECT", "paces"), ("UPDATE", "recall_items"), ("DELETE", "messages")])
def test_the_doctor_names_a_right_that_is_missing_and_the_grant_that_gives_it(
    postgresql: PostgreSQL, tmp_path: Path, right: str, table: str
) -> None:
    url = postgresql.create()
    with role(url) as lesser, Ledger(Settings.load(database_url=lesser, spool_dir=tmp_path)) as book:
        execute(url, f"REVOKE {right} ON {table} FROM {name_of(lesser)}")
        (check,) = [check for check in book.doctor().checks if check.name == "database"]
        assert not check.ok
        assert f"GRANT {right} ON {table} TO {name_of(lesser)}" in check.found
        assert "database" in book.parts.lacks()
    postgresql.drop(url)


@pytest.mark.parametrize("what", ["spool", "database"])
def test_the_doctor_and_readiness_see_a_full_disk(tmp_path: Path, what: str) -> None:
    with tiny_disk(tmp_path / "disk", "size=8m") as disk:
        places = {"spool": tmp_path / "spool", "database": tmp_path, what: disk}
        url = f"sqlite:///{places['database']}/ledger.sqlite"
        with Ledger(Settings.load(database_url=url, spool_dir=places["spool"])) as book:
            book.parts.opened()
            assert {"spool", "disk"}.isdisjoint(book.parts.lacks())
            with filled(disk):
                (check,) = [check for check in book.doctor().checks if check.name == what]
                assert not check.ok
                assert str(disk) in check.found
                assert ("spool" if what == "spool" else "disk") in book.parts.lacks()
