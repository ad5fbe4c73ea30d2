"""While PostgreSQL restarts, everybody waits a little: nothing is lost, and nobody sees a 5xx."""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger import Ledger, Settings
from ledger.core.access.roles import Role
from ledger.store import migrate
from tests.databases import Server
from tests.sending import row

from .conftest import Service, serving

REQUESTS_BEFORE_AND_AFTER = 20


@pytest.fixture
def server() -> Iterator[Server]:
    """A PostgreSQL that nobody else uses."""
    with tempfile.TemporaryDirectory(prefix="ledger-pg-") as folder:
        own = Server(Path(folder))
        try:
            yield own
        finally:
            own.stop()


@pytest.fixture
def service(server: Server, tmp_path: Path) -> Iterator[Service]:
    """A service on it, with ordinary time."""
    with Ledger(Settings.load(database_url=server.url, spool_dir=tmp_path / "spool")) as book:
        migrate.upgrade(book.parts.database)
        with serving(book) as running:
            yield running


def test_nothing_is_lost_and_nothing_is_a_5xx(service: Service, server: Server) -> None:
    book, statuses, slowest = service.book, Counter[int](), [0.0]
    secret, goes_on = service.token(Role.ADMIN), threading.Event()
    answered = Counter[str]()

    def ask(name: str, path: str, body: Any = None) -> None:
        with service.client(secret) as client:
            number = 0
            while not goes_on.is_set():
                number += 1
                started = time.monotonic()
                rows = [row(f"{name}-{number}-{key}", book.parts.clock.now(), users=["ann"]) for key in range(20)]
                answer = client.get(path) if body is None else client.post(path, json=rows)
                slowest[0] = max(slowest[0], time.monotonic() - started)
                statuses[answer.status_code] += 1
                answered[name] += 1
                if body is not None and answer.status_code == 200:
                    # Rows whose commit was not heard of come again as duplicates, when the door asks once more.
                    counts = answer.json()
                    answered["promised"] += counts["recorded"] + counts["spooled"] + counts["duplicates"]

    asked = {
        "record": ("/v1/messages", True),
        "record-too": ("/v1/messages", True),
        "campaigns": ("/v1/campaigns", None),
        "recalls": ("/v1/recalls", None),
        "history": ("/v1/history", None),
    }
    threads = [threading.Thread(target=ask, args=(name, *what)) for name, what in asked.items()]
    for thread in threads:
        thread.start()
    wait_until(lambda: min(answered[name] for name in asked) >= REQUESTS_BEFORE_AND_AFTER)
    for _ in range(2):
        server.kill()
        server.start()
        before = dict(answered)
        wait_until(lambda: min(answered[name] - before[name] for name in asked) >= REQUESTS_BEFORE_AND_AFTER)  # noqa: B023
    goes_on.set()
    for thread in threads:
        thread.join(30)

    assert set(statuses) == {200}, statuses
    assert slowest[0] < 15
    book.parts.recorder.replay()
    with psycopg.connect(server.url) as connection:
        (stored,) = connection.execute("SELECT count(*) FROM messages").fetchone() or (0,)
    assert stored == answered["promised"] > 0
    print(dict(answered), f"slowest {slowest[0]:.1f} s")  # noqa: T201


def wait_until(is_so: Any) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)
