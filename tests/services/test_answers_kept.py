"""Answers that came while the database was away: kept, and written down when it is back, however long that takes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.core.message import AppName
from ledger.core.recall import Status
from ledger.errors import DatabaseUnavailableError
from ledger.services.recalls.claimer import GRACE_SECONDS
from ledger.simulator import World
from ledger.simulator.behaviour import SecondRecall
from ledger.store import calls
from ledger.testing import InlineExecutor, WorldTransport
from tests.conftest import NOON, MakeLedger
from tests.outages import away
from tests.sending import send
from tests.services.test_faults import LEASE, die_in_flight

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"
APPS = frozenset({AppName("default")})


class Outage:
    """The database goes away as soon as DingTalk has answered some calls, and comes back after a time."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.calls_left = seconds, 3
        self.stack, self.is_on, self.is_over = ExitStack(), False, False
        self.book: Ledger | None = None
        self._until = 0.0

    def after_answer(self, clock: FakeClock) -> None:
        self.calls_left -= 1
        if self.calls_left == 0 and self.book is not None:
            self.stack.enter_context(away(self.book))
            self.is_on, self._until = True, clock.monotonic() + self.seconds

    def on_sleep(self, clock: FakeClock) -> None:
        if self.is_on and clock.monotonic() >= self._until:
            self.is_on, self.is_over = False, True
            self.stack.close()


class RingingClock(FakeClock):
    """A fake clock that does something whenever somebody sleeps."""

    ring: Callable[[FakeClock], None] = staticmethod(lambda _: None)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.ring(self)


class TellingTransport(WorldTransport):
    """Says when an answer of a recall came."""

    outage: Outage

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if request.url.path == ONE_ON_ONE:
            self.outage.after_answer(self.clock)
        return response

    clock: RingingClock


@pytest.fixture
def bereft(database_url: str, tmp_path: Path) -> Iterator[Callable[[float], tuple[Ledger, World, Outage]]]:
    """A maker of a ledger whose database goes away for so many seconds in the middle of a recall."""
    made: list[Ledger] = []

    def make(seconds: float) -> tuple[Ledger, World, Outage]:
        clock, outage = RingingClock(NOON), Outage(seconds)
        world = World(clock.now, seed=3)
        world.change(second_recall=SecondRecall.INVALID_KEY_400)
        clock.ring = outage.on_sleep
        transport = TellingTransport(world, clock)
        transport.outage, transport.clock = outage, clock
        settings = Settings.load(
            database_url=database_url, app_key="dingapp", app_secret="long-secret-of-app", spool_dir=tmp_path / "spool"
        )
        outage.book = Ledger(settings, clock=clock, executor=InlineExecutor(), transport=transport)
        made.append(outage.book)
        return outage.book, world, outage

    yield make
    for book in made:
        book.close()


@pytest.mark.parametrize("seconds", [10, 200])
def test_an_outage_longer_than_a_lease_costs_no_answer_and_no_second_ask(
    bereft: Callable[[float], tuple[Ledger, World, Outage]], seconds: float
) -> None:
    book, world, outage = bereft(seconds)
    send(book, world, 200)
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert outage.is_over
    assert (result.status, result.recalled, result.calls) == (Status.FINISHED, 200, 10)
    assert len(world.calls(ONE_ON_ONE)) == 10
    assert book.verify().ok


def test_what_a_run_could_not_write_down_in_its_patience_the_next_one_does(
    bereft: Callable[[float], tuple[Ledger, World, Outage]],
) -> None:
    book, world, outage = bereft(2000)
    send(book, world, 200)
    plan = book.plan(campaign="spring", reason="wrong link")
    with pytest.raises(DatabaseUnavailableError):
        book.run(plan)
    book.clock.sleep(2000)
    assert outage.is_over
    book.worker().serve_recalls()
    result = book.result(plan.recall_id)
    assert (result.status, result.recalled, result.calls) == (Status.FINISHED, 200, 10)
    assert len(world.calls(ONE_ON_ONE)) == 10


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
    with book.database.write() as connection:
        return call_id in calls.lock_open(connection, [call_id])
