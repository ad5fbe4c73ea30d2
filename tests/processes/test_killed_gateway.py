"""A gateway under load whose processes and database are killed: every send is in the ledger, or a trace, and once."""

import os
import random
import re
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from ledger import Ledger, Settings
from ledger.simulator import Simulator
from ledger.store.schema import keyless_sends, messages
from tests.forked_command import ForkedCommand
from tests.processes.conftest import UNLIMITED, Outage, Stage, ended, kill, wait_until

WORKERS = 2
SENDERS = 6
ROUNDS = 4
SEND_PATH = "/v1.0/robot/oToMessages/batchSend"


class Senders:
    """Threads that send one message after the other, each to a user of its own, until they are stopped."""

    def __init__(self, url: str, simulator: Simulator) -> None:
        self._url, self._token = url, simulator.world.issue_token("dingapp")
        self._stopping = threading.Event()
        self.answers: list[tuple[str, str]] = []
        self.failures = 0
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return when all have ended."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _send(self, number: int) -> None:
        headers = {"x-acs-dingtalk-access-token": self._token, "x-ledger-campaign": "spring"}
        count = 0
        with httpx.Client(base_url=self._url, headers=headers, timeout=60) as client:
            while not self._stopping.is_set():
                user, count = f"user-{number}-{count}", count + 1
                body = {"robotCode": "robot-1", "userIds": [user], "msgKey": "sampleText", "msgParam": "{}"}
                try:
                    answer = client.post(SEND_PATH, json=body)
                except httpx.TransportError:
                    self.failures += 1
                else:
                    assert answer.status_code == 200, answer.text
                    self.answers.append((user, answer.json()["processQueryKey"]))


def listening_at(process: ForkedCommand, detail: Path) -> str:
    """Return the address that a gateway says it listens at."""
    wait_until(lambda: b"listening on" in detail.read_bytes() or process.poll() is not None)
    found = re.search(r"listening on (http://[\d.:]+)", detail.read_text())
    assert found is not None, detail.read_text()
    return found[1]


def worker_of(url: str) -> int:
    """Return the process that answers, whichever it is."""
    while True:
        with suppress(httpx.TransportError):
            return int(httpx.get(f"{url}/healthz", timeout=30).json()["process"])


def assert_each_send_is_kept_once(book: Ledger, simulator: Simulator, senders: Senders) -> None:
    """Compare what DingTalk sent with what the ledger knows, user by user."""
    book.parts.recorder.replay()
    assert book.parts.recorder.depth().files == 0
    assert book.parts.recorder.depth().refused_bytes == 0
    with book.parts.database.read() as connection:
        found = connection.execute(select(messages.c.process_query_key, messages.c.recipients)).all()
        traced = connection.scalars(select(keyless_sends.c.recipients)).all()
    keys = {message.users[0]: message.key for message in simulator.world.messages()}
    kept = {recipients[0]: key for key, recipients in found}
    assert Counter(key for key, _ in found).most_common(1)[0][1] == 1
    users = Counter([*kept, *(recipients[0] for recipients in traced)])
    assert users.most_common(1)[0][1] == 1
    assert set(senders.answers) <= set(kept.items())
    assert kept.items() <= keys.items()
    assert set(keys) <= set(users)


@pytest.fixture
def stage(outage: Outage, tmp_path: Path) -> Iterator[Stage]:
    """A stage on a database that can go away."""
    with Simulator(behaviour=UNLIMITED) as simulator:
        made = Stage(outage.url, simulator, tmp_path)
        yield made
        made.stop()


def test_killed_at_random_a_gateway_keeps_every_send_once(stage: Stage, outage: Outage, tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311  (a test that can be repeated)
    detail = tmp_path / "said"
    simulator = stage.simulator
    simulator.world.change(latency_seconds=0.005)
    gateway = stage.start("gateway", "--port", "0", "--workers", str(WORKERS), stderr=detail)
    url = listening_at(gateway, detail)
    senders = Senders(url, simulator)
    try:
        for round_ in range(ROUNDS):
            at = len(senders.answers) + 20 + chance.randrange(80)
            wait_until(lambda: len(senders.answers) > at)  # noqa: B023
            victim = worker_of(url)
            if round_ % 2:
                with outage.away():
                    at = len(senders.answers) + 20
                    wait_until(lambda: len(senders.answers) > at)  # noqa: B023
                    _kill(victim)
            else:
                _kill(victim)
        wait_until(lambda: detail.read_text().count("another takes its place") == ROUNDS)
        at = len(senders.answers) + 50
        wait_until(lambda: len(senders.answers) > at)
    finally:
        senders.stop()
        gateway.terminate()
    assert ended(gateway) == 0
    assert senders.failures > 0, "nobody was killed while it had something to do"
    with Ledger(Settings.load(**stage.given)) as book:
        assert_each_send_is_kept_once(book, simulator, senders)


def _kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


def test_when_all_of_a_gateway_is_killed_the_next_one_takes_in_what_it_left(
    stage: Stage, outage: Outage, tmp_path: Path
) -> None:
    detail = tmp_path / "said"
    simulator = stage.simulator
    gateway = stage.start("gateway", "--port", "0", "--workers", "2", stderr=detail)
    url = listening_at(gateway, detail)
    workers = {worker_of(url)}
    while len(workers) < 2:
        workers.add(worker_of(url))
    with outage.away():
        senders = Senders(url, simulator)
        wait_until(lambda: len(senders.answers) > 100)
        for process in workers:
            os.kill(process, signal.SIGKILL)
        kill(gateway)
        senders.stop()
    assert waiting(tmp_path)
    again = stage.start("gateway", "--port", "0", stderr=detail)
    wait_until(lambda: not waiting(tmp_path))
    again.terminate()
    assert ended(again) == 0
    with Ledger(Settings.load(**stage.given)) as book:
        assert_each_send_is_kept_once(book, simulator, senders)


def waiting(folder: Path) -> list[Path]:
    """Return the journals that nobody has taken in."""
    return list((folder / "spool").rglob("*.journal"))


def test_when_its_head_is_killed_a_gateway_ends_what_is_in_flight_and_goes(stage: Stage, tmp_path: Path) -> None:
    detail = tmp_path / "said"
    simulator = stage.simulator
    gateway = stage.start("gateway", "--port", "0", "--workers", "2", stderr=detail)
    url = listening_at(gateway, detail)
    senders = Senders(url, simulator)
    wait_until(lambda: len(senders.answers) > 100)
    kill(gateway)
    wait_until(lambda: senders.failures > SENDERS)
    senders.stop()
    wait_until(lambda: not is_anybody_there(url))
    wait_until(lambda: not waiting(tmp_path))
    with Ledger(Settings.load(**stage.given)) as book:
        assert_each_send_is_kept_once(book, simulator, senders)
        assert [line.keyless for line in book.campaigns()] == [0]


def is_anybody_there(url: str) -> bool:
    """Say whether an address takes connections."""
    try:
        httpx.get(f"{url}/healthz", timeout=30)
    except httpx.ConnectError:
        return False
    except httpx.TransportError:
        return True
    return True
