"""What comes after a recall: late messages, sticky recalls, settled doubts, and the workers that do it."""

import threading
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest
from sqlalchemy import text

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Outcome, Status
from ledger.errors import InputError, PausedError
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.services.upkeep.chores import Chore, Chores
from ledger.simulator import Cut, ScriptedAnswer, World
from ledger.store.database import Database
from tests.conftest import MakeLedger
from tests.sending import send

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"
READ_STATUS = "/v1.0/robot/oToMessages/readStatus"


def recall(book: Ledger, campaign: str = "spring") -> int:
    return book.run(book.plan(campaign=campaign, reason="wrong link")).recall_id


def test_messages_recorded_after_the_plan_are_reported_as_late(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 3)
    number = recall(book)
    clock.advance(timedelta(seconds=5))
    send(book, world, 2, sent_ago=timedelta(0))
    send(book, world, 1, campaign="other", sent_ago=timedelta(0))
    assert book.show(number).result.late == 2
    assert book.show(number).result.eligible == 3


def test_a_sticky_recall_takes_what_arrives_as_recalls_that_follow_it(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 3)
    number = recall(book)
    book.parts.sticky.stick(number, 3600, actor="tester")
    clock.advance(timedelta(minutes=10))
    late = send(book, world, 2, sent_ago=timedelta(minutes=5))
    worker = book.parts.worker()
    assert book.campaigns()[0].sticky_until is not None
    worker.follow_sticky()
    worker.serve_recalls()
    follower = book.recalls()[0]
    assert (follower.follows, follower.status, follower.recalled) == (number, Status.FINISHED, 2)
    assert all((message := world.message(key)) is not None and message.recalled_at for key in late)
    assert book.show(number).result.late == 0


