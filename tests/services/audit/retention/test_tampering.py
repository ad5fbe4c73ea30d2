"""Whatever somebody does below the application to a history whose beginning has left is named."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, delete, func, insert, literal, select, update

from ledger import Ledger
from ledger.clock import FakeClock, format_time
from ledger.core.audit.chain import GENESIS
from ledger.core.audit.chain_facts import LEFT
from ledger.services.reports.verifier import Verifier
from ledger.simulator import World
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.schema import checkpoints, history_segments, history_starts, metadata, recall_calls
from ledger.store.schema import history as entries

from ..conftest import MakeAnchored, checkpoints_in, recall
from .conftest import SEGMENT, check, drop_guards, let_go

Tampering = Callable[[Connection], Any]
# What somebody does below the application, and what is named: of the start, or of the chain.
TAMPERINGS: dict[str, tuple[Tampering, set[str]]] = {
    "a kept root": (
        lambda connection: connection.execute(
            update(history_segments).where(history_segments.c.number == 1).values(root="f" * 64)
        ),
        {"start.root", "rewritten"},
    ),
    "a kept root that is none": (
        lambda connection: connection.execute(
            update(history_segments).where(history_segments.c.number == 1).values(root="nothing")
        ),
        {"start.root", "rewritten"},
    ),
    "a kept root is gone": (
        lambda connection: connection.execute(delete(history_segments).where(history_segments.c.number == 0)),
        {"start.root", "rewritten"},
    ),
    "the digest of the start": (
        lambda connection: connection.execute(update(history_starts).values(digest="f" * 64)),
        {"start.digest", "edited"},
    ),
    "the entries of the start": (
        lambda connection: connection.execute(
            update(history_starts).values(entries=history_starts.c.entries - SEGMENT)
        ),
        {"start.entries", "start.root"},
    ),
    "the start is gone": (
        lambda connection: connection.execute(delete(history_starts)),
        {"start.entries", "start.last_id", "start.digest", "start.root", "missing"},
    ),
    "a path of a checkpoint": (
        lambda connection: connection.execute(update(checkpoints).values(path=["f" * 64, "f" * 64])),
        {"rewritten"},
    ),
    "the entry that tells of it": (
        lambda connection: connection.execute(update(entries).where(entries.c.event == LEFT).values(actor="mallory")),
        {"edited"},
    ),
    "the entry that tells of it is gone": (
        lambda connection: connection.execute(delete(entries).where(entries.c.event == LEFT)),
        {"start", "cut"},
    ),
    "what stays": (
        lambda connection: connection.execute(
            update(entries)
            .where(entries.c.id == select(func.min(entries.c.id) + 1).scalar_subquery())
            .values(actor="m")
        ),
        {"edited"},
    ),
    "the first that stays is gone": (
        lambda connection: connection.execute(
            delete(entries).where(entries.c.id == select(func.min(entries.c.id)).scalar_subquery())
        ),
        {"missing"},
    ),
    "an entry before the start": (
        lambda connection: connection.execute(
            insert(entries).from_select(
                ["id", "at", "event", "actor", "recall_id", "detail", "digest"],
                select(
                    literal(1),
                    entries.c.at,
                    entries.c.event,
                    entries.c.actor,
                    literal(3),
                    entries.c.detail,
                    entries.c.digest,
                ).where(entries.c.event == LEFT),
            )
        ),
        {"start"},
    ),
    "a call that stays": (
        lambda connection: connection.execute(update(recall_calls).values(code="no")),
        {"call.code"},
    ),
}


TAMPERED = ("history", "history_segments", "history_starts", "checkpoints", "recall_calls")


def test_whatever_somebody_does_to_it_is_named(book: Ledger, database: Database, kept: Path) -> None:
    let_go(book)
    book.parts.checkpointer.run_once()
    drop_guards(database)
    before = _rows_of(database)
    passed = {}
    for what, (tamper, names) in TAMPERINGS.items():
        with database.write() as connection:
            tamper(connection)
        found = check(book, kept)
        said = {f"{one.what}.{one.field}" if one.field else one.what for one in found.findings}
        said |= {one.kind.value for one in found.damages}
        is_seen_without = not any(name.startswith(("start", "call")) for name in names) or not book.verify().ok
        if found.ok or not names <= said or not is_seen_without:
            passed[what] = said
        _restore(database, before)
    assert passed == {}
    assert check(book, kept).ok


def _rows_of(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.read() as connection:
        tables = (metadata.tables[name] for name in TAMPERED)
        return {table.name: [dict(row._mapping) for row in connection.execute(select(table))] for table in tables}


def _restore(database: Database, before: dict[str, list[dict[str, Any]]]) -> None:
    with database.write() as connection:
        for name, rows_before in before.items():
            connection.execute(metadata.tables[name].delete())
            connection.execute(insert(metadata.tables[name]), rows_before)


def test_a_checkpoint_shows_that_what_stays_was_written_anew(book: Ledger, database: Database, kept: Path) -> None:
    let_go(book)
    book.parts.checkpointer.run_once()
    drop_guards(database)
    with database.write() as connection:
        previous = told_start(connection)
        for stored in list(history.read_all(connection)):
            entry = history.Entry(
                at=stored.entry.at,
                event=stored.entry.event,
                actor="mallory" if stored.entry.event == LEFT else stored.entry.actor,
                recall_id=stored.entry.recall_id,
                detail=stored.entry.detail,
            )
            previous = history.link(previous, entry)
            changed = update(entries).where(entries.c.id == stored.id)
            connection.execute(changed.values(actor=entry.actor, digest=previous))
    assert book.verify().ok
    assert [one.kind.value for one in check(book, kept).damages] == ["rewritten"]


def test_a_history_that_was_written_anew_and_said_to_have_left_is_not_taken_for_what_was_signed(
    book: Ledger, database: Database, clock: FakeClock, kept: Path
) -> None:
    """Whoever takes along what the database knew of checkpoints leaves nothing that leads to what was signed."""
    drop_guards(database)
    with database.write() as connection:
        for name in ("checkpoints", "history_segments", "anchors"):
            connection.execute(metadata.tables[name].delete())
        _write_anew(connection, "mallory")
    for number in range(2 * SEGMENT):
        book.parts.policies.put("approval-recipients", str(number + 1), actor="mallory")
    clock.advance(timedelta(days=40))
    book.parts.policies.put("approval-recipients", "7", actor="mallory")
    _let_go_unchecked(book)
    found = check(book, kept)
    assert max(one.entries for one in checkpoints_in(kept)) < found.left
    assert ([one.kind.value for one in found.damages], found.proven_entries) == (["forgotten"], 0)


def test_a_worker_signs_nothing_by_a_kept_root_that_somebody_changed(
    book: Ledger, database: Database, clock: FakeClock, kept: Path
) -> None:
    assert len(checkpoints_in(kept)) == 3
    with database.write() as connection:
        connection.execute(update(history_segments).where(history_segments.c.number == 1).values(root="f" * 64))
    book.parts.policies.put("approval-recipients", "7", actor="wang")
    clock.advance(timedelta(hours=2))
    book.parts.checkpointer.run_if_due()
    assert len(checkpoints_in(kept)) == 3
    # Without the kept roots they are computed again.
    with database.write() as connection:
        connection.execute(delete(history_segments))
    clock.advance(timedelta(minutes=2))
    book.parts.checkpointer.run_if_due()
    assert (len(checkpoints_in(kept)), check(book, kept).ok) == (4, True)


def test_what_left_before_its_time_is_named_by_what_was_signed_meanwhile(
    make_anchored: MakeAnchored, world: World, clock: FakeClock, kept: Path, database: Database
) -> None:
    book, elsewhere = make_anchored(history_days=2), make_anchored()
    for campaign in ("spring", "summer", "autumn"):
        recall(book, world, 3, campaign)
        book.parts.checkpointer.run_once()
        clock.advance(timedelta(days=3))
    assert let_go(book).entries
    assert (check(book, kept).damages, check(book, kept).not_proven[1:]) == ((), ())
    assert "kept for 2 days: the settings here keep them for ever" in check(elsewhere, kept).not_proven[-1]
    recall(book, world, 3, "winter")
    book.parts.checkpointer.run_once()
    for number in range(2 * SEGMENT):
        book.parts.policies.put("approval-recipients", str(number + 1), actor="mallory")
    # As who writes the entry that tells of it by hand: what is two hours old.
    clock.advance(timedelta(hours=2))
    assert book.parts.retention._let_go(timedelta(0)).entries
    said = check(book, kept)
    assert [(one.kind.value, one.first) for one in said.damages] == [("too_early", 1)]
    # Or says of it that it was older.
    drop_guards(database)
    with database.write() as connection:
        last = history.last_of(connection, LEFT)
        assert last is not None
        detail = {**last.entry.detail, "before": format_time(clock.now() - timedelta(days=3))}
        previous = connection.scalar(select(entries.c.digest).where(entries.c.id == last.id - 1))
        digest = history.link(str(previous), replace(last.entry, detail=detail))
        changed = update(entries).where(entries.c.id == last.id)
        connection.execute(changed.values(detail=detail, digest=digest))
    assert book.verify().ok
    ((kind, first),) = [(one.kind.value, one.first) for one in check(book, kept).damages]
    assert (kind, (first or 0) > 1) == ("too_early", True)


def _let_go_unchecked(book: Ledger) -> None:
    """Let go as who does not look first whether it fits, which it does not."""
    retention = book.parts.retention

    class Content:
        def run_once(self) -> Any:
            return replace(book.verify(), ok=True)

    checked, retention._verifier = retention._verifier, cast("Verifier", Content())
    try:
        let_go(book)
    finally:
        retention._verifier = checked


def _write_anew(connection: Connection, actor: str) -> None:
    """Write the chain anew with the right formula, with somebody else in it; its first entry stays, which is known."""
    previous = GENESIS
    for stored in list(history.read_all(connection)):
        entry = replace(stored.entry, actor=stored.entry.actor if previous == GENESIS else actor)
        previous = history.link(previous, entry)
        changed = update(entries).where(entries.c.id == stored.id)
        connection.execute(changed.values(actor=entry.actor, digest=previous))


def told_start(connection: Connection) -> str:
    return str(connection.scalar(select(history_starts.c.digest)))
