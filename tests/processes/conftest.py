"""A stage for recalls in processes of their own: one database, a pretend DingTalk over loopback, and the command."""

import os
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger, Settings
from ledger.simulator import Behaviour, Call, Simulator, World
from ledger.store import migrate
from ledger.store.database import Database
from tests.databases import Server
from tests.forked_command import ForkedCommand
from tests.sending import row

UNLIMITED = Behaviour(calls_per_second=None, monthly_quota=None, ban_after_calls=None)
ROBOT = "robot-1"
PATIENCE_SECONDS = 180.0


@dataclass
class Stage:
    """What the processes of one test share, and the processes."""

    database_url: str
    simulator: Simulator
    folder: Path
    processes: "list[ForkedCommand | subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def world(self) -> World:
        """The pretend DingTalk."""
        return self.simulator.world

    @property
    def given(self) -> dict[str, str]:
        """The settings that every process and the test itself have in common."""
        return {
            "database_url": self.database_url,
            "api_url": self.simulator.url,
            "app_key": "dingapp",
            "app_secret": "a-long-secret-of-the-app",
            "spool_dir": str(self.folder / "spool"),
        }

    def book(self) -> Ledger:
        """Return a ledger of this process on the same database; the caller closes it."""
        return Ledger(Settings.load(**self.given))

    def send(self, count: int, campaign: str = "spring") -> list[str]:
        """Send messages an hour ago, record them, and return their keys."""
        sent_at = datetime.now(UTC) - timedelta(hours=1)
        keys = self.world.make_messages(count, robot_code=ROBOT, sent_at=sent_at)
        with self.book() as book:
            imported = book.record_many([row(key, sent_at, robot=ROBOT, campaign=campaign) for key in keys])
        assert imported.recorded == count
        return keys

    def start(self, *words: str, stderr: Path | None = None, **settings: object) -> ForkedCommand:
        """Start the command as a process of its own; what it says can go to a file."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
        ours = {f"LEDGER_{name.upper()}": str(value) for name, value in {**self.given, **settings}.items()}
        environment = {**clean, **ours, "LEDGER_ACTOR": "tester"}
        with Path(os.devnull).open("r+b") as nothing, (stderr or Path(os.devnull)).open("ab") as heard:
            process = ForkedCommand(
                words, env=environment, stdin=nothing, stdout=nothing, stderr=heard if stderr else 2
            )
        self.processes.append(process)
        return process

    def recall(self, campaign: str = "spring", **settings: object) -> ForkedCommand:
        """Start the recall of a campaign."""
        return self.start("recall", "--campaign", campaign, "--reason", "wrong link", "--yes", stderr=None, **settings)

    def calls(self) -> list[Call]:
        """Return the recall calls that DingTalk has seen, oldest first."""
        return [call for call in self.world.calls() if call.path.endswith("batchRecall")]

    def wait_for_calls(self, more_than: int, process: ForkedCommand) -> None:
        """Return when DingTalk has seen more than so many calls, or the process has ended."""
        wait_until(lambda: len(self.calls()) > more_than or process.poll() is not None)

    def asked_again(self) -> int:
        """Return how many asks there were beyond the first of each key."""
        asked = Counter(key for call in self.calls() for key in call.keys)
        return sum(times - 1 for times in asked.values())

    def stop(self) -> None:
        """Kill whatever still runs."""
        for process in self.processes:
            kill(process)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return as soon as something is so; it is an error when that takes too long."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, "this never came about"
        time.sleep(0.005)


def kill(process: "ForkedCommand | subprocess.Popen[bytes]") -> None:
    """Kill a process as `kill -9` does, and reap it as its shell would."""
    process.kill()
    process.wait()


def ended(process: ForkedCommand) -> int:
    """Wait for a process and return its exit code."""
    return process.wait(timeout=PATIENCE_SECONDS)


MakeStage = Callable[..., Stage]


@pytest.fixture
def make_stage(database_url: str, tmp_path: Path) -> Iterator[MakeStage]:
    """A maker of stages whose DingTalk behaves as told."""
    made: list[Stage] = []

    def make(behaviour: Behaviour = UNLIMITED, **changes: Any) -> Stage:
        simulator = Simulator(behaviour=behaviour).start()
        simulator.world.change(**changes)
        made.append(Stage(database_url, simulator, tmp_path))
        return made[-1]

    yield make
    for stage in made:
        stage.stop()
        stage.simulator.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def outage(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator["Outage"]:
    """A database that can be made to go away in its own worst way."""
    if request.param == "postgresql":
        # Not in pytest's folder: each new run of pytest closes it to the user that PostgreSQL runs as.
        with tempfile.TemporaryDirectory(prefix="ledger-pg-") as folder:
            server = Server(Path(folder))
            database = Database(server.url)
            migrate.upgrade(database)
            database.close()
            yield Outage(server.url, lambda: _killed(server))
            server.stop()
        return
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    yield Outage(f"sqlite:///{path}", lambda: _locked(path))


class Outage:
    """The URL of a database, and its way to go away."""

    def __init__(self, url: str, away: Callable[[], AbstractContextManager[None]]) -> None:
        self.url, self.away = url, away


@contextmanager
def _killed(server: Server) -> Iterator[None]:
    server.kill()
    yield
    server.start()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
