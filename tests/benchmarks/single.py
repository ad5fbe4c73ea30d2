"""One message at a time, from one thread and from sixteen, beside the driver's own insert and commit of one row.

`python -m tests.benchmarks.single [--messages 8000] [--databases sqlite,postgresql]`: JSON on stdout
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from ledger.app import Ledger
from ledger.settings import Settings
from ledger.store.database import Database

from . import ceilings, machine
from .databases import KINDS
from .workload import Workload

THREADS = (1, 16)
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
            figures: dict[str, Any] = {"database": kind.facts()}
            for threads in THREADS:
                for way, opened in (("driver", _driver), ("record", _record)):
                    with kind.fresh() as url, opened(url, workload) as do:
                        figures[f"{way}, {threads} threads"] = _measure(do, threads, options.messages)
            report["databases"][name] = figures
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
def _record(url: str, workload: Workload) -> Iterator[Do]:
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


def _measure(do: Do, threads: int, messages: int) -> dict[str, float]:
    taken: list[float] = []

    def work(thread: int) -> None:
        for number in range(thread, messages, threads):
            started = time.perf_counter()
            do(number)
            taken.append((time.perf_counter() - started) * 1000)

    workers = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - started
    cuts = quantiles(taken, n=100, method="inclusive")
    return {
        "messages_per_second": round(messages / seconds),
        "p50_ms": round(cuts[49], 2),
        "p99_ms": round(cuts[98], 2),
    }


if __name__ == "__main__":
    main()
