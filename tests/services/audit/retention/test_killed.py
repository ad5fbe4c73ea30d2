"""Killed in the middle of letting the history go, as by `kill -9`: nothing is half done, and the next one goes on."""

import multiprocessing
import os
import signal
from pathlib import Path

from sqlalchemy import Connection, event, func, select

from ledger import Ledger
from ledger.store.database import Database
from ledger.store.schema import history as entries

from .conftest import check, let_go, rows

_CHANGES = ("INSERT", "UPDATE", "DELETE")
MOST_CHANGES = 60


def _let_go_until(book: Ledger, most_changes: int) -> None:
    """Let go, and be killed when one more change than these comes to the database, or when they are to be committed."""
    left = [most_changes]

    def count(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.lstrip().upper().startswith(_CHANGES):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def commit(_connection: Connection) -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = book.parts.opened().engine
    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", commit)
    let_go(book)


def test_killed_at_any_change_it_has_left_nothing_half_done_and_the_next_one_goes_on(
    book: Ledger, database: Database, kept: Path
) -> None:
    fork, seen = multiprocessing.get_context("fork"), set()
    for most_changes in range(MOST_CHANGES):
        process = fork.Process(target=_let_go_until, args=(book, most_changes))
        process.start()
        process.join()
        found = check(book, kept)
        assert (found.ok, found.damages, found.findings) == (True, (), ()), most_changes
        shown = tuple(one.recall_id for one in book.recalls())
        assert {item.recall_id for item in book.history()} == {*shown}
        assert (found.left > 0) is (shown == (3,))
        seen.add((shown, rows(database, "recalls")))
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
    # Killed before it was committed, killed while its rows were deleted, and done.
    assert seen == {((3, 2, 1), 3), ((3,), 3), ((3,), 1)}
    with database.read() as connection:
        assert connection.scalar(select(func.min(entries.c.id))) == found.left + 1
