"""Many processes append to the history at once: it stays one chain, without a gap, that verifies."""

import multiprocessing
from datetime import UTC, datetime
from typing import Any

from ledger.services.reports.verifier import Verifier
from ledger.store.audit import history
from ledger.store.database import Database

PROCESSES, ENTRIES = 16, 6
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _append(database: Database, begin: Any, who: int) -> None:
    begin.wait()
    for number in range(ENTRIES):
        entry = history.Entry(at=AT, event="noted", actor=f"{who}", recall_id=None, detail={"number": number})
        with database.write() as connection:
            history.append(connection, [entry])
    database.close()


def test_sixteen_processes_keep_one_chain_without_a_gap(database: Database) -> None:
    context = multiprocessing.get_context("fork")
    begin = context.Barrier(PROCESSES)
    work = [context.Process(target=_append, args=(database, begin, who)) for who in range(PROCESSES)]
    for one in work:
        one.start()
    for one in work:
        one.join()
    assert [one.exitcode for one in work] == [0] * PROCESSES
    assert Verifier(database).run_once().ok
    with database.read() as connection:
        stored = list(history.read_all(connection))
    assert [one.id for one in stored] == list(range(1, PROCESSES * ENTRIES + 1))
    for who in range(PROCESSES):
        mine = [one.entry.detail["number"] for one in stored if one.entry.actor == f"{who}"]
        assert mine == list(range(ENTRIES))
