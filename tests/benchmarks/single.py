"""One message at a time, from one thread and from sixteen, beside the driver's own insert and commit of one row.

`python -m tests.benchmarks.single [--messages 8000] [--databases sqlite,postgresql]`: JSON on stdout

The two take turns, a part of the messages each time, so that a slow moment of the machine falls on both: what counts is
the median of what they reached in turns that follow each other.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from ledger.app import Ledger
from ledger.settings import Settings
from ledger.store.database import Database

from . import ceilings, machine
from .databases import KINDS, Kind
from .workload import Workload

THREADS = (1, 16)
TURNS = 20
Do = Callable[[int], object]


def main() -> None:
    """Measure everything in one run; the ways take turns."""
    options = _options()
    report: dict[str, Any] = {"machine": machine.facts(), "recipients": options.recipients, "databases": {}}
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder:
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            kind = KINDS[name](home)
            workload = Workload(options.messages, options.recipients, datetime.now(UTC))
            found: dict[str, Any] = {"database": kind.facts()}
            for threads in THREADS:
                found |= _beside_the_driver(kind, workload, threads)
            report["databases"][name] = found
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.single", description=__doc__)
    parser.add_argument("--messages", type=int, default=8000)
    parser.add_argument("--recipients", type=int, default=20)
    parser.add_argument("--databases", default="sqlite,postgresql", help="names with a comma between them")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    return parser.parse_args()


@contextmanager
def record(url: str, workload: Workload) -> Iterator[Do]:
    """Give what records one of the messages, by its number."""
    rows = list(workload.rows())
    with Ledger(Settings(database_url=url)) as book:
        book.campaigns()  # opens the connection and loads the code, which is no part of a record

        def do(number: int) -> None:
            row = rows[number]
            book.record(
                process_query_key=row["processQueryKey"],
                robot_code=row["robotCode"],
                user_ids=row["userIds"],
                campaign=row["campaign"],
                sent_at=row["sentAt"],
            )

        yield do


@contextmanager
def _driver(url: str, workload: Workload) -> Iterator[Do]:
    """Insert and commit each row by itself, every thread on a connection of its own."""
    database = Database(url)
    name = "sqlite" if database.is_sqlite else "postgresql"
    insert, rows = list(ceilings.WAYS[name].values())[-1][0], ceilings.VALUES[name](workload)
    own = threading.local()

    def do(number: int) -> None:
        if not hasattr(own, "connection"):
            own.connection = database.engine.raw_connection()
        insert(own.connection.driver_connection, rows[number : number + 1])

    yield do
    database.close()


@dataclass(slots=True)
class Turns:
    """What one of the two took: seconds of each turn, milliseconds of each message, processor seconds of all."""

    do: Do
    seconds: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    processor_seconds: float = 0.0

    def take(self, numbers: range, threads: int) -> None:
        """Write messages from so many threads."""

        def work(thread: int) -> None:
            for number in numbers[thread::threads]:
                started = time.perf_counter()
                self.do(number)
                self.milliseconds.append((time.perf_counter() - started) * 1000)

        workers = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
        started, spent = time.perf_counter(), time.process_time()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.seconds.append(time.perf_counter() - started)
        self.processor_seconds += time.process_time() - spent

    def figures(self) -> dict[str, float]:
        """Return them for people."""
        return figures(self.seconds, self.milliseconds, self.processor_seconds)


def figures(seconds: Sequence[float], milliseconds: Sequence[float], processor_seconds: float) -> dict[str, float]:
    """Return what messages took for people: seconds of turns, milliseconds of each, the processor's of all."""
    cuts, count = quantiles(milliseconds, n=100, method="inclusive"), len(milliseconds)
    return {
        "messages_per_second": round(count / sum(seconds)),
        "p50_ms": round(cuts[49], 2),
        "p99_ms": round(cuts[98], 2),
        "processor_microseconds": round(1e6 * processor_seconds / count),
    }


def _beside_the_driver(kind: Kind, workload: Workload, threads: int) -> dict[str, Any]:
    with ExitStack() as stack:
        ways = {
            way: Turns(stack.enter_context(opened(stack.enter_context(kind.fresh()), workload)))
            for way, opened in (("driver", _driver), ("record", record))
        }
        size = workload.messages // TURNS
        for turn in range(TURNS):
            numbers = range(turn * size, (turn + 1) * size)
            for way in sorted(ways, reverse=turn % 2 == 0):
                ways[way].take(numbers, threads)
    ratios = [driver / record for driver, record in zip(ways["driver"].seconds, ways["record"].seconds, strict=True)]
    found: dict[str, Any] = {f"{way}, {threads} threads": turns.figures() for way, turns in ways.items()}
    return found | {f"record to driver, {threads} threads": round(median(ratios), 2)}


if __name__ == "__main__":
    main()
