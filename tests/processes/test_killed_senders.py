"""Senders and databases that die under load: every key that DingTalk gave out is in the ledger, or left a trace."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger import Ledger, Settings
from ledger.simulator import Behaviour, Simulator
from tests.forked_command import ForkedCommand
from tests.processes.conftest import Outage, wait_until
from tests.processes.sending import THREADS
from tests.processes.test_killed_programs import kept

SENDS_EACH = 240
DOORS = [("watch", "requests"), ("run", "aiohttp"), ("watch", "sdk")]

Program = subprocess.Popen[bytes] | ForkedCommand


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A pretend DingTalk without limits."""
    behaviour = Behaviour(calls_per_second=None, monthly_quota=None, ban_after_calls=None)
    with Simulator(behaviour=behaviour) as running:
        yield running


def starter(door: str, library: str, url: str, folder: Path, simulator: Simulator) -> Callable[[], Program]:
    """Return what starts a sender."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    ours = {"LEDGER_DATABASE_URL": url, "LEDGER_SPOOL_DIR": str(folder / "spool")}
    program = "tests.processes.sending"
    words = [door, library, simulator.url, simulator.world.issue_token(), str(SENDS_EACH)]

    def start() -> Program:
        with (folder / "said").open("ab") as text, Path(os.devnull).open("r+b") as nothing:
            if door == "run":
                hooked = [sys.executable, "-m", "ledger", "run", "--", sys.executable, "-m", program, *words]
                return subprocess.Popen(hooked, env={**clean, **ours}, stderr=text)
            return ForkedCommand(
                words, program=program, env={**clean, **ours}, stdin=nothing, stdout=nothing, stderr=text
            )

    return start


@pytest.mark.parametrize(("door", "library"), DOORS)
def test_every_key_that_was_given_out_is_in_the_ledger_or_left_a_trace(
    outage: Outage, tmp_path: Path, simulator: Simulator, door: str, library: str
) -> None:
    chance, world = random.Random(len(door + library)), simulator.world  # noqa: S311  (a test that can be repeated)
    start = starter(door, library, outage.url, tmp_path, simulator)
    running, kills = [start(), start()], 0
    for _ in range(2):
        wait_for_more(simulator, running, 20 + chance.randrange(40))
        with outage.away():
            wait_for_more(simulator, running, 20 + chance.randrange(40))
            victim = running[chance.randrange(len(running))]
            kills += victim.poll() is None
            victim.kill()
            victim.wait()
        running.append(start())
    for program in running:
        program.wait(timeout=120)

    sent = {message.key for message in world.messages()}
    found = kept(outage.url, tmp_path)
    with Ledger(Settings.load(database_url=outage.url, spool_dir=tmp_path / "spool")) as book:
        traces = sum(line.keyless for line in book.campaigns())
    assert len(sent) > SENDS_EACH
    assert len(found) == len(set(found))
    assert set(found) <= sent
    assert len(sent - set(found)) <= traces <= kills * THREADS
    assert {program.returncode for program in running} <= {0, -9}, (tmp_path / "said").read_text()


def wait_for_more(simulator: Simulator, running: list[Program], count: int) -> None:
    """Return once so many more messages have been sent, or nobody is left who sends."""
    wanted = len(simulator.world.messages()) + count
    wait_until(lambda: len(simulator.world.messages()) >= wanted or all(one.poll() is not None for one in running))
