"""What a growing ledger costs: finding by user and by campaign, and a purge of half of it beside a sender.

`python -m tests.benchmarks.growing [--sizes 10000,100000,1000000] [--databases sqlite,postgresql]`: JSON on stdout

On PostgreSQL the purge is measured again with an old transaction held open, which keeps what is deleted from going.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from ledger.core.message import AppName, Campaign, UserId
from ledger.core.selection import Selection
from ledger.store.candidates import candidates
from ledger.store.database import Database
from ledger.store.plans import prefer_indexes

from . import ceilings, machine, purging
from .databases import KINDS, Kind
from .workload import Workload

ROWS_PER_TRANSACTION = 10_000
SEARCHES = 30


def main() -> None:
    """Measure everything in one run."""
    options = _options()
    sizes = [int(size) for size in options.sizes.split(",")]
    report: dict[str, Any] = {"machine": machine.facts(), "recipients": options.recipients, "databases": {}}
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder:
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            report["databases"][name] = _measure(KINDS[name](home), sizes, options.recipients)
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growing", description=__doc__)
    parser.add_argument("--sizes", default="10000,100000,1000000", help="messages, with a comma between them")
    parser.add_argument("--recipients", type=int, default=20)
    parser.add_argument("--databases", default="sqlite,postgresql", help="names with a comma between them")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    return parser.parse_args()


def _measure(kind: Kind, sizes: list[int], recipients: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"database": kind.facts(), "find": {}}
    for size in sizes:
        with kind.fresh() as url:
            workload = Workload(size, recipients, datetime.now(UTC))
            _fill(kind, url, workload)
            figures["find"][size] = _find(url, workload)
            if size == sizes[-1]:
                figures["purge_of_half"] = _purge(url)
    if kind.name == "postgresql":
        with kind.fresh() as url:
            _fill(kind, url, Workload(sizes[-1], recipients, datetime.now(UTC)))
            with _old_transaction(url):
                figures["purge_of_half_beside_an_old_transaction"] = _purge(url)
    return figures


def _fill(kind: Kind, url: str, workload: Workload) -> None:
    database = Database(url)
    insert = next(iter(ceilings.WAYS[kind.name].values()))[0]
    connection = database.engine.raw_connection()
    rows = iter(ceilings.VALUES[kind.name](workload))
    while batch := list(islice(rows, ROWS_PER_TRANSACTION)):
        insert(connection.driver_connection, batch)
    connection.close()
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
        plain.exec_driver_sql("ANALYZE")
    database.close()


def _find(url: str, workload: Workload) -> dict[str, float]:
    """Search as a plan does: for users, of whom each got some messages, and for campaigns of a few thousand."""
    rows = list(islice(workload.rows(), SEARCHES))
    users = [Selection(users=frozenset({UserId(row["userIds"][0])})) for row in rows]
    campaigns = [Selection(campaigns=frozenset({Campaign(row["campaign"])})) for row in rows[:3]]
    database = Database(url)

    def search(selection: Selection) -> int:
        with database.read() as connection:
            prefer_indexes(connection)  # as a plan does
            return sum(1 for _ in candidates(connection, selection, lambda _: AppName("default"), 5000))

    search(users[0])
    by_user, by_campaign = _timed(search, users), _timed(search, campaigns)
    database.close()
    return {
        "by_user_p50_ms": round(median(took for took, _ in by_user), 2),
        "by_user_messages": median(found for _, found in by_user),
        "by_campaign_p50_ms": round(median(took for took, _ in by_campaign), 1),
        "by_campaign_messages": median(found for _, found in by_campaign),
    }


def _timed(search: Callable[[Selection], int], selections: list[Selection]) -> list[tuple[float, int]]:
    taken = []
    for selection in selections:
        started = time.perf_counter()
        found = search(selection)
        taken.append(((time.perf_counter() - started) * 1000, found))
    return taken


def _purge(url: str) -> dict[str, float]:
    return {name: round(value, 2) for name, value in purging.measure_with_sender(url).items()}


@contextmanager
def _old_transaction(url: str) -> Iterator[None]:
    """Hold a transaction open that has seen the ledger as it was."""
    database = Database(url)
    with database.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM messages")
        yield
    database.close()


if __name__ == "__main__":
    main()
