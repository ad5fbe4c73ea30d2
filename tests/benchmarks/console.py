"""How long each page of the console, and what programs ask, takes with many messages and recalls, on both databases.

`python -m tests.benchmarks.console [--messages N] [--recalls N] [--items-per-recall N] [--database sqlite]` writes JSON
to stdout. Of the messages, recalls take so many each, from the oldest on.
"""

import argparse
import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from sqlalchemy import text

from ledger.app import Ledger
from ledger.entrypoints.http.server import ServiceServer
from ledger.entrypoints.service.application import build_app
from ledger.services.recalls.lifecycle import RunIn
from ledger.settings import Settings
from ledger.store.campaigns.campaign_people import add_up_counts

from . import machine, programs
from .databases import KINDS, Kind
from .filling import fill, made_up, user_id
from .painting import first_paints
from .workload import ROBOT

CAMPAIGNS = 40
# Recalled whole, a minute ago.
LARGE = "campaign 37"
REPEATS = 15
_RECALLS = """
INSERT INTO recalls (status, reason, actor, selection, include_shared, plan, next_lane, planned_at, activated_at,
                     started_at, finished_at)
VALUES ('finished', 'a reason', :actor, :selection, false, :plan, 1, :at, :at, :at, :at)
"""
# Every tenth message of these recalls was refused.
_ITEMS = """
INSERT INTO recall_items (recall_id, message_id, lane, app, chat, robot_code, process_query_key, campaign, sent_at,
                          deadline, recipients, undelivered, outcome, code, attempts, finished_at, ended_by)
SELECT r.id, m.id, 0, 'default', m.chat, m.robot_code, m.process_query_key, m.campaign, m.sent_at, m.deadline,
       m.recipients, m.undelivered, CASE WHEN m.id % 10 = 0 THEN 'refused' ELSE 'recalled' END, 'a code', 1,
       r.finished_at, r.actor
FROM messages m JOIN recalls r ON
"""
_LEFT_OUT = ("expired", "already_recalled", "in_progress")
_SIZES = ("messages", "recalls", "items_per_recall")
_FEW_EACH = "r.id = (m.id - (SELECT min(id) FROM messages)) / :each + 1"
_ALL_OF_ONE = "m.campaign = :campaign AND r.id = (SELECT max(id) FROM recalls)"


