"""Recalls whose process is killed, interrupted or cut off from its database: nothing is lost, little is asked again."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from ledger.core.recalls.recall import Outcome, Status
from tests.processes.conftest import MakeStage, Stage, ended, kill

KEYS = 1600
KEYS_PER_CALL = 20
IN_FLIGHT = 16
LATENCY_SECONDS = 0.005
FAST: dict[str, Any] = {"calls_per_second": 200, "calls_in_flight": IN_FLIGHT}
INTERRUPTED = 5
# Locks every row that a recall needs, and then waits.
HOLDER = """
import sys, time
from sqlalchemy import text
from ledger.errors import LedgerError
from ledger.store.database import Database

try:
    with Database(sys.argv[1]).write() as connection:
        connection.execute(text("LOCK TABLE recalls, recall_items, recall_calls"))
        print("locked", flush=True)
        time.sleep(0.5)
        connection.execute(text("SELECT 1"))
except LedgerError as error:
    print(type(error).__name__)
"""


def assert_all_recalled_once(stage: Stage, keys: list[str]) -> None:
    """Check the whole of a recall: one outcome for each key, everything recalled, a history that holds."""
    assert all(message.recalled_at for message in stage.world.messages())
    with stage.book() as book:
        items = list(book.history(campaign="spring"))
        assert Counter(item.process_query_key for item in items) == Counter(keys)
        assert {item.outcome for item in items} == {Outcome.RECALLED}
        assert book.show(1).result.status is Status.FINISHED
        assert book.parts.audit_verifier.run_once().ok


def status(stage: Stage) -> Status:
    with stage.book() as book:
        return book.recalls()[0].status


def repeatable(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  (moments to kill at, no secret)


def test_killed_again_and_again_a_recall_loses_nothing_and_asks_only_what_was_in_flight_twice(
    make_stage: MakeStage,
) -> None:
    stage, moments, kills = make_stage(latency_seconds=LATENCY_SECONDS), repeatable(20), 0
    keys = stage.send(KEYS)
    process = stage.recall(**FAST)
    while True:
        stage.wait_for_calls(len(stage.calls()), process)
        time.sleep(moments.uniform(0, 0.2))
        kills += process.poll() is None
        kill(process)
        if status(stage) is Status.FINISHED:
            break
        process = stage.start("resume", "1", **FAST)

    assert kills >= 3
    assert_all_recalled_once(stage, keys)
    assert stage.asked_again() <= kills * IN_FLIGHT * KEYS_PER_CALL


def test_killed_while_it_gets_going_a_recall_loses_nothing(make_stage: MakeStage) -> None:
    stage, moments = make_stage(latency_seconds=LATENCY_SECONDS), repeatable(7)
    keys = stage.send(KEYS_PER_CALL * 40)
    first = stage.recall(**FAST)
    stage.wait_for_calls(0, first)
    kill(first)
    for _ in range(3):
        resumed = stage.start("resume", "1", **FAST)
        time.sleep(moments.uniform(0.2, 1.0))
        kill(resumed)
    if status(stage) is not Status.FINISHED:
        assert ended(stage.start("resume", "1", **FAST)) == 0
    assert_all_recalled_once(stage, keys)


def test_interrupted_once_a_recall_pauses_with_exit_code_5_and_resume_finishes_it(make_stage: MakeStage) -> None:
    stage = make_stage(latency_seconds=0.05)
    keys = stage.send(2000)
    process = stage.recall(calls_per_second=50)
    stage.wait_for_calls(10, process)
    process.send_signal(signal.SIGINT)

    assert ended(process) == INTERRUPTED
    assert status(stage) is Status.PAUSED
    asked = sum(len(call.keys) for call in stage.calls())
    with stage.book() as book:
        assert book.show(1).result.recalled == asked < len(keys), "what had left has its outcome"
    assert ended(stage.start("resume", "1", **FAST)) == 0
    assert_all_recalled_once(stage, keys)
    assert stage.asked_again() == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no connections to cut
def test_a_recall_goes_on_when_postgresql_cuts_all_its_connections(make_stage: MakeStage, database_url: str) -> None:
    stage = make_stage(latency_seconds=0.05)
    keys = stage.send(1000)
    process = stage.recall(calls_per_second=20)
    for calls in range(3, 45, 4):
        stage.wait_for_calls(calls, process)
        assert cut_connections(database_url) > 0

    assert ended(process) == 0
    assert_all_recalled_once(stage, keys)
    assert stage.asked_again() == 0


def cut_connections(database_url: str) -> int:
    """End every other connection of a database and return how many there were."""
    url = make_url(database_url).set(drivername="postgresql")
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        return len(connection.execute(f"SELECT pg_terminate_backend(pid) {others}".encode()).fetchall())


def test_a_recall_goes_on_although_another_process_holds_the_database_for_a_while(make_stage: MakeStage) -> None:
    stage = make_stage(latency_seconds=0.01)
    keys = stage.send(1000)
    process = stage.recall(calls_per_second=50)
    stage.wait_for_calls(10, process)
    with stage.book() as book, book.parts.database.write() as connection:
        connection.exec_driver_sql("UPDATE paces SET share = share")
        seen = len(stage.calls())
        time.sleep(1.0)
        assert len(stage.calls()) <= seen + IN_FLIGHT, "no call leaves before its intent is written"

    assert ended(process) == 0
    assert_all_recalled_once(stage, keys)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_process_that_stops_for_longer_than_a_lease_holds_nobody_up_and_finds_its_way_back(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    stage = make_stage()
    keys = stage.send(KEYS_PER_CALL)
    holder = tmp_path / "holder.py"
    holder.write_text(HOLDER)
    held = subprocess.Popen([sys.executable, str(holder), stage.database_url], stdout=subprocess.PIPE)
    stage.processes.append(held)
    assert held.stdout is not None
    assert held.stdout.readline() == b"locked\n"
    held.send_signal(signal.SIGSTOP)
    assert ended(stage.recall(**FAST)) == 0
    held.send_signal(signal.SIGCONT)
    (said, _) = held.communicate()
    assert said == b"DatabaseUnavailableError\n"
    assert_all_recalled_once(stage, keys)
