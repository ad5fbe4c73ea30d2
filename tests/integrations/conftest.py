"""A ledger on both databases, and a pretend DingTalk over loopback on the same fake clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.simulator import Behaviour, Simulator
from tests.integrations.echo import Echo, echoing
from tests.integrations.senders import Letter

UNLIMITED = Behaviour(calls_per_second=None, monthly_quota=None, ban_after_calls=None)


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[Simulator]:
    """A pretend DingTalk without limits."""
    with Simulator(now=clock.now, behaviour=UNLIMITED) as running:
        yield running


@pytest.fixture
def book(database_url: str, clock: FakeClock, simulator: Simulator, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger that recalls at the pretend DingTalk."""
    settings = Settings.load(
        database_url=database_url,
        api_url=simulator.url,
        app_key="dingapp",
        app_secret="a-long-secret-of-the-app",
        spool_dir=tmp_path / "spool",
    )
    with Ledger(settings, clock=clock) as opened:
        yield opened


@pytest.fixture
def letter(simulator: Simulator) -> Letter:
    """A send call that the pretend DingTalk accepts."""
    return Letter(url=simulator.url, token=simulator.world.issue_token())


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A server that keeps what it gets."""
    with echoing() as running:
        yield running
