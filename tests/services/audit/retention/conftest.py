"""A ledger that keeps its history for thirty days, in short segments."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.access.roles import Role
from ledger.services.audit.audit_verifier import AuditReport
from ledger.services.audit.keys import public_key
from ledger.services.audit.retention import LeftNow
from ledger.simulator import World
from ledger.store.database import Database
from ledger.store.schema import metadata
from tests.services.audit.conftest import MakeAnchored, recall

SEGMENT = 4


@pytest.fixture(autouse=True)
def _short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of four entries, so that few recalls fill some."""
    # The tree last: a module that is imported here for the first time would take its short segments for its own.
    for module in (
        "services.audit.growing_tree",
        "services.audit.evidence",
        "core.audit.checkpoint",
        "core.audit.merkle",
    ):
        monkeypatch.setattr(f"ledger.{module}.SEGMENT_ENTRIES", SEGMENT)
    monkeypatch.setattr("ledger.core.audit.merkle._SEGMENT_HEIGHT", 2)


@pytest.fixture
def book(make_anchored: MakeAnchored, world: World, clock: FakeClock) -> Ledger:
    """A ledger that keeps its history for thirty days: two old recalls and a young one, each with a checkpoint."""
    book = make_anchored(history_days=30)
    book.parts.service_tokens.create("kim", Role.OPERATOR, actor="wang")
    book.parts.policies.put("approval-recipients", "100", actor="wang")
    book.parts.policies.put("approval-recipients", "200", actor="wang")
    for campaign in ("spring", "summer"):
        recall(book, world, 3, campaign)
        book.parts.checkpointer.run_once()
    clock.advance(timedelta(days=40))
    book.purge()
    recall(book, world, 2, "autumn")
    book.parts.checkpointer.run_once()
    return book


def let_go(book: Ledger) -> LeftNow:
    """Let leave what is old enough: after a long time with the second look."""
    first = book.parts.retention.run_once()
    return first if first.entries else book.parts.retention.run_once()


def check(book: Ledger, *files: Path) -> AuditReport:
    """Hold the history against checkpoints."""
    key = book.parts.settings.audit_key_file
    assert key is not None
    return book.parts.audit_verifier.run_once(files, [public_key(key)])


def rows(database: Database, name: str) -> int:
    """Return how many rows a table has."""
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(metadata.tables[name])) or 0


def drop_guards(database: Database) -> None:
    """Let everybody change the history."""
    names = ("history_no_update", "history_no_delete") if database.is_sqlite else ("history_no_change ON history",)
    with database.write() as connection:
        for name in names:
            connection.execute(text(f"DROP TRIGGER {name}"))
