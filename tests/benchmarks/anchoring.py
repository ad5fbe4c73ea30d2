"""What the chain and its checkpoints cost, on each database: JSON on stdout.

`python -m tests.benchmarks.anchoring [--processes 16] [--seconds 10] [--databases sqlite,postgresql]`

Entries that processes append at once, which stay one chain; and recalls at a rate, with a worker that signs beside them
every ten seconds and after each, against the same without: both in one run, one after the other, several times.
"""

import argparse
import json
import logging
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ledger import Ledger, Settings
from ledger.services.audit.keys import generate
from ledger.services.reports.verifier import Verifier
from ledger.store.audit import history
from ledger.store.database import Database

from . import machine
from .databases import KINDS, Kind
from .filling import fill
from .pretending import PretendDingTalk
from .workload import ROBOT

RATE, LATENCY_SECONDS, KEYS_PER_CALL = 60, 0.1, 20
# So long the worker has to sign the end.
SECONDS_AFTER = 6.0


def main() -> None:
    """Measure both on each database."""
    # It says each second that the recall is still under way.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    options = _options()
    report: dict[str, Any] = {"machine": machine.facts(), "databases": {}}
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder:
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            kind = KINDS[name](home)
            report["databases"][name] = {
                "appending": appending(kind, options.processes, options.seconds),
                "recalls": recalls(kind, home, options.seconds, options.rounds),
            }
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.anchoring", description=__doc__)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--databases", default="sqlite,postgresql", help="names with a comma between them")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    return parser.parse_args()


def appending(kind: Kind, processes: int, seconds: float) -> dict[str, Any]:
    """Append an entry a transaction from many processes at once."""
    context = multiprocessing.get_context("spawn")
    with kind.fresh() as url:
        begin = context.Barrier(processes)
        work = [context.Process(target=_append, args=(url, seconds, begin)) for _ in range(processes)]
        for one in work:
            one.start()
        for one in work:
            one.join()
        database = Database(url)
        found = Verifier(database).run_once()
        with database.read() as connection:
            numbers = [stored.id for stored in history.read_all(connection)]
        database.close()
    assert found.ok, found.findings[:3]
    return {
        "processes": processes,
        "entries": found.entries,
        "entries_per_second": round(found.entries / seconds),
        "is_one_chain": found.ok,
        "is_without_gaps": numbers == list(range(1, len(numbers) + 1)),
    }


def _append(url: str, seconds: float, begin: Any) -> None:
    database = Database(url)
    database.ask()
    begin.wait()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with database.write() as connection:
            entry = history.Entry(
                at=datetime.now(UTC), event="purged", actor="worker", recall_id=None, detail={"messages": 1}
            )
            history.append(connection, [entry])
    database.close()


def recalls(kind: Kind, home: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Run recalls with and without checkpoints, in turn."""
    generate(home / "audit.key")
    anchored = {
        "audit_key_file": home / "audit.key",
        "audit_checkpoint_file": home / "kept.jsonl",
        "audit_checkpoint_seconds": 10,
    }
    rates: dict[str, list[float]] = {"without": [], "with": []}
    with PretendDingTalk() as dingtalk:
        for _ in range(rounds):
            for name, settings in (("without", {}), ("with", anchored)):
                rates[name].append(_rate(kind, dingtalk, seconds, settings))
    kept = home / "kept.jsonl"
    # A run that is over at once may have signed nothing.
    written = kept.read_text().count("\n") if kept.exists() else 0
    ratio = statistics.median(rates["with"]) / statistics.median(rates["without"])
    return {"limit": RATE, **rates, "ratio": round(ratio, 4), "checkpoints_written": written}


def _rate(kind: Kind, dingtalk: PretendDingTalk, seconds: float, settings: dict[str, Any]) -> float:
    dingtalk.start_over(calls_per_second=RATE, latency_seconds=LATENCY_SECONDS)
    with kind.fresh() as url, tempfile.TemporaryDirectory() as spool:
        fill(url, dingtalk.make_keys(int(RATE * seconds * KEYS_PER_CALL), ROBOT), campaign="spring")
        common = {"database_url": url, "api_url": dingtalk.url, "app_key": "key", "app_secret": "a-long-secret"}
        given = Settings.load(**common, spool_dir=spool, calls_per_second=RATE, calls_in_flight=32, **settings)
        with Ledger(given) as book:
            worker = book.parts.worker()
            desk = threading.Thread(target=worker.run)
            desk.start()
            book.run(book.plan(campaign="spring", reason="wrong link", actor="wang"), actor="wang")
            time.sleep(SECONDS_AFTER)
            worker.stop()
            desk.join()
    return round(dingtalk.seen().calls_per_second(), 2)


if __name__ == "__main__":
    main()
