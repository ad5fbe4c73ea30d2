"""A stage for events: a pretend DingTalk over real HTTP and WebSocket, and ledgers that listen, on a fake clock."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.services.events.stream import EventStream
from ledger.simulator import Simulator, World
from ledger.store.database import Database
from ledger.store.schema import event_usage, message_events
from ledger.testing import InlineExecutor

SECRET = "a-long-secret-of-the-app"


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[Simulator]:
    """A pretend DingTalk that listens."""
    with Simulator(now=clock.now, seed=7) as running:
        yield running


@pytest.fixture
def pushing(simulator: Simulator) -> World:
    """What it knows, and what it can be made to push."""
    return simulator.world


class Listening:
    """A ledger that holds Stream connections."""

    def __init__(self, book: Ledger, world: World) -> None:
        self.book, self.world = book, world
        self.stream: EventStream = book.parts.event_stream()
        self.stream.start()

    @property
    def standings(self) -> list[str]:
        """How its connections stand."""
        return [state.standing.value for state in self.stream.states]

    @property
    def errors(self) -> str:
        """What is wrong with them."""
        return "; ".join(state.error or "" for state in self.stream.states)

    def stop(self) -> None:
        """Listen no more."""
        self.stream.stop()
        self.book.close()


Listen = Callable[..., Listening]


@pytest.fixture
def listen(database_url: str, clock: FakeClock, simulator: Simulator, tmp_path: Path) -> Iterator[Listen]:
    """A maker of ledgers that listen; it returns once their connections stand."""
    made: list[Listening] = []

    def make(*, connections: int = 1, **settings: Any) -> Listening:
        given = {
            "database_url": database_url,
            "api_url": simulator.url,
            "app_key": "dingapp",
            "app_secret": SECRET,
            "spool_dir": tmp_path / "spool",
            "stream": True,
            **settings,
        }
        book = Ledger(Settings.load(**given), clock=clock, executor=InlineExecutor())
        made.append(Listening(book, simulator.world))
        assert simulator.world.wait_for_stream(lambda world: world.stream_connections() >= connections)
        until = time.monotonic() + 10
        while connections and "connected" not in made[-1].standings:
            assert time.monotonic() < until, made[-1].errors
            time.sleep(0.001)
        return made[-1]

    yield make
    for one in made:
        one.stop()


def acked(world: World) -> bool:
    """Say whether every push was answered."""
    return all(push.ack is not None for push in world.pushes())


def events(book: Ledger) -> list[Any]:
    """Return the events that are recorded, once all that is on its way is."""
    book.parts.recorder.writer.flush()
    book.parts.recorder.catch_up()
    return rows(book.parts.database, message_events)


def pushes_counted(book: Ledger) -> int:
    """Return how many pushes the month has had."""
    return sum(row.pushes for row in rows(book.parts.database, event_usage))


def rows(database: Database, table: Any) -> list[Any]:
    """Return all rows of a table."""
    with database.read() as connection:
        return list(connection.execute(table.select()))
