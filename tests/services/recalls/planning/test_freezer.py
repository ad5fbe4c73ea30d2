"""Freezing: no key lost between the plan and the run, none asked that the plan did not show, whoever dies meanwhile."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Plan, Result, Status
from ledger.core.recalls.selection import Selection
from ledger.errors import PlanChangedError
from ledger.services.recalls.planning import freezer
from ledger.simulator import World
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.recalls import candidates, recalls
from ledger.store.schema import history as history_table
from ledger.store.schema import messages, plan_messages
from ledger.store.upkeep import figures
from tests.conftest import MakeLedger
from tests.sending import row, send


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezer, "ROWS_PER_TRANSACTION", 20)
    monkeypatch.setattr(freezer, "ROWS_PER_TRANSACTION_POSTGRESQL", 20)


def plan(book: Ledger, **selection: Any) -> Plan:
    return book.plan(reason="wrong link", **(selection or {"campaign": "spring"}))


def started(book: Ledger, made: Plan) -> int:
    """Confirm a plan; a part of it is frozen, and nothing is called yet."""
    book.parts.lifecycle.start(made.recall_id)
    return made.recall_id


def confirm_and_freeze(book: Ledger, recall_id: int) -> None:
    book.parts.lifecycle.start(recall_id)
    book.parts.freezer.finish(recall_id)


def left(book: Ledger, recall_id: int) -> tuple[int, int]:
    with book.parts.database.read() as connection:
        recall = recalls.get(connection, recall_id)
        return recall.unfrozen_items, recall.unfrozen_skips


def frozen_entries(database: Database) -> list[history.Entry]:
    with database.read() as connection:
        found = connection.execute(select(history_table).where(history_table.c.event == "frozen"))
        return [history.Entry(**{name: row._mapping[name] for name in history.Entry.__slots__}) for row in found]


def gone_after(book: Ledger, transactions: int) -> Callable[[], Any]:
    """Return a way to write that works so many times: later ones find that the process is gone."""
    write, allowed = book.parts.database.write, iter(range(transactions))

    def wanted() -> Any:
        if next(allowed, None) is None:
            raise Killed
        return write()

    return wanted


def is_whole(result: Result, keys: list[str], world: World) -> bool:
    """Say whether every key was asked once, and all of them were recalled."""
    asked = Counter(key for call in world.calls() for key in call.keys)
    return result.recalled == result.eligible == len(keys) and asked == Counter(keys)


@pytest.mark.parametrize("transactions", range(1, 7))
def test_whoever_dies_between_confirming_and_freezing_leaves_a_recall_that_another_one_ends(
    make_ledger: MakeLedger, world: World, transactions: int
) -> None:
    dying, book = make_ledger(), make_ledger()
    keys = send(dying, world, 90)
    send(dying, world, 30, sent_ago=timedelta(hours=30))
    made = plan(dying)
    dying.parts.database.write = gone_after(dying, transactions)  # type: ignore[method-assign]
    with pytest.raises(Killed):
        confirm_and_freeze(dying, made.recall_id)
    shown = book.show(made.recall_id)
    assert (shown.result.eligible, shown.result.pending, shown.result.late) == (90, 90, 0)
    assert (len(shown.items), len(shown.skipped)) == (90, 30)
    assert book.verify().ok
    assert is_whole(book.resume(made.recall_id), keys, world)
    assert len(book.show(made.recall_id).skipped) == 30
    assert book.verify().ok


def test_calls_are_full_although_their_items_are_frozen_beside_them(book: Ledger, world: World) -> None:
    keys = [key for robot in range(3) for key in send(book, world, 47, robot=f"robot-{robot + 1}", campaign="many")]
    made = plan(book, campaign="many")
    assert is_whole(book.run(made), keys, world)
    assert len([call for call in world.calls() if call.keys]) == made.calls == 9
    assert len(frozen_entries(book.parts.database)) > 3


def test_what_is_not_frozen_yet_is_in_progress_for_others(make_ledger: MakeLedger, world: World) -> None:
    book, other = make_ledger(), make_ledger()
    send(book, world, 90)
    first, second = plan(book), plan(other)
    recall_id = started(book, first)
    assert left(book, recall_id) == (70, 0)
    third = plan(other)
    assert (third.eligible, third.in_progress, third.held_by) == (0, 90, (recall_id,))
    with pytest.raises(PlanChangedError, match="90 messages"):
        other.run(second)
    standings = {one.standing for one in other.parts.pages.messages(Selection(), limit=100).values}
    assert standings == {"in_progress"}
    assert not other.parts.pages.messages(Selection(), only_recallable=True, limit=100).values
    with book.parts.database.read() as connection:
        assert figures.count_waiting(connection)[Status.RUNNING] == 90
        soon = book.parts.clock.now() + timedelta(hours=1)
        assert figures.count_waiting(connection, soon)[Status.RUNNING] == 0


def test_a_plan_of_more_messages_than_are_looked_up_one_by_one_is_refused_as_well(
    book: Ledger, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "_MOST_PROBES", 5)
    keys = send(book, world, 45)
    send(book, world, 10, campaign="autumn")
    first, second, other = plan(book, keys=keys[:7]), plan(book), plan(book, campaign="autumn")
    assert book.run(first).recalled == 7
    with pytest.raises(PlanChangedError, match="7 messages"):
        book.run(second)
    assert book.run(other).recalled == 10


def test_a_retry_of_another_recall_leaves_alone_what_is_not_frozen_yet(book: Ledger, world: World) -> None:
    keys = send(book, world, 45)
    world.change(failed_reasons=dict.fromkeys(keys, "not allowed"))
    refused = book.run(plan(book))
    assert refused.refused == 45
    world.change(failed_reasons={})
    recall_id = started(book, plan(book))
    assert left(book, recall_id) == (25, 0)
    with pytest.raises(Exception, match="nothing to ask again"):
        book.retry(refused.recall_id)
    assert book.resume(recall_id).recalled == 45


def test_a_plan_that_is_cancelled_says_so_of_each_of_its_messages(book: Ledger, world: World) -> None:
    send(book, world, 90)
    send(book, world, 3, sent_ago=timedelta(hours=30))
    made = plan(book)
    result = book.cancel(made.recall_id)
    assert (result.status, result.eligible, result.cancelled, result.pending) == (Status.CANCELLED, 90, 90, 0)
    report = book.show(made.recall_id)
    assert {item.outcome for item in report.items} == {"cancelled"}
    assert (len(report.items), len(report.skipped)) == (90, 3)
    assert plan(book).eligible == 90
    assert book.verify().ok


def test_nothing_more_is_asked_of_a_recall_that_is_cancelled_while_it_is_frozen(book: Ledger, world: World) -> None:
    send(book, world, 90)
    recall_id = started(book, plan(book))
    result = book.cancel(recall_id)
    assert (result.cancelled, result.pending, left(book, recall_id)) == (90, 0, (0, 0))
    assert world.calls() == []
    assert book.verify().ok


def test_who_dies_while_cancelling_leaves_what_counts_as_cancelled_and_is_never_asked(
    make_ledger: MakeLedger, world: World
) -> None:
    dying, book = make_ledger(), make_ledger()
    send(dying, world, 90)
    made = plan(dying)
    started(dying, made)
    dying.parts.database.write = gone_after(dying, 1)  # type: ignore[method-assign]
    with pytest.raises(Killed):
        dying.cancel(made.recall_id)
    result = book.result(made.recall_id)
    assert (result.status, result.cancelled, result.pending) == (Status.CANCELLED, 90, 0)
    assert book.verify().ok
    with pytest.raises(Exception, match="nothing to ask again"):
        book.retry(made.recall_id)
    assert left(book, made.recall_id) == (0, 0)
    assert world.calls() == []
    assert book.verify().ok


def test_the_purge_leaves_what_a_plan_may_still_need_and_takes_it_afterwards(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    (late,) = send(book, world, 1, sent_ago=timedelta(hours=23, minutes=55))
    send(book, world, 2)
    made = plan(book)
    clock.advance(timedelta(minutes=10))
    assert book.purge().purged == 0
    result = book.run(made)
    assert (result.eligible, result.recalled, result.expired) == (3, 2, 1)
    assert late in {item.process_query_key for item in book.show(made.recall_id).items}
    assert book.purge().purged == 1
    assert book.verify().ok


def test_a_plan_that_nobody_ran_keeps_the_purge_from_nothing_once_it_is_over(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 1, sent_ago=timedelta(hours=23, minutes=55))
    plan(book)
    clock.advance(timedelta(minutes=16))
    assert book.purge().purged == 1


def test_the_purge_leaves_what_was_expired_when_a_plan_saw_it_so_that_its_run_can_say_so(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    (late,) = send(book, world, 1, sent_ago=timedelta(hours=24, minutes=5))
    send(book, world, 2)
    made = plan(book)
    clock.advance(timedelta(minutes=10))
    assert book.purge().purged == 0
    assert book.run(made).recalled == 2
    assert [one["process_query_key"] for one in book.show(made.recall_id).skipped] == [late]
    assert book.purge().purged == 1


def test_the_purge_freezes_what_a_paused_recall_has_yet_to_copy(book: Ledger, world: World, clock: FakeClock) -> None:
    keys = send(book, world, 45)
    recall_id = started(book, plan(book))
    book.parts.lifecycle.pause(recall_id, actor="wang", why="wait")
    clock.advance(timedelta(hours=25))
    book.purge()
    assert left(book, recall_id) == (0, 0)
    assert book.resume(recall_id).expired == len(keys)
    assert book.verify().ok


def test_what_changed_between_the_plan_and_its_freezing_is_said(book: Ledger, world: World, database: Database) -> None:
    keys = send(book, world, 5, users=["ann"])
    made = plan(book)
    book.record_many([row(keys[0], book.parts.clock.now() - timedelta(hours=1), users=["ann", "bob"])])
    with database.write() as connection:
        connection.execute(delete(messages).where(messages.c.process_query_key == keys[1]))
    result = book.run(made)
    (entry,) = frozen_entries(database)
    assert (entry.detail["gone"], entry.detail["grown"]) == (1, 1)
    assert (result.eligible, result.recalled) == (4, 4)
    assert book.verify().ok


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE recall_items SET campaign = 'autumn' WHERE id = 25", "item"),
        ("DELETE FROM recall_items WHERE id = 25", "items"),
        ("UPDATE recalls SET unfrozen_items = 0", "recall"),
        ("DELETE FROM plan_messages", "plan"),
    ],
)
def test_what_is_changed_of_a_recall_while_it_is_frozen_is_found(
    book: Ledger, world: World, database: Database, statement: str, what: str
) -> None:
    send(book, world, 90)
    recall_id = started(book, plan(book))
    book.parts.freezer.freeze_some(recall_id)
    assert left(book, recall_id) == (50, 0)
    assert book.verify().ok
    with database.write() as connection:
        connection.execute(text(statement))
    assert what in {one.what for one in book.verify().findings}


def test_what_a_plan_saw_that_is_changed_before_its_run_and_frozen_so_is_found(
    book: Ledger, world: World, database: Database
) -> None:
    send(book, world, 45)
    others = send(book, world, 45, campaign="autumn")
    made, other = plan(book), plan(book, campaign="autumn")
    with database.write() as connection:
        theirs = select(plan_messages.c.taken).where(plan_messages.c.recall_id == other.recall_id).scalar_subquery()
        mine = plan_messages.c.recall_id == made.recall_id
        connection.execute(update(plan_messages).where(mine).values(taken=theirs))
    assert book.run(made).recalled == len(others)
    found = book.verify().findings
    assert {(one.what, one.recall_id, one.field) for one in found} == {("plan", made.recall_id, "digest")}


def copied_when_made(book: Ledger, made: Plan) -> Plan:
    """Leave a plan as an earlier release did, which copied its messages at once."""
    book.parts.freezer._rows = 1000
    book.parts.freezer._freeze_part(made.recall_id)
    return made


def test_plans_of_an_earlier_release_are_run_and_refused_as_before(book: Ledger, world: World) -> None:
    keys = send(book, world, 45)
    first, second = (copied_when_made(book, plan(book)) for _ in range(2))
    assert left(book, first.recall_id) == (0, 0)
    assert is_whole(book.run(first), keys, world)
    with pytest.raises(PlanChangedError, match="45 messages"):
        book.run(second)
    assert book.cancel(second.recall_id).cancelled == 45
    assert book.verify().ok


def test_a_plan_of_an_earlier_release_is_refused_when_another_is_at_its_messages_and_has_copied_none(
    book: Ledger, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(book, world, 45)
    old, new = copied_when_made(book, plan(book)), plan(book)
    monkeypatch.setattr(book.parts.freezer, "freeze_some", lambda _recall_id: False)
    recall_id = started(book, new)
    assert left(book, recall_id) == (45, 0)
    with pytest.raises(PlanChangedError, match="45 messages"):
        book.run(old)


def test_a_small_recall_is_copied_before_a_large_one_is_copied_whole(book: Ledger, world: World) -> None:
    send(book, world, 200)
    send(book, world, 60, campaign="small")
    large, small = started(book, plan(book)), started(book, plan(book, campaign="small"))
    for _ in range(4):
        book.parts.freezer.freeze_some()
    assert (left(book, large), left(book, small)) == ((140, 0), (0, 0))


def test_threads_that_freeze_at_once_copy_every_message_once(book: Ledger, world: World) -> None:
    recall_ids = []
    for number in range(4):
        send(book, world, 100, campaign=f"{number}")
        recall_ids.append(started(book, plan(book, campaign=f"{number}")))
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(book.parts.freezer.finish) for _ in range(4)]:
            done.result()
    for recall_id in recall_ids:
        items = [item.process_query_key for item in book.show(recall_id).items]
        assert (len(items), len(set(items)), left(book, recall_id)) == (100, 100, (0, 0))
    assert book.verify().ok


def test_a_purged_plan_takes_what_it_saw_along(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 5)
    plan(book)
    clock.advance(timedelta(minutes=16))
    book.purge()
    with book.parts.database.read() as connection:
        assert connection.execute(select(plan_messages)).all() == []
