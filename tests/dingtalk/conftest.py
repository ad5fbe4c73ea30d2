"""A pretend DingTalk on loopback whose time is the fake clock, and a client whose requests are on tape."""

from collections.abc import Iterator

import pytest

from ledger.clock import FakeClock
from ledger.dingtalk.client import Client
from ledger.simulator import Behaviour, Simulator

from .tape import Tape

UNHURRIED = Behaviour(calls_per_second=None, monthly_quota=None, ban_after_calls=None)


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[Simulator]:
    """A running DingTalk without limits."""
    with Simulator(now=clock.now, behaviour=UNHURRIED, seed=3) as running:
        yield running


@pytest.fixture
def tape() -> Tape:
    """What the client sends."""
    return Tape()


@pytest.fixture
def client(tape: Tape) -> Iterator[Client]:
    """A client that waits long enough for a busy machine."""
    with Client(timeout_seconds=10, max_connections=16, transport=tape) as made:
        yield made
