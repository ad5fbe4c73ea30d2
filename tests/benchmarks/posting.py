"""Single messages handed in over HTTP, sixteen at once, beside `record` from sixteen threads of one program.

`python -m tests.benchmarks.posting [--messages 4000] [--databases sqlite,postgresql]`: JSON on stdout

The two take turns, as in `single`. The service is a process of its own, and knows who asks by a token; whoever posts
speaks plain HTTP over connections that stay, so that little of what is measured is the client's.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from ledger.app import Ledger
from ledger.core.access.roles import Role
from ledger.settings import Settings

from . import machine
from .databases import KINDS, Kind
from .processor import seconds_of
from .single import Turns, figures, record
from .workload import Workload

AT_ONCE = 16
TURNS = 10
START_SECONDS = 30


def main() -> None:
    """Measure everything in one run."""
    options = _options()
    report: dict[str, Any] = {"machine": machine.facts(), "recipients": options.recipients, "databases": {}}
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder:
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            kind = KINDS[name](home)
            workload = Workload(options.messages, options.recipients, datetime.now(UTC))
            report["databases"][name] = {"database": kind.facts(), **_beside_record(kind, workload, home)}
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.posting", description=__doc__)
    parser.add_argument("--messages", type=int, default=8000)
    parser.add_argument("--recipients", type=int, default=20)
    parser.add_argument("--databases", default="sqlite,postgresql", help="names with a comma between them")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    return parser.parse_args()


def _beside_record(kind: Kind, workload: Workload, home: Path) -> dict[str, Any]:
    rows = list(workload.rows())
    with (
        kind.fresh() as url,
        kind.fresh() as other,
        _service(url, home / "spool") as service,
        record(other, workload) as do,
    ):
        posts, records = Posts(service, rows), Turns(do)
        size = workload.messages // TURNS
        for turn in range(TURNS):
            numbers = range(turn * size, (turn + 1) * size)
            posts.take(numbers)
            records.take(numbers, AT_ONCE)
    ratios = [ours / posted for ours, posted in zip(records.seconds, posts.seconds, strict=True)]
    return {"posted": posts.figures(), "recorded": records.figures(), "posted to recorded": round(median(ratios), 2)}


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs: its port, the token that lets in, and its process."""

    port: int
    token: str
    process_id: int


@contextmanager
def _service(url: str, spool: Path) -> Iterator[Service]:
    with Ledger(Settings(database_url=url)) as book:
        token = book.parts.service_tokens.create("sender", Role.RECORDER, actor="benchmark").secret
    environment = {**os.environ, "LEDGER_DATABASE_URL": url, "LEDGER_SPOOL_DIR": str(spool)}
    command = [sys.executable, "-m", "ledger", "serve", "--port", "0", "--no-worker"]
    log = spool.with_name("service.log")  # a line for each request: a pipe that nobody reads would fill
    with log.open("w") as lines, subprocess.Popen(command, env=environment, stderr=lines) as process:
        try:
            yield Service(_port(log), token, process.pid)
        finally:
            process.terminate()


def _port(log: Path) -> int:
    """Return where a service listens, once it says so."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if (found := re.search(r"listening on http://127\.0\.0\.1:(\d+),", log.read_text("utf-8"))) is not None:
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(f"the service did not start: {log.read_text('utf-8')}")


@dataclass(slots=True)
class Posts:
    """What posting took: as `Turns`, with the service's processor time."""

    service: Service
    rows: Sequence[dict[str, Any]]
    seconds: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    processor_seconds: float = 0.0

    def take(self, numbers: range) -> None:
        """Post messages over so many connections."""
        requests = [self._request(self.rows[number]) for number in numbers]
        before = seconds_of(self.service.process_id)
        self.seconds.append(uvloop.run(self._send(requests)))
        self.processor_seconds += seconds_of(self.service.process_id) - before

    def figures(self) -> dict[str, float]:
        """Return them for people."""
        return figures(self.seconds, self.milliseconds, self.processor_seconds)

    def _request(self, row: dict[str, Any]) -> bytes:
        body = json.dumps(row).encode()
        head = (
            f"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:{self.service.port}\r\n"
            f"Authorization: Bearer {self.service.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def _send(self, requests: Sequence[bytes]) -> float:
        """Return the seconds from the first request to the last answer; connections are there before."""
        connections = [await asyncio.open_connection("127.0.0.1", self.service.port) for _ in range(AT_ONCE)]

        async def work(number: int) -> None:
            reader, writer = connections[number]
            for request in requests[number::AT_ONCE]:
                started = time.perf_counter()
                writer.write(request)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
                if b'"recorded":1' not in body:
                    raise RuntimeError(f"a message was not recorded: {body.decode()}")
                self.milliseconds.append((time.perf_counter() - started) * 1000)

        started = time.perf_counter()
        await asyncio.gather(*map(work, range(AT_ONCE)))
        seconds = time.perf_counter() - started
        for _, writer in connections:
            writer.close()
        return seconds


if __name__ == "__main__":
    main()
