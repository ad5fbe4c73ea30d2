"""Tables that somebody else changed or hides are seen before they cost a key, or let one in twice."""

import pytest

from ledger import Ledger
from ledger.errors import UnfitDatabaseError
from ledger.store import migrate, shape
from ledger.store.schema import metadata
from tests.conftest import MakeLedger
from tests.roles import execute
from tests.sending import row


def url_of(book: Ledger) -> str:
    return book.parts.database.url.render_as_string(hide_password=False)


@pytest.fixture
def on_postgresql(book: Ledger) -> Ledger:
    """A ledger on PostgreSQL, whose database may be spoilt."""
    if book.parts.database.is_sqlite:
        pytest.skip("on SQLite there is one schema, and a constraint goes with its table alone")
    book.parts.opened()
    return book


@pytest.fixture
def spoilt(on_postgresql: Ledger) -> "Ledger":
    """The same, with the rule gone that keeps a key from being there twice."""
    execute(url_of(on_postgresql), "ALTER TABLE messages DROP CONSTRAINT uq_messages_process_query_key_robot_code")
    return on_postgresql


def found_of_database(book: Ledger) -> str:
    (check,) = [check for check in book.doctor().checks if check.name == "database"]
    assert not check.ok
    return check.found


def rows(book: Ledger, count: int) -> list[dict[str, object]]:
    return [row(f"k{number}", book.parts.clock.now()) for number in range(count)]


def test_what_the_migrations_make_lacks_nothing(book: Ledger) -> None:
    with book.parts.opened().read() as connection:
        assert shape.troubles_of(connection) == []


def test_the_doctor_names_a_rule_that_is_gone_and_the_statement_that_brings_it_back(spoilt: Ledger) -> None:
    found = found_of_database(spoilt)
    assert "tables are not as they were made" in spoilt.parts.lacks()["database"]
    execute(url_of(spoilt), found.partition(", so run ")[2])
    (check,) = [check for check in spoilt.doctor().checks if check.name == "database"]
    assert check.ok
    assert "database" not in spoilt.parts.lacks()


@pytest.mark.parametrize("count", [1, 100])
def test_without_the_rule_keys_wait_in_the_spool_and_are_there_once_in_the_end(spoilt: Ledger, count: int) -> None:
    for _ in range(2):
        assert spoilt.record_many(rows(spoilt, count)).spooled == count
    execute(
        url_of(spoilt),
        "ALTER TABLE messages ADD CONSTRAINT uq_messages_process_query_key_robot_code "
        "UNIQUE (process_query_key, robot_code)",
    )
    assert [line.messages for line in spoilt.campaigns()] == [count]


@pytest.mark.parametrize("statement", ["DROP TRIGGER history_no_{}", "DROP INDEX uq_tokens_valid_name"])
def test_triggers_and_unique_indexes_count_as_well(book: Ledger, statement: str) -> None:
    database = book.parts.opened()
    of_postgresql = "change ON history" if "TRIGGER" in statement else ""
    with database.write() as connection:
        connection.exec_driver_sql(statement.format("delete" if database.is_sqlite else of_postgresql))
    assert ("history_no_" if "TRIGGER" in statement else "uq_tokens_valid_name") in found_of_database(book)
    assert "database" in book.parts.lacks()


def test_a_table_of_the_same_name_that_is_found_first_is_refused_and_named(
    on_postgresql: Ledger, make_ledger: MakeLedger
) -> None:
    url = url_of(on_postgresql)
    execute(url, "CREATE SCHEMA postgres")  # of the role: what search_path begins with
    try:
        execute(url, "CREATE TABLE postgres.messages (LIKE public.messages INCLUDING ALL)")
        assert "database" in on_postgresql.parts.lacks()
        assert "postgres.messages hides the ledger's table public.messages" in found_of_database(on_postgresql)
        anew = make_ledger()
        with pytest.raises(UnfitDatabaseError, match="SET search_path = public"):
            migrate.ensure(anew.parts.database)
        assert anew.record_many(rows(anew, 2)).spooled == 2
        anew.close()
    finally:
        execute(url, "DROP SCHEMA postgres CASCADE")
    assert [line.messages for line in on_postgresql.campaigns()] == [2]


def test_every_rule_has_a_name_by_which_it_is_looked_for() -> None:
    assert all(constraint.name for table in metadata.tables.values() for constraint in table.constraints)
