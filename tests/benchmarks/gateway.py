"""How much time the gateway adds to a send, beside the same sends without it, and as a plain proxy: JSON on stdout.

`python -m tests.benchmarks.gateway [--in-flight 1,50,200] [--waits 0,100] [--workers 1,2] [--databases sqlite]`

So many sends are always in flight; the endpoint answers after the milliseconds of `--waits`. At 0 everybody is as busy
as can be, and what is added is mostly waiting for a processor; 100 is about what DingTalk takes. The plain proxy is the
same gateway with calls that are no sends, which it forwards and does not record; the three take turns.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from . import machine
from .answering import answering
from .databases import KINDS

SEND_PATH = "/v1.0/robot/oToMessages/batchSend"
PLAIN_PATH = "/v1.0/contact/users/search"
USERS = [f"user-{number}" for number in range(20)]
BODY = json.dumps({"robotCode": "robot-1", "userIds": USERS, "msgKey": "sampleText", "msgParam": "{}"}).encode()
HEADERS = {"Content-Type": "application/json", "x-acs-dingtalk-access-token": "a" * 32, "x-ledger-campaign": "spring"}
WARM_UP_SENDS = 300
ROUNDS = 3
AT_LEAST = 100

Figures = dict[str, float]


def main() -> None:
    """Measure everything in one run."""
    options = _options()
    report: dict[str, Any] = {
        "machine": machine.facts(),
        "load_average_before": os.getloadavg(),
        "recipients": len(USERS),
        "databases": {},
    }
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder, answering() as endpoint:
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            kind = KINDS[name](home)
            measured: dict[str, Any] = {"database": kind.facts()}
            for workers in _numbers(options.workers):
                with kind.fresh() as url, _gateway(endpoint, url, home, workers) as gateway:
                    measured[f"{workers} workers"] = _measure(options, endpoint, gateway)
            report["databases"][name] = measured
    report["load_average_after"] = os.getloadavg()
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gateway", description=__doc__)
    parser.add_argument("--in-flight", default="1,50,200", help="numbers with a comma between them, as all lists here")
    parser.add_argument("--waits", default="0,100", help="after how many milliseconds the endpoint answers")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each measurement goes on")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


@contextmanager
def _gateway(endpoint: str, url: str, home: Path, workers: int) -> Iterator[str]:
    ours = {"LEDGER_DATABASE_URL": url, "LEDGER_API_URL": endpoint, "LEDGER_SPOOL_DIR": str(home / "spool")}
    command = [sys.executable, "-m", "ledger", "gateway", "--port", "0", "--workers", str(workers)]
    with subprocess.Popen(command, env={**os.environ, **ours}, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"listening on (\S+),", process.stderr.readline())
        assert found is not None
        try:
            yield found[1]
        finally:
            process.terminate()
            sys.stderr.write(process.stderr.read())


def _measure(options: argparse.Namespace, endpoint: str, gateway: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    uvloop.run(_drive(gateway + SEND_PATH, 8, 0, 0.5, at_least=WARM_UP_SENDS))
    ways = {"direct": endpoint + SEND_PATH, "plain": gateway + PLAIN_PATH, "through": gateway + SEND_PATH}
    for wait in _numbers(options.waits):
        for in_flight in _numbers(options.in_flight):
            rounds = [
                {way: uvloop.run(_drive(url, in_flight, wait, options.seconds / ROUNDS)) for way, url in ways.items()}
                for _ in range(ROUNDS)
            ]
            figures = {way: _figures([one[way] for one in rounds]) for way in ways}
            added = {
                f"{name} by {way}": round(figures[way][name] - figures["direct"][name], 2)
                for name in ("p50_ms", "p99_ms")
                for way in ("plain", "through")
            }
            name = f"{in_flight} in flight, endpoint answers after {wait} ms"
            found[name] = {"added": added, **figures}
            sys.stderr.write(f"{name}: added {added}, {figures['through']['per_second']:.0f}/s\n")
    return found


def _figures(rounds: list[tuple[list[float], float]]) -> Figures:
    taken = sorted(seconds for one, _ in rounds for seconds in one)
    return {
        "p50_ms": round(1000 * taken[len(taken) // 2], 2),
        "p99_ms": round(1000 * taken[len(taken) * 99 // 100], 2),
        "per_second": round(len(taken) / sum(seconds for _, seconds in rounds), 1),
    }


async def _drive(
    url: str, in_flight: int, wait: int, seconds: float, at_least: int | None = None
) -> tuple[list[float], float]:
    """Keep so many sends in flight for a while, and return how long each took, and all of it."""
    target, began = f"{url}?wait={wait}", time.perf_counter()
    taken: list[float] = []

    async def send_on(session: aiohttp.ClientSession) -> None:
        while time.perf_counter() - began < seconds or len(taken) < (at_least or AT_LEAST):
            at = time.perf_counter()
            async with session.post(target, data=BODY, headers=HEADERS) as answer:
                message = await answer.json()
            if "processQueryKey" not in message:
                raise RuntimeError(f"a send was not answered: {message}")
            taken.append(time.perf_counter() - at)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(send_on(session) for _ in range(in_flight)))
    return taken, time.perf_counter() - began


if __name__ == "__main__":
    main()
