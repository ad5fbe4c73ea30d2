"""The purge of what is past its window: how long it takes, its longest transaction, and what a sender feels of it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any

from sqlalchemy import Engine, event, text

from ledger.app import Ledger
from ledger.settings import Settings
from ledger.store.database import Database

SECONDS_BEFORE = 3


def measure(url: str) -> dict[str, float]:
    """Purge once with nobody else at the database."""
    with Ledger(Settings(database_url=url)) as book:
        book.campaigns()  # opens the connection and loads the code, which is no part of a purge
        lengths: list[float] = []
        with _transactions_timed(book.parts.database.engine, lengths):
            started = time.perf_counter()
            purged = book.purge().purged
            seconds = time.perf_counter() - started
    return {
        "messages": purged,
        "seconds": seconds,
        "messages_per_second": purged / seconds,
        "transactions": len(lengths),
        "longest_transaction_ms": max(lengths) * 1000,
    }


def measure_bare(url: str) -> float:
    """Delete what is past its window as plain as can be, with nobody else at the database; return seconds.

    It is one transaction, and taken back.
    """
    database = Database(url)
    with database.engine.connect() as connection, connection.begin() as transaction:
        started = time.perf_counter()
        now = datetime.now(UTC)
        past = f"{now:%Y-%m-%d %H:%M:%S.%f}" if database.is_sqlite else now
        connection.execute(text("DELETE FROM messages WHERE deadline <= :past"), {"past": past})
        if database.is_sqlite:
            hour = int((now - timedelta(hours=24)).timestamp()) // 3600
            connection.execute(text("DELETE FROM message_recipients WHERE sent_hour < :hour"), {"hour": hour})
        seconds = time.perf_counter() - started
        transaction.rollback()
    database.close()
    return seconds


def measure_with_sender(url: str) -> dict[str, float]:
    """Purge while another process records one message after the other, and compare what it feels with before."""
    command = [sys.executable, "-m", "tests.benchmarks.inserting", url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        sender.stdout.readline()
        time.sleep(SECONDS_BEFORE)
        started = time.monotonic()
        purge = measure(url)
        ended = time.monotonic()
        answer, _ = sender.communicate()
    taken: list[tuple[float, float]] = json.loads(answer)
    before = [took for at, took in taken if at < started]
    during = [took for at, took in taken if started <= at < ended]
    return {
        **{f"purge_{name}": purge[name] for name in ("seconds", "longest_transaction_ms")},
        **_percentiles("before", before),
        **_percentiles("during", during),
    }


@contextmanager
def _transactions_timed(engine: Engine, lengths: list[float]) -> Iterator[None]:
    """Collect the seconds of every transaction: from its begin, once any lock is held, until it is committed.

    SQLAlchemy tells of a commit before it is done; the connection's return to the pool comes after it.
    """
    begun: list[float] = []

    def begin(_connection: object) -> None:
        begun.append(time.perf_counter())

    def checkin(_connection: object, _record: object) -> None:
        lengths.append(time.perf_counter() - begun.pop())

    listeners: tuple[tuple[str, Any], ...] = (("begin", begin), ("checkin", checkin))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    yield
    for name, listener in listeners:
        event.remove(engine, name, listener)


def _percentiles(when: str, taken: list[float]) -> dict[str, float]:
    cuts = quantiles(taken, n=100, method="inclusive")
    return {
        f"inserts_{when}": len(taken),
        f"insert_p50_ms_{when}": cuts[49],
        f"insert_p99_ms_{when}": cuts[98],
        f"insert_max_ms_{when}": max(taken),
    }
