"""Whatever somebody does to the chain below the application is named for what it is, on both databases."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.audit.chain import GENESIS
from ledger.core.audit.chain_damage import DamageKind
from ledger.core.audit.merkle import SEGMENT_ENTRIES
from ledger.core.audit.signing import make_key, signed
from ledger.services.audit.anchor_check import Match
from ledger.services.audit.audit_verifier import NOT_ANCHORED, NOT_SIGNED, ONLY_INSIDE, AuditReport
from ledger.services.audit.kept_checkpoints import INSIDE
from ledger.services.audit.keys import private_key, public_key
from ledger.simulator import World
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.schema import history as entries
from ledger.store.schema import metadata

from .conftest import MakeAnchored, checkpoints_in, recall

Rows = list[dict[str, Any]]
GUARDS = ("history_no_update", "history_no_delete")


@pytest.fixture
def book(anchored: Ledger, world: World, database: Database) -> Ledger:
    """A ledger of twenty entries and more, with checkpoints after two recalls, and a recall that is in none."""
    for campaign in ("spring", "summer"):
        recall(anchored, world, 3, campaign)
        anchored.plan(campaign=campaign, reason="looking")
        anchored.parts.checkpointer.run_once()
    recall(anchored, world, 1, "autumn")
    with database.write() as connection:
        if database.is_sqlite:
            for name in GUARDS:
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("DROP TRIGGER history_no_change ON history"))
    return anchored


def rows_of(database: Database) -> Rows:
    with database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(select(entries).order_by(entries.c.id))]


def put(database: Database, rows: Rows) -> None:
    """Write the chain as somebody wants it."""
    with database.write() as connection:
        connection.execute(entries.delete())
        if rows:
            connection.execute(insert(entries), rows)


def forget_inside(database: Database) -> None:
    """Take away what the database itself keeps of checkpoints."""
    with database.write() as connection:
        for name in ("checkpoints", "history_segments", "anchors"):
            connection.execute(metadata.tables[name].delete())


def check(book: Ledger, *files: Path, with_key: bool = True) -> AuditReport:
    key = book.parts.settings.audit_key_file
    assert key is not None
    return book.parts.audit_verifier.run_once(files, [public_key(key)] if with_key else [])


def named(found: AuditReport) -> list[tuple[str, int | None, int | None, int | None]]:
    assert not found.ok
    return [(one.kind.value, one.first, one.last, one.count) for one in found.damages]


def chained(rows: Rows, start: int = 0) -> Rows:
    """Give rows the right digests from some place on, as who reads the formula can."""
    previous = rows[start - 1]["digest"] if start else GENESIS
    done = rows[:start]
    for row in rows[start:]:
        entry = history.Entry(**{name: row[name] for name in ("at", "event", "actor", "recall_id", "detail")})
        previous = history.link(previous, entry)
        done.append({**row, "digest": previous})
    return done


def numbered(rows: Sequence[dict[str, Any]]) -> Rows:
    """Give rows new numbers without gaps."""
    return [{**row, "id": number} for number, row in enumerate(rows, 1)]


def edited(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "actor": "mallory"}


def swapped(rows: Rows, one: int, other: int) -> Rows:
    """Let two rows change places: each gets the number of the other."""
    moved = list(rows)
    moved[one], moved[other] = {**rows[other], "id": rows[one]["id"]}, {**rows[one], "id": rows[other]["id"]}
    return moved


Edit = Callable[[Rows], Rows]
Named = list[tuple[str, int | None, int | None, int | None]]
# What somebody does to the chain alone, and what it is called: kind, first place, last place, how many.
EDITS: dict[str, tuple[Edit, Named]] = {
    "an entry is edited": (lambda rows: [*rows[:4], edited(rows[4]), *rows[5:]], [("edited", 5, 5, None)]),
    "an entry is edited and its digest made to fit": (
        lambda rows: [*rows[:4], chained([*rows[:4], edited(rows[4])], 4)[4], *rows[5:]],
        [("edited", 6, 6, None)],
    ),
    "two entries far apart are edited": (
        lambda rows: [rows[0], edited(rows[1]), *rows[2:8], edited(rows[8]), *rows[9:]],
        [("edited", 2, 2, None), ("edited", 9, 9, None)],
    ),
    "an entry is gone": (lambda rows: [*rows[:4], *rows[5:]], [("missing", 5, None, 1)]),
    "three entries are gone": (lambda rows: [*rows[:4], *rows[7:]], [("missing", 5, None, 3)]),
    "the first entries are gone": (lambda rows: rows[2:], [("missing", 1, None, 2)]),
    "an entry comes from nowhere": (
        lambda rows: numbered([*rows[:4], {**edited(rows[4]), "digest": "f" * 64}, *rows[4:]]),
        [("inserted", 5, 5, 1)],
    ),
    "entries with the right digests come in between": (
        lambda rows: numbered([*chained([*rows[:4], edited(rows[1]), edited(rows[2])], 4), *rows[4:]]),
        [("inserted", 5, 6, 2)],
    ),
    "an entry is copied to somewhere else": (
        lambda rows: numbered([*rows[:9], rows[3], *rows[9:]]),
        [("inserted", 10, 10, 1)],
    ),
    "two neighbours change places": (lambda rows: swapped(rows, 4, 5), [("reordered", 5, 6, None)]),
    "two entries change places": (lambda rows: swapped(rows, 3, 8), [("reordered", 4, 9, None)]),
    "an entry is moved to the end": (
        lambda rows: numbered([*rows[:4], *rows[5:], rows[4]]),
        [("reordered", 5, 9999, None)],
    ),
}


def test_what_breaks_the_chain_is_named_without_any_checkpoint(book: Ledger, database: Database) -> None:
    rows = numbered(rows_of(database))
    forget_inside(database)
    for edit, (change, wanted) in EDITS.items():
        put(database, change(rows))
        found = check(book)
        assert named(found) == _with_end(wanted, len(rows)), edit
        assert found.good_entries == min(first for _, first, _, _ in wanted if first) - 1, edit
        assert NOT_ANCHORED in found.not_proven
    put(database, rows)
    assert check(book).ok


def test_what_breaks_the_chain_is_named_the_same_with_checkpoints(book: Ledger, database: Database, kept: Path) -> None:
    rows = numbered(rows_of(database))
    for edit, (change, wanted) in EDITS.items():
        put(database, change(rows))
        found = check(book, kept)
        assert named(found) == _with_end(wanted, len(rows)), edit
        # A digest that was signed proves nothing of what does not fit it any more.
        assert found.proven_entries <= found.good_entries, edit
    put(database, rows)
    assert check(book, kept).ok


def test_what_was_written_before_an_edited_entry_stays_proven(book: Ledger, database: Database, kept: Path) -> None:
    rows = rows_of(database)
    put(database, [*rows[:4], edited(rows[4]), *rows[5:]])
    found = check(book, kept)
    assert (found.good_entries, found.proven_entries) == (4, 4)


@pytest.mark.parametrize("garbage", ["yesterday", b"\xff\x00", -5, 1.5, ""])
def test_what_is_no_time_any_more_is_named_and_stops_no_check(
    book: Ledger, database: Database, kept: Path, garbage: object
) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL takes only values of a column's type")
    with database.write() as connection:
        connection.execute(text("UPDATE history SET at = :value WHERE id = 5"), {"value": garbage})
    found = check(book, kept)
    assert named(found) == [("edited", 5, 5, None)]
    assert ("entry", "at") in {(one.what, one.field) for one in found.findings}


@pytest.mark.parametrize("garbage", ["yesterday", "{", '"x"', '{"kind": "dingtalk-ledger checkpoint"}', "\udcff"])
def test_what_somebody_made_of_a_checkpoint_in_the_database_stops_no_check(
    book: Ledger, database: Database, kept: Path, garbage: str
) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL takes only values of a column's type")
    value = garbage.encode("utf-8", "surrogateescape")
    with database.write() as connection:
        connection.execute(text("UPDATE checkpoints SET document = :value"), {"value": value})
    assert check(book, kept).ok


def _with_end(wanted: Named, end: int) -> Named:
    return [(kind, first, end if last == 9999 else last, count) for kind, first, last, count in wanted]


def test_that_numbers_were_given_anew_hides_what_is_missing_only_from_who_has_no_checkpoint(
    book: Ledger, database: Database, kept: Path
) -> None:
    rows = rows_of(database)
    put(database, numbered([*rows[:4], *rows[6:]]))
    assert named(check(book, kept)) == [("missing", 5, None, 2)]
    forget_inside(database)
    assert named(check(book)) == [("edited", 5, 5, None)]


@pytest.mark.parametrize("left", [1, 7])
def test_only_a_checkpoint_shows_that_the_end_is_cut_off(
    book: Ledger, database: Database, kept: Path, left: int
) -> None:
    rows, signed_entries = rows_of(database), checkpoints_in(kept)[-1].entries
    put(database, rows[:left])
    assert named(check(book, kept)) == [("cut", left + 1, signed_entries, signed_entries - left)]
    forget_inside(database)
    found = check(book)
    assert found.damages == ()
    assert NOT_ANCHORED in found.not_proven


def test_a_history_that_is_cut_to_nothing_is_named(book: Ledger, database: Database, kept: Path) -> None:
    signed_entries = checkpoints_in(kept)[-1].entries
    put(database, [])
    found = check(book, kept)
    assert named(found) == [("cut_to_nothing", 1, signed_entries, signed_entries)]
    assert found.good_entries == 0


def test_a_line_that_is_no_checkpoint_any_more_is_named_and_other_lines_of_a_log_are_not(
    book: Ledger, kept: Path
) -> None:
    first, last = kept.read_text().splitlines()
    kept.write_text(f"Nov 26 12:00:00 host sshd: hello {{\n{first[:-9]}\n{first.replace('root', 'tree')}\n{last}\n")
    found = check(book, kept)
    assert found.ok
    assert [said for said in found.not_proven if f"{kept}:2 and 1 more said" in said]
    kept.write_text(f"Nov 26 12:00:00 host sshd: hello {{\n{first}\n{last}\n")
    assert not [said for said in check(book, kept).not_proven if "none any more" in said]


def test_the_end_after_the_last_checkpoint_is_not_proven_and_that_is_said(
    book: Ledger, database: Database, kept: Path
) -> None:
    rows, last = rows_of(database), checkpoints_in(kept)[-1]
    found = check(book, kept)
    assert (found.ok, found.proven_entries) == (True, last.entries)
    assert found.not_proven == (f"the last {len(rows) - last.entries} entries, which no checkpoint covers yet",)


@pytest.mark.parametrize("what", ["all of it", "what came after the first checkpoint"])
def test_only_a_checkpoint_shows_that_a_chain_was_written_anew_with_the_right_formula(
    book: Ledger, database: Database, kept: Path, what: str
) -> None:
    rows, (first, last) = rows_of(database), checkpoints_in(kept)
    place = 2 if what == "all of it" else first.entries + 1
    put(database, chained([*rows[:place], edited(rows[place]), *rows[place + 1 :]], place))
    found = check(book, kept)
    good = 0 if what == "all of it" else first.entries
    end = first.entries if what == "all of it" else last.entries
    assert named(found) == [("rewritten", good + 1, end, None)]
    assert (found.good_entries, found.proven_entries) == (good, good)
    forget_inside(database)
    assert check(book).damages == ()


REWRITINGS: dict[str, Edit] = {
    "an entry": lambda rows: [*rows[:2], *chained([*rows[:2], edited(rows[2]), *rows[3:]], 2)[2:]],
    "the first one": lambda rows: chained([edited(rows[0]), *rows[1:]], 0),
    "the end is cut": lambda rows: rows[:6],
}


@pytest.mark.parametrize("what", REWRITINGS)
def test_a_worker_signs_no_history_that_does_not_go_on_from_what_was_signed_last(
    book: Ledger,
    world: World,
    database: Database,
    kept: Path,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    what: str,
) -> None:
    put(database, REWRITINGS[what](rows_of(database)))
    before = len(checkpoints_in(kept))
    for _ in range(3):
        recall(book, world, 1, "more")
        clock.advance(timedelta(hours=2))
        book.parts.checkpointer.run_if_due()
    assert len(checkpoints_in(kept)) == before
    assert book.parts.figures.read().anchors_failing_seconds["signing"] > 0
    assert "does not go on from the last checkpoint" in caplog.text
    # Who has looked signs it as it is, and from there it goes on.
    book.parts.checkpointer.run_once()
    recall(book, world, 1, "more")
    book.parts.checkpointer.run_if_due()
    assert len(checkpoints_in(kept)) == before + 2
    assert book.parts.figures.read().anchors_failing_seconds["signing"] == 0


@pytest.mark.parametrize("recalls", [1, 9])
def test_a_checkpoint_of_another_ledger_is_named_as_that_however_long_it_is(
    book: Ledger, make_anchored: MakeAnchored, world: World, tmp_path: Path, kept: Path, recalls: int
) -> None:
    theirs, url = tmp_path / "theirs.jsonl", f"sqlite:///{tmp_path / 'theirs.sqlite'}"
    other = make_anchored(database_url=url, spool_dir=tmp_path / "theirs", audit_checkpoint_file=theirs)
    for number in range(recalls):
        recall(other, world, 2, f"theirs {number}")
    other.parts.checkpointer.run_once()
    found = check(book, theirs)
    assert [one.kind for one in found.damages] == [DamageKind.OTHER_LEDGER]
    assert [one.match for one in found.checkpoints if one.where != INSIDE] == [Match.OTHER_LEDGER]
    assert found.good_entries == found.entries
    both = check(book, kept, theirs)
    assert ([one.kind for one in both.damages], both.proven_entries > 0) == ([DamageKind.OTHER_LEDGER], True)


def test_a_history_that_was_written_anew_from_its_first_entry_is_no_other_ledger(
    book: Ledger, database: Database, kept: Path
) -> None:
    rows = rows_of(database)
    put(database, chained([edited(rows[0]), *rows[1:]], 0))
    assert [kind for kind, *_ in named(check(book, kept))] == ["rewritten"]
    # Nor is it whole for who takes along what the database knew: then it may be either, which is said.
    forget_inside(database)
    assert [kind for kind, *_ in named(check(book, kept))] == ["other_ledger"]


def test_checkpoints_of_before_that_do_not_say_of_which_ledger_they_are_are_read_as_ever(
    book: Ledger, kept: Path
) -> None:
    key = private_key(book.parts.settings)
    olds = [signed(replace(one, first="", signature=""), key) for one in checkpoints_in(kept)]
    kept.write_text("".join(f"{one.to_line()}\n" for one in olds))
    found = check(book, kept)
    assert (found.ok, "first" in kept.read_text(), {one.match for one in found.checkpoints}) == (
        True,
        False,
        {Match.SAME},
    )


def test_a_chain_that_was_cut_and_went_on_is_one_that_was_written_anew(
    book: Ledger, world: World, database: Database, kept: Path
) -> None:
    put(database, rows_of(database)[:8])
    for number in range(4):
        recall(book, world, 1, f"more {number}")
    assert [kind for kind, *_ in named(check(book, kept))] == ["rewritten"]


def test_the_database_keeps_its_checkpoints_too_but_who_takes_them_along_is_not_seen(
    book: Ledger, database: Database
) -> None:
    rows = rows_of(database)
    assert ONLY_INSIDE in check(book).not_proven
    put(database, rows[:7])
    assert [kind for kind, *_ in named(check(book))] == ["cut"]


def test_another_key_is_named_and_proves_nothing(book: Ledger, database: Database, kept: Path) -> None:
    (first, last), rows = checkpoints_in(kept), rows_of(database)
    forged = signed(replace(last, root="a" * 64, signature=""), make_key())
    kept.write_text(f"{first.to_line()}\n{forged.to_line()}\n")
    forget_inside(database)
    found = check(book, kept)
    assert [(one.kind, one.last) for one in found.damages] == [(DamageKind.WRONG_KEY, last.entries)]
    assert (found.proven_entries, found.good_entries) == (first.entries, len(rows))


def test_a_checkpoint_that_was_changed_is_forged(book: Ledger, database: Database, kept: Path) -> None:
    first, last = checkpoints_in(kept)
    kept.write_text(f"{first.to_line()}\n{replace(last, head='a' * 64).to_line()}\n")
    forget_inside(database)
    assert [one.kind for one in check(book, kept).damages] == [DamageKind.FORGED]


def test_without_a_key_it_is_said_that_nobody_knows_who_signed(book: Ledger, kept: Path) -> None:
    found = check(book, kept, with_key=False)
    assert found.ok
    assert NOT_SIGNED in found.not_proven


def test_an_untouched_ledger_verifies_whatever_comes_between(
    book: Ledger, make_anchored: MakeAnchored, world: World, kept: Path, clock: FakeClock
) -> None:
    """Another process, a purge, plans given up, a retry; kills are in tests/processes."""
    other = make_anchored()
    recall(other, world, 2, "elsewhere")
    clock.advance(timedelta(hours=30))
    other.purge()
    other.parts.checkpointer.run_if_due()
    found = check(book, kept)
    assert (found.ok, found.proven_entries) == (True, found.entries)
    assert found.not_proven == ()


def test_more_than_a_segment_is_checked_by_its_root(anchored: Ledger, database: Database, kept: Path) -> None:
    now = anchored.parts.clock.now()
    with database.write() as connection:
        _append(connection, now, SEGMENT_ENTRIES + 3)
    anchored.parts.checkpointer.run_once()
    found = check(anchored, kept)
    assert (found.ok, found.proven_entries) == (True, SEGMENT_ENTRIES + 3)


def _append(connection: Connection, now: Any, count: int) -> None:
    common: dict[str, Any] = {"at": now, "event": "purged", "actor": "worker", "recall_id": None}
    history.append(connection, [history.Entry(**common, detail={"messages": one}) for one in range(count)])


def test_a_backup_that_is_restored_whole_verifies_and_one_that_is_older_lacks_what_was_signed(
    book: Ledger, world: World, kept: Path, database: Database
) -> None:
    older = _backup(database)
    recall(book, world, 2, "winter")
    book.parts.checkpointer.run_once()
    newer = _backup(database)
    _restore(database, older)
    found = check(book, kept)
    assert [one.kind for one in found.damages] == [DamageKind.CUT]
    _restore(database, newer)
    found = check(book, kept)
    assert (found.ok, found.proven_entries) == (True, found.entries)


def _backup(database: Database) -> dict[str, Rows]:
    with database.read() as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
            if table.name != "messages"  # triggers fill its index
        }


def _restore(database: Database, backup: dict[str, Rows]) -> None:
    with database.write() as connection:
        for name in reversed(backup):
            connection.execute(metadata.tables[name].delete())
        for name, rows in backup.items():
            if rows:
                connection.execute(insert(metadata.tables[name]), rows)
