"""How much time a hook adds to a send, by library, sends in flight and database: JSON on stdout.

`python -m tests.benchmarks.watching [--sends 600] [--in-flight 1,50,200] [--databases sqlite,postgresql]`
Each way of sending takes turns with the same client unwatched. The endpoint takes the longer to answer the more are in
flight, so that the rate is the same: what is measured is the time that a hook adds, not a processor that has no more.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ledger.app import Ledger
from ledger.settings import Settings

from . import machine
from .databases import KINDS
from .loads import LOADS, Load, Watch, unwatched

# What the machine can do beside other work, watched or not.
SENDS_PER_SECOND = 100
PERCENTILES = {"p50": 0.50, "p99": 0.99}
Times = list[float]


def main() -> None:
    """Measure everything in one run."""
    options = _options()
    report: dict[str, Any] = {
        "machine": machine.facts(),
        "at": datetime.now(UTC).isoformat(),
        "load_average_before": os.getloadavg(),
        "sends": options.sends,
        "sends_per_second": SENDS_PER_SECOND,
        "rounds": options.rounds,
        "databases": {},
    }
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder, ExitStack() as stack:
        numbers = [int(number) for number in options.in_flight.split(",")]
        urls = {number: stack.enter_context(_endpoint(number / SENDS_PER_SECOND)) for number in numbers}
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            with KINDS[name](home).fresh() as database_url:
                spool = home / "spool"
                report["databases"][name] = _measure(database_url, spool, urls, options)
    report["load_average_after"] = os.getloadavg()
    json.dump(report, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.watching", description=__doc__)
    parser.add_argument("--sends", type=int, default=600, help="of each way, at each number in flight")
    parser.add_argument("--rounds", type=int, default=3, help="in how many turns")
    parser.add_argument("--in-flight", default="1,50,200", help="numbers with a comma between them")
    parser.add_argument("--libraries", default=",".join(LOADS), help="names with a comma between them")
    parser.add_argument("--databases", default="sqlite,postgresql", help="names with a comma between them")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    return parser.parse_args()


@contextmanager
def _endpoint(after_seconds: float) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.endpoint", str(after_seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def _measure(database_url: str, spool: Path, urls: dict[int, str], options: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with Ledger(Settings.load(database_url=database_url, spool_dir=spool)) as book:
        book.campaigns()  # opens the connection
        ways: dict[str, Watch] = {
            "unwatched": unwatched,
            "no_wait": book.watch,
            "wait": lambda client: book.watch(client, wait=True),
        }
        for library in options.libraries.split(","):
            for in_flight, url in urls.items():
                figures = _compare(LOADS[library], url, in_flight, ways, options, book.parts.recorder.replay)
                found.setdefault(library, {})[in_flight] = figures
                message = (figures["added_milliseconds"], figures["added_processor_milliseconds"])
                sys.stderr.write(f"{library} {in_flight}: {message}\n")
    return found


def _compare(
    load: Load, url: str, in_flight: int, ways: dict[str, Watch], options: argparse.Namespace, settle: Callable[[], Any]
) -> dict[str, Any]:
    """Let the ways take turns, so that a slow moment of the machine falls on all alike."""
    times: dict[str, Times] = {way: [] for way in ways}
    processor = dict.fromkeys(ways, 0.0)
    for turn in range(options.rounds + 1):
        for way, watch in ways.items():
            sends = max(options.sends // options.rounds, in_flight) if turn > 0 else in_flight
            started = time.process_time()
            taken = load(url, in_flight, sends, in_flight / SENDS_PER_SECOND, watch)
            settle()
            if turn > 0:  # the first warms up
                times[way] += taken
                processor[way] += time.process_time() - started
    milliseconds = {way: {name: _at(taken, part) for name, part in PERCENTILES.items()} for way, taken in times.items()}
    # Of a busy machine this says more than the time by the clock; it holds what the writer's thread does, too.
    each = {way: processor[way] / len(times[way]) * 1000 for way in ways}
    return {
        "milliseconds": milliseconds,
        "processor_milliseconds": {way: round(taken, 3) for way, taken in each.items()},
        "added_processor_milliseconds": {
            way: round(taken - each["unwatched"], 3) for way, taken in each.items() if way != "unwatched"
        },
        "added_milliseconds": {
            way: {name: round(milliseconds[way][name] - milliseconds["unwatched"][name], 3) for name in PERCENTILES}
            for way in ways
            if way != "unwatched"
        },
    }


def _at(times: Times, part: float) -> float:
    return round(sorted(times)[int(len(times) * part)] * 1000, 3)


if __name__ == "__main__":
    main()
