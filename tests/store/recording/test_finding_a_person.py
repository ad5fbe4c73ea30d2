"""Whose messages are asked for is found by an index, however many messages others got."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event, text

from ledger import Ledger
from ledger.simulator import World
from tests.sending import send

OTHERS = 1000
# Whoever looks at each message of others takes more steps, or reads more rows.
MOST_STEPS, MOST_ROWS = 5 * OTHERS, OTHERS // 10
_ROWS = "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_user_tables WHERE relname = 'messages'"


def read_rows(book: Ledger) -> int:
    """Return how many rows of messages PostgreSQL has read so far."""
    database = book.parts.database
    with database.write() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    with database.read() as connection:
        return int(connection.scalar(text(_ROWS)) or 0)


def steps_of(engine: Engine, work: Callable[[], object]) -> int:
    """Return how many steps of SQLite's machine some work takes."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def watch(raw: Any, *_: object) -> None:
        raw.set_progress_handler(count, 1)

    event.listen(engine, "checkout", watch)
    try:
        work()
    finally:
        event.remove(engine, "checkout", watch)
        with engine.connect() as connection:
            connection.connection.driver_connection.set_progress_handler(None, 0)  # type: ignore[union-attr]
    return steps


def test_a_persons_messages_are_found_without_a_look_at_those_of_others(book: Ledger, world: World) -> None:
    send(book, world, OTHERS)
    keys = send(book, world, 3, users=["zhang.san"], campaign="summer")

    def find() -> None:
        plan = book.plan(users=["zhang.san"], reason="wrong link")
        assert plan.eligible == len(keys)

    find()
    database = book.parts.database
    if database.is_sqlite:
        assert steps_of(database.engine, find) < MOST_STEPS
    else:
        before = read_rows(book)
        find()
        assert read_rows(book) - before < MOST_ROWS
