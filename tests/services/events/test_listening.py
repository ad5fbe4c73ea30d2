"""Events come over real HTTP and WebSocket, are on disk before they are acknowledged, and are recorded once."""

import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.clock import FakeClock
from ledger.core.events.stream_state import OVER_QUOTA_LOOK
from ledger.simulator import Simulator, World
from tests.outages import away
from tests.sending import send
from tests.services.events.conftest import Listen, Listening, acked, events, pushes_counted

READ, RECALL = "robot_msg_read", "robot_msg_recall"
# DingTalk waits for so long.
ACK_SECONDS = 3.0


PATIENCE_SECONDS = 10.0


def eventually(is_so: Callable[[], bool]) -> None:
    """Return as soon as something is so of the ledger: nobody tells of that, as the world does of its own."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, "this never came about"
        time.sleep(0.002)


def statuses(world: World) -> list[str]:
    return [json.loads(push.ack["data"])["status"] for push in world.pushes() if push.ack]


def test_a_push_is_acknowledged_as_documented_and_recorded(listen: Listen, pushing: World, clock: FakeClock) -> None:
    ledger = listen()
    (key,) = send(ledger.book, pushing, 1, users=["ann"])
    event_id = pushing.push_event(READ, key, "ann")
    assert pushing.wait_for_stream(acked)
    (push,) = pushing.pushes()
    assert push.ack is not None
    assert (push.ack["code"], push.ack["headers"]["messageId"]) == (200, push.message_id)
    assert json.loads(push.ack["data"]) == {"status": "SUCCESS"}
    (row,) = events(ledger.book)
    assert (row.event_id, row.kind, row.process_query_key, row.user_id) == (event_id, "read", key, "ann")
    assert (row.happened_at, row.received_at) == (clock.now(), clock.now())
    assert ledger.standings == ["connected"]


def test_an_event_that_comes_twice_is_recorded_once_and_each_push_counts(listen: Listen, pushing: World) -> None:
    ledger, other = listen(), listen(connections=2)
    pushing.change(stream_duplicates=True)
    for number in range(6):
        pushing.push_event(READ, f"key-{number}", "ann")
    assert pushing.wait_for_stream(acked)
    assert {push.acked_by for push in pushing.pushes()} == {1, 2}
    events(other.book)
    assert len(events(ledger.book)) == 6
    assert pushes_counted(ledger.book) == 12


def test_what_comes_again_after_a_restart_is_known(listen: Listen, pushing: World) -> None:
    first = listen()
    frame = {
        "type": "EVENT",
        "headers": {"messageId": "m", "topic": "*", "eventType": READ, "eventId": "the-same"},
        "data": json.dumps({"processQueryKey": "k", "userId": "ann", "operatTime": "1"}),
    }
    pushing.push_frame(frame)
    assert pushing.wait_for_stream(acked)
    first.stop()
    again = listen()
    pushing.push_frame(frame)
    assert pushing.wait_for_stream(acked)
    assert [row.event_id for row in events(again.book)] == ["the-same"]


def test_without_its_database_a_push_is_acknowledged_in_time_and_recorded_later(listen: Listen, pushing: World) -> None:
    ledger = listen()
    pushing.push_event(READ, "before", "ann")
    assert pushing.wait_for_stream(acked)
    events(ledger.book)
    with away(ledger.book):
        begun = time.monotonic()
        pushing.push_event(READ, "meanwhile", "ann")
        assert pushing.wait_for_stream(acked, ACK_SECONDS)
        assert time.monotonic() - begun < ACK_SECONDS
        assert statuses(pushing) == ["SUCCESS", "SUCCESS"]
        assert ledger.standings == ["connected"]
    assert {row.process_query_key for row in events(ledger.book)} == {"before", "meanwhile"}
    assert pushes_counted(ledger.book) == 2


def test_what_is_nowhere_on_disk_is_asked_for_again(
    listen: Listen, simulator: Simulator, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushing, nowhere = simulator.world, tmp_path / "no folder"
    nowhere.write_text("a file in the place of the spool")
    monkeypatch.setenv("TMPDIR", str(nowhere))
    ledger = listen(spool_dir=nowhere)
    with away(ledger.book):
        pushing.push_event(READ, "key", "ann")
        assert pushing.wait_for_stream(acked)
        assert statuses(pushing) == ["LATER"]
    nowhere.unlink()
    clock.advance(timedelta(seconds=10))
    simulator.deliver()
    eventually(lambda: statuses(pushing) == ["SUCCESS"])
    assert [row.process_query_key for row in events(ledger.book)] == ["key"]


def test_a_ping_is_echoed_and_who_is_told_to_go_comes_back_with_a_new_ticket(listen: Listen, pushing: World) -> None:
    ledger = listen()
    pushing.push_system("ping")
    assert pushing.wait_for_stream(acked)
    (ping,) = pushing.pushes()
    assert ping.ack is not None
    assert ping.ack["data"] == json.loads(ping.text)["data"]
    pushing.push_system("disconnect")
    eventually(lambda: len(pushing.calls("/v1.0/gateway/connections/open")) == 2)
    assert pushing.wait_for_stream(lambda world: world.stream_connections() == 1)
    pushing.push_event(READ, "afterwards", "ann")
    assert pushing.wait_for_stream(lambda world: world.pushes()[-1].ack is not None)
    assert len(events(ledger.book)) == 1


def test_a_connection_that_drops_is_had_again(listen: Listen, simulator: Simulator, clock: FakeClock) -> None:
    ledger = listen()
    clock.advance(timedelta(minutes=1))
    simulator.cut_streams()
    eventually(lambda: ledger.standings == ["away"])
    assert simulator.world.wait_for_stream(lambda world: world.stream_connections() == 1)


ODD: list[Any] = [
    [],
    "text",
    7,
    {"type": "EVENT"},
    {"type": "EVENT", "headers": [], "data": 7},
    {"type": "EVENT", "headers": {"messageId": {}}, "data": "[" * 50_000},
    {"type": "EVENT", "headers": {"messageId": "x", "eventType": READ}, "data": "{}"},
    {"type": "EVENT", "headers": {"messageId": "y", "eventType": "user_add_org"}, "data": None},
    {"type": "SYSTEM", "headers": {"topic": "KEEPALIVE"}, "data": None},
    {"type": "SYSTEM", "headers": {"topic": "ping", "messageId": "p"}, "data": {"not": "a text"}},
    {"type": "CALLBACK", "headers": {"topic": "/v1.0/im/bot/messages/get", "messageId": "c"}, "data": "{}"},
    {"type": None, "headers": None, "data": None},
    {"type": "EVENT", "headers": {"messageId": "\ud800", "eventType": READ}, "data": '{"processQueryKey": "\ud800"}'},
]


def test_no_odd_frame_ends_the_connection(listen: Listen, pushing: World) -> None:
    ledger = listen()
    for frame in ODD:
        pushing.push_frame(frame)
    pushing.push_event(READ, "a good one", "ann")
    assert pushing.wait_for_stream(lambda world: world.pushes()[-1].ack is not None)
    assert len(pushing.calls("/v1.0/gateway/connections/open")) == 1
    assert [row.process_query_key for row in events(ledger.book)] == ["a good one"]
    # Also of others, and of what names no message: each has used one of the month's pushes.
    of_events = [frame for frame in ODD if isinstance(frame, dict) and frame.get("type") == "EVENT"]
    assert pushes_counted(ledger.book) == 1 + len(of_events)


def test_a_wrong_secret_is_said_with_what_to_do_and_tried_again_later(
    listen: Listen, pushing: World, caplog: pytest.LogCaptureFixture
) -> None:
    pushing.configure(apps={"dingapp": "another secret altogether"})
    ledger = listen(connections=0)
    eventually_says(ledger, "refused")
    assert "Check its credentials" in ledger.errors
    told = eventually_told(caplog)
    assert len(told) == 1
    assert "a-long-secret" not in caplog.text


def test_an_app_without_credentials_says_so(listen: Listen) -> None:
    ledger = listen(connections=0, app_key=None, app_secret=None)
    eventually_says(ledger, "refused")
    assert "set LEDGER_APP_KEY" in ledger.errors


def test_without_its_package_it_names_the_extra(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets", None)
    ledger = listen(connections=0)
    eventually_says(ledger, "refused")
    assert "pip install 'dingtalk-ledger[stream]'" in ledger.errors


def test_each_app_has_a_connection_of_its_own(listen: Listen, pushing: World) -> None:
    apps = {name: {"robots": [name], "app_key": name, "app_secret": "a-long-secret"} for name in ("mail", "news")}
    ledger = listen(connections=2, apps=apps, app_key=None, app_secret=None)
    pushing.push_event(READ, "k-1", "ann", app="mail")
    pushing.push_event(READ, "k-2", "ann", app="news")
    assert pushing.wait_for_stream(acked)
    assert {(row.app, row.process_query_key) for row in events(ledger.book)} == {("mail", "k-1"), ("news", "k-2")}


def test_once_the_months_pushes_are_used_it_lets_go_and_comes_back_with_the_next_month(
    listen: Listen, pushing: World, clock: FakeClock
) -> None:
    ledger = listen(stream_monthly_events=3)
    for number in range(3):
        pushing.push_event(READ, f"k-{number}", "ann")
    eventually_says(ledger, "used_up")
    assert "the 3 pushes of the month that may be used are, until 2026-03-31T16:00:00Z" in ledger.errors
    assert pushing.wait_for_stream(lambda world: world.stream_connections() == 0)
    assert len(events(ledger.book)) == 3
    ledger.stream.look()
    assert ledger.standings == ["used_up"]
    clock.advance(timedelta(days=31))
    ledger.stream.look()
    assert pushing.wait_for_stream(lambda world: world.stream_connections() == 1)


def test_all_processes_share_the_months_pushes(listen: Listen, pushing: World) -> None:
    first, second = listen(stream_monthly_events=4), listen(connections=2, stream_monthly_events=4)
    for number in range(4):
        pushing.push_event(READ, f"k-{number}", "ann")
    assert pushing.wait_for_stream(acked)
    for ledger in (first, second):
        events(ledger.book)
    for ledger in (first, second):
        ledger.stream.look()
        eventually_says(ledger, "used_up")
    assert pushing.wait_for_stream(lambda world: world.stream_connections() == 0)


def test_what_dingtalk_says_of_used_up_pushes_is_believed_for_a_while(
    listen: Listen, pushing: World, clock: FakeClock
) -> None:
    ledger = listen()
    pushing.change(stream_over_quota=True)
    pushing.push_event(READ, "k", "ann")
    eventually_says(ledger, "used_up")
    assert "DingTalk says" in ledger.errors
    assert events(ledger.book) == []
    pushing.change(stream_over_quota=False)
    clock.advance(OVER_QUOTA_LOOK)
    ledger.stream.look()
    assert pushing.wait_for_stream(lambda world: world.stream_connections() == 1)


def eventually_told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the listener has told the log, which is a moment after it stands so."""
    until = time.monotonic() + 10
    while not (told := [one.getMessage() for one in caplog.records if one.name.endswith("listener")]):
        assert time.monotonic() < until
        time.sleep(0.002)
    return told


def eventually_says(ledger: Listening, standing: str) -> None:
    until = time.monotonic() + 10
    while set(ledger.standings) != {standing}:
        assert time.monotonic() < until, (ledger.standings, ledger.errors)
        time.sleep(0.002)
