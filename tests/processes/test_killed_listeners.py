"""A process that listens is killed between its journal and its database: every event is recorded, and once."""

import json
import signal
from pathlib import Path

from sqlalchemy import select

from ledger import Ledger, Settings
from ledger.simulator import Simulator
from ledger.store.schema import event_usage, message_events
from tests.processes.conftest import UNLIMITED, Outage, Stage, ended, kill, wait_until

PUSHES = 20


def test_what_was_acknowledged_without_a_database_is_recorded_once_by_whoever_comes_after_a_kill(
    outage: Outage, tmp_path: Path
) -> None:
    with Simulator(behaviour=UNLIMITED) as simulator:
        stage, world = Stage(outage.url, simulator, tmp_path), simulator.world
        try:
            first = stage.start("worker", stream="on")
            wait_until(lambda: world.stream_connections() == 1)
            with outage.away():
                for number in range(PUSHES):
                    world.push_event("robot_msg_read", f"key-{number}", "ann")
                # Within the time that DingTalk waits, with nothing but the journal to hold them.
                assert world.wait_for_stream(lambda _: all(push.ack for push in world.pushes()), 3.0 * PUSHES)
                kill(first)
            assert {json.loads((push.ack or {})["data"])["status"] for push in world.pushes()} == {"SUCCESS"}
            second = stage.start("worker", stream="on")
            wait_until(lambda: len(recorded(stage)) == PUSHES)
            # What DingTalk thinks was not acknowledged comes once more.
            world.push_frame(json.loads(world.pushes()[0].text))
            assert world.wait_for_stream(lambda _: world.pushes()[-1].ack is not None)
            second.send_signal(signal.SIGTERM)
            assert ended(second) == 0
            assert sorted(recorded(stage)) == sorted(f"key-{number}" for number in range(PUSHES))
            assert pushes_counted(stage) == PUSHES + 1
        finally:
            stage.stop()


def recorded(stage: Stage) -> list[str]:
    with Ledger(Settings.load(**stage.given)) as book, book.parts.opened().read() as connection:
        return list(connection.scalars(select(message_events.c.process_query_key)))


def pushes_counted(stage: Stage) -> int:
    with Ledger(Settings.load(**stage.given)) as book, book.parts.opened().read() as connection:
        return sum(connection.scalars(select(event_usage.c.pushes)))
