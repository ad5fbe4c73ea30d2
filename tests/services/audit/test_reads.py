"""Who read the audit over HTTP is kept beside the history, which seals it: what is changed there is named."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.audit.reads import SEALED, SEALED_READS, Read
from ledger.errors import DatabaseError
from ledger.services.audit.read_log import MOST_WAITING, ReadLog
from ledger.simulator import World
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.schema import audit_read_seals, audit_reads

from .conftest import recall

ANN = "ann.7f3a9c51"


def read(book: Ledger, number: int = 1, **filters: tuple[str, ...]) -> None:
    """Read something over HTTP."""
    now = book.parts.clock.now()
    one = Read(at=now, actor="wang", route="/v1/recalls/{id}", recall_id=number, filters=filters, rows=3)
    book.parts.read_log.note(one)


def seals(database: Database) -> list[Mapping[str, Any]]:
    with database.read() as connection:
        return [one.entry.detail for one in history.read_all(connection) if one.entry.event == SEALED]


def test_readings_that_are_alike_are_one_row_with_their_number(book: Ledger) -> None:
    for number in (1, 2, 1, 1):
        read(book, number, campaign=("spring",))
    read(book, 1)
    assert book.parts.read_log.flush() == 3
    assert book.parts.read_log.flush() == 0
    found = [(one.recall_id, one.times, one.rows, one.filters) for one in book.parts.read_sealer.newest()]
    assert found == [(1, 1, 3, {}), (2, 1, 3, {"campaign": ["spring"]}), (1, 3, 9, {"campaign": ["spring"]})]
    assert [one.recall_id for one in book.parts.read_sealer.newest(1)] == [1]


def test_they_wait_while_the_database_is_away_and_of_too_many_the_oldest_are_given_up(
    book: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    away = [True]

    def opened() -> Database:
        if away[0]:
            raise DatabaseError("away")
        return book.parts.opened()

    reads = ReadLog(opened)
    for number in range(MOST_WAITING + 1):
        reads.note(Read(at=book.parts.clock.now(), actor="wang", route="/r", recall_id=number, filters={}, rows=0))
    with pytest.raises(DatabaseError):
        reads.flush()
    reads.start()
    reads.stop()
    away[0] = False
    assert reads.flush() == MOST_WAITING
    assert min(one.recall_id or 0 for one in book.parts.read_sealer.newest()) == 1
    assert "1 readings of the audit are not noted" in caplog.text


def test_what_is_noted_is_written_before_a_service_ends(book: Ledger) -> None:
    book.parts.read_log.start()
    read(book)
    book.parts.read_log.stop()
    assert len(list(book.parts.read_sealer.newest())) == 1


def test_an_entry_seals_them_once_the_first_is_a_day_old_or_there_are_many(
    book: Ledger, database: Database, clock: FakeClock
) -> None:
    sealer = book.parts.read_sealer
    sealer.run_if_due()
    read(book)
    book.parts.read_log.flush()
    clock.advance(timedelta(hours=23))
    sealer.run_if_due()
    assert seals(database) == []
    clock.advance(timedelta(hours=2))
    sealer.run_if_due()
    sealer.run_if_due()
    assert [(one["after"], one["last"], one["count"]) for one in seals(database)] == [(0, 1, 1)]
    for number in range(SEALED_READS):
        read(book, number)
    book.parts.read_log.flush()
    sealer.run_if_due()
    assert [(one["after"], one["count"]) for one in seals(database)] == [(0, 1), (1, SEALED_READS)]
    assert sealer.run_once() == 0
    assert book.verify().findings == ()


@pytest.fixture
def sealed(book: Ledger) -> Ledger:
    """A ledger with three readings that are sealed, and one that is not."""
    for number in range(3):
        read(book, number, user=(ANN,))
        book.parts.read_log.flush()
    book.parts.read_sealer.run_once()
    read(book, 7)
    book.parts.read_log.flush()
    assert book.verify().ok
    return book


OTHERS = {
    "at": None,
    "actor": "li",
    "route": "/v1/history",
    "recall_id": 99,
    "filters": {"campaign": ["autumn"]},
    "rows": 1,
    "times": 7,
}


@pytest.mark.parametrize("column", sorted(OTHERS))
def test_a_value_that_was_changed_after_the_seal_is_named_by_its_part(
    sealed: Ledger, database: Database, clock: FakeClock, column: str
) -> None:
    value = clock.now() - timedelta(hours=1) if column == "at" else OTHERS[column]
    with database.write() as connection:
        connection.execute(update(audit_reads).where(audit_reads.c.id == 2).values({column: value}))
    found = sealed.verify()
    assert not found.ok
    assert [(one.what, one.key, one.field) for one in found.findings] == [("reads", "1 to 3", "digest")]


def test_every_column_has_a_case() -> None:
    assert set(OTHERS) == set(audit_reads.c.keys()) - {"id"}


def test_a_reading_that_is_gone_or_came_from_nowhere_is_named(sealed: Ledger, database: Database) -> None:
    with database.write() as connection:
        row = dict(connection.execute(select(audit_reads).where(audit_reads.c.id == 2)).one()._mapping)
        connection.execute(delete(audit_reads).where(audit_reads.c.id == 2))
    assert [(one.field, one.chain, one.shown) for one in sealed.verify().findings][:1] == [("count", 3, 2)]
    with database.write() as connection:
        connection.execute(insert(audit_reads).values(row))
    assert sealed.verify().ok
    with database.write() as connection:
        connection.execute(insert(audit_reads).values(row | {"id": -1}))
        connection.execute(update(audit_reads).where(audit_reads.c.id == 2).values(id=0))
    assert not sealed.verify().ok
    with database.write() as connection:
        connection.execute(delete(audit_read_seals))
    sealed.parts.read_sealer.run_once()
    assert [one.what for one in sealed.verify().findings][:1] == ["reads"]


def test_who_moves_the_mark_of_what_is_sealed_leaves_nothing_out_unseen(sealed: Ledger, database: Database) -> None:
    with database.write() as connection:
        last = connection.scalar(select(func.max(audit_read_seals.c.last))) or 0
        connection.execute(insert(audit_read_seals).values(last=last + 2))
    named = ("reads", f"{last + 1} to {last + 2}", "sealed")
    assert [(one.what, one.key, one.field) for one in sealed.verify().findings] == [named]
    # Also once the next part was sealed, after what was left out.
    for number in range(4):
        read(sealed, 20 + number)
    sealed.parts.read_log.flush()
    assert sealed.parts.read_sealer.run_once()
    assert [(one.what, one.key, one.field) for one in sealed.verify().findings] == [named]


def test_who_was_searched_for_stands_nowhere_in_clear_and_an_erasure_leaves_all_provable(
    sealed: Ledger, world: World, database: Database
) -> None:
    recall(sealed, world)
    with database.read() as connection:
        assert ANN not in str(connection.execute(select(audit_reads)).all())
    read(sealed, 1, user=tuple(f"u{number}" for number in range(30)), campaign=("spring",))
    sealed.parts.read_log.flush()
    (newest,) = sealed.parts.read_sealer.newest(1)
    assert (newest.filters["user"]["count"], newest.filters["campaign"]) == (30, ["spring"])
    sealed.parts.person_eraser.erase(ANN, reason="asked to be forgotten", actor="li")
    sealed.parts.read_sealer.run_once()
    assert sealed.verify().findings == ()
