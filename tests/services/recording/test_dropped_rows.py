"""Rows that a database drops without an error, by somebody's trigger: each key waits all the same."""

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import text

from ledger import Ledger
from ledger.core.recording.message import Campaign, Chat, Keyless, KeylessSend, RobotCode
from ledger.errors import StatementRefusedError
from ledger.store.recording.incoming import COPY_FROM_ROWS
from tests.conftest import NOON, MakeLedger
from tests.services.recording.test_any_error import kept, refused, rows

SKIPPED_CAMPAIGN = "skipped"
SKIP = {
    "sqlite": ["CREATE TRIGGER skip BEFORE INSERT ON {table} WHEN NEW.campaign = 'skipped' BEGIN "
               "SELECT RAISE(IGNORE); END"],
    "postgresql": ["CREATE OR REPLACE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                   "IF NEW.campaign = 'skipped' THEN RETURN NULL; END IF; RETURN NEW; END $$",
                   "CREATE TRIGGER skip BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION skip()"],
}  # fmt: skip
TAKE = {"sqlite": "DROP TRIGGER skip", "postgresql": "DROP TRIGGER skip ON {table}"}


def skip(book: Ledger, table: str) -> None:
    """Let the database drop what belongs to a campaign, and report success."""
    with book.parts.database.write() as connection:
        for statement in SKIP[connection.dialect.name]:
            connection.execute(text(statement.format(table=table)))


def take_again(book: Ledger, table: str) -> None:
    with book.parts.database.write() as connection:
        connection.execute(text(TAKE[connection.dialect.name].format(table=table)))


@pytest.mark.parametrize("count", [1, 2, COPY_FROM_ROWS])
def test_what_the_database_drops_without_an_error_waits_and_takes_no_other_along(
    make_ledger: MakeLedger, count: int
) -> None:
    with closing(make_ledger()) as book:
        skip(book, "messages")
        dropped = [{**one, "campaign": SKIPPED_CAMPAIGN} for one in rows(*(f"bad-{n}" for n in range(count)))]
        imported = book.record_many(rows(*(f"good-{n}" for n in range(count))) + dropped)
        assert (imported.recorded, imported.duplicates, imported.spooled) == (count, 0, count)
        again = book.record_many(rows("good-0"))
        assert (again.duplicates, again.spooled) == (1, 0)
        with pytest.raises(StatementRefusedError, match="drops rows without an error"):
            book.parts.recorder.replay()
        take_again(book, "messages")
        book.parts.recorder.replay()
        assert kept(book) == 2 * count
        assert refused(book) == []


def test_one_message_that_the_database_drops_is_no_duplicate(make_ledger: MakeLedger) -> None:
    with closing(make_ledger()) as book:
        skip(book, "messages")
        one = book.record(process_query_key="k", robot_code="r", sent_at=NOON, campaign=SKIPPED_CAMPAIGN)
        assert (one.recorded, one.duplicates, one.spooled) == (0, 0, 1)


def test_the_trace_of_a_send_without_key_that_the_database_drops_waits(make_ledger: MakeLedger) -> None:
    trace = KeylessSend(
        trace="t",
        robot_code=RobotCode("r"),
        chat=Chat.ONE_TO_ONE,
        open_conversation_id=None,
        campaign=Campaign(SKIPPED_CAMPAIGN),
        source=None,
        recipients=(),
        sent_at=NOON - timedelta(hours=1),
        why="nobody answered",
        kind=Keyless.NO_KEY,
    )
    with closing(make_ledger()) as book:
        skip(book, "keyless_sends")
        writer = book.parts.recorder.writer
        assert writer.wait(writer.submit(trace), 10) == "spooled"
        take_again(book, "keyless_sends")
        assert book.parts.recorder.replay().keyless == 1
