"""Plans: one row, whole or not there at all, and aware of what other recalls have done."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.pace import throttled
from ledger.core.recalls.recall import Item, Plan, Status
from ledger.services.reports.list_page import ListPage, every_page
from ledger.simulator import World
from ledger.store.recalls import paces, plans
from ledger.store.schema import plan_messages, recall_items, recall_skips, recalls
from tests.conftest import MakeLedger
from tests.sending import send
from tests.services.recalls.test_faults import LEASE, die_in_flight


def plan(book: Ledger, **selection: Any) -> Plan:
    return book.plan(reason="wrong link", **(selection or {"campaign": "spring"}))


def after_transaction(book: Ledger, number: int, action: Callable[[], object]) -> None:
    """Do something after the n-th transaction from now."""
    left = number

    def count(_connection: object, _record: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            action()

    event.listen(book.parts.database.engine, "checkin", count)


def rows(book: Ledger, table: Any) -> int:
    with book.parts.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_a_plan_writes_one_row_of_what_it_saw_and_copies_no_message(book: Ledger, world: World) -> None:
    send(book, world, 45)
    send(book, world, 5, sent_ago=timedelta(hours=30))
    made = plan(book)
    assert (made.eligible, made.expired) == (45, 5)
    assert [rows(book, table) for table in (recalls, plan_messages, recall_items, recall_skips)] == [1, 1, 0, 0]
    book.run(made)
    assert [rows(book, table) for table in (recalls, plan_messages, recall_items, recall_skips)] == [1, 0, 45, 5]
    assert book.verify().ok


def test_what_is_recorded_while_a_plan_is_made_is_late(make_ledger: MakeLedger, world: World) -> None:
    book, other = make_ledger(), make_ledger()
    send(book, world, 45)
    after_transaction(book, 2, lambda: send(other, world, 5))
    made = plan(book)
    assert made.eligible == 45
    assert book.show(made.recall_id).result.eligible == 45
    assert book.show(made.recall_id).result.late == 5
    assert book.run(made).recalled == 45


def test_a_plan_needs_one_connection_at_a_time(book: Ledger, world: World) -> None:
    send(book, world, 45)
    engine, out, most = book.parts.database.engine, 0, 0

    def taken(*_: object) -> None:
        nonlocal out, most
        out, most = out + 1, max(most, out + 1)

    def given_back(*_: object) -> None:
        nonlocal out
        out -= 1

    event.listen(engine, "checkout", taken)
    event.listen(engine, "checkin", given_back)
    assert plan(book).eligible == 45
    assert most == 1


def test_a_plan_that_an_earlier_release_left_unfinished_is_purged(book: Ledger, clock: FakeClock) -> None:
    now = clock.now()
    with book.parts.database.write() as connection:
        plans.create(connection, reason="x", actor="wang", selection={}, include_shared=False, planned_at=now)
    assert book.recalls() == []
    clock.advance(timedelta(minutes=16))
    book.purge()
    assert rows(book, recalls) == 0
    assert book.verify().ok


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_plan_that_fails_half_way_leaves_nothing(book: Ledger, world: World, number: int) -> None:
    send(book, world, 45)

    def fail(_connection: object) -> None:
        if next(commits) == number:
            raise ZeroDivisionError

    commits = count(1)
    event.listen(book.parts.database.engine, "commit", fail)
    with suppress(ZeroDivisionError):
        plan(book)
    event.remove(book.parts.database.engine, "commit", fail)
    assert (rows(book, recalls), rows(book, plan_messages)) in ((0, 0), (1, 1))
    assert book.verify().ok


def test_plans_that_nobody_ran_are_deleted_with_what_they_saw(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 45)
    plan(book)
    clock.advance(timedelta(minutes=16))
    kept = plan(book)
    book.purge()
    assert [result.recall_id for result in book.recalls()] == [kept.recall_id]
    assert rows(book, plan_messages) == 1
    assert book.verify().ok


def test_a_plan_shows_its_items_and_skips_before_they_are_copied(book: Ledger, world: World) -> None:
    keys = send(book, world, 3)
    late = send(book, world, 2, sent_ago=timedelta(hours=30))
    made = plan(book)
    before = book.show(made.recall_id)
    assert {item.process_query_key for item in before.items} == set(keys)
    assert {(skip["process_query_key"], skip["standing"]) for skip in before.skipped} == {
        (one, "expired") for one in late
    }
    pages = [one for page in every_page(lambda cursor: _items(book, made, cursor)) for one in page]
    assert sorted(item.process_query_key for item in pages) == sorted(keys)
    book.run(made)
    after = book.show(made.recall_id)
    assert [(one.process_query_key, one.recipients) for one in after.items] == [
        (one.process_query_key, one.recipients) for one in before.items
    ]
    assert after.skipped == before.skipped


def _items(book: Ledger, made: Plan, cursor: str | None) -> ListPage[Item]:
    return book.parts.pages.items(made.recall_id, only_pending=True, cursor=cursor, limit=2)


def test_a_key_that_ended_unknown_is_in_doubt_in_the_next_recall_too(book: Ledger, world: World) -> None:
    (doubtful,) = send(book, world, 1)
    world.change(second_recall="failed_result", silent_next=1, silent_keys_are_recalled=True)
    assert book.run(plan(book)).unknown == 1
    send(book, world, 5)
    second = plan(book)
    result = book.run(second)
    assert (second.eligible, second.calls, result.calls) == (6, 2, 2)
    assert (result.recalled, result.unknown, result.refused) == (5, 1, 0)
    assert (doubtful,) in [tuple(call.keys) for call in world.calls()]


def test_a_key_that_became_unknown_after_the_plan_is_in_doubt_when_it_runs(book: Ledger, world: World) -> None:
    send(book, world, 1)
    first, second = plan(book), plan(book)
    world.change(second_recall="failed_result", silent_next=1, silent_keys_are_recalled=True)
    assert book.run(first).unknown == 1
    result = book.run(second)
    assert (result.unknown, result.refused) == (1, 0)


def test_a_retry_is_in_doubt_of_what_another_recall_has_asked_without_an_answer(book: Ledger, world: World) -> None:
    (key,) = send(book, world, 1)
    world.change(failed_reasons={key: "not allowed"})
    first = plan(book)
    assert book.run(first).refused == 1
    world.change(failed_reasons={}, second_recall="failed_result", silent_next=1, silent_keys_are_recalled=True)
    assert book.run(plan(book)).unknown == 1
    assert book.retry(first.recall_id).unknown == 1


def test_a_second_plan_names_the_recalls_that_hold_its_messages(book: Ledger, world: World) -> None:
    send(book, world, 3)
    send(book, world, 2, campaign="summer")
    first, second = plan(book), plan(book, campaign="summer")
    for made in (first, second):
        book.parts.lifecycle.start(made.recall_id)
    assert plan(book).held_by == (first.recall_id,)
    both = plan(book, robot="robot-1", since=book.parts.clock.now() - timedelta(days=1))
    assert (both.in_progress, both.held_by) == (5, (first.recall_id, second.recall_id))


def test_what_is_in_flight_of_a_cancelled_recall_is_in_progress_for_others(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    dying, book = make_ledger(), make_ledger()
    send(book, world, 3)
    cancelled, waiting = plan(book), plan(book)
    die_in_flight(dying, cancelled.recall_id)
    with book.parts.database.write() as connection:
        connection.execute(text("UPDATE recall_calls SET owner = 'elsewhere'"))
    assert book.cancel(cancelled.recall_id).status is Status.CANCELLED
    assert (plan(book).in_progress, plan(book).held_by) == (3, (cancelled.recall_id,))
    with pytest.raises(Exception, match="3 messages"):
        book.run(waiting)
    clock.advance(LEASE)
    book.parts.lost_calls.run_once()
    assert (plan(book).in_progress, plan(book).eligible) == (0, 3)


def test_a_plan_reckons_with_a_pace_that_is_throttled_or_blocked_now(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 1200)
    assert plan(book).estimated_seconds == pytest.approx(59 * 1.03 / 20, abs=0.06)
    with book.parts.database.write() as connection:
        pace = paces.lock_pace(connection, "default", "one_to_one")
        paces.save_pace(connection, "default", "one_to_one", throttled(pace, clock.now(), 1))
    assert plan(book).estimated_seconds == pytest.approx(
        1 + sum(1.03 / min(15 + turn / 5, 20) for turn in range(59)), abs=0.1
    )
    with book.parts.database.write() as connection:
        paces.block_all(connection, clock.now() + timedelta(minutes=5))
    assert plan(book).estimated_seconds > 300
