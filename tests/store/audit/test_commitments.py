"""People in the history: named by commitments that fit what is shown, and that no id can be read from."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from ledger import Ledger
from ledger.core.persons.person import commitments_of, is_pseudonym, pseudonym_of
from ledger.simulator import World
from ledger.store import migrate
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.recalls.frozen import FROZEN_OF_ITEM, FROZEN_OF_SKIP
from ledger.store.schema import history as entries
from ledger.store.schema import (
    person_secrets,
    recall_items,
    recall_skips,
    recalls,
)
from tests.old_history import drop_guard, make_old, restore_guard
from tests.sending import send

FROZEN = (("items", recall_items, FROZEN_OF_ITEM), ("skips", recall_skips, FROZEN_OF_SKIP))


@pytest.fixture
def eventful(book: Ledger, world: World) -> Ledger:
    """A ledger whose history names people in every way that it does."""
    send(book, world, 3, users=["ann.of.here", "bob.of.here"])
    send(book, world, 1, users=["ann.of.here"], sent_ago=timedelta(hours=25))
    book.run(book.plan(users=["ann.of.here"], include_shared=True, reason="wrong link"))
    book.plan(users=["bob.of.here", "ann.of.here"], reason="only looking")
    send(book, world, 1, campaign=None, users=["ann.of.here"])
    book.tag(users=["ann.of.here"], untagged=True, campaign="spring", reason="forgotten")
    return book


def whole_history(database: Database) -> str:
    with database.read() as connection:
        return json.dumps([one.entry.detail for one in history.read_all(connection)])


def test_the_history_names_people_by_commitments_alone(eventful: Ledger, database: Database) -> None:
    written = whole_history(database)
    assert "of.here" not in written
    with database.read() as connection:
        secret = connection.execute(select(person_secrets.c.secret)).scalar_one()
    assert all(one in written for one in commitments_of(secret, ["ann.of.here", "bob.of.here"]).values())
    assert eventful.verify().ok


def test_a_recipient_or_a_selected_user_who_is_exchanged_is_named(eventful: Ledger, database: Database) -> None:
    with database.write() as connection:
        connection.execute(update(recalls).where(recalls.c.id == 1).values(selection={"users": ["bob.of.here"]}))
        connection.execute(update(recall_items).where(recall_items.c.id == 1).values(recipients=["zoe", "bob.of.here"]))
    findings = [one for one in eventful.verify().findings if one.what != "index"]
    named = {(one.what, one.field, one.recall_id) for one in findings}
    assert named == {("recall", "selection", 1), ("item", "recipients", 1)}
    shown = [one.shown for one in findings if one.what == "item"]
    assert shown == [["zoe", "bob.of.here"]]


def test_commitments_written_into_a_row_do_not_stand_for_their_people(eventful: Ledger, database: Database) -> None:
    with database.read() as connection:
        secret = connection.execute(select(person_secrets.c.secret)).scalar_one()
    both = " ".join(commitments_of(secret, ["ann.of.here", "bob.of.here"]).values())
    with database.write() as connection:
        connection.execute(update(recall_items).where(recall_items.c.id == 1).values(recipients=[both]))
    assert ("item", "recipients") in {(one.what, one.field) for one in eventful.verify().findings}


def test_another_secret_makes_every_commitment_another(eventful: Ledger, database: Database) -> None:
    with database.write() as connection:
        connection.execute(update(person_secrets).values(secret=b"x" * 32))
    found = eventful.verify()
    assert {(one.what, one.field) for one in found.findings} >= {("item", "recipients"), ("recall", "selection")}


def test_a_pseudonym_is_no_id_that_anybody_has_by_chance() -> None:
    assert is_pseudonym(pseudonym_of(b"\x00\x01\x02\x03\x04\xff"))
    for name in (
        "erased-",
        "erased-00010203",
        "erased-00010203040506",
        "erased-zz0102030405",
        "Erased-000102030405",
        "ann",
    ):
        assert not is_pseudonym(name)


def test_an_upgrade_chains_old_entries_anew_and_takes_ids_out_of_them(eventful: Ledger, database: Database) -> None:
    make_old(database)
    assert "ann.of.here" in whole_history(database)
    last = _last_digest(database)
    migrate.downgrade(database, "0010")
    migrate.upgrade(database)
    assert "of.here" not in whole_history(database)
    found = eventful.verify(known_digest=last)
    assert (found.ok, found.findings, found.known_digest_found) == (True, (), True)
    with database.read() as connection:
        newest = list(history.read_all(connection))[-1].entry
    assert (newest.event, newest.actor, newest.detail["last_digest"]) == ("chained_anew", "worker", last)
    with pytest.raises(RuntimeError, match="restore a backup"):
        migrate.downgrade(database, "0010")


def test_what_had_been_edited_before_an_upgrade_is_found_after_it(eventful: Ledger, database: Database) -> None:
    make_old(database)
    with database.write() as connection:
        connection.execute(update(recall_items).where(recall_items.c.id == 1).values(recipients=["zoe"]))
        drop_guard(connection)
        connection.execute(update(entries).where(entries.c.id == 2).values(actor="nobody"))
        restore_guard(connection)
    migrate.downgrade(database, "0010")
    migrate.upgrade(database)
    found = eventful.verify()
    assert found.broken_at == 2
    assert {one.what for one in found.findings} >= {"entry", "item"}


def _last_digest(database: Database) -> str:
    with database.read() as connection:
        return list(history.read_all(connection))[-1].digest
