"""Which calls leave when: nothing after its deadline, and no API before its turn."""

from datetime import timedelta

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Result
from ledger.core.recalls.settle import AskedItem
from ledger.core.recording.message import AppName, Chat, RobotCode, Route
from ledger.services.recalls.running.call_result import Unsent
from ledger.simulator import World
from ledger.store.recalls.calls import Call
from tests.conftest import MakeLedger
from tests.sending import send

DAY = timedelta(hours=24)
APPS = {
    "a": {"robots": ["robot-a"], "app_key": "key-a", "app_secret": "secret-of-app-a"},
    "b": {"robots": ["robot-b"], "app_key": "key-b", "app_secret": "secret-of-app-b"},
}


def asked(world: World) -> list[str]:
    return [call.robot_code or "" for call in world.calls() if call.keys]


def two_apps(make_ledger: MakeLedger, world: World) -> Ledger:
    world.configure(apps={"key-a": "secret-of-app-a", "key-b": "secret-of-app-b"})
    return make_ledger(app_key=None, app_secret=None, apps=APPS, calls_in_flight=1)


def test_a_key_whose_slot_comes_after_its_deadline_is_not_asked(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(calls_per_second=1)
    send(book, world, 1, robot="robot-1", sent_ago=DAY - timedelta(seconds=0.5))
    # The second slot comes 1.03 s after the first, and is given out some 0.15 s ahead.
    send(book, world, 1, robot="robot-2", sent_ago=DAY - timedelta(seconds=0.95))
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.recalled, result.expired, result.calls) == (1, 1, 1)
    assert asked(world) == ["robot-1"]


def test_a_key_whose_margin_begins_before_its_slot_travels_apart(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(calls_per_second=1)
    send(book, world, 1, robot="robot-1", sent_ago=DAY - timedelta(seconds=5))
    # Outside its margin of 30 s when its slot is given out, inside when the slot comes.
    near = send(book, world, 1, robot="robot-2", sent_ago=DAY - timedelta(seconds=30.95))
    send(book, world, 5, robot="robot-2", sent_ago=timedelta(hours=2))
    book.run(book.plan(campaign="spring", reason="wrong link"))
    assert [len(call.keys) for call in world.calls() if call.keys] == [1, 1, 5]
    assert [call.keys for call in world.calls() if call.keys][1] == tuple(near)


def test_a_call_is_held_back_when_a_key_ran_out_of_time_just_before_it(book: Ledger, clock: FakeClock) -> None:
    now = clock.now()
    item = AskedItem(item_id=1, process_query_key="k", sent_at=now, deadline=now, attempts=1, in_doubt=False)
    route = Route(
        app=AppName("default"), chat=Chat.ONE_TO_ONE, robot_code=RobotCode("robot-1"), open_conversation_id=None
    )
    call = Call(id=1, recall_id=1, route=route, items=[item], slot_at=now, leave_at=clock.monotonic(), owner="me")
    ending, _ = book.parts.runner._make(call)
    assert isinstance(ending, Unsent)
    assert "deadline" in ending.why


def test_with_one_call_in_flight_the_api_with_the_nearest_deadline_goes_first(
    make_ledger: MakeLedger, world: World
) -> None:
    book = two_apps(make_ledger, world)
    send(book, world, 200, robot="robot-a", sent_ago=timedelta(hours=1))
    send(book, world, 60, robot="robot-b", sent_ago=timedelta(hours=20))
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert result.recalled == 260
    # Its first call leaves the next one of its API the time to connect; others go meanwhile.
    order = asked(world)
    first, second, third = (number for number, robot in enumerate(order) if robot == "robot-b")
    assert first == 0
    assert second <= 6
    assert third == second + 1


def test_with_one_call_in_flight_no_api_waits_until_another_has_nothing_left(
    make_ledger: MakeLedger, world: World
) -> None:
    book = two_apps(make_ledger, world)
    send(book, world, 400, robot="robot-a", sent_ago=timedelta(hours=20))
    send(book, world, 20, robot="robot-b", sent_ago=timedelta(hours=1))
    result = book.run(book.plan(campaign="spring", reason="wrong link"), on_progress=lambda _: None)
    assert isinstance(result, Result)
    assert asked(world).index("robot-b") <= 4
