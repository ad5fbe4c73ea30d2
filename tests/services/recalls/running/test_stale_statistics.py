"""PostgreSQL knows a recall as it was copied, when no item had ended: what is asked of it grows with no answer."""

import pytest
from sqlalchemy import text

from ledger import Ledger
from ledger.simulator import World
from tests.sending import send

MESSAGES = 1000
# Each item is written into and found in an index of outcomes a few times.
MOST_READ = 8 * MESSAGES
_READ = """
SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
WHERE relname = 'recall_items'
    AND indexrelname NOT IN ('pk_recall_items', 'ix_recall_items_message', 'ix_recall_items_call')
"""


def read_so_far(book: Ledger) -> int:
    """Return how many entries were read of the indexes that know of outcomes."""
    database = book.parts.database
    with database.write() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    with database.read() as connection:
        return int(connection.scalar(text(_READ)) or 0)


def test_an_answer_reads_no_more_the_more_items_have_ended(book: Ledger, world: World) -> None:
    if book.parts.database.is_sqlite:
        pytest.skip("SQLite takes indexes by their columns, whatever stands in them")
    send(book, world, MESSAGES, campaign="spring")
    plan = book.plan(campaign="spring", reason="wrong link")
    book.parts.lifecycle.start(plan.recall_id)
    book.parts.freezer.finish(plan.recall_id)
    with book.parts.database.write() as connection:
        connection.execute(text("ANALYZE recall_items"))
    before = read_so_far(book)
    result = book.resume(plan.recall_id)
    assert result.recalled == MESSAGES
    assert read_so_far(book) - before < MOST_READ
