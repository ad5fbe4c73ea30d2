"""A ledger in a temporary folder, a pretend DingTalk over loopback, and the command against both."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from ledger.entrypoints.cli import app
from ledger.simulator import Behaviour, Simulator
from tests.forked_command import ForkedCommand, run

StartedCommand = ForkedCommand | subprocess.Popen[bytes]

ROBOT = "dingbot"
UNHURRIED = Behaviour(calls_per_second=None, monthly_quota=None, ban_after_calls=None)


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; anything beside it is an error."""
        return json.loads(self.out)


@dataclass
class Running:
    """A command that runs until it is stopped; what it says is kept in a file."""

    process: ForkedCommand
    heard: Path

    def message(self) -> str:
        """Return all that it wrote to stderr so far."""
        return self.heard.read_text()

    def wait_for(self, text: str) -> None:
        """Return once it has said something."""
        self.wait_until(lambda: text in self.message())

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Return as soon as something is so; it is an error when that takes too long, or it ends before."""
        until = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < until, f"this never came about: {self.message()}"
            assert self.process.poll() is None or is_so(), self.message()
            time.sleep(0.02)


@dataclass
class Shell:
    """Runs the command with a clean environment of its own."""

    folder: Path
    api_url: str
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a command: nobody's LEDGER_ variables but ours."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
        ours = {
            "LEDGER_DATABASE_URL": f"sqlite:///{self.folder / 'ledger.sqlite'}",
            "LEDGER_API_URL": self.api_url,
            "LEDGER_APP_KEY": "key",
            "LEDGER_APP_SECRET": "secret",
            "LEDGER_CALLS_PER_SECOND": "500",
            "LEDGER_ACTOR": "tester",
            "COLUMNS": "80",
            "TZ": "Asia/Shanghai",
        }
        return clean | ours | self.variables

    def __call__(self, *args: str, stdin: str | bytes | None = None) -> Ended:
        """Run a command inside this process: quick."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.environment)
        time.tzset()
        try:
            done = CliRunner().invoke(app, list(args), input=stdin)
        finally:
            os.environ.clear()
            os.environ.update(before)
            time.tzset()
        return Ended(done.exit_code, done.stdout, done.stderr)

    def seen(self, columns: int, *args: str) -> list[str]:
        """Return the lines that a command shows on a terminal of so many columns, without their styles."""
        before = dict(self.variables)
        self.variables |= {"COLUMNS": str(columns), "TTY_COMPATIBLE": "1"}
        try:
            ended = self(*args)
        finally:
            self.variables = before
        return re.sub(r"\x1b\[[0-9;]*m", "", ended.out).splitlines()

    def typed(self, answer: str, *args: str) -> Ended:
        """Run a command inside this process whose question somebody answers, as on a terminal."""
        with patch("ledger.entrypoints.cli.screen.confirmation._need_terminal"):
            return self(*args, stdin=f"{answer}\n")

    def command(self, *args: str) -> Sequence[str]:
        """Return the words of the real command."""
        return [sys.executable, "-m", "ledger", *args]

    def start(self, *args: str, stream: int, **variables: str) -> StartedCommand:
        """Start a command as a process of its own, on a terminal of its own."""
        environment = self.environment | variables
        return ForkedCommand(args, env=environment, stdin=stream, stdout=stream, stderr=stream, start_new_session=True)

    def real(self, *args: str, stdin: bytes = b"") -> Ended:
        """Run a command as a process of its own, without a terminal."""
        done = run(args, env=self.environment, stdin=stdin)
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    @contextmanager
    def running(self, *args: str, out: IO[bytes] | None = None) -> Iterator[Running]:
        """Start a command as a process of its own; it is killed in the end if it still runs."""
        heard = self.folder / "heard"
        with heard.open("wb") as err, Path(os.devnull).open("r+b") as nothing:
            process = ForkedCommand(args, env=self.environment, stdin=nothing, stdout=out or nothing, stderr=err)
        try:
            yield Running(process, heard)
        finally:
            process.kill()
            process.wait()

    def send(self, simulator: Simulator, count: int, *, users: Sequence[str] = ("u1",), **fields: Any) -> list[str]:
        """Have messages sent at DingTalk and recorded here; `age` makes them older. Return their keys."""
        # Not just now: what is refused right after its send is asked again for a while.
        age: timedelta = fields.pop("age", timedelta(hours=1))
        at = datetime.now(UTC) - age
        keys = simulator.world.make_messages(count, robot_code=ROBOT, sent_at=at, users=users)
        self.write_down(keys, users=users, at=at, **fields)
        return keys

    def write_down(self, keys: Sequence[str], *, at: datetime, users: Sequence[str] = ("u1",), **fields: Any) -> None:
        """Record keys, whatever DingTalk knows of them."""
        common = {"robotCode": ROBOT, "userIds": list(users), "sentAt": at.isoformat(), **fields}
        rows = "\n".join(json.dumps({**common, "processQueryKey": key}) for key in keys)
        ended = self("import", "-", stdin=rows)
        assert ended.code == 0, ended.err


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A pretend DingTalk without limits."""
    with Simulator(behaviour=UNHURRIED) as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path, simulator: Simulator, sqlite_template: Path) -> Shell:
    """The command against an empty ledger."""
    shutil.copy(sqlite_template, tmp_path / "ledger.sqlite")
    return Shell(tmp_path, simulator.url)


@pytest.fixture
def quick_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the demonstration go faster than anybody could watch, with its ledger in the folder of the test."""
    monkeypatch.setattr("ledger.entrypoints.cli.commands.demo.CALLS_PER_SECOND", 100.0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
