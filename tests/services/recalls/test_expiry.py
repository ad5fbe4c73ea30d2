"""Messages that vanish by themselves: together, once, in time, and whatever comes in between leaves a trace."""

import threading
from datetime import timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock, format_time
from ledger.core.check_up import Check
from ledger.core.recalls.recall import Result, Status
from ledger.errors import ApprovalNeededError
from ledger.simulator import World
from ledger.store.database import Database
from tests.conftest import MakeLedger
from tests.sending import row

HOUR = timedelta(hours=1)


def send(
    book: Ledger, world: World, clock: FakeClock, *expires_in: float, campaign: str = "codes", robot: str = "robot-1"
) -> list[str]:
    """Send a message for each number of seconds after which it shall vanish."""
    now = clock.now()
    keys = world.make_messages(len(expires_in), robot_code=robot, sent_at=now)
    rows = [
        row(key, now, campaign=campaign, robot=robot) | {"expiresIn": seconds}
        for key, seconds in zip(keys, expires_in, strict=True)
    ]
    assert book.record_many(rows).rejected == ()
    return keys


def work(book: Ledger) -> None:
    worker = book.parts.worker()
    worker.recall_expiring()
    worker.serve_recalls()


def asked(world: World) -> list[int]:
    return [len(call.keys) for call in world.calls() if call.keys]


def of_expiry(book: Ledger) -> list[Result]:
    return [one for one in book.recalls() if one.actor == "expiry" and one.status is not Status.PLANNED]


def check(book: Ledger, name: str) -> Check:
    return {one.name: one for one in book.parts.examine()}[name]


