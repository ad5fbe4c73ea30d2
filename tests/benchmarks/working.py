"""What programs and workers do with a ledger of some size: record, recall a campaign whole, verify, and purge."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ledger.app import Ledger
from ledger.clock import format_time
from ledger.services.reports.verifier import Verifier
from ledger.store.database import Database

from . import ceilings, purging, queueing
from .grown import OOPS, Grown, key
from .processor import Processor, most_memory_mb
from .sizing import Written
from .workload import ROBOT

RECORDS, TURNS, MANY = 400, 20, 10_000
CALLS_PER_SECOND = 500
# Of 25 calls each: beyond, a call costs no more.
TURNS_OF_CALLS = 60

Figures = dict[str, Any]


def record(book: Ledger, url: str, day: Grown, processor: Processor) -> Figures:
    """Record messages one by one, in turns with the driver that commits each; and then many at once."""
    book.campaigns()  # opens the connection and loads the code, which is no part of a record
    database = Database(url)
    connection = database.engine.raw_connection()
    insert = list(ceilings.WAYS[day.name].values())[-1][0]
    rows = list(day.rows(range(day.messages, day.messages + RECORDS)))
    now = datetime.now(UTC)
    ours = [_row(day, number, now) for number in range(RECORDS + MANY)]
    ways: dict[str, Callable[[int], object]] = {
        "the driver": lambda number: insert(connection.driver_connection, rows[number : number + 1]),
        "one by one": lambda number: book.record(**ours[number]),
    }
    spent, written = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0)
    for turn in range(TURNS):
        for way, do in ways.items():
            log = Written(database)
            with processor.spent() as one:
                for number in range(RECORDS)[turn::TURNS]:
                    do(number)
            spent[way], written[way] = spent[way] + one.processor, written[way] + log.bytes_since()
    connection.close()
    database.close()
    with processor.spent() as many:
        book.record_many([_as_line(row) for row in ours[RECORDS:]])
    figures = {
        way: {"ms": round(1000 * spent[way] / RECORDS, 3), "log_bytes_each": written[way] // RECORDS} for way in ways
    }
    return figures | {"10,000 at once": {"ms_per_1000": round(1e6 * many.processor / MANY, 1)}}


def recall(book: Ledger, url: str, day: Grown, processor: Processor) -> Figures:
    """Plan to recall the one campaign, copy what the plan saw, answer each of its calls, and verify the history."""
    with processor.spent() as planned:
        plan = book.plan(campaign=OOPS, reason="to see what it costs", actor="benchmark")
    assert plan.eligible == day.oops
    with processor.spent() as started:
        book.parts.lifecycle.start(plan.recall_id)
    with processor.spent() as copied:
        book.parts.freezer.finish(plan.recall_id)
    with processor.spent() as answered:
        calls = queueing.work_off(url, calls_per_second=CALLS_PER_SECOND, most_turns=TURNS_OF_CALLS)["calls"]
    with processor.spent() as verified:
        found = Verifier(book.parts.database).run_once()
    assert found.ok, found.findings[:3]
    return {
        "messages": plan.eligible,
        "plan_ms": round(1000 * planned.processor),
        "plan_seconds_by_clock": round(planned.clock, 2),
        "most_memory_mb": most_memory_mb(),
        "start_ms": round(1000 * started.processor, 1),
        "until_first_call_seconds_by_clock": round(started.clock, 3),
        "copying_ms": round(1000 * copied.processor),
        "calls": calls,
        "call_ms": round(1000 * answered.processor / calls, 2),
        "verify_ms": round(1000 * verified.processor),
        "verified_entries": found.entries,
    }


def purge(url: str, day: Grown, processor: Processor) -> Figures:
    """Delete what is past its window, bare and taken back, and then as the ledger does, beside a sender."""
    with processor.spent() as bare:
        purging.measure_bare(url)
    with processor.spent() as ours:
        figures = purging.measure_with_sender(url)
    return {
        "messages": day.past,
        "bare_delete_ms_per_1000": round(1e6 * bare.processor / day.past, 1),
        "ms_per_1000": round(1e6 * ours.processor / day.past, 1),
        "times_a_bare_delete_by_clock": round(figures["purge_seconds"] / bare.clock, 2),
        **{f"{name}_by_clock": round(value, 2) for name, value in figures.items()},
    }


def _row(day: Grown, number: int, now: datetime) -> Figures:
    return {
        "process_query_key": key(-number - 1),
        "robot_code": ROBOT,
        "user_ids": day.users(number),
        "campaign": "beside",
        "sent_at": now,
    }


def _as_line(row: Figures) -> Figures:
    return {
        "processQueryKey": row["process_query_key"],
        "robotCode": row["robot_code"],
        "userIds": row["user_ids"],
        "campaign": row["campaign"],
        "sentAt": format_time(row["sent_at"]),
    }
