"""The history is kept for a time: whole segments leave; what stays, and every checkpoint of before, still proves."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from ledger import Ledger
from ledger.clock import FakeClock, format_time
from ledger.core.audit.chain_damage import DamageKind
from ledger.core.audit.chain_facts import LEFT
from ledger.core.audit.reads import Read
from ledger.core.period import ALWAYS
from ledger.core.recalls.selection import select as select_messages
from ledger.entrypoints.formats.evidence import verify
from ledger.entrypoints.formats.evidence.folder import EvidenceFolder
from ledger.errors import (
    ApprovalNeededError,
    DatabaseError,
    InputError,
    SettingsError,
    UnknownRecallError,
    WrongStateError,
)
from ledger.services.audit.anchor_check import Match
from ledger.services.audit.keys import private_key
from ledger.services.audit.retention import LeftNow
from ledger.services.reports.people import Whose
from ledger.settings import Settings
from ledger.simulator import World
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.schema import (
    audit_reads,
    break_glass,
    checkpoints,
    history_segments,
    metadata,
    person_commitments,
    policies,
    read_counts,
    recall_items,
    recalls,
    tokens,
)
from ledger.store.schema import history as entries
from tests.roles import role
from tests.sending import send
from tests.services.corrections.conftest import RIGHT

from ..conftest import MakeAnchored, checkpoints_in, recall
from .conftest import SEGMENT, check, let_go, rows


def people(database: Database) -> set[str]:
    with database.read() as connection:
        return {user for users in connection.scalars(select(recall_items.c.recipients)) for user in users}


def told(database: Database) -> dict[str, Any]:
    """Return what the last entry says that tells of what has left."""
    with database.read() as connection:
        entry = history.last_of(connection, LEFT)
    assert entry is not None
    return dict(entry.entry.detail)


def test_what_is_older_leaves_with_its_recalls_and_all_checkpoints_still_prove(
    book: Ledger, kept: Path, database: Database
) -> None:
    before = rows(database, "history")
    left = let_go(book)
    assert left.recalls == 2
    assert left.entries % SEGMENT == 0
    assert rows(database, "history") == before - left.entries + 1
    assert [one.recall_id for one in book.recalls()] == [3]
    assert {item.campaign for item in book.history()} == {"autumn"}
    for name in ("recalls", "recall_items", "recall_calls", "recall_skips", "approvals"):
        with database.read() as connection:
            table = metadata.tables[name]
            number = table.c.id if name == "recalls" else table.c.recall_id
            assert set(connection.scalars(select(number))) <= {3}
    with pytest.raises(UnknownRecallError):
        book.show(1)
    found = check(book, kept)
    assert (found.ok, found.entries, found.left, found.damages) == (True, before + 1, left.entries, ())
    assert [(one.match, one.entries) for one in found.checkpoints] == [
        (Match.SAME, one.entries) for one in checkpoints_in(kept)
    ]
    assert len(found.checkpoints) == 3
    assert found.proven_entries == before
    verified = book.verify()
    assert (verified.ok, verified.entries, verified.left) == (True, before + 1, left.entries)


def test_by_default_everything_is_kept(make_anchored: MakeAnchored, world: World, clock: FakeClock) -> None:
    book = make_anchored()
    for _ in range(3):
        recall(book, world, 2)
    clock.advance(timedelta(days=4000))
    assert let_go(book) == LeftNow()
    assert len(book.recalls()) == 3


def test_nothing_leaves_before_its_time_nor_twice(book: Ledger, clock: FakeClock) -> None:
    assert let_go(book).entries
    assert let_go(book) == LeftNow()
    clock.advance(timedelta(days=29))
    assert let_go(book) == LeftNow()


def test_it_leaves_again_and_again(
    book: Ledger, world: World, clock: FakeClock, kept: Path, database: Database
) -> None:
    total = let_go(book).entries
    for campaign in ("winter", "spring again", "summer again"):
        clock.advance(timedelta(days=40))
        recall(book, world, 3, campaign)
        book.parts.checkpointer.run_once()
        total += let_go(book).entries
        found = check(book, kept)
        assert (found.ok, found.left, found.findings) == (True, total, ())
    assert told(database)["entries"] == total
    # Of which ledger they are goes on to be said.
    assert len({one.first for one in checkpoints_in(kept)} | {told(database)["first"]}) == 1
    assert len(book.recalls()) <= 2
    assert all(one.match is Match.SAME for one in found.checkpoints)
    assert len(found.checkpoints) == 6


def test_a_recall_may_leave_of_which_entries_stay(book: Ledger, database: Database) -> None:
    let_go(book)
    left = told(database)["recalls_left"]
    with database.read() as connection:
        staying = set(connection.scalars(select(entries.c.recall_id).where(entries.c.recall_id.is_not(None))))
    assert left
    assert staying == {*left, 3}
    assert book.verify().ok


def test_a_recall_that_is_not_done_keeps_all_that_came_after_it(
    book: Ledger, world: World, clock: FakeClock, database: Database
) -> None:
    let_go(book)
    clock.advance(timedelta(days=40))
    for _ in range(3):
        recall(book, world, 2, "winter")
    clock.advance(timedelta(days=40))
    before = rows(database, "recalls")
    broken = {"recall_id": 3, "broken_by": "wang", "broken_at": clock.now(), "reason": "nobody is there"}
    mine = update(recalls).where(recalls.c.id == 3)
    for undone, done in (
        (mine.values(status="paused"), mine.values(status="finished")),
        (mine.values(sticky_until=clock.now() + timedelta(days=60)), mine.values(sticky_until=None)),
        (insert(break_glass).values(broken), delete(break_glass)),
    ):
        with database.write() as connection:
            connection.execute(undone)
        assert let_go(book).recalls == 0
        assert rows(database, "recalls") == before
        found = next(one for one in book.parts.examine() if one.name == "history")
        assert "recall 3" in found.found
        with database.write() as connection:
            connection.execute(done)
    assert let_go(book).recalls


def test_a_plan_that_a_second_person_never_answered_or_refused_keeps_nothing(
    make_anchored: MakeAnchored, world: World, clock: FakeClock, kept: Path, database: Database
) -> None:
    book = make_anchored(history_days=30, approval_recipients=2)
    send(book, world, 3, campaign="large")
    for _ in range(2):
        with pytest.raises(ApprovalNeededError):
            book.run(book.plan(campaign="large", reason="a large one", actor="wang"), actor="wang")
    book.parts.lifecycle.refuse(2, actor="li", reason="no")
    recall(book, world, 1, "spring")
    book.parts.checkpointer.run_once()
    clock.advance(timedelta(days=40))
    book.purge()
    recall(book, world, 1, "autumn")
    assert let_go(book).recalls >= 2
    assert check(book, kept).ok
    assert {1, 2}.isdisjoint(one.recall_id for one in book.recalls())
    assert rows(database, "approvals") == 0
    assert rows(database, "plan_messages") == 0


def test_what_goes_on_to_hold_is_still_compared(book: Ledger, database: Database) -> None:
    let_go(book)
    book.parts.service_tokens.revoke("kim", actor="wang")
    book.parts.policies.put("approval-recipients", "off", actor="wang")
    assert book.verify().ok
    with database.write() as connection:
        connection.execute(update(tokens).values(role="admin"))
        connection.execute(delete(policies).where(policies.c.value == 100))
    found = book.verify()
    assert [(one.kind, one.what) for one in found.findings] == [("changed", "token"), ("missing", "policy")]


def test_what_was_stopped_before_the_beginning_stays_stopped_by_whom_it_was(
    make_anchored: MakeAnchored, world: World, clock: FakeClock, database: Database
) -> None:
    book = make_anchored(history_days=30)
    for campaign in ("spring", "summer"):
        book.parts.sending_stops.stop([campaign], actor="wang")
    book.parts.sending_stops.allow("summer", actor="wang")
    recall(book, world, 3, "spring")
    clock.advance(timedelta(days=40))
    assert let_go(book).entries
    assert book.verify().ok
    stops = metadata.tables["sending_stops"]
    with database.write() as connection:
        connection.execute(update(stops).values(stopped_by="mallory"))
    assert [(one.what, one.key, one.field) for one in book.verify().findings] == [
        ("sending_stop", "spring", "stopped_by")
    ]
    with database.write() as connection:
        connection.execute(delete(stops))
    assert [(one.kind, one.what) for one in book.verify().findings] == [("missing", "sending_stop")]


def test_readings_leave_with_the_entries_that_sealed_them(
    book: Ledger, database: Database, clock: FakeClock, kept: Path
) -> None:
    for campaign in ("spring", "summer"):
        now = clock.now()
        one = Read(at=now, actor="wang", route="/v1/history", recall_id=None, filters={"campaign": (campaign,)}, rows=1)
        book.parts.read_log.note(one)
        book.parts.read_log.flush()
        assert book.parts.read_sealer.run_once() == 1
        for number in range(SEGMENT):
            book.parts.policies.put("approval-recipients", str(100 + number), actor="wang")
        clock.advance(timedelta(days=20))
    let_go(book)
    assert [one.filters for one in book.parts.read_sealer.newest()] == [{"campaign": ["summer"]}]
    assert (check(book, kept).ok, told(database)["reads_left"]) == (True, 1)
    with database.write() as connection:
        back = {"id": 1, "at": clock.now(), "actor": "m", "route": "/r", "filters": {}, "rows": 1, "times": 1}
        connection.execute(insert(audit_reads).values(back))
    assert [(one.kind, one.what, one.key) for one in book.verify().findings] == [("added", "reads", "1")]


def test_counts_of_readers_leave_with_their_recalls_and_those_that_stay_are_compared(
    make_anchored: MakeAnchored, world: World, clock: FakeClock, database: Database
) -> None:
    book = make_anchored(history_days=30)
    for campaign in ("spring", "summer"):
        send(book, world, 2, campaign=campaign, users=["ann"])
        # Of a selection, not of a recall: its entries leave by themselves.
        whose = Whose(selection=select_messages(campaign=campaign))
        book.parts.read_asker.ask(whose, actor="wang")
        book.run(book.plan(campaign=campaign, reason="wrong link"))
        clock.advance(timedelta(days=20))
        book.purge()
    assert rows(database, "read_counts") == 4
    assert let_go(book).recalls == 1
    assert book.verify().ok
    book.purge()
    assert (rows(database, "read_counts"), book.verify().ok) == (2, True)
    with database.write() as connection:
        connection.execute(update(read_counts).values(read=1, unread=1).where(read_counts.c.message_id == 4))
        connection.execute(delete(read_counts).where(read_counts.c.message_id == 3))
    found = [(one.kind, one.what, one.key, one.field) for one in book.verify().findings]
    assert found == [("changed", "read_count", "4", "read"), ("missing", "read_count", "3", None)]


def test_who_is_erased_stays_erased_and_whom_nobody_names_any_more_is_forgotten(
    make_anchored: MakeAnchored, world: World, clock: FakeClock, kept: Path, database: Database
) -> None:
    book = make_anchored(history_days=30)
    for campaign in ("spring", "summer"):
        recall(book, world, 3, campaign)
    named = {user for item in book.history() for user in item.recipients}
    assert book.parts.person_eraser.erase(min(named), reason="left", actor="wang").person
    clock.advance(timedelta(days=40))
    recall(book, world, 2, "autumn")
    young = people(database) - named
    young = {user for user in young if not user.startswith("erased-")}
    assert book.parts.person_eraser.erase(min(young), reason="left too", actor="wang").person
    # Whose recall leaves, while the entry of the erasure stays.
    assert book.parts.person_eraser.erase(sorted(named)[1], reason="left as well", actor="wang").person
    let_go(book)
    with database.read() as connection:
        remembered = set(connection.scalars(select(person_commitments.c.user_id)))
    assert remembered
    assert remembered <= people(database)
    assert not remembered & named
    assert (book.verify().ok, check(book, kept).ok if kept.exists() else True) == (True, True)
    clock.advance(timedelta(days=40))
    recall(book, world, 3, "winter")
    let_go(book)
    assert book.verify().findings == ()


def test_whoever_dies_over_it_has_left_nothing_half_done(book: Ledger, database: Database, kept: Path) -> None:
    """What is between two transactions of it: nobody sees what has left, and the rows are still there."""
    done = book.parts.retention._let_go(timedelta(days=30))
    assert done.recalls == 2
    assert rows(database, "recalls") == 3
    assert [one.recall_id for one in book.recalls()] == [3]
    assert {item.campaign for item in book.history()} == {"autumn"}
    assert check(book, kept).ok
    book.purge()
    assert check(book, kept).ok
    assert let_go(book) == LeftNow()
    assert rows(database, "recalls") == 1
    with database.read() as connection:
        assert connection.scalar(select(func.min(entries.c.id))) == done.entries + 1
    assert check(book, kept).ok


def test_what_does_not_fit_does_not_leave(book: Ledger, database: Database) -> None:
    with database.write() as connection:
        connection.execute(update(recall_items).where(recall_items.c.recall_id == 1).values(code="no"))
    with pytest.raises(WrongStateError, match="ledger verify"):
        let_go(book)
    assert len(book.recalls()) == 3


def test_a_segment_that_is_not_what_its_root_says_does_not_leave(book: Ledger, database: Database) -> None:
    with database.write() as connection:
        connection.execute(update(history_segments).where(history_segments.c.number == 0).values(root="f" * 64))
    with pytest.raises(WrongStateError, match="segment 0"):
        let_go(book)
    assert len(book.recalls()) == 3


def test_the_database_still_refuses_to_change_what_stays(book: Ledger, database: Database) -> None:
    let_go(book)
    for statement in ("UPDATE history SET actor = 'nobody'", "DELETE FROM history"):
        with pytest.raises((DBAPIError, DatabaseError), match="append-only"), database.write() as connection:
            connection.execute(text(statement))


def test_a_role_of_postgresql_with_the_rights_that_the_doctor_asks_for_lets_it_go(
    book: Ledger, make_anchored: MakeAnchored, database: Database
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no roles")
    for keeps_for_ever in (False, True):
        url = database.engine.url.render_as_string(hide_password=False)
        with role(url, keeps_for_ever=keeps_for_ever) as lesser:
            theirs = make_anchored(database_url=lesser, history_days=30)
            (said,) = [one for one in theirs.parts.examine() if one.name == "database"]
            assert said.ok is not keeps_for_ever
            assert ("GRANT DELETE ON approvals, audit_reads, break_glass, history" in said.found) is keeps_for_ever
            if not keeps_for_ever:
                assert let_go(theirs).recalls == 2
            theirs.close()
    assert (len(book.recalls()), rows(database, "recalls"), book.verify().ok) == (1, 1, True)


def test_a_checkpoint_of_which_the_database_knows_nothing_once_its_entries_have_left_is_named(
    book: Ledger, database: Database, kept: Path
) -> None:
    with database.write() as connection:
        connection.execute(delete(checkpoints).where(checkpoints.c.id == 1))
    let_go(book)
    found = check(book, kept)
    assert found.checkpoints[0].match is Match.LEFT
    one, first = checkpoints_in(kept)[0].entries, found.damages[0]
    assert (found.ok, first.kind, first.first, first.last) == (False, DamageKind.FORGOTTEN, 1, one)


def test_a_digest_of_what_has_left_is_known_at_its_end_alone(book: Ledger, database: Database) -> None:
    with database.read() as connection:
        first = str(connection.scalar(select(entries.c.digest).where(entries.c.id == 1)))
    let_go(book)
    assert book.parts.verifier.run_once(told(database)["digest"]).known_digest_found
    assert book.parts.verifier.run_once(first).known_digest_found is False


def test_workers_do_it_once_a_day_and_let_nothing_go_where_it_is_not_set(
    book: Ledger, make_anchored: MakeAnchored, clock: FakeClock
) -> None:
    worker = book.parts.worker()
    duty = next(chore for chore in worker._duties if chore.name == "history")
    assert duty.every == timedelta(days=1)
    assert worker._chores.do(duty)
    assert [one.recall_id for one in book.recalls()] == [3]
    assert not worker._chores.do(duty)
    clock.advance(timedelta(days=1))
    assert worker._chores.do(duty)
    clock.advance(timedelta(days=400))
    assert (
        next(chore for chore in make_anchored().parts.worker()._duties if chore.name == "history").action() == LeftNow()
    )
    assert [one.recall_id for one in book.recalls()] == [3]


def test_what_began_to_leave_goes_although_nothing_is_to_leave_any_more(
    book: Ledger, make_anchored: MakeAnchored, database: Database, kept: Path
) -> None:
    done = book.parts.retention._let_go(timedelta(days=30))
    forever = make_anchored()
    assert rows(database, "recalls") == 3
    assert let_go(forever) == LeftNow()
    assert rows(database, "recalls") == 1
    with database.read() as connection:
        assert connection.scalar(select(func.min(entries.c.id))) == done.entries + 1
    assert check(forever, kept).ok


def test_what_a_clock_wrote_that_was_ahead_leaves_with_what_stands_around_it(
    make_anchored: MakeAnchored, world: World, clock: FakeClock, kept: Path
) -> None:
    book = make_anchored(history_days=30)
    recall(book, world, 3, "spring")
    book.parts.checkpointer.run_once()
    clock.advance(timedelta(days=4000))
    ahead = recall(book, world, 3, "summer")
    plan = book.parts.correction_planner.plan(ahead, RIGHT, reason="the right link", actor="wang")
    assert book.parts.corrections.run(plan.correction_id, actor="wang").sent
    book.parts.checkpointer.run_once()
    clock.advance(-timedelta(days=4000))
    recall(book, world, 3, "autumn")
    book.parts.checkpointer.run_once()
    # Nothing is old yet, and what is young keeps what came before it.
    assert let_go(book) == LeftNow()
    clock.advance(timedelta(days=40))
    assert next(one for one in book.parts.examine() if one.name == "history").ok
    recall(book, world, 2, "winter")
    assert let_go(book).recalls == 3
    assert [one.recall_id for one in book.recalls()] == [4]
    book.parts.checkpointer.run_once()
    assert (check(book, kept).damages, book.verify().ok) == ((), True)


def test_a_clock_that_leaps_ahead_lets_nothing_go_that_is_set_right_within_a_day(
    book: Ledger, clock: FakeClock, database: Database
) -> None:
    assert book.parts.retention.run_once().recalls == 2
    for number in range(2 * SEGMENT):
        book.parts.policies.put("approval-recipients", str(number + 1), actor="wang")
    worker, before = book.parts.worker(), rows(database, "history")
    duty = next(chore for chore in worker._duties if chore.name == "history")
    for leap in (timedelta(days=400), timedelta(days=-400), timedelta(days=400)):
        clock.advance(leap)
        assert worker._chores.do(duty)
        assert rows(database, "history") == before
    # Who was away for so long, or set it right with that, lets it go a day later.
    clock.advance(timedelta(days=1))
    assert worker._chores.do(duty)
    assert rows(database, "history") < before
    assert book.verify().ok


def test_what_a_clock_wrote_that_is_still_ahead_stays(
    make_anchored: MakeAnchored, world: World, clock: FakeClock
) -> None:
    book = make_anchored(history_days=30)
    recall(book, world, 3, "spring")
    clock.advance(timedelta(days=40))
    recall(book, world, 1, "summer")
    clock.advance(timedelta(days=4000))
    recall(book, world, 9, "autumn")
    clock.advance(-timedelta(days=4000))
    assert let_go(book).recalls == 1
    assert [one.recall_id for one in book.recalls()] == [3, 2]


def test_the_doctor_says_how_long_it_is_kept_and_how_much_has_left(book: Ledger, make_anchored: MakeAnchored) -> None:
    left = let_go(book)
    found = next(one for one in book.parts.examine() if one.name == "history")
    assert (found.ok, found.found) == (True, f"kept for 30 days; {left.entries} entries have left")
    forever = next(one for one in make_anchored().parts.examine() if one.name == "history")
    assert forever.found.startswith("kept for ever")


def test_evidence_of_what_stays_holds_and_says_what_is_no_longer_there(
    book: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    left, before = let_go(book), format_time(clock.now() - timedelta(days=30))
    folder = tmp_path / "out"
    evidence = EvidenceFolder(folder, book.parts.recall_reports, [3])
    evidence.begin()
    evidence.write(
        book.parts.evidence.hand_out([3], "auditor", is_signed=True), "auditor", private_key(book.parts.settings)
    )
    checking = verify.FolderCheck(folder)
    assert (checking.run(), checking.wrong) == (True, [])
    assert any(f"the first {left.entries} entries" in note and before in note for note in checking.notes)
    for language in ("en", "zh"):
        assert before in (folder / f"recall-3.{language}.html").read_text("utf-8")
    with pytest.raises(InputError, match="have left the history"):
        book.parts.evidence.chosen(select_messages(campaign=["spring"]), ALWAYS)


@pytest.mark.parametrize("days", [0, 1, -3, 40_000])
def test_days_that_no_message_would_outlive_are_refused(days: int) -> None:
    with pytest.raises(SettingsError, match="LEDGER_HISTORY_DAYS"):
        Settings.load(history_days=days)