def main() -> None:
    """Fill databases, ask for pages, and write how long they took."""
    asked = _arguments()
    found: dict[str, Any] = {"machine": machine.facts(), **{name: getattr(asked, name) for name in _SIZES}}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name in asked.database or KINDS:
            kind = KINDS[name](Path(folder))
            with kind.fresh() as url:
                _fill(url, asked.messages, asked.recalls, asked.items_per_recall)
                measured = _measure(kind, url, Path(folder) / "spool", asked)
                found[name] = {"facts": kind.facts(), "load": os.getloadavg(), "milliseconds": measured}
    json.dump(found, sys.stdout, indent=1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--recalls", type=int, default=10_000)
    parser.add_argument("--items-per-recall", type=int, default=10)
    parser.add_argument("--database", action="append", choices=KINDS)
    return parser.parse_args()


def _fill(url: str, messages: int, recalls: int, items: int) -> None:
    """Send over a day in campaigns of one size, and recall the first of them."""
    each = messages // CAMPAIGNS
    for number in range(CAMPAIGNS):
        # Oldest first, as they come.
        ago = timedelta(hours=23.5) * (CAMPAIGNS - number) / CAMPAIGNS
        fill(url, made_up(f"campaign {number}", each), campaign=f"campaign {number}", sent_ago=ago)
    with Ledger(Settings.load(database_url=url)) as book:
        database, now = book.parts.database, book.parts.clock.now()
        # Once all of it was sent.
        begun = now - timedelta(hours=20)
        rows = [
            _row(number, "campaign 0", items, begun + timedelta(seconds=number), database.is_sqlite)
            for number in range(recalls)
        ]
        large = _row(recalls, LARGE, each, now - timedelta(minutes=1), database.is_sqlite)
        typed = _RECALLS.replace(":selection", "CAST(:selection AS JSON)").replace(":plan", "CAST(:plan AS JSON)")
        statement = text(_RECALLS if database.is_sqlite else typed)
        with database.write() as connection:
            connection.execute(statement, rows)
            connection.execute(text(_ITEMS + _FEW_EACH), {"each": items})
            connection.execute(statement, large)
            connection.execute(text(_ITEMS + _ALL_OF_ONE), {"campaign": LARGE})
            # As workers do each minute; and as an hour's work leaves it on PostgreSQL.
            add_up_counts(connection)
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
            plain.exec_driver_sql("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE")


def _row(number: int, campaign: str, messages: int, at: datetime, is_sqlite: bool) -> dict[str, Any]:
    return {
        "actor": f"actor {number % 50}",
        "selection": json.dumps({"campaign": campaign}),
        "plan": json.dumps({"eligible": messages, "recipients": messages, **dict.fromkeys(_LEFT_OUT, 0)}),
        "at": f"{at:%Y-%m-%d %H:%M:%S.%f}" if is_sqlite else at,
    }


def _measure(kind: Kind, url: str, spool: Path, asked: argparse.Namespace) -> dict[str, Any]:
    settings = Settings.load(database_url=url, app_key="key", app_secret="secret", spool_dir=spool)
    with Ledger(settings) as book, serving(book) as client:
        started = time.perf_counter()
        large = book.plan(campaign=f"campaign {CAMPAIGNS - 1}", reason="large").recall_id
        planned = time.perf_counter() - started
        running = book.plan(campaign=f"campaign {CAMPAIGNS - 2}", reason="large").recall_id
        book.parts.lifecycle.run(running, run_in=RunIn.ANY_WORKER)
        pages = _pages(client, large, running, asked.recalls)
        found = {name: _ask(kind, client, path) for name, path in pages.items()}
        return {
            "planning (s)": round(planned, 2),
            "pages": found,
            "first paint": first_paints(str(client.base_url), pages),
            "programs": programs.measure(client),
        }


def _pages(client: httpx.Client, large: int, running: int, recalls: int) -> Mapping[str, str]:
    user = user_id(CAMPAIGNS)
    return {
        "now": "/",
        "now, looking for a name": "/?q=campaign+3",
        "now, looking for a source": "/?source=mailer",
        "campaign": "/campaign?name=campaign+20",
        "campaign, last part": _last_part(client, "/campaign?name=campaign+39"),
        "campaign that was recalled": "/campaign?name=campaign+0",
        "recall form": "/recalls/new?campaign=campaign+3",
        "plan": f"/recalls/{large}",
        "running": f"/recalls/{running}",
        "finished": f"/recalls/{recalls // 2}",
        "finished, large": f"/recalls/{recalls + 1}",
        "its people": f"/recalls/{recalls + 1}/people",
        "people of a campaign": "/campaign/people?name=campaign+20",
        "recalls": "/recalls",
        "recalls, paused": "/recalls?status=paused",
        "recalls, partly done": "/recalls?status=partly",
        "recalls, finished": "/recalls?status=finished",
        "recalls that wait for me": "/recalls?waits=me",
        "history": "/history",
        "history, second part": _next(client, "/history"),
        "history of a campaign": "/history?campaign=campaign+1",
        "history of nothing": "/history?campaign=nothing",
        "history of a user": f"/history?user={user}",
        "history of a key": f"/history?key={next(made_up('campaign 1', 1)).replace('+', '%2B')}",
        "history of a robot": f"/history?robot={ROBOT}",
        "history of an actor": "/history?actor=actor+7",
        "history of nobody": "/history?actor=nobody",
        "history, refused": "/history?outcome=refused",
        "history, partial": "/history?outcome=partial",
        "history by time": "/history?since=2020-01-01T00:00&until=2020-01-02T00:00",
        "person": f"/people?user={user}",
        "person who got nothing": "/people?user=nobody",
        "health": "/health",
    }


def _ask(kind: Kind, client: httpx.Client, path: str) -> dict[str, float]:
    took, worked, before = [], [], kind.processor_seconds()
    for _ in range(REPEATS):
        started, cpu = time.perf_counter(), time.process_time()
        answer = client.get(path)
        took.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - cpu) * 1000)
        answer.raise_for_status()
    # The processor's time is what a machine that is busy with other things changes least; the client's is in it. Of a
    # database beside us it is told in hundredths of a second: it is of all requests, the first included.
    beside = (kind.processor_seconds() - before) * 1000 / REPEATS
    figures = {"first": took[0], "p50": median(took), "most": max(took), "cpu p50": median(worked), "database": beside}
    return {name: round(figure, 1) for name, figure in figures.items()}


def _next(client: httpx.Client, path: str) -> str:
    """Return the address of the part of a list that comes after this one; the same at the end."""
    head, mark, _ = client.get(path).text.partition('">Next<')
    return head.rpartition('href="')[2].replace("&amp;", "&") if mark else path


def _last_part(client: httpx.Client, path: str) -> str:
    for _ in range(20):
        path = _next(client, path)
    return path


@contextmanager
def serving(book: Ledger) -> Iterator[httpx.Client]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ServiceServer(build_app(book.parts, is_open=True, with_worker=False))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, headers={"Accept": "text/html"}, timeout=120, trust_env=False) as client:
            try:
                yield client
            finally:
                server.stop()
                thread.join()


if __name__ == "__main__":
    main()