def test_what_is_due_is_recalled_in_full_calls_and_what_is_not_stays(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    due = send(book, world, clock, *[3600] * 25)
    later = send(book, world, clock, 7200)
    clock.advance(HOUR - timedelta(seconds=1))
    work(book)
    assert asked(world) == []
    clock.advance(timedelta(seconds=1))
    work(book)
    assert asked(world) == [20, 5]
    assert all((found := world.message(key)) is not None and found.recalled_at for key in due)
    assert (found := world.message(later[0])) is not None
    assert found.recalled_at is None
    (result,) = of_expiry(book)
    assert (result.status, result.recalled, result.reason) == (
        Status.FINISHED, 25, "it was sent to vanish after a while")  # fmt: skip
    assert {item.actor for item in book.history(campaign="codes")} == {"expiry"}
    work(book)
    assert len(of_expiry(book)) == 1
    assert book.verify().ok


def test_what_falls_due_within_a_minute_goes_along_so_that_calls_are_full(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, clock, *range(600, 600 + 100, 5))
    for _ in range(100):
        clock.advance(timedelta(seconds=600) if clock.now().minute == 0 and not asked(world) else timedelta(seconds=5))
        work(book)
    assert sum(asked(world)) == 20
    assert len(asked(world)) == 2


def test_a_moment_that_has_passed_is_due_now_and_one_that_is_too_late_comes_before_the_deadline(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    sent_at = clock.now() - HOUR
    past, late = world.make_messages(2, robot_code="robot-1", sent_at=sent_at)
    book.record_many([row(past, sent_at, campaign="past") | {"expiresAt": format_time(sent_at)}])
    book.record_many([row(late, sent_at, campaign="late") | {"expiresIn": 48 * 3600}])
    work(book)
    assert asked(world) == [1]
    expires_next = {line.campaign: line.expires_next for line in book.campaigns()}
    assert expires_next == {"past": None, "late": sent_at + timedelta(hours=24) - timedelta(seconds=30)}
    clock.advance(timedelta(hours=23) - timedelta(seconds=30))
    work(book)
    assert asked(world) == [1, 1]


def test_campaigns_say_what_vanishes_and_the_doctor_which_calls_that_takes(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    book = make_ledger(monthly_calls=60, quota_reserve_calls=10)
    send(book, world, clock, *[3600] * 45, *[7200] * 5)
    (line,) = book.campaigns()
    assert (line.expiring, line.expires_next) == (50, clock.now() + HOUR)
    found = check(book, "quota")
    assert "what vanishes by itself takes 4 more in the next 24 hours" in found.found
    assert not check(book, "worker").ok
    assert "nobody recalls what shall vanish by itself, from 2026-03-01T13:00:00Z on" in check(book, "worker").found


def test_what_a_person_recalled_before_is_not_asked_again(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, clock, *[600] * 3)
    book.run(book.plan(campaign="codes", reason="wrong code", actor="wang"))
    clock.advance(HOUR)
    work(book)
    assert asked(world) == [3]
    assert of_expiry(book) == []
    assert book.campaigns()[0].expires_next is None


def test_what_another_recall_is_at_is_left_to_it_for_as_long(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, clock, *[600] * 3)
    world.change(permission_missing=True)
    held = book.run(book.plan(campaign="codes", reason="x", actor="wang")).recall_id
    world.change(permission_missing=False)
    clock.advance(HOUR)
    work(book)
    assert of_expiry(book) == []
    book.cancel(held)
    clock.advance(timedelta(minutes=1))
    work(book)
    assert of_expiry(book)[0].recalled == 3


def test_what_was_refused_is_not_asked_for_ever(book: Ledger, world: World, clock: FakeClock) -> None:
    keys = send(book, world, clock, *[600] * 3)
    world.change(failed_reasons={keys[0]: "no"})
    clock.advance(HOUR)
    for _ in range(3):
        work(book)
        clock.advance(timedelta(minutes=2))
    (result,) = of_expiry(book)
    assert (result.recalled, result.refused) == (2, 1)


def test_no_second_person_holds_it_up_and_it_counts_for_nobody(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    book = make_ledger(approval_recipients=3)
    send(book, world, clock, *[600] * 5)
    send(book, world, clock, 9000, 9000, 9000)
    clock.advance(timedelta(seconds=600))
    work(book)
    assert of_expiry(book)[0].recalled == 5
    assert book.run(book.plan(campaign="codes", reason="x", actor="wang"), actor="wang").recalled == 3
    send(book, world, clock, 9000)
    with pytest.raises(ApprovalNeededError):
        book.run(book.plan(campaign="codes", reason="x", actor="wang"), actor="wang")


def test_while_one_is_paused_a_further_one_comes_every_ten_minutes_at_most(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    world.change(permission_missing=True)
    for _ in range(20):
        send(book, world, clock, 0)
        work(book)
        clock.advance(timedelta(minutes=1))
    assert [one.status for one in of_expiry(book)] == [Status.PAUSED] * 2
    world.change(permission_missing=False)
    for one in of_expiry(book):
        book.resume(one.recall_id)
    work(book)
    assert sum(one.recalled for one in of_expiry(book)) == 20


def test_what_no_worker_recalled_in_time_is_said_for_good(
    book: Ledger, world: World, clock: FakeClock, caplog: pytest.LogCaptureFixture, database: Database
) -> None:
    send(book, world, clock, *[600] * 3)
    clock.advance(timedelta(hours=25))
    work(book)
    assert asked(world) == []
    assert "3 messages were to vanish by themselves and are past their deadline" in caplog.text
    with database.read() as connection:
        entries = connection.exec_driver_sql("SELECT actor FROM history WHERE event = 'expiry_missed'").all()
    assert [entry.actor for entry in entries] == ["expiry"]
    work(book)
    assert caplog.text.count("were to vanish") == 1
    assert book.verify().ok


def test_messages_of_no_app_wait_for_one_and_hold_nothing_up(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    book = make_ledger()
    send(book, world, clock, 600, robot="stranger")
    send(book, world, clock, 700)
    clock.advance(timedelta(seconds=900))
    work(book)
    assert sum(asked(world)) >= 1


def test_any_number_of_workers_recall_it_once(make_ledger: MakeLedger, world: World, clock: FakeClock) -> None:
    books = [make_ledger() for _ in range(4)]
    send(books[0], world, clock, *[600] * 30)
    clock.advance(timedelta(seconds=600))
    together = threading.Barrier(len(books))
    started: list[int | None] = []

    def start(book: Ledger) -> None:
        expiry = book.parts.expiry
        together.wait()
        started.append(expiry.run_once())

    threads = [threading.Thread(target=start, args=(book,)) for book in books]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in started if one is not None]) == 1
    work(books[0])
    assert asked(world) == [20, 10]
    assert books[0].verify().ok


def test_one_that_dies_between_plan_and_start_leaves_it_to_the_next(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, clock, *[600] * 3)
    clock.advance(timedelta(seconds=600))
    assert book.parts.planner.expiring(clock.now()) is not None
    work(book)
    assert of_expiry(book)[0].recalled == 3
    clock.advance(HOUR)
    book.purge()
    assert book.verify().ok
