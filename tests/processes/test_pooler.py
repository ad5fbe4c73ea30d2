"""Through a pooler in transaction mode: record, import, plan, recall and worker, each transaction on any connection."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.core.recalls.recall import Status
from ledger.errors import DatabaseUnavailableError
from ledger.simulator import Simulator
from ledger.store.database import Database
from tests.databases import PostgreSQL
from tests.pooler import pgbouncer
from tests.processes.conftest import UNLIMITED, Stage, wait_until


@pytest.fixture
def stage(postgresql: PostgreSQL, tmp_path: Path) -> Iterator[Stage]:
    """A stage whose database is behind a pooler."""
    url = postgresql.create()
    with Simulator(behaviour=UNLIMITED) as simulator, pgbouncer(url) as pooled:
        made = Stage(pooled, simulator, tmp_path)
        yield made
        made.stop()
    postgresql.give_back(url)


@pytest.mark.usefixtures("patient_records")
def test_many_threads_record_import_and_plan_at_once_and_a_recall_takes_every_message(stage: Stage) -> None:
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with stage.book() as book:
                now = datetime.now(UTC)
                for count in range(20):
                    key = f"{number}-{count}"
                    written = book.record(process_query_key=key, robot_code="r", campaign="noise", sent_at=now)
                    assert written.recorded == 1
                rows = [{"processQueryKey": f"{number}-i{count}", "robotCode": "r"} for count in range(200)]
                assert book.record_many(rows, campaign="noise", sent_at=now).recorded == 200
                assert book.plan(campaign="noise", reason="look").eligible >= 220
                assert sum(line.messages for line in book.campaigns()) >= 220
        except BaseException as error:
            faults.append(error)

    keys = stage.send(300)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    with stage.book() as book:
        result = book.run(book.plan(campaign="spring", reason="wrong link"))
    for thread in threads:
        thread.join()
    assert faults == []
    assert (result.status, result.recalled) == (Status.FINISHED, len(keys))
    with stage.book() as book:
        assert book.parts.recorder.counts == {}
        assert book.parts.recorder.depth().bytes == 0
        assert sum(line.messages for line in book.campaigns() if line.campaign == "noise") == 8 * 220
        assert book.verify().ok
        assert [check.found for check in book.doctor().checks if check.name == "database" and not check.ok] == []


def test_a_worker_behind_it_takes_over_what_was_started(stage: Stage) -> None:
    keys = stage.send(60)
    with stage.book() as book:
        plan = book.plan(campaign="spring", reason="wrong link")
        book.parts.lifecycle.start(plan.recall_id)
        worker = stage.start("worker")
        wait_until(lambda: book.result(plan.recall_id).status is Status.FINISHED)
        assert book.result(plan.recall_id).recalled == len(keys)
        worker.terminate()
        assert worker.wait(timeout=30) == 0


def test_what_asks_for_prepared_statements_is_what_breaks_and_is_not_the_default(stage: Stage) -> None:
    def fails(url: str) -> bool:
        databases = [Database(url) for _ in range(4)]
        try:
            for _ in range(20):
                for database in databases:
                    with database.read() as connection:
                        connection.execute(text("SELECT count(*) FROM messages WHERE id = :id"), {"id": 1})
        except DatabaseUnavailableError:
            return True
        finally:
            for database in databases:
                database.close()
        return False

    assert not fails(stage.database_url)
    assert fails(f"{stage.database_url}?prepare_threshold=1"), "else this would prove nothing"
