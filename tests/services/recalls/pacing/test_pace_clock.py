"""The pace while clocks are set: no second sees more calls than allowed, and nobody is held up for long."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Connection, delete, func, select

from ledger import Ledger
from ledger.clock import AlignedClock, Clock, FakeClock
from ledger.core.answer import Answer
from ledger.core.recalls.pace import FURTHEST_SLOT
from ledger.core.recording.message import AppName
from ledger.services.recalls.pacing.leases import lease_of
from ledger.services.recalls.pacing.pace_clock import HELD_AFTER_STEP_SECONDS, PaceClock
from ledger.services.recalls.running.api_slots import LOOKAHEAD
from ledger.services.recalls.running.claimer import Claimer
from ledger.services.recalls.running.settler import Settler
from ledger.simulator import World
from ledger.store.recalls.calls import Call
from ledger.store.schema import machine_clocks
from ledger.testing import InlineExecutor, WorldTransport
from tests.conftest import NOON, MakeLedger
from tests.sending import row, send

APPS = frozenset({AppName("default")})
RATE, LOOK_SECONDS = 8, 0.25
STEPS = [-60, -20, -5, 20, 90]


class Wall:
    """A wall clock that somebody sets, on a machine whose even clock goes on."""

    def __init__(self, truth: FakeClock, wrong_by: float = 0.0) -> None:
        self._truth, self.wrong_by = truth, wrong_by

    def now(self) -> datetime:
        return self._truth.now() + timedelta(seconds=self.wrong_by)

    def monotonic(self) -> float:
        return self._truth.monotonic()

    def sleep(self, seconds: float) -> None:
        self._truth.sleep(seconds)


class Process:
    """Claims calls and settles them at once, on a clock of its own."""

    def __init__(self, book: Ledger, clock: Clock, pace_clock: PaceClock, name: str) -> None:
        database, self._clock = book.parts.database, clock
        self._claimer = Claimer(database, clock, pace_clock, book.parts.settings, name)
        self._settler = Settler(database, clock, pace_clock, Random(7))  # noqa: S311
        self.left = list[float]()

    def look(self) -> None:
        claim = self._claimer.claim(APPS, 16)
        self.left += [call.leave_at for call in claim.calls]
        self._settler.settle([(call, _gone(call), self._clock.now()) for call in claim.calls])


def _gone(call: Call) -> Answer:
    keys = [item.process_query_key for item in call.items]
    return Answer(status=200, body={"successResult": keys, "failedResult": {}})


def busiest_second(moments: list[float]) -> int:
    slots = sorted(moments)
    return max(bisect_left(slots, slot + 1) - place for place, slot in enumerate(slots))


@pytest.fixture
def book(make_ledger: MakeLedger) -> Ledger:
    """A ledger with a rate of few calls: each of them costs its time here."""
    return make_ledger(calls_per_second=RATE)


def started(book: Ledger, calls: int) -> None:
    # Each of another robot: a call of its own for every message.
    sent_at = book.parts.clock.now() - timedelta(hours=1)
    robots = {f"robot-{number}": f"key-{number}" for number in range(calls)}
    book.record_many([row(key, sent_at, robot=robot) for robot, key in robots.items()])
    book.parts.lifecycle.start(book.plan(campaign="spring", reason="wrong link").recall_id)
    book.parts.freezer.finish()


def play(
    processes: list[Process], clock: FakeClock, seconds: float, happenings: Mapping[float, Callable[[], None]]
) -> list[float]:
    """Let processes look at the queue in turn for some seconds, while things happen; return when calls left."""
    begun, waiting = clock.monotonic(), sorted(happenings.items())
    while clock.monotonic() - begun < seconds:
        while waiting and clock.monotonic() - begun >= waiting[0][0]:
            waiting.pop(0)[1]()
        for process in processes:
            process.look()
            clock.sleep(LOOK_SECONDS / len(processes))
    return [moment for process in processes for moment in process.left]


@pytest.mark.parametrize("step", STEPS)
def test_processes_of_one_machine_keep_one_rate_whatever_their_walls_show(
    book: Ledger, clock: FakeClock, step: float
) -> None:
    started(book, 7 * RATE)
    walls = [Wall(clock), Wall(clock, wrong_by=step)]
    processes = [Process(book, wall, PaceClock(wall), f"process {number}") for number, wall in enumerate(walls)]

    def set_first() -> None:
        walls[0].wrong_by += step

    def set_both() -> None:
        for wall in walls:
            wall.wrong_by -= 2 * step

    left = play(processes, clock, 6, {2: set_first, 4: set_both})
    assert busiest_second(left) <= RATE
    assert len(left) >= 0.95 * RATE * (6 - LOOKAHEAD.total_seconds())
    assert all(process.left for process in processes)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_the_servers_clock_is_noticed_at_the_next_look_and_costs_a_moment(
    book: Ledger, clock: FakeClock, step: float
) -> None:
    started(book, 11 * RATE)
    server = Wall(clock)

    def ask(_connection: Connection) -> datetime:
        return server.now()

    # Their own clocks differ, and one of them is set as well: nobody asks them.
    machines = [AlignedClock(Wall(clock, wrong_by=40)), AlignedClock(Wall(clock, wrong_by=-7))]
    processes = [
        Process(book, machine, PaceClock(machine, ask), f"machine {number}") for number, machine in enumerate(machines)
    ]

    def set_server() -> None:
        server.wrong_by += step

    left = play(processes, clock, 10, {3: set_server})
    assert busiest_second(left) <= RATE
    # A step back that is hardly one may be waited for.
    costs = HELD_AFTER_STEP_SECONDS + (FURTHEST_SLOT.total_seconds() + 1.03 if step == -5 else 0)
    # At the start, and after that wait: time to connect.
    costs += 2 * LOOKAHEAD.total_seconds()
    assert len(left) >= 0.95 * RATE * (10 - costs) - 1
    for machine in machines:
        assert abs((machine.now() - server.now()).total_seconds()) < 0.1


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_the_servers_clock_takes_no_call_from_a_machine_that_waits_for_its_answer(
    book: Ledger, clock: FakeClock, step: float
) -> None:
    started(book, 1)
    server, database, settings = Wall(clock), book.parts.database, book.parts.settings
    machines = [AlignedClock(Wall(clock)) for _ in range(2)]
    holder, other = (
        Claimer(database, machine, PaceClock(machine, lambda _: server.now()), settings, f"machine {number}")
        for number, machine in enumerate(machines)
    )
    (call,) = holder.claim(APPS, 1).calls
    held = frozenset([call.id])
    lease = lease_of(settings).total_seconds()
    begun, set_after, between = clock.monotonic(), 8, 4
    while not other.claim(APPS, 1).calls:
        clock.sleep(between)
        holder.claim(APPS, 0, held=held)
        if clock.monotonic() - begun == set_after:
            server.wrong_by += step
    # Nobody can say which leases were written before: those of the dead last for as long again, or for the step.
    assert lease <= clock.monotonic() - begun <= lease + max(set_after, -step) + 2 * between


def test_a_machine_that_joins_goes_by_the_time_that_the_others_agreed_on(book: Ledger, clock: FakeClock) -> None:
    first, late = PaceClock(Wall(clock)), PaceClock(Wall(clock, wrong_by=300))
    with book.parts.database.write() as connection:
        first.look(connection, may_write=True)
    clock.sleep(100)
    with book.parts.database.read() as connection:
        late.look(connection, may_write=False)
    assert late.now() == first.now()
    assert late.to_wall == timedelta(seconds=300)
    assert first.to_wall == timedelta()


def test_an_inquiry_agrees_on_the_time_with_the_processes_that_join_after_it(
    make_ledger: MakeLedger, world: World
) -> None:
    book = make_ledger()
    world.change(silent_keys=send(book, world, 1))
    number = book.run(book.plan(campaign="spring", reason="wrong link")).recall_id
    first_after_a_boot = make_ledger()
    with book.parts.database.write() as connection:
        connection.execute(delete(machine_clocks))
    first_after_a_boot.parts.read_status.run(number, actor="tester")
    with book.parts.database.read() as connection:
        agreed = connection.scalar(select(func.count()).select_from(machine_clocks))
    assert agreed == 1


class Nudged(FakeClock):
    """A clock that somebody sets while a run sleeps, now and again."""

    def __init__(self, start: datetime, steps: list[float]) -> None:
        super().__init__(start)
        self.steps, self.truth = steps, FakeClock(start)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.truth.sleep(seconds)
        if self.steps and self.truth.now() - NOON > timedelta(seconds=3 - len(self.steps)):
            self.set(timedelta(seconds=self.steps.pop(0)))


@pytest.mark.parametrize("steps", [[20, -20], [90, -60], [-90, 45]])
def test_a_run_on_a_clock_that_is_set_goes_on_at_its_rate(make_ledger: MakeLedger, steps: list[float]) -> None:
    clock, rate, calls = Nudged(NOON, list(steps)), 20, 50
    true_world = World(clock.truth.now, seed=7)
    book = make_ledger()
    parts = book.parts
    send(book, true_world, 20 * calls)
    parts.clock = clock
    parts.executor, parts.transport = InlineExecutor(), WorldTransport(true_world, clock)
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.recalled, result.calls) == (20 * calls, calls)
    moments = [(call.at - NOON).total_seconds() for call in true_world.calls() if call.keys]
    assert clock.steps == []
    assert busiest_second(moments) <= rate
    assert max(moments) - min(moments) < calls / rate * 1.15
    assert true_world.behaviour.calls_per_second == rate
