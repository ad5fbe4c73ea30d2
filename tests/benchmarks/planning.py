"""What a plan, and freezing it, cost beside one bare INSERT ... SELECT of the same items: JSON on stdout.

`python -m tests.benchmarks.planning [--sizes 150000,1000000] [--recipients 10] [--databases sqlite,postgresql]`

Processor time is that of the process and, with PostgreSQL, of its server. Each step is a process of its own, which says
how much memory it needed at most.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

from ledger.app import Ledger
from ledger.settings import Settings
from ledger.store.database import Database

from . import machine
from .databases import KINDS, Kind
from .filling import fill, made_up
from .processor import Processor, most_memory_mb

CAMPAIGN = "oops"
WRITTEN = ("recalls", "plan_messages", "history", "recall_items", "recall_skips")
COPIED = (
    "chat, robot_code, open_conversation_id, process_query_key, campaign, source, sent_at, deadline, recipients, "
    "undelivered"
)
BARE = f"""
    INSERT INTO recall_items (recall_id, message_id, lane, app, {COPIED})
    SELECT :recall_id, id, 0, 'default', {COPIED} FROM messages WHERE campaign = :campaign ORDER BY deadline, id
"""  # noqa: S608  (names of our own)

Figures = dict[str, Any]


def main() -> None:
    """Measure everything in one run."""
    options = _options()
    if options.step:
        json.dump(STEPS[options.step](options.url), sys.stdout)
        return
    report: Figures = {"machine": machine.facts(), "recipients": options.recipients, "databases": {}}
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder:
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            kind = KINDS[name](home)
            sizes = [int(size) for size in options.sizes.split(",")]
            report["databases"][name] = {size: _measure(kind, size, options.recipients) for size in sizes}
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.planning", description=__doc__)
    parser.add_argument("--sizes", default="150000,1000000", help="messages, with a comma between them")
    parser.add_argument("--recipients", type=int, default=10)
    parser.add_argument("--databases", default="sqlite,postgresql", help="names with a comma between them")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    parser.add_argument("--step", help="a single step, of a child")
    parser.add_argument("--url", help="where it is taken")
    return parser.parse_args()


def _measure(kind: Kind, messages: int, recipients: int) -> Figures:
    with kind.fresh() as url:
        fill(url, made_up(CAMPAIGN, messages), campaign=CAMPAIGN, recipients=recipients)
        steps = {step: _child(step, url) for step in STEPS}
    bare = steps["bare"]["processor_seconds"]
    figures = {
        **steps,
        "plan_to_bare": round(steps["plan"]["processor_seconds"] / bare, 2),
        "freeze_to_bare": round(steps["freeze"]["processor_seconds"] / bare, 2),
    }
    sys.stderr.write(f"{kind.name}, {messages}: {json.dumps(figures)}\n")
    return figures


def _child(step: str, url: str) -> Figures:
    command = [sys.executable, "-m", "tests.benchmarks.planning", "--step", step, "--url", url]
    figures: Figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return figures


def _bare(url: str) -> Figures:
    """Copy the messages as plain as can be, and take that back."""
    database = Database(url)
    with database.engine.connect() as connection, connection.begin() as transaction:
        recall = {"planned_at": "2026-01-01 00:00:00+00:00"}
        recall_id = connection.scalar(
            text(
                "INSERT INTO recalls (status, reason, actor, selection, include_shared, plan, next_lane, planned_at) "
                "VALUES ('planned', 'bare', 'benchmark', '{}', false, '{}', 0, :planned_at) RETURNING id"
            ),
            recall,
        )
        asked = {"recall_id": recall_id, "campaign": CAMPAIGN}
        figures = _timed(url, lambda: connection.execute(text(BARE), asked))
        transaction.rollback()
    return figures


def _plan(url: str) -> Figures:
    with _book(url) as book:
        before = _rows(book)
        figures = _timed(url, lambda: book.plan(campaign=CAMPAIGN, reason="to see what it costs", actor="benchmark"))
        after = _rows(book)
        return {**figures, "rows_written": {name: after[name] - before[name] for name in WRITTEN}}


def _freeze(url: str) -> Figures:
    with _book(url) as book:
        recall_id = book.recalls()[0].recall_id
        begun = time.perf_counter()
        book.parts.lifecycle.start(recall_id)
        until_first_call_seconds = time.perf_counter() - begun
        figures = _timed(url, lambda: book.parts.freezer.finish(recall_id))
        return {**figures, "until_first_call_seconds": round(until_first_call_seconds, 3)}


STEPS: dict[str, Callable[[str], Figures]] = {"plan": _plan, "bare": _bare, "freeze": _freeze}


def _book(url: str) -> Ledger:
    book = Ledger(Settings(database_url=url, app_key="dingapp", app_secret=SecretStr("a-long-secret")))
    book.recalls(limit=1)  # opens the connection and loads the code, which is no part of a plan
    return book


def _rows(book: Ledger) -> dict[str, int]:
    with book.parts.database.read() as connection:
        return {name: connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in WRITTEN}  # noqa: S608


def _timed(url: str, action: Callable[[], object]) -> Figures:
    with Processor(url).spent() as spent:
        action()
    return {
        "seconds": round(spent.clock, 2),
        "processor_seconds": round(spent.processor, 2),
        "most_memory_mb": most_memory_mb(),
    }


if __name__ == "__main__":
    main()
