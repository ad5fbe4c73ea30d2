"""Recalls set in advance: they wait beyond the lifetime of plans, run once at their moment, or say why they did not."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Result, Status
from ledger.errors import ApprovalNeededError, BadMomentError, PlanEndedError, WrongStateError
from ledger.simulator import World
from tests.conftest import MakeLedger
from tests.sending import send

HOUR = timedelta(hours=1)


def set_for(book: Ledger, clock: FakeClock, later: timedelta, *, actor: str = "wang", campaign: str = "spring") -> int:
    plan = book.plan(campaign=campaign, reason="the offer is over", actor=actor)
    book.parts.schedules.set(plan.recall_id, clock.now() + later, actor=actor)
    return plan.recall_id


def work(book: Ledger) -> None:
    """Do what a worker does each second."""
    worker = book.parts.worker()
    worker.start_scheduled()
    worker.serve_recalls()


def asked(world: World) -> list[str]:
    return [key for call in world.calls() for key in call.keys]


def result_of(book: Ledger, number: int) -> Result:
    return book.show(number).result


def test_a_plan_with_a_moment_waits_beyond_its_lifetime_and_runs_then(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    keys = send(book, world, 25)
    number = set_for(book, clock, 5 * HOUR)
    clock.advance(5 * HOUR - timedelta(seconds=1))
    book.purge()
    work(book)
    waiting = result_of(book, number)
    assert (waiting.status, waiting.is_scheduled, asked(world)) == (Status.PLANNED, True, [])
    assert waiting.scheduled_at == clock.now() + timedelta(seconds=1)
    clock.advance(timedelta(seconds=1))
    work(book)
    assert (result_of(book, number).recalled, result_of(book, number).status) == (25, Status.FINISHED)
    assert [len(call.keys) for call in world.calls() if call.keys] == [20, 5]
    assert all((message := world.message(key)) is not None and message.recalled_at for key in keys)
    assert book.verify().ok


def test_the_history_says_who_set_it_and_that_the_schedule_started_it_for_them(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 1)
    number = set_for(book, clock, HOUR)
    clock.advance(HOUR)
    work(book)
    report = book.show(number)
    acts = [(entry["event"], entry["actor"]) for entry in report.timeline]
    assert acts[:3] == [("planned", "wang"), ("scheduled", "wang"), ("started", "schedule")]
    assert [item.actor for item in report.items] == ["wang"]


def test_what_was_confirmed_is_what_runs_but_for_what_others_recalled_meanwhile(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    keys = send(book, world, 30)
    number = set_for(book, clock, HOUR)
    book.run(book.plan(keys=keys[:4], reason="these at once", actor="li"))
    send(book, world, 5)
    clock.advance(HOUR)
    work(book)
    report = book.show(number)
    assert (report.result.eligible, report.result.recalled) == (26, 26)
    assert sorted(skip["process_query_key"] for skip in report.skipped) == sorted(keys[:4])
    assert {skip["standing"] for skip in report.skipped} == {"already_recalled"}
    assert [entry["event"] for entry in report.timeline].count("left_out") == 1
    assert len(asked(world)) == len(set(asked(world))) == 30
    assert book.verify().ok


def test_what_another_recall_is_at_is_left_to_it(book: Ledger, world: World, clock: FakeClock) -> None:
    keys = send(book, world, 3)
    number = set_for(book, clock, HOUR)
    other = book.plan(keys=keys[:1], reason="this one", actor="li").recall_id
    world.change(permission_missing=True)
    assert book.run(other).status is Status.PAUSED
    world.change(permission_missing=False)
    clock.advance(HOUR)
    work(book)
    report = book.show(number)
    assert report.result.recalled == 2
    assert [skip["standing"] for skip in report.skipped] == ["in_progress"]


def test_when_nothing_is_left_at_its_moment_it_finishes_without_a_call(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 3)
    number = set_for(book, clock, HOUR)
    book.run(book.plan(campaign="spring", reason="all at once", actor="li"))
    before = asked(world)
    clock.advance(HOUR)
    work(book)
    assert (result_of(book, number).status, result_of(book, number).eligible) == (Status.FINISHED, 0)
    assert asked(world) == before
    assert book.verify().ok


def test_of_two_for_the_same_moment_the_second_leaves_to_the_first_what_both_have(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    keys = send(book, world, 4)
    first = set_for(book, clock, HOUR)
    plan = book.plan(keys=keys[2:], reason="these, too", actor="li")
    book.parts.schedules.set(plan.recall_id, clock.now() + HOUR, actor="li")
    clock.advance(HOUR)
    work(book)
    assert (result_of(book, first).recalled, result_of(book, plan.recall_id).recalled) == (4, 0)
    assert len(asked(world)) == 4


@pytest.mark.parametrize(("later", "says"), [(timedelta(hours=22, minutes=59, seconds=31), "latest moment is"),
                                             (timedelta(0), "has passed")])  # fmt: skip
def test_a_moment_that_is_too_late_or_over_is_refused_with_the_latest_one(
    book: Ledger, world: World, clock: FakeClock, later: timedelta, says: str
) -> None:
    send(book, world, 1)
    plan = book.plan(campaign="spring", reason="x", actor="wang")
    with pytest.raises(BadMomentError, match=says) as refused:
        book.parts.schedules.set(plan.recall_id, clock.now() + later, actor="wang")
    assert "2026-03-02T10:59:30Z" in str(refused.value)
    assert not result_of(book, plan.recall_id).is_scheduled
    assert book.run(plan).recalled == 1


def test_it_can_be_set_once_and_not_be_run_by_hand_and_cancelled_it_never_runs(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 2)
    number = set_for(book, clock, HOUR)
    by_hands: tuple[Callable[[], object], ...] = (
        lambda: book.run(number),
        lambda: book.resume(number),
        lambda: book.retry(number),
        lambda: book.parts.schedules.set(number, clock.now() + HOUR, actor="li"),
    )
    for by_hand in by_hands:
        with pytest.raises(WrongStateError, match=r"waits until 2026-03-01T13:00:00Z.*ledger cancel"):
            by_hand()
    assert book.cancel(number).status is Status.CANCELLED
    clock.advance(HOUR)
    work(book)
    assert asked(world) == []
    assert book.verify().ok


def test_a_second_person_who_agrees_before_its_moment_lets_it_run_then(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    book = make_ledger(approval_recipients=2)
    send(book, world, 3)
    plan = book.plan(campaign="spring", reason="x", actor="wang")
    with pytest.raises(ApprovalNeededError, match="2026-03-01T13:00:00Z"):
        book.parts.schedules.set(plan.recall_id, clock.now() + HOUR, actor="wang")
    clock.advance(HOUR / 2)
    assert book.approve(plan.recall_id, actor="li").is_scheduled
    work(book)
    assert asked(world) == []
    clock.advance(HOUR / 2)
    work(book)
    assert result_of(book, plan.recall_id).recalled == 3
    assert book.verify().ok


def test_without_a_second_person_it_does_not_run_and_says_so_for_good(
    make_ledger: MakeLedger, world: World, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    book = make_ledger(approval_recipients=2)
    send(book, world, 3)
    plan = book.plan(campaign="spring", reason="x", actor="wang")
    with pytest.raises(ApprovalNeededError):
        book.parts.schedules.set(plan.recall_id, clock.now() + HOUR, actor="wang")
    clock.advance(HOUR)
    with pytest.raises(PlanEndedError, match="waited for a second person until"):
        book.approve(plan.recall_id, actor="li")
    work(book)
    report = book.show(plan.recall_id)
    assert (report.result.status, report.result.cancelled, asked(world)) == (Status.CANCELLED, 3, [])
    assert report.result.error is not None
    assert "Nobody agreed before its moment" in report.result.error["message"]
    assert "schedule_missed" in [entry["event"] for entry in report.timeline if entry["actor"] == "schedule"]
    assert "did not run" in caplog.text
    assert book.verify().ok


def test_what_one_person_set_counts_for_what_they_start_meanwhile(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    book = make_ledger(approval_recipients=3)
    send(book, world, 3)
    send(book, world, 2, campaign="other")
    number = set_for(book, clock, HOUR)
    with pytest.raises(ApprovalNeededError, match="together"):
        book.run(book.plan(campaign="other", reason="x", actor="wang"), actor="wang")
    clock.advance(HOUR)
    work(book)
    assert result_of(book, number).recalled == 3


def test_a_worker_that_comes_late_runs_it_as_long_as_any_deadline_lasts(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 2, sent_ago=20 * HOUR)
    send(book, world, 3, sent_ago=HOUR)
    number = set_for(book, clock, HOUR)
    clock.advance(10 * HOUR)
    book.purge()
    work(book)
    found = result_of(book, number)
    assert (found.recalled, found.expired, found.status) == (3, 2, Status.FINISHED)


def test_a_worker_that_comes_after_the_last_deadline_says_that_it_was_missed(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 2)
    number = set_for(book, clock, HOUR)
    clock.advance(30 * HOUR)
    work(book)
    found = result_of(book, number)
    assert (found.status, found.error and found.error["code"]) == (Status.CANCELLED, "schedule_missed")
    assert book.verify().ok


def test_any_number_of_workers_start_it_once(make_ledger: MakeLedger, world: World, clock: FakeClock) -> None:
    books = [make_ledger() for _ in range(4)]
    send(books[0], world, 30)
    number = set_for(books[0], clock, HOUR)
    clock.advance(HOUR)
    together = threading.Barrier(len(books))
    started: list[list[int]] = []

    def start(book: Ledger) -> None:
        schedules = book.parts.schedules
        together.wait()
        started.append(schedules.run_once())

    threads = [threading.Thread(target=start, args=(book,)) for book in books]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started) == [[], [], [], [number]]
    work(books[0])
    assert [entry["event"] for entry in books[0].show(number).timeline].count("started") == 1
    assert books[0].verify().ok


def test_the_doctor_says_beforehand_that_nobody_will_start_it(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 1)
    set_for(book, clock, HOUR)
    found = {check.name: check for check in book.parts.examine()}["worker"]
    assert not found.ok
    assert "nobody will start recall 1, which waits until 2026-03-01T13:00:00Z" in found.found