def test_a_message_that_was_under_way_into_the_database_at_the_plan_is_late_and_taken(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    book, slow = make_ledger(), make_ledger()
    send(book, world, 3)
    send(book, world, 1, sent_ago=timedelta(hours=30))
    # Recorded before the plan, committed after it.
    planned_at = clock.now()
    clock.advance(timedelta(seconds=2))
    number = recall(book)
    clock.advance(planned_at - timedelta(seconds=1) - clock.now())
    send(slow, world, 2, sent_ago=timedelta(minutes=5))
    clock.advance(timedelta(seconds=10))
    assert book.show(number).result.late == 2
    book.parts.sticky.stick(number, 3600, actor="tester")
    worker = book.parts.worker()
    worker.follow_sticky()
    worker.serve_recalls()
    assert book.recalls()[0].recalled == 2
    assert book.show(number).result.late == 0


def test_what_follows_by_itself_was_started_by_the_worker_for_whoever_made_it_sticky(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 1)
    book.parts.sticky.stick(recall(book), 3600, actor="wang")
    clock.advance(timedelta(minutes=1))
    send(book, world, 1, sent_ago=timedelta(0))
    worker = book.parts.worker()
    worker.follow_sticky()
    worker.serve_recalls()
    report = book.show(book.recalls()[0].recall_id)
    assert [item.actor for item in report.items] == ["worker"]
    assert [entry["actor"] for entry in report.timeline if entry["event"] == "started"] == ["worker"]
    assert report.result.actor == book.recalls()[1].actor != "worker"
    assert book.verify().ok


def test_what_a_plan_saw_and_left_out_is_never_late(book: Ledger, world: World) -> None:
    send(book, world, 1, users=["ann"])
    send(book, world, 1, users=["ann", "bob"])
    plan = book.plan(users=["ann"], reason="left the company")
    assert book.show(plan.recall_id).result.late == 0
    book.run(plan)
    assert book.show(plan.recall_id).result.late == 0


def test_a_sticky_recall_does_not_ask_again_for_what_its_first_recall_was_refused(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    refused, silent, _ = send(book, world, 3)
    world.change(failed_reasons={refused: "not allowed"}, silent_keys=[silent])
    number = recall(book)
    book.parts.sticky.stick(number, 3600, actor="tester")
    clock.advance(timedelta(minutes=1))
    late = send(book, world, 1, sent_ago=timedelta(0))
    worker = book.parts.worker()
    worker.follow_sticky()
    worker.serve_recalls()
    assert [item.process_query_key for item in book.show(book.recalls()[0].recall_id).items] == late
    assert [tuple(call.keys) for call in world.calls() if call.keys][-1] == tuple(late)


def test_a_sticky_recall_ends_after_its_time_or_when_somebody_says_so(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 1)
    first, second = recall(book), None
    send(book, world, 1, campaign="other")
    second = recall(book, "other")
    book.parts.sticky.stick(first, 60, actor="tester")
    book.parts.sticky.stick(second, 3600, actor="tester")
    book.parts.sticky.unstick(second, actor="tester")
    clock.advance(timedelta(minutes=10))
    send(book, world, 1, sent_ago=timedelta(0))
    send(book, world, 1, campaign="other", sent_ago=timedelta(0))
    book.parts.worker().follow_sticky()
    assert len(book.recalls()) == 2


def test_a_sticky_recall_leaves_messages_that_reached_others(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 1, users=["ann"])
    number = book.run(book.plan(users=["ann"], reason="left the company")).recall_id
    book.parts.sticky.stick(number, 3600, actor="tester")
    clock.advance(timedelta(minutes=1))
    send(book, world, 1, users=["ann", "bob"], sent_ago=timedelta(0))
    book.parts.worker().follow_sticky()
    assert len(book.recalls()) == 1


def test_nobody_sticks_for_more_than_a_day(book: Ledger, world: World) -> None:
    send(book, world, 1)
    with pytest.raises(InputError, match="24 hours"):
        book.parts.sticky.stick(recall(book), 86401, actor="tester")


def test_the_read_status_settles_what_nobody_could_say(book: Ledger, world: World) -> None:
    gone, still = send(book, world, 2)
    world.change(silent_keys=[gone, still])
    number = recall(book)
    assert book.show(number).result.unknown == 2
    assert book.parts.read_status.cost(number) == 2
    result = book.parts.read_status.run(number, actor="tester")
    states = {item.process_query_key: item.outcome for item in book.history()}
    recalled = [key for key in (gone, still) if (found := world.message(key)) is not None and found.recalled_at]
    assert {key for key, outcome in states.items() if outcome is Outcome.RECALLED} == set(recalled)
    assert result.recalled + result.refused == 2
    assert book.parts.read_status.cost(number) == 0
    assert book.verify().ok


@pytest.mark.parametrize("is_gone", [True, False])
def test_what_nobody_could_say_of_a_group_is_settled_by_who_has_read_it(
    book: Ledger, world: World, *, is_gone: bool
) -> None:
    keys = send(book, world, 2, conversation="cid-1")
    world.change(silent_keys=keys, silent_keys_are_recalled=is_gone, misspelt_success=True)
    number = recall(book)
    assert book.parts.recall_reports.ask_again(number).settle == book.parts.read_status.cost(number) == 2
    result = book.parts.read_status.run(number, actor="tester")
    assert (result.recalled, result.refused, result.unknown) == ((2, 0, 0) if is_gone else (0, 2, 0))
    assert len(world.calls("/v1.0/robot/groupMessages/query")) == 2
    assert book.verify().ok


def test_inquiries_keep_the_rate_of_their_app_whichever_ledger_asks(make_ledger: MakeLedger, world: World) -> None:
    book, other = make_ledger(calls_per_second=2), make_ledger(calls_per_second=2)
    for campaign in ("spring", "summer"):
        world.change(silent_keys=send(book, world, 3, campaign=campaign))
        recall(book, campaign)
    first, second = sorted(one.recall_id for one in book.recalls())
    book.parts.read_status.run(first, actor="tester")
    other.parts.read_status.run(second, actor="tester")
    left = [call.at for call in world.calls(READ_STATUS)]
    assert len(left) == 6
    assert all(later - sooner >= timedelta(seconds=0.5) for sooner, later in pairwise(left))


def test_an_answer_that_was_lost_is_found_again_by_the_read_status(book: Ledger, world: World) -> None:
    send(book, world, 1)
    world.change(second_recall="failed_result")
    world.script(ScriptedAnswer(path=ONE_ON_ONE, cut=Cut.AFTER_WORK))
    number = recall(book)
    assert book.show(number).result.unknown == 1
    assert book.parts.read_status.run(number, actor="tester").recalled == 1


def test_an_inquiry_without_permission_says_what_to_mend_and_changes_nothing(book: Ledger, world: World) -> None:
    keys = send(book, world, 2)
    world.change(silent_keys=keys)
    number = recall(book)
    world.change(permission_missing=True)
    with pytest.raises(PausedError, match="permission"):
        book.parts.read_status.run(number, actor="tester")
    assert book.show(number).result.unknown == 2


def test_a_worker_goes_on_with_what_another_process_left(
    make_ledger: MakeLedger, world: World, database: Database
) -> None:
    book = make_ledger()
    send(book, world, 30)
    plan = book.plan(campaign="spring", reason="wrong link")
    with database.write() as connection:
        connection.execute(text("UPDATE recalls SET status = 'running', started_at = planned_at"))
    make_ledger().parts.worker().serve_recalls()
    assert book.show(plan.recall_id).result.recalled == 30


def chores_of(database: Database, clock: FakeClock, worker: str) -> Chores:
    return Chores(database, clock, worker, partial(PaceClock(clock).seen, may_write=True))


def test_a_chore_is_done_by_one_worker_at_a_time_and_not_too_often(database: Database, clock: FakeClock) -> None:
    done: list[str] = []
    first, second = chores_of(database, clock, "first"), chores_of(database, clock, "second")

    def chore(name: str) -> Chore:
        minute = timedelta(minutes=1)
        return Chore(name="purge", every=minute, lease=minute, action=lambda: done.append(name))

    assert first.do(chore("first"))
    assert not second.do(chore("second"))
    clock.advance(timedelta(seconds=61))
    assert second.do(chore("second"))
    assert done == ["first", "second"]


def test_a_chore_of_a_worker_that_died_is_taken_over_when_its_lease_ends(database: Database, clock: FakeClock) -> None:
    def die() -> None:
        raise RuntimeError("killed")

    minute = timedelta(minutes=1)
    with pytest.raises(RuntimeError):
        chores_of(database, clock, "first").do(Chore(name="purge", every=minute, lease=minute, action=die))
    after = Chore(name="purge", every=minute, lease=minute, action=lambda: None)
    assert not chores_of(database, clock, "second").do(after)
    clock.advance(timedelta(seconds=61))
    assert chores_of(database, clock, "second").do(after)


@pytest.mark.parametrize("step", [-3600, -90, -20, 20, 90])
def test_a_clock_that_is_set_gives_no_chore_to_two_and_keeps_none_from_being_done(
    database: Database, clock: FakeClock, step: float
) -> None:
    first, second = chores_of(database, clock, "first"), chores_of(database, clock, "second")
    every, lease = timedelta(seconds=5), timedelta(minutes=1)
    also_done: list[bool] = []

    def look_on() -> None:
        clock.set(timedelta(seconds=step))
        again = Chore(name="sticky", every=every, lease=lease, action=lambda: None)
        also_done.append(second.do(again))

    assert first.do(Chore(name="sticky", every=every, lease=lease, action=look_on))
    assert also_done == [False]
    clock.set(timedelta(seconds=-step))
    clock.advance(every)
    assert second.do(Chore(name="sticky", every=every, lease=lease, action=lambda: None))
    clock.set(timedelta(seconds=step))
    clock.advance(every)
    assert first.do(Chore(name="sticky", every=every, lease=lease, action=lambda: None))


def test_a_worker_stops_when_it_is_told(book: Ledger, world: World) -> None:
    send(book, world, 1, sent_ago=timedelta(hours=30))
    worker = book.parts.worker()
    running = threading.Thread(target=worker.run)
    running.start()
    worker.stop()
    running.join(timeout=20)
    assert not running.is_alive()


def test_a_worker_without_credentials_leaves_recalls_running_for_others(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger()
    send(book, world, 1)
    plan = book.plan(campaign="spring", reason="wrong link")
    book.parts.lifecycle.start(plan.recall_id)
    make_ledger(app_key=None).parts.worker().serve_recalls()
    assert book.show(plan.recall_id).result.status is Status.RUNNING
    book.parts.worker().serve_recalls()
    assert book.show(plan.recall_id).result.status is Status.FINISHED


def test_a_small_recall_is_not_stuck_behind_a_huge_one(book: Ledger, world: World) -> None:
    send(book, world, 400, campaign="huge", sent_ago=timedelta(hours=20))
    send(book, world, 20, campaign="small", sent_ago=timedelta(hours=1))
    for campaign in ("huge", "small"):
        book.parts.lifecycle.start(book.plan(campaign=campaign, reason="wrong link").recall_id)
    book.parts.worker().serve_recalls()
    asked = [call for call in world.calls() if call.path == ONE_ON_ONE]
    small = {item.process_query_key for item in book.history(campaign="small")}
    turn = next(turn for turn, call in enumerate(asked) if set(call.keys) & small)
    assert turn <= 8
    assert set(asked[0].keys).isdisjoint(small)
    assert len(asked) == 21
