"""Answers that came while the database was away: kept, and written down when it is back, however long that takes."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.core.answer import Answer, NoAnswer
from ledger.core.recalls.recall import Status
from ledger.core.recalls.settle import AskedItem
from ledger.core.recording.message import AppName, Chat, RobotCode, Route
from ledger.errors import DatabaseUnavailableError
from ledger.services.recalls.pacing.leases import GRACE_SECONDS
from ledger.services.recalls.running.call_result import Unsent
from ledger.services.recalls.running.kept_answers import ANSWERS, KeptAnswer, KeptAnswers
from ledger.simulator import World
from ledger.simulator.behaviour import SecondRecall
from ledger.spool.frames import framed
from ledger.store.recalls import calls
from ledger.testing import InlineExecutor, WorldTransport
from tests.conftest import NOON, MakeLedger
from tests.outages import away
from tests.sending import send
from tests.services.recalls.test_faults import LEASE, die_in_flight

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"
APPS = frozenset({AppName("default")})


class Outage(Executor):
    """Hands out calls whose answers come late, and takes the database away before the first of them does.

    It comes back after some seconds of a clock that moves when somebody sleeps.
    """

    def __init__(self, seconds: float) -> None:
        self.book: Ledger | None = None
        self.is_over = False
        self._seconds, self._stack, self._until = seconds, ExitStack(), 0.0
        self._unanswered: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._unanswered.append((future, partial(fn, *args, **kwargs)))
        if not self._until and self.book is not None:
            self._until = self.book.parts.clock.monotonic() + self._seconds
            self._stack.enter_context(away(self.book))
        elif self.is_over:
            self._answer()
        return future

    def ring(self, clock: FakeClock) -> None:
        """Hear that somebody slept."""
        self._answer()
        if self._until and not self.is_over and clock.monotonic() >= self._until:
            self.is_over = True
            self._stack.close()

    def _answer(self) -> None:
        while self._unanswered:
            future, work = self._unanswered.pop()
            future.set_result(work())


class RingingClock(FakeClock):
    """A fake clock that does something whenever somebody sleeps."""

    outage: Outage | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.outage is not None:
            self.outage.ring(self)


Bereft = Callable[[float], tuple[Ledger, World, Outage]]


@pytest.fixture
def bereft(database_url: str, tmp_path: Path) -> Iterator[Bereft]:
    """A maker of a ledger whose database goes away for so many seconds in the middle of a recall."""
    made: list[Ledger] = []

    def make(seconds: float) -> tuple[Ledger, World, Outage]:
        clock, outage = RingingClock(NOON), Outage(seconds)
        world = World(clock.now, seed=3)
        world.change(second_recall=SecondRecall.INVALID_KEY_400)
        settings = Settings.load(
            database_url=database_url, app_key="dingapp", app_secret="long-secret-of-app", spool_dir=tmp_path / "spool"
        )
        book = Ledger(settings, clock=clock, executor=outage, transport=WorldTransport(world, clock))
        outage.book, clock.outage = book, outage
        made.append(book)
        return book, world, outage

    yield make
    for book in made:
        book.close()


@pytest.mark.parametrize("seconds", [10, 200])
def test_an_outage_longer_than_a_lease_costs_no_answer_and_no_second_ask(bereft: Bereft, seconds: float) -> None:
    book, world, outage = bereft(seconds)
    send(book, world, 200)
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert outage.is_over
    assert (result.status, result.recalled, result.calls) == (Status.FINISHED, 200, 10)
    assert len(world.calls(ONE_ON_ONE)) == 10
    assert book.verify().ok


def test_what_a_run_could_not_write_down_in_its_patience_the_next_one_does(
    bereft: Bereft,
) -> None:
    book, world, outage = bereft(2000)
    send(book, world, 200)
    plan = book.plan(campaign="spring", reason="wrong link")
    with pytest.raises(DatabaseUnavailableError):
        book.run(plan)
    book.parts.clock.sleep(2000)
    assert outage.is_over
    book.parts.worker().serve_recalls()
    result = book.result(plan.recall_id)
    assert (result.status, result.recalled, result.calls) == (Status.FINISHED, 200, 10)
    assert len(world.calls(ONE_ON_ONE)) == 10


def test_who_cancels_or_looks_gives_up_no_call_whose_end_this_process_still_has_to_write_down(bereft: Bereft) -> None:
    book, world, _ = bereft(2000)
    send(book, world, 200)
    plan = book.plan(campaign="spring", reason="wrong link")
    with pytest.raises(DatabaseUnavailableError):
        book.run(plan)
    book.parts.clock.sleep(2000)
    assert book.cancel(plan.recall_id).pending > 0
    assert book.result(plan.recall_id).pending > 0
    book.parts.worker().serve_recalls()
    # The outage held the calls up until their slots were over: none of them has left, and nothing is in doubt.
    result = book.result(plan.recall_id)
    assert world.calls(ONE_ON_ONE) == []
    assert (result.status, result.cancelled, result.unknown, result.pending) == (Status.CANCELLED, 200, 0, 0)
    assert book.verify().ok


def test_answers_of_a_process_that_was_killed_while_the_database_was_away_are_settled_by_the_next(
    bereft: Bereft,
) -> None:
    book, world, _ = bereft(2000)
    send(book, world, 200)
    plan = book.plan(campaign="spring", reason="wrong link")
    with pytest.raises(DatabaseUnavailableError):
        book.run(plan)
    kept = book.parts.runner._kept
    (file,) = book.settings.spool_folder.glob(f"*{ANSWERS}")
    assert kept._segment is not None
    # As the system does when it is killed.
    os.close(kept._segment.descriptor)
    book.parts.clock.sleep(2000)

    other = Ledger(
        book.settings,
        clock=book.parts.clock,
        executor=InlineExecutor(),
        transport=WorldTransport(world, book.parts.clock),
    )
    result = other.resume(plan.recall_id)
    assert (result.status, result.recalled, result.calls) == (Status.FINISHED, 200, 10)
    assert len(world.calls(ONE_ON_ONE)) == 10
    assert not file.exists()
    assert other.verify().ok
    other.close()


def test_who_cancels_settles_first_what_a_process_kept_before_it_died(bereft: Bereft) -> None:
    book, world, _ = bereft(2000)
    send(book, world, 200)
    plan = book.plan(campaign="spring", reason="wrong link")
    with pytest.raises(DatabaseUnavailableError):
        book.run(plan)
    segment = book.parts.runner._kept._segment
    assert segment is not None
    os.close(segment.descriptor)  # as the system does when it is killed
    book.parts.clock.sleep(2000)
    transport = WorldTransport(world, book.parts.clock)
    with Ledger(book.settings, clock=book.parts.clock, executor=InlineExecutor(), transport=transport) as other:
        result = other.cancel(plan.recall_id)
    # They were held up until their slots were over, and never left.
    assert (result.cancelled, result.unknown, result.pending) == (200, 0, 0)


def test_an_answer_that_another_version_kept_holds_up_no_other(tmp_path: Path) -> None:
    living = KeptAnswers(tmp_path)
    living.keep([(call_of(1), NoAnswer(reason="it was cut"), NOON)])
    (file,) = tmp_path.iterdir()
    strange = b'{"kind":"NoAnswer","reason":"cut","mood":"new"}'
    unknown = framed(b'{"call":2,"recall":1,"keys":[],"at":"2026-03-01T12:00:00Z","ending":' + strange + b"}")
    (tmp_path / f"dead{ANSWERS}").write_bytes(unknown + file.read_bytes())
    adopted: list[KeptAnswer] = []
    KeptAnswers(tmp_path).adopt(adopted.extend)
    assert [one.call_id for one in adopted] == [1]
    living.forget([(call_of(1), NoAnswer(reason=""), NOON)])


def test_answers_stay_with_a_process_that_lives_and_a_torn_record_loses_itself_alone(tmp_path: Path) -> None:
    living = KeptAnswers(tmp_path)
    living.keep([(call_of(number), Answer(status=200, body={"successResult": ["k"]}), NOON) for number in (1, 2)])
    living.keep([(call_of(3), NoAnswer(reason="it was cut"), NOON), (call_of(4), Unsent(why="too late"), NOON)])
    adopted: list[KeptAnswer] = []
    KeptAnswers(tmp_path).adopt(adopted.extend)
    assert adopted == []
    (file,) = tmp_path.iterdir()
    torn = file.read_bytes().splitlines(keepends=True)
    (tmp_path / f"dead{ANSWERS}").write_bytes(torn[0] + torn[1][:30] + torn[2] + torn[3] + torn[0][:10])
    KeptAnswers(tmp_path).adopt(adopted.extend)
    assert [(one.call_id, type(one.ending)) for one in adopted] == [(1, Answer), (3, NoAnswer), (4, Unsent)]
    assert (adopted[0].ending, adopted[0].at) == (Answer(status=200, body={"successResult": ["k"]}), NOON)
    living.forget([(call_of(number), NoAnswer(reason=""), NOON) for number in (1, 2, 3, 4)])
    assert list(tmp_path.iterdir()) == []


def test_an_answer_is_of_its_own_call_alone_though_numbers_come_again_after_an_older_backup() -> None:
    asked = AskedItem(item_id=1, process_query_key="key-a", sent_at=NOON, deadline=NOON, attempts=1, in_doubt=False)
    call = replace(call_of(7), items=(asked,))
    kept = KeptAnswer(call_id=7, recall_id=1, keys=("key-a",), ending=NoAnswer(reason="it was cut"), at=NOON)
    assert kept.is_of(call)
    assert not kept.is_of(replace(call, recall_id=2))
    assert not kept.is_of(replace(call, items=(replace(asked, process_query_key="key-b"),)))


def call_of(number: int) -> calls.Call:
    route = Route(app=AppName("default"), chat=Chat.ONE_TO_ONE, robot_code=RobotCode("r"), open_conversation_id=None)
    return calls.Call(id=number, recall_id=1, route=route, items=(), slot_at=NOON, owner="me", leave_at=0.0)


def test_nobody_takes_calls_over_whose_owner_could_not_reach_the_database_either(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    owner, other = make_ledger(), make_ledger()
    send(owner, world, 20)
    plan = owner.plan(campaign="spring", reason="wrong link")
    owner.parts.lifecycle.start(plan.recall_id)
    other.parts.runner._claimer.claim(APPS, 0)
    (call,) = owner.parts.runner._claimer.claim(APPS, 16).calls
    with away(owner, other):
        clock.advance(LEASE)
        with suppress(DatabaseUnavailableError):
            other.parts.runner._claimer.claim(APPS, 0)
    claimed = other.parts.runner._claimer.claim(APPS, 16)
    assert claimed.calls == []
    assert is_open(owner, call.id)

    # Had it died, it would have been heard of no more.
    clock.advance(timedelta(seconds=GRACE_SECONDS / 2))
    other.parts.runner._claimer.claim(APPS, 0)
    clock.advance(timedelta(seconds=GRACE_SECONDS / 2))
    (again,) = other.parts.runner._claimer.claim(APPS, 16).calls
    assert [item.item_id for item in again.items] == [item.item_id for item in call.items]
    assert not is_open(owner, call.id)


def test_a_call_of_somebody_who_died_is_taken_over_after_its_lease(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    dying, book = make_ledger(), make_ledger()
    send(dying, world, 20)
    plan = dying.plan(campaign="spring", reason="wrong link")
    die_in_flight(dying, plan.recall_id)
    before = clock.now()
    assert book.resume(plan.recall_id).recalled == 20
    assert clock.now() - before < LEASE + timedelta(seconds=GRACE_SECONDS)


def is_open(book: Ledger, call_id: int) -> bool:
    with book.parts.database.write() as connection:
        return call_id in calls.lock_open(connection, [call_id])
