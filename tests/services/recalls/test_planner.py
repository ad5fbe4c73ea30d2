"""Plans: frozen in many small transactions, whole or not there at all, and aware of what other recalls have done."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import delete, event, select, text

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.pace import throttled
from ledger.core.recall import Plan, Status
from ledger.errors import UnknownRecallError
from ledger.services.recalls import plan_writer
from ledger.simulator import World
from ledger.store import paces
from ledger.store.schema import messages, recall_items, recall_skips
from tests.conftest import MakeLedger
from tests.sending import send
from tests.services.recalls.test_faults import LEASE, die_in_flight


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def _small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_writer, "ROWS_PER_TRANSACTION", 10)
    monkeypatch.setattr(plan_writer, "ROWS_PER_TRANSACTION_POSTGRESQL", 10)


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
        return len(connection.execute(select(table.c.id)).all())


def test_a_plan_is_written_in_many_transactions_and_others_write_between_them(
    make_ledger: MakeLedger, world: World
) -> None:
    book, other = make_ledger(), make_ledger()
    send(book, world, 45)
    after_transaction(book, 3, lambda: send(other, world, 5))
    made = plan(book)
    assert made.eligible == 45
    assert book.show(made.recall_id).result.eligible == 45
    assert book.show(made.recall_id).result.late == 5


def test_nobody_sees_a_plan_before_it_is_whole(make_ledger: MakeLedger, world: World) -> None:
    book, other = make_ledger(), make_ledger()
    send(book, world, 45)
    seen: list[object] = []

    def look() -> None:
        seen.append(other.recalls())
        for action in (other.show, other.run, other.cancel):
            with pytest.raises(UnknownRecallError):
                action(1)

    after_transaction(book, 3, look)
    assert plan(book).recall_id == 1
    assert seen == [[]]
    assert len(other.recalls()) == 1


def test_what_is_left_of_a_plan_whose_process_was_killed_is_purged(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    dying, book = make_ledger(), make_ledger()
    send(dying, world, 45)
    dying.parts.planner._database.write = _gone_after(dying, 3)  # type: ignore[method-assign]
    with pytest.raises(Killed):
        plan(dying)
    assert rows(book, recall_items) > 0
    assert book.recalls() == []
    assert plan(book).eligible == 45
    clock.advance(timedelta(minutes=16))
    book.purge()
    assert rows(book, recall_items) == 0
    assert book.verify().ok


def _gone_after(book: Ledger, transactions: int) -> Callable[[], Any]:
    """Return a way to write that works so many times: later ones find that the process is gone."""
    write, left = book.parts.database.write, iter(range(transactions))

    def wanted() -> Any:
        if next(left, None) is None:
            raise Killed
        return write()

    return wanted


def test_a_plan_that_fails_half_way_leaves_nothing(book: Ledger, world: World) -> None:
    send(book, world, 45)

    def fail(_connection: object) -> None:
        if next(commits) == 3:
            raise ZeroDivisionError

    commits = count(1)
    event.listen(book.parts.database.engine, "commit", fail)
    with pytest.raises(ZeroDivisionError):
        plan(book)
    assert (rows(book, recall_items), book.recalls()) == (0, [])


def test_a_plan_holds_what_was_purged_while_it_was_written(make_ledger: MakeLedger, world: World) -> None:
    book, other = make_ledger(), make_ledger()
    late = send(book, world, 15, sent_ago=timedelta(hours=25))
    keys = send(book, world, 30)

    def purge_all() -> None:
        with other.parts.database.write() as connection:
            connection.execute(delete(messages))

    after_transaction(book, 2, purge_all)
    made = plan(book)
    report = book.show(made.recall_id)
    assert (made.eligible, made.expired) == (30, 15)
    assert {item.process_query_key for item in report.items} == set(keys)
    assert {skip["process_query_key"] for skip in report.skipped} == set(late)


def test_plans_that_nobody_ran_are_deleted_in_pieces(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 45)
    send(book, world, 5, sent_ago=timedelta(hours=30))
    plan(book)
    clock.advance(timedelta(minutes=16))
    kept = plan(book)
    book.purge()
    assert [result.recall_id for result in book.recalls()] == [kept.recall_id]
    assert (rows(book, recall_items), rows(book, recall_skips)) == (45, 5)


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
    assert plan(book).estimated_seconds == pytest.approx(1 + sum(1.03 / (10 + turn / 5) for turn in range(59)), abs=0.1)
    with book.parts.database.write() as connection:
        paces.block_all(connection, clock.now() + timedelta(minutes=5))
    assert plan(book).estimated_seconds > 300
