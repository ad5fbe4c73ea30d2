"""What a growing ledger costs: each size is filled, and then all that people and programs do with it takes its turn.

`python -m tests.benchmarks.growing [--sizes 100000,1000000] [--databases sqlite,postgresql]`: JSON on stdout

Any size goes: a million messages to 20 people each take about 1 GB. Half of them are past their window, and purged at
the end, beside a sender. What others do at the disk meanwhile shows in seconds, and little in processor time.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from pydantic import SecretStr

from ledger.app import Ledger
from ledger.core.recalls.selection import Selection
from ledger.core.recording.message import AppName, Campaign, UserId
from ledger.settings import Settings
from ledger.store.database import Database
from ledger.store.recalls.candidates import candidates
from ledger.store.recalls.plans import prefer_indexes

from . import ceilings, machine, purging
from .console import serving
from .databases import KINDS, Kind
from .workload import MESSAGES_PER_CAMPAIGN, ROBOT, Workload

ROWS_PER_TRANSACTION = 10_000
SEARCHES, RECORDS, LOOKS = 30, 300, 5
MOST_RECALLED = 100_000

Figures = dict[str, Any]


def main() -> None:
    """Measure everything in one run."""
    options = _options()
    sizes = [int(size) for size in options.sizes.split(",")]
    report: Figures = {"machine": machine.facts(), "recipients": options.recipients, "databases": {}}
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder:
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            kind = KINDS[name](home)
            report["databases"][name] = {"database": kind.facts()} | {
                size: _measure(kind, size, options.recipients, home) for size in sizes
            }
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growing", description=__doc__)
    parser.add_argument("--sizes", default="100000,1000000", help="messages, with a comma between them")
    parser.add_argument("--recipients", type=int, default=20)
    parser.add_argument("--databases", default="sqlite,postgresql", help="names with a comma between them")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    return parser.parse_args()


def _measure(kind: Kind, size: int, recipients: int, home: Path) -> Figures:
    with kind.fresh() as url:
        workload = Workload(size, recipients, datetime.now(UTC))
        begun = time.perf_counter()
        _fill(kind, url, workload)
        figures: Figures = {"fill_messages_per_second": round(size / (time.perf_counter() - begun))}
        settings = Settings(
            database_url=url, app_key="dingapp", app_secret=SecretStr("a-long-secret"), spool_dir=home / "spool"
        )
        with Ledger(settings) as book:
            book.campaigns()  # opens the connection, loads the code and counts people, which is once
            figures["record"] = _record(book, recipients)
            figures["find"] = _find(url, workload)
            figures["campaigns_ms"] = _median_ms(book.campaigns)
            with serving(book) as client:
                for name, path in (("now", "/"), ("campaign", "/campaign?name=campaign-0")):
                    figures[f"page_{name}_ms"] = _median_ms(partial(client.get, path))
            figures["recall"] = _recall(book, size)
        figures["purge_of_half"] = _purge(url)
    sys.stderr.write(f"{kind.name}, {size}: {json.dumps(figures)}\n")
    return figures


def _fill(kind: Kind, url: str, workload: Workload) -> None:
    database = Database(url)
    insert = next(iter(ceilings.WAYS[kind.name].values()))[0]
    connection = database.engine.raw_connection()
    rows = ceilings.values_of(kind.name, workload)
    while batch := list(islice(rows, ROWS_PER_TRANSACTION)):
        insert(connection.driver_connection, batch)
    connection.close()
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
        plain.exec_driver_sql("ANALYZE")
    database.close()


def _record(book: Ledger, recipients: int) -> Figures:
    """Record one message after the other."""
    taken, users = [], [f"new-{number}" for number in range(recipients)]
    for number in range(RECORDS):
        started = time.perf_counter()
        book.record(process_query_key=f"grown-{number}", robot_code=ROBOT, user_ids=users, campaign="growing")
        taken.append((time.perf_counter() - started) * 1000)
    cuts = quantiles(taken, n=100, method="inclusive")
    return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2)}


def _find(url: str, workload: Workload) -> Figures:
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


def _median_ms(action: Callable[[], object]) -> float:
    taken = []
    for _ in range(LOOKS):
        started = time.perf_counter()
        action()
        taken.append((time.perf_counter() - started) * 1000)
    return round(median(taken), 1)


def _recall(book: Ledger, size: int) -> Figures:
    """Plan to recall the newest campaigns, and start it, up to where its first call could leave."""
    last = (size - 1) // MESSAGES_PER_CAMPAIGN
    newest = [f"campaign-{last - number}" for number in range(min(MOST_RECALLED // MESSAGES_PER_CAMPAIGN, last + 1))]
    recent = datetime.now(UTC) - timedelta(hours=6)
    begun = time.perf_counter()
    plan = book.plan(campaign=newest, since=recent, reason="to see what it costs", actor="benchmark")
    planned = time.perf_counter()
    book.parts.lifecycle.start(plan.recall_id)
    started = time.perf_counter()
    book.parts.freezer.finish(plan.recall_id)
    copied = time.perf_counter()
    book.cancel(plan.recall_id, actor="benchmark")
    return {
        "messages": plan.eligible,
        "plan_seconds": round(planned - begun, 2),
        "until_first_call_seconds": round(started - planned, 2),
        "copying_beside_calls_seconds": round(copied - started, 2),
    }


def _purge(url: str) -> Figures:
    bare = purging.measure_bare(url)
    with_sender = {name: round(value, 2) for name, value in purging.measure_with_sender(url).items()}
    return with_sender | {
        "bare_delete_seconds": round(bare, 2),
        "times_a_bare_delete": round(with_sender["purge_seconds"] / bare, 2),
    }


if __name__ == "__main__":
    main()
