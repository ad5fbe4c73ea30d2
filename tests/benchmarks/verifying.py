"""How fast a long history is verified, and in how much memory.

`python -m tests.benchmarks.verifying [--entries 1000000] [--databases sqlite,postgresql]`: JSON on stdout

The history is one of finished recalls, each of calls with one message, in which everything fits.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from ledger.clock import format_time
from ledger.core.audit.chain import GENESIS
from ledger.core.recalls.frozen import mark_of
from ledger.services.reports.verifier import Verifier
from ledger.store.audit.history import Entry, link
from ledger.store.database import Database
from ledger.store.schema import history, recall_calls, recall_items, recalls

from . import machine
from .databases import KINDS

CALLS_A_RECALL = 1000
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def main() -> None:
    """Fill and verify, on each database."""
    options = _options()
    report: dict[str, Any] = {"machine": machine.facts(), "entries": options.entries, "databases": {}}
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder:
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            with KINDS[name](home).fresh() as url:
                fill(url, options.entries)
                report["databases"][name] = measure(url)
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.verifying", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--databases", default="sqlite,postgresql", help="names with a comma between them")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    return parser.parse_args()


def measure(url: str) -> dict[str, Any]:
    """Verify once; memory is the largest that this process ever had, before and after."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    database = Database(url)
    started, started_cpu = time.perf_counter(), time.process_time()
    found = Verifier(database).run_once()
    seconds, cpu = time.perf_counter() - started, time.process_time() - started_cpu
    database.close()
    assert found.ok, found.findings[:3]
    return {
        "entries": found.entries,
        "seconds": round(seconds, 1),
        "processor_seconds": round(cpu, 1),
        "entries_per_second": round(found.entries / seconds),
        "largest_mb_before": before // 1024,
        "largest_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def fill(url: str, entries: int) -> None:
    """Write recalls with their calls, items and history."""
    database = Database(url)
    previous = GENESIS
    for number in range(1, max(entries // (CALLS_A_RECALL + 3), 1) + 1):
        made = list(_entries(number))
        rows = []
        for entry in made:
            previous = link(previous, entry)
            rows.append(
                {
                    "at": entry.at,
                    "event": entry.event,
                    "actor": entry.actor,
                    "recall_id": entry.recall_id,
                    "detail": dict(entry.detail),
                    "digest": previous,
                }
            )
        with database.write() as connection:
            connection.execute(insert(recalls), [_recall(number)])
            connection.execute(insert(recall_items), [_item(number, one) for one in _numbers(number)])
            connection.execute(insert(recall_calls), [_call(number, one) for one in _numbers(number)])
            connection.execute(insert(history), rows)
    database.close()


def _numbers(recall: int) -> range:
    return range((recall - 1) * CALLS_A_RECALL + 1, recall * CALLS_A_RECALL + 1)


def _at(recall: int) -> datetime:
    return START + timedelta(seconds=recall)


def _entries(recall: int) -> Iterator[Entry]:
    common: dict[str, Any] = {"at": _at(recall), "actor": "wang", "recall_id": recall}
    plan = {"reason": "wrong link", "selection": {}, "plan": {"eligible": CALLS_A_RECALL}, "include_shared": False}
    yield Entry(event="planned", detail={**plan, "follows": None}, **common)
    yield Entry(event="started", detail={}, **common)
    for number in _numbers(recall):
        call = _call(recall, number)
        detail = {
            "call": number,
            "keys": 1,
            "app": "default",
            "chat": "one_to_one",
            "robot": "robot-1",
            "owner": mark_of("owner"),
            "slot_at": format_time(_at(recall)),
            "verdict": "answered",
            "status": 200,
            "code": None,
            "reason": None,
            "request_id": call["request_id"],
            "ms": 200,
            "items": [[number, f"key-{number:020}", "recalled", None, None, 1]],
        }
        yield Entry(event="call", detail=detail, **common)
    yield Entry(event="finished", detail={}, **common)


def _recall(number: int) -> dict[str, Any]:
    at = _at(number)
    return {
        "id": number,
        "status": "finished",
        "reason": "wrong link",
        "actor": "wang",
        "selection": {},
        "include_shared": False,
        "plan": {"eligible": CALLS_A_RECALL},
        "next_lane": 1,
        "planned_at": at,
        "activated_at": at,
        "started_at": at,
        "finished_at": at,
    }


def _item(recall: int, number: int) -> dict[str, Any]:
    at = _at(recall)
    return {
        "id": number,
        "recall_id": recall,
        "message_id": number,
        "lane": 1,
        "app": "default",
        "chat": "one_to_one",
        "robot_code": "robot-1",
        "process_query_key": f"key-{number:020}",
        "campaign": "spring",
        "sent_at": START,
        "deadline": START + timedelta(days=1),
        "recipients": [f"user-{number}"],
        "undelivered": {},
        "outcome": "recalled",
        "attempts": 1,
        "call_id": number,
        "finished_at": at,
    }


def _call(recall: int, number: int) -> dict[str, Any]:
    at = _at(recall)
    return {
        "id": number,
        "recall_id": recall,
        "app": "default",
        "chat": "one_to_one",
        "robot_code": "robot-1",
        "key_count": 1,
        "owner": "owner",
        "slot_at": at,
        "lease_until": at,
        "finished_at": at,
        "verdict": "answered",
        "http_status": 200,
        "request_id": f"request-{number}",
        "duration_ms": 200,
    }


if __name__ == "__main__":
    main()
