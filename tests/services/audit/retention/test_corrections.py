"""A correction leaves the history with its recall, and a young one keeps its recall there."""

from datetime import timedelta

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.simulator import World
from ledger.store.database import Database
from tests.services.audit.conftest import recall
from tests.services.corrections.conftest import RIGHT

from .conftest import let_go, rows


def correct(book: Ledger, recall_id: int) -> int:
    plan = book.parts.correction_planner.plan(recall_id, RIGHT, reason="the right link", actor="wang")
    return book.parts.corrections.run(plan.correction_id, actor="wang").sent


def test_a_correction_leaves_with_its_recall_and_a_young_one_keeps_it_there(
    book: Ledger, world: World, clock: FakeClock, database: Database
) -> None:
    recall(book, world, 3, "winter")
    recall_id = book.recalls()[0].recall_id
    clock.advance(timedelta(days=25))
    assert correct(book, recall_id) == 3
    book.purge()
    # The recall is old enough to leave by then, what was corrected of it is not.
    clock.advance(timedelta(days=10))
    recall(book, world, 1, "noise")
    book.parts.checkpointer.run_once()
    let_go(book)
    assert recall_id in [one.recall_id for one in book.recalls()]
    assert book.verify().ok
    clock.advance(timedelta(days=40))
    recall(book, world, 1, "more noise")
    book.parts.checkpointer.run_once()
    assert let_go(book).entries
    assert recall_id not in [one.recall_id for one in book.recalls()]
    assert [rows(database, name) for name in ("corrections", "correction_sends")] == [0, 0]
    assert book.verify().ok
