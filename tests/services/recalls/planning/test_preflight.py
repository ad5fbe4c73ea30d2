"""What would stop a plan is said before it runs, without a call."""

from datetime import timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock, format_time
from ledger.core.recalls.selection import select
from ledger.core.recalls.stop import StopCode
from ledger.services.recalls.planning.run_in import RunIn
from ledger.services.upkeep.chores import HEARTBEAT
from ledger.simulator import World
from ledger.store.upkeep import chores
from tests.conftest import MakeLedger
from tests.sending import send


def stops(book: Ledger, run_in: RunIn = RunIn.CALLER) -> dict[StopCode, str]:
    """Plan, and return what would stop it; the same is said of the plan later."""
    plan = book.parts.planner.plan(select(campaign="spring"), reason="wrong link", actor="wang", run_in=run_in)
    again = book.parts.preflight.of_recall(plan.recall_id, run_in)
    assert [stop.code for stop in again] == [stop.code for stop in plan.stops]
    return {stop.code: stop.text for stop in plan.stops}


def test_nothing_stands_in_the_way_of_an_ordinary_plan(book: Ledger, world: World) -> None:
    send(book, world, 2)
    assert stops(book) == {}
    assert world.calls() == []


def test_missing_credentials_are_said_only_where_the_calls_are_made_here(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(app_secret=None)
    send(book, world, 1)
    assert "LEDGER_APP_SECRET" in stops(book)[StopCode.CREDENTIALS_MISSING]
    assert StopCode.CREDENTIALS_MISSING in stops(book, RunIn.LOCAL_WORKER)
    assert StopCode.CREDENTIALS_MISSING not in stops(book, RunIn.ANY_WORKER)


def test_a_quota_that_was_used_up_for_another_recall_is_told_with_its_time_and_what_is_counted(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 1, campaign="earlier")
    send(book, world, 1)
    world.change(monthly_quota=0)
    earlier = book.run(book.plan(campaign="earlier", reason="wrong link")).recall_id
    at = clock.now()
    clock.advance(timedelta(hours=1))
    plan = book.plan(campaign="spring", reason="wrong link")
    (stop,) = (one for one in plan.stops if one.code is StopCode.QUOTA_USED_UP)
    left = plan.quota["limit"] - plan.quota["used"]
    assert stop.text.startswith(
        f"recall {earlier} of the same app was paused at {format_time(at.replace(microsecond=0))}"
    )
    assert stop.text.endswith(f"; the ledger counts {left:,} calls left")
    assert stop.since is not None
    assert stop.since <= at


def test_a_permission_that_another_recall_lacks_is_said_until_that_goes_on(book: Ledger, world: World) -> None:
    send(book, world, 1, campaign="earlier")
    send(book, world, 1)
    world.change(permission_missing=True)
    earlier = book.run(book.plan(campaign="earlier", reason="wrong link")).recall_id
    assert f"recall {earlier} of the same app was paused at 20" in stops(book)[StopCode.PERMISSION]
    world.change(permission_missing=False)
    book.resume(earlier)
    assert stops(book) == {}


def test_a_quota_too_short_and_a_second_person_are_said(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(monthly_calls=1, approval_recipients=1)
    send(book, world, 21)
    assert set(stops(book)) == {StopCode.QUOTA_SHORT, StopCode.APPROVAL_NEEDED}


def test_that_no_worker_is_there_is_said_where_one_is_needed(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 1)
    assert set(stops(book, RunIn.ANY_WORKER)) == {StopCode.WORKER_ABSENT}
    with book.parts.database.write() as connection:
        lease = chores.Lease(owner="w", begins=clock.now(), lasts=timedelta(seconds=1))
        assert chores.take(connection, HEARTBEAT, lease, now=clock.now(), every=timedelta(0))
        chores.release(connection, HEARTBEAT, "w", clock.now(), now=clock.now())
    assert stops(book, RunIn.ANY_WORKER) == {}
    clock.advance(timedelta(minutes=2))
    assert set(stops(book, RunIn.ANY_WORKER)) == {StopCode.WORKER_ABSENT}


def test_robots_of_no_app_are_said(make_ledger: MakeLedger, world: World) -> None:
    world.configure(apps={"key-a": "secret-of-app-a"})
    book = make_ledger(
        app_key=None,
        app_secret=None,
        apps={"a": {"robots": ["robot-1"], "app_key": "key-a", "app_secret": "secret-of-app-a"}},
    )
    send(book, world, 1)
    send(book, world, 2, robot="dingX")
    assert "2 messages" in stops(book)[StopCode.ROBOT_UNCONFIGURED]


@pytest.mark.parametrize("is_read_only", [True, False])
def test_a_database_that_can_only_be_read_is_said(book: Ledger, world: World, is_read_only: bool) -> None:
    send(book, world, 1)
    plan = book.plan(campaign="spring", reason="wrong link")
    database = book.parts.database
    if database.is_sqlite:
        pytest.skip("the tests may run as a user whom no file refuses")
    if is_read_only:
        with database.engine.begin() as connection:
            name = connection.exec_driver_sql("SELECT current_database()").scalar()
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        database.engine.dispose()
    found = [stop.code for stop in book.parts.preflight.of_recall(plan.recall_id, RunIn.CALLER)]
    assert found == ([StopCode.DATABASE_READ_ONLY] if is_read_only else [])
