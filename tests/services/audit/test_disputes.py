"""What the latest check found is marked wherever a recall is looked at, until a check finds nothing any more."""

from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.audit.disputes import Dispute, Disputes
from ledger.core.audit.findings import MOST_LISTED, Findings
from ledger.simulator import World
from ledger.store.audit import disputes
from ledger.store.database import Database
from ledger.store.schema import disputes as kept_disputes
from ledger.store.schema import recall_calls, recall_item_recipients, recall_items, recalls, verifications
from tests.conftest import MakeLedger
from tests.roles import execute, name_of, role

from .conftest import recall

ANN = "ann.7f3a9c51"


def edit(database: Database, **values: Any) -> str:
    """Change the first item below the application; return its key."""
    with database.write() as connection:
        first = connection.execute(select(recall_items).order_by(recall_items.c.id).limit(1)).one()
        connection.execute(update(recall_items).where(recall_items.c.id == first.id).values(**values))
    return str(first.process_query_key)


def shown(book: Ledger, recall_id: int) -> list[tuple[str, str | None, str | None, Any]]:
    found = book.show(recall_id).disputes
    return [(one.what, one.key, one.field, one.history_says) for one in found.values] if found else []


def test_nothing_is_marked_before_a_check_and_after_one_that_found_nothing(
    book: Ledger, world: World, database: Database
) -> None:
    number = recall(book, world)
    edit(database, outcome="refused")
    assert book.show(number).disputes is None
    edit(database, outcome="recalled")
    assert book.verify().ok
    assert book.show(number).disputes is None
    with database.read() as connection:
        assert [row.found for row in connection.execute(select(verifications))] == [0]


def test_a_value_is_marked_with_what_the_history_says_and_when_that_was_seen(
    book: Ledger, world: World, database: Database, clock: FakeClock
) -> None:
    first, second = recall(book, world, 2), recall(book, world, 1, "summer")
    key = edit(database, outcome="refused")
    with database.write() as connection:
        connection.execute(update(recalls).where(recalls.c.id == first).values(actor="li"))
        connection.execute(update(recall_calls).where(recall_calls.c.recall_id == first).values(http_status=500))
        number = connection.scalar(select(recall_calls.c.id).where(recall_calls.c.recall_id == first))
    at = clock.now()
    assert not book.verify().ok
    clock.advance(timedelta(hours=1))
    found = book.show(first).disputes
    assert found is not None
    assert (found.checked_at, found.are_all) == (at, True)
    assert shown(book, first) == [
        ("recall", None, "actor", "wang"),
        ("item", key, "outcome", "recalled"),
        ("call", str(number), "http_status", 200),
    ]
    assert [one.field for one in found.of("item", key)] == ["outcome"]
    assert found.of("item", "another") == []
    assert book.parts.recall_reports.summary(first).disputes == found
    assert book.show(second).disputes is None


def test_a_check_that_finds_nothing_takes_the_marks_away(book: Ledger, world: World, database: Database) -> None:
    number = recall(book, world)
    edit(database, outcome="refused")
    book.parts.audit_verifier.run_once()
    assert shown(book, number)
    edit(database, outcome="recalled")
    assert shown(book, number)
    book.parts.audit_verifier.run_once()
    assert book.show(number).disputes is None
    with database.read() as connection:
        assert connection.execute(select(kept_disputes)).all() == []


def test_a_check_that_is_broken_off_leaves_what_the_one_before_found(
    book: Ledger, world: World, database: Database
) -> None:
    number = recall(book, world)
    edit(database, outcome="refused")
    book.verify()
    with pytest.raises(RuntimeError), book.parts.verifier.noting():
        raise RuntimeError
    assert len(shown(book, number)) == 1


def test_a_missing_message_and_one_from_nowhere_are_marked(book: Ledger, world: World, database: Database) -> None:
    number = recall(book, world, 3)
    with database.write() as connection:
        last = connection.execute(select(recall_items).order_by(recall_items.c.id.desc()).limit(1)).one()
        connection.execute(recall_items.delete().where(recall_items.c.id == last.id))
    book.verify()
    assert ("item", last.process_query_key, None, None) in shown(book, number)


def test_of_more_than_a_thousand_the_first_are_kept_and_the_others_are_counted(
    database: Database, clock: FakeClock
) -> None:
    findings = Findings()
    for number in range(MOST_LISTED + 200):
        findings.add_row("missing", "item", 1 + number % 2, f"key-{number}")
    findings.add_row("missing", "policy", None, "approval-recipients")
    with database.write() as connection:
        disputes.keep(connection, findings, clock.now())
    with database.read() as connection:
        found = disputes.of_recall(connection, 1)
        elsewhere = disputes.of_recall(connection, 3)
    assert found is not None
    assert (len(found.values), found.are_all) == (MOST_LISTED // 2, False)
    assert elsewhere == Disputes(checked_at=clock.now(), values=(), are_all=False)


def test_whatever_somebody_wrote_into_a_row_can_be_kept_and_read(database: Database, clock: FakeClock) -> None:
    findings = Findings()
    odd = "a\x00b\ud800"
    findings.add_changed("item", 1, odd, [("reason", odd, None), ("reason", ["x" * 5000], None)])
    with database.write() as connection:
        disputes.keep(connection, findings, clock.now())
    with database.read() as connection:
        found = disputes.of_recall(connection, 1)
    assert found is not None
    assert found.values[0] == Dispute(
        kind="changed", what="item", key="a\ufffdb?", field="reason", history_says="a\x00b\ud800"
    )
    assert "(5,004 characters)" in found.values[1].history_says


def test_what_is_kept_names_nobody_whoever_was_written_into_a_row(
    book: Ledger, world: World, database: Database
) -> None:
    number = recall(book, world, 2)
    edit(database, recipients=[ANN], undelivered={"invalid": [ANN]})
    with database.write() as connection:
        connection.execute(update(recalls).values(selection={"users": [ANN]}))
        if database.is_sqlite:
            row = {"item_block": 0, "user_id": ANN, "item_id": 1}
            connection.execute(recall_item_recipients.insert().values(**row))
    assert ANN in str(book.verify().findings)
    assert {"recipients", "undelivered", "selection"} <= {field for _, _, field, _ in shown(book, number)}
    with database.read() as connection:
        assert ANN not in str(connection.execute(select(kept_disputes)).all())


def test_a_database_that_only_reads_is_checked_all_the_same_and_nothing_is_kept(
    book: Ledger, make_ledger: MakeLedger, world: World, database: Database, database_url: str
) -> None:
    number = recall(book, world)
    edit(database, outcome="refused")
    with nullcontext(database_url) if database.is_sqlite else role(database_url) as url:
        parts = make_ledger(database_url=url).parts
        parts.opened()
        if database.is_sqlite:
            event.listen(parts.database.engine, "connect", lambda one, _: one.execute("PRAGMA query_only = ON"))
        else:
            execute(database_url, f"REVOKE INSERT, DELETE ON verifications, disputes FROM {name_of(url)}")
        parts.database.close()
        assert [one.field for one in parts.verifier.run_once().findings] == ["outcome"]
        assert parts.audit_verifier.run_once().disputed == 1
        assert parts.recall_reports.report(number).disputes is None
        parts.database.close()
