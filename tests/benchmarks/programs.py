"""What programs ask of the HTTP API on a large ledger: one message, many at once, campaigns, and the history."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from statistics import quantiles
from typing import Any

import httpx

from ledger.clock import format_time

from .workload import ROBOT, key_of

RECIPIENTS = 20
SINGLES, THREADS = 600, (1, 16)
BULKS, ROWS_PER_BULK = 12, 2000
LOOKS = 15


def measure(client: httpx.Client) -> dict[str, Any]:
    """Ask for everything, one after the other; times are in milliseconds."""
    figures: dict[str, Any] = {}
    for threads in THREADS:
        took, seconds = _singles(client, threads)
        figures[f"record one message, {threads} at once"] = {
            "messages_per_second": round(SINGLES / seconds),
            **_percentiles(took),
        }
    took, seconds = _timed([partial(_bulk, client, number) for number in range(BULKS)])
    figures[f"record {ROWS_PER_BULK} messages at once"] = {
        "messages_per_second": round(BULKS * ROWS_PER_BULK / seconds),
        **_percentiles(took),
    }
    for name, path in (
        ("campaigns", "/v1/campaigns"),
        ("history, a page", "/v1/history?limit=100"),
        ("history of a campaign, a page", "/v1/history?campaign=campaign+1&limit=100"),
        ("messages of a campaign, a page", "/v1/messages?campaign=campaign+20&limit=100"),
        ("recalls, a page", "/v1/recalls?limit=50"),
    ):
        took, _ = _timed([partial(_get, client, path)] * LOOKS)
        figures[name] = _percentiles(took)
    figures["history whole, as CSV"] = _whole_history(client)
    return figures


def _rows(name: str, count: int) -> list[dict[str, Any]]:
    at = format_time(datetime.now(UTC))
    users = [f"user-{number}" for number in range(RECIPIENTS)]
    return [
        {
            "processQueryKey": key_of(f"{name}/{number}"),
            "robotCode": ROBOT,
            "userIds": users,
            "campaign": "programs",
            "sentAt": at,
        }
        for number in range(count)
    ]


def _singles(client: httpx.Client, threads: int) -> tuple[list[float], float]:
    rows = _rows(f"single {threads}", SINGLES)
    taken: list[float] = []

    def work(thread: int) -> None:
        for row in rows[thread::threads]:
            started = time.perf_counter()
            client.post("/v1/messages", json=row).raise_for_status()
            taken.append((time.perf_counter() - started) * 1000)

    workers = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return taken, time.perf_counter() - started


def _bulk(client: httpx.Client, number: int) -> None:
    answer = client.post("/v1/messages", json=_rows(f"bulk {number}", ROWS_PER_BULK)).raise_for_status().json()
    assert answer["recorded"] == ROWS_PER_BULK


def _get(client: httpx.Client, path: str) -> None:
    client.get(path).raise_for_status()


def _whole_history(client: httpx.Client) -> dict[str, float]:
    started, size, first = time.perf_counter(), 0, 0.0
    with client.stream("GET", "/v1/history?format=csv") as answer:
        answer.raise_for_status()
        for chunk in answer.iter_bytes():
            first = first or (time.perf_counter() - started) * 1000
            size += chunk.count(b"\n")
    return {
        "rows": size - 1,
        "first_ms": round(first, 1),
        "rows_per_second": round(size / (time.perf_counter() - started)),
    }


def _timed(actions: list[Callable[[], object]]) -> tuple[list[float], float]:
    taken, began = [], time.perf_counter()
    for action in actions:
        started = time.perf_counter()
        action()
        taken.append((time.perf_counter() - started) * 1000)
    return taken, time.perf_counter() - began


def _percentiles(taken: list[float]) -> dict[str, float]:
    cuts = quantiles(taken, n=100, method="inclusive")
    return {"p50_ms": round(cuts[49], 1), "p99_ms": round(cuts[98], 1)}
