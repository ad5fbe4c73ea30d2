"""Recalls whose process goes away: closed in order, or killed and then cancelled from elsewhere."""

import threading
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Status
from ledger.services.recalls.pacing import leases
from ledger.simulator import World
from ledger.store.database import Database
from ledger.testing import WorldTransport
from tests.conftest import MakeLedger
from tests.sending import send
from tests.services.recalls.test_faults import LEASE, die_in_flight

PATIENCE_SECONDS = 60
# No machine has a process of such a number.
DEAD = f"{leases.MACHINE}#{2**30}#dead"


class Gate(httpx.BaseTransport):
    """Lets recall calls through when it is opened."""

    def __init__(self, behind: httpx.BaseTransport) -> None:
        self._behind = behind
        self.arrived, self.opened = threading.Event(), threading.Event()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("batchRecall"):
            self.arrived.set()
            assert self.opened.wait(PATIENCE_SECONDS)
        return self._behind.handle_request(request)


def lost_owner(database: Database, name: str) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE recall_calls SET owner = :name"), {"name": name})


@pytest.mark.skipif(not Path("/proc/self/ns/pid").is_symlink(), reason="only Linux tells its machines apart")
def test_all_processes_of_a_machine_call_it_the_same_and_those_of_another_container_differently() -> None:
    assert leases._machine() == leases.MACHINE
    assert leases.MACHINE.endswith(str(Path("/proc/self/ns/pid").readlink()))


def test_closing_waits_for_the_calls_of_a_recall_that_runs_in_another_thread(
    database_url: str, make_ledger: MakeLedger, clock: FakeClock, world: World, tmp_path: Path
) -> None:
    other = make_ledger()
    send(other, world, 100)
    settings = Settings.load(
        database_url=database_url,
        app_key="dingapp",
        app_secret="a-long-secret-of-the-app",
        calls_per_second=1,
        spool_dir=tmp_path,
    )
    gate = Gate(WorldTransport(world, clock))
    book = Ledger(settings, clock=clock, transport=gate)
    plan = book.plan(campaign="spring", reason="wrong link")
    running = threading.Thread(target=book.run, args=[plan])
    closing = threading.Thread(target=book.close)
    running.start()
    assert gate.arrived.wait(PATIENCE_SECONDS)
    closing.start()
    closing.join(0.3)
    assert closing.is_alive(), "it waits for the call in flight"
    gate.opened.set()
    closing.join(PATIENCE_SECONDS)
    running.join(PATIENCE_SECONDS)
    assert not closing.is_alive()
    assert not running.is_alive()
    result = other.show(plan.recall_id).result
    asked = [call for call in world.calls() if call.keys]
    assert (result.status, result.recalled, result.in_flight) == (Status.RUNNING, 20 * len(asked), 0)
    assert len(asked) < 5
    assert other.resume(plan.recall_id).recalled == 100


def test_a_recall_whose_process_was_killed_ends_at_once_when_it_is_cancelled_on_the_same_machine(
    make_ledger: MakeLedger, world: World, database: Database
) -> None:
    dying, book = make_ledger(), make_ledger()
    send(book, world, 30)
    plan = book.plan(campaign="spring", reason="wrong link")
    die_in_flight(dying, plan.recall_id)
    lost_owner(database, DEAD)
    result = book.cancel(plan.recall_id)
    assert (result.status, result.pending, result.unknown + result.cancelled) == (Status.CANCELLED, 0, 30)
    assert (result.in_flight, result.answers_until) == (0, None)
    assert book.verify().ok


@pytest.mark.parametrize("look", ["show", "recalls"])
def test_a_cancelled_recall_says_what_awaits_an_answer_and_ends_after_the_lease_when_anybody_looks(
    make_ledger: MakeLedger, world: World, clock: FakeClock, database: Database, look: str
) -> None:
    dying, book = make_ledger(), make_ledger()
    send(book, world, 20)
    plan = book.plan(campaign="spring", reason="wrong link")
    die_in_flight(dying, plan.recall_id)
    lost_owner(database, "another machine#7#x")
    result = book.cancel(plan.recall_id)
    assert (result.pending, result.in_flight) == (20, 20)
    assert result.answers_until is not None
    assert clock.now() < result.answers_until <= clock.now() + LEASE
    clock.advance(LEASE)
    seen = book.show(plan.recall_id).result if look == "show" else book.recalls()[0]
    assert (seen.pending, seen.unknown, seen.in_flight) == (0, 20, 0)
    assert book.verify().ok


@pytest.mark.parametrize("step", [-90, -20, 20, 90])
def test_a_clock_that_is_set_neither_ends_nor_extends_what_is_waited_for(
    make_ledger: MakeLedger, world: World, clock: FakeClock, database: Database, step: float
) -> None:
    dying, book = make_ledger(), make_ledger()
    send(book, world, 1, campaign="before")
    book.run(book.plan(campaign="before", reason="the clock of the calls begins"))
    clock.set(timedelta(seconds=step))
    send(book, world, 20)
    plan = book.plan(campaign="spring", reason="wrong link")
    die_in_flight(dying, plan.recall_id)
    lost_owner(database, "another machine#7#x")
    clock.set(timedelta(seconds=step))
    result = book.cancel(plan.recall_id)
    assert (result.pending, result.in_flight) == (20, 20)
    assert result.answers_until is not None
    assert LEASE - timedelta(seconds=2) < result.answers_until - clock.now() <= LEASE
    clock.advance(LEASE - timedelta(seconds=2))
    assert book.show(plan.recall_id).result.in_flight == 20
    clock.advance(timedelta(seconds=2))
    assert book.show(plan.recall_id).result.unknown == 20


def test_calls_that_found_no_connection_are_not_counted(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    class NoRoute(WorldTransport):
        """Cannot reach DingTalk the first three times."""

        failures = 3

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("batchRecall") and self.failures:
                self.failures -= 1
                raise httpx.ConnectError("no route to host", request=request)
            return super().handle_request(request)

    book = make_ledger()
    book.parts.transport = NoRoute(world, clock)
    send(book, world, 20)
    plan = book.plan(campaign="spring", reason="wrong link")
    assert book.run(plan).calls == 1
    report = book.show(plan.recall_id)
    assert (report.to_json()["call_count"], len(report.calls)) == (1, 4)
