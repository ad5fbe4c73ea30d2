"""Every edit below the application is found: of each column and row of each table that is shown, and of the chain."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
    update,
)

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.access.roles import Role
from ledger.core.audit.findings import MOST_FINDINGS, Finding
from ledger.core.corrections.correction_text import read_text
from ledger.errors import ApprovalNeededError
from ledger.services.reports.people import Whose
from ledger.services.reports.verifier import Verification
from ledger.simulator import Cut, FailedReason, ScriptedAnswer, World
from ledger.store.audit.shown import NOT_COMPARED
from ledger.store.database import Database
from ledger.store.schema import metadata, recall_item_recipients
from ledger.store.types import Document, UserIds, UtcDateTime
from tests.conftest import MakeLedger
from tests.sending import send
from tests.services.events.telling import tell_of_recall

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"
BATCH_SEND = "/v1.0/robot/oToMessages/batchSend"
# What is no fact of a recall that is over, so that no entry has to tell of it.
NOT_SHOWN_AFTERWARDS = {
    "messages": "what can still be recalled; it goes with the purge",
    "keyless_sends": "sends without a key are in no recall",
    "paces": "how fast calls may leave now",
    "machine_clocks": "an agreement between processes",
    "usage": "the month's calls, an estimate",
    "message_events": "what was pushed of messages; they go with these",
    "event_usage": "the month's pushes, an estimate",
    "stream_connections": "who listens now",
    "chores": "when workers did what last",
    "sessions": "who is signed in now",
    "answers": "what a repeated request is answered",
    "history_starts": "what an entry says, compared where something has left (tests/services/audit/retention)",
    "history_segments": "sums of the history, which a check computes again",
    "checkpoints": "signed by themselves; what proves something is the copy that is kept elsewhere",
    "verifications": "what the latest check found; the next one finds it again",
    "disputes": "the same, by recall",
    "audit_reads": "sealed part by part (tests/services/audit/test_reads.py)",
    "audit_read_seals": "up to which these are sealed; what proves it is in the history",
    "anchors": "where checkpoints have arrived",
    "notices": "what is on its way to somebody",
    "notice_places": "where notices have arrived",
    "notice_marks": "what was told already",
    "watched_campaigns": "what somebody wants to hear of",
    "message_counts": "sums of messages, which triggers make",
    "campaign_people": "counted again and again, of messages",
    "person_secrets": "what commitments are made of: another one makes others, and items are named",
    "person_commitments": "sealed by the last erasure (tests/services/persons/)",
}
WHAT = {
    "recalls": "recall",
    "recall_items": "item",
    "recall_skips": "skip",
    "plan_messages": "plan",
    "recall_calls": "call",
    "approvals": "approval",
    "break_glass": "break_glass",
    "schedules": "schedule",
    "tokens": "token",
    "policies": "policy",
    "sending_stops": "sending_stop",
    "corrections": "correction",
    "correction_sends": "correction_send",
    "read_counts": "read_count",
    "recalled_elsewhere": "elsewhere",
    "history": "entry",
}
TABLES = tuple(WHAT)
# Sends are of a correction, and that is of a recall.
OF_NO_RECALL = ("tokens", "policies", "sending_stops", "read_counts", "correction_sends", "recalled_elsewhere")


@pytest.fixture
def eventful(make_ledger: MakeLedger, world: World, clock: FakeClock, database: Database) -> Ledger:
    """A ledger in which nearly all has happened that can: whatever is shown has a row here."""
    book = make_ledger(approval_recipients=6)
    keys = send(book, world, 5, users=["ann", "bob"])
    send(book, world, 1, users=["ann"], sent_ago=timedelta(hours=25))
    world.change(failed_reasons={keys[0]: FailedReason(reason="no, really"), keys[1]: FailedReason(reason="no")})
    world.script(ScriptedAnswer(path=ONE_ON_ONE, cut=Cut.BEFORE_WORK))
    first = book.run(book.plan(campaign="spring", reason="wrong link", actor="wang")).recall_id
    world.change(failed_reasons={keys[1]: FailedReason(reason="no")})
    book.retry(first, actor="bob")
    book.parts.sticky.stick(first, 3600, actor="wang")
    book.parts.read_asker.ask(Whose(recall_id=first), actor="li")
    send(book, world, 8, campaign="large", conversation="cid-1")
    for answer in ("approve", "refuse"):
        plan = book.plan(campaign="large", reason="a large one", actor="wang")
        with pytest.raises(ApprovalNeededError):
            book.run(plan, actor="wang")
        if answer == "refuse":
            book.parts.lifecycle.refuse(plan.recall_id, actor="li", reason="not now")
        else:
            world.change(permission_missing=True)
            book.parts.lifecycle.approve(plan.recall_id, actor="li")
            world.change(permission_missing=False)
            book.cancel(plan.recall_id, actor="li")
    book.run(book.plan(campaign="large", reason="now", actor="wang"), actor="wang", break_glass="nobody answers")
    book.review(book.recalls()[0].recall_id, reason="it was right", actor="li")
    _set_in_advance(book, world, clock)
    _corrected(book, world)
    send(book, world, 3, campaign="paused")
    world.change(permission_missing=True)
    book.run(book.plan(campaign="paused", reason="stops", actor="zhao"))
    world.change(permission_missing=False)
    for name in ("ops", "old"):
        book.parts.service_tokens.create(name, Role.OPERATOR, robots=["robot-1"], actor="wang")
    book.parts.service_tokens.revoke("old", actor="li")
    for value in ("100", "off"):
        book.parts.policies.put("approval-recipients", value, actor="wang")
    for campaign in ("spring", "large"):
        book.parts.sending_stops.stop([campaign], actor="wang", recall_id=first)
    book.parts.sending_stops.allow("large", actor="li")
    book.plan(campaign="spring", reason="only looking")
    clock.advance(timedelta(hours=26))
    book.purge()
    send(book, world, 1, campaign="not yet")
    book.plan(campaign="not yet", reason="looking once more")
    tell_of_recall(book, send(book, world, 1, campaign="by others", users=["ann"]))
    assert book.parts.elsewhere.run_once() == 1
    with _below(database) as connection:
        _drop_guards(connection)
    assert book.verify().findings == ()
    return book


def _set_in_advance(book: Ledger, world: World, clock: FakeClock) -> None:
    """Let one recall run at its moment without what another took meanwhile, and one miss its moment."""
    later = send(book, world, 3, campaign="later")
    send(book, world, 7, campaign="too many")
    moment = clock.now() + timedelta(minutes=1)
    plan = book.plan(campaign="later", reason="tonight", actor="zhou")
    book.parts.schedules.set(plan.recall_id, moment, actor="zhou")
    plan = book.plan(campaign="too many", reason="tonight", actor="zhou")
    with pytest.raises(ApprovalNeededError):
        book.parts.schedules.set(plan.recall_id, moment, actor="zhou")
    book.run(book.plan(keys=later[:1], reason="this one at once", actor="zhou"))
    clock.advance(timedelta(minutes=1))
    worker = book.parts.worker()
    worker.start_scheduled()
    worker.serve_recalls()
    assert [one.status.value for one in book.recalls()[:3]] == ["finished", "cancelled", "finished"]


def _corrected(book: Ledger, world: World) -> None:
    """Correct recalls in each way in which that can go: refused, agreed to, split, paused, cancelled, unanswered."""
    send(book, world, 1, campaign="to many", users=[f"user-{number}" for number in range(8)])
    many = book.run(book.plan(campaign="to many", reason="wrong link", actor="wang"), actor="wang", break_glass="now")
    book.review(many.recall_id, reason="it was right", actor="li")
    text, corrections = read_text("sampleText", '{"content": "right"}'), book.parts.corrections
    for answer in ("refuse", "approve"):
        plan = book.parts.correction_planner.plan(many.recall_id, text, reason="right", actor="wang")
        with pytest.raises(ApprovalNeededError):
            corrections.run(plan.correction_id, actor="wang")
        if answer == "refuse":
            corrections.refuse(plan.correction_id, actor="li", reason="not now")
    world.change(unknown_users=frozenset({"user-3"}), invalid_users=frozenset({"user-5"}))
    world.script(ScriptedAnswer.error("send.too.fast", path=BATCH_SEND))
    corrections.approve(plan.correction_id, actor="li")
    world.change(unknown_users=frozenset(), invalid_users=frozenset())
    for answer in ("pause", "cut"):
        send(book, world, 1, campaign=answer, users=["ann"])
        recall_id = book.run(book.plan(campaign=answer, reason="wrong link", actor="yu")).recall_id
        plan = book.parts.correction_planner.plan(recall_id, text, reason="right", actor="yu")
        if answer == "pause":
            world.change(permission_missing=True)
            corrections.run(plan.correction_id, actor="yu")
            corrections.resume(plan.correction_id, actor="yu")
            corrections.cancel(plan.correction_id, actor="li")
            world.change(permission_missing=False)
        else:
            world.script(ScriptedAnswer(path=BATCH_SEND, cut=Cut.AFTER_WORK))
            corrections.run(plan.correction_id, actor="yu")
    book.parts.correction_planner.plan(many.recall_id, text, reason="only looking", actor="wang")


@contextmanager
def _below(database: Database) -> Iterator[Connection]:
    """Write as somebody does who has the file, or the password of the superuser."""
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection
        connection.commit()
        connection.invalidate()


def _drop_guards(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        for name in ("history_no_update", "history_no_delete"):
            connection.execute(text(f"DROP TRIGGER {name}"))
        return
    connection.execute(text("DROP TRIGGER history_no_change ON history"))
    for table in metadata.tables:
        for check in inspect(connection).get_check_constraints(table):
            connection.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{check["name"]}"'))


def _other(column: Column[Any], value: Any) -> Any:
    """Return another value than one that a column has."""
    if isinstance(column.type, UtcDateTime):
        return (value or datetime(2026, 3, 1, tzinfo=UTC)) - timedelta(seconds=1)
    if isinstance(column.type, Boolean):
        return not value
    if column.type is UserIds:
        return [*(value or ()), "zoe"]
    if column.type is Document:
        return [*value, "zoe"] if isinstance(value, list) else {**(value or {}), "more": ["zoe"]}
    if isinstance(column.type, LargeBinary):
        return value + b"more"
    if isinstance(column.type, Integer):
        return (value or 0) + 1000
    return "cancelled" if value != "cancelled" else "finished"


def _values(column: Column[Any], value: Any) -> list[Any]:
    others = [_other(column, value)]
    return [*others, None] if column.nullable and value is not None and column.type is not Document else others


def _row_with(connection: Connection, table: Table, column: Column[Any]) -> Any:
    """Return the first row in which a column has a value; where none has, the first row."""
    number = next(iter(table.primary_key.columns))
    ordered = select(table).order_by(number).limit(1)
    filled = connection.execute(ordered.where(column.is_not(None))).one_or_none()
    row = filled or connection.execute(ordered).one()
    return number, row


def test_every_table_is_shown_and_compared_or_named_with_a_reason() -> None:
    assert set(NOT_COMPARED) == set(TABLES)
    assert set(metadata.tables) == set(TABLES) | set(NOT_SHOWN_AFTERWARDS)
    for name, reasons in NOT_COMPARED.items():
        assert set(reasons) <= set(metadata.tables[name].c.keys())
        assert all(reasons.values())


def test_each_column_that_somebody_edits_is_named(eventful: Ledger, database: Database) -> None:
    passed, edits = [], 0
    for name in TABLES:
        table = metadata.tables[name]
        for column in table.c:
            if column.name in NOT_COMPARED[name]:
                continue
            with database.read() as connection:
                number, row = _row_with(connection, table, column)
                mine, before = row._mapping[number.name], row._mapping[column.name]
            for value in _values(column, before):
                with _below(database) as connection:
                    connection.execute(update(table).where(number == mine).values({column.name: value}))
                if not _names(eventful.verify(), table, column, row):
                    passed.append((name, column.name, before, value))
                with _below(database) as connection:
                    now = value if column.primary_key else mine
                    connection.execute(update(table).where(number == now).values({column.name: before}))
                edits += 1
    assert passed == []
    assert eventful.verify().ok
    assert edits > 80


def _names(found: Verification, table: Table, column: Column[Any], row: Any) -> bool:
    """Say whether a verification names the column of the row, or that the row is not where it was."""
    if found.ok:
        return False
    moves = column.primary_key or column.name in ("recall_id", "correction_id")
    field = "digest" if table.name in ("history", "plan_messages") else column.name
    whose = row._mapping[{"recalls": "id"}.get(table.name, "recall_id")] if table.name not in OF_NO_RECALL else None
    return any(
        one.what.startswith(WHAT[table.name])
        and (moves or (one.field in (field, "at") and _is_of(one, table, whose) and _names_key(one.key, row, column)))
        for one in found.findings
    )


def _is_of(found: Finding, table: Table, whose: Any) -> bool:
    return found.recall_id is not None if table.name == "correction_sends" else found.recall_id == whose


def _names_key(key: str | None, row: Any, column: Column[Any]) -> bool:
    if "correction_id" in row._mapping:
        return key == str(row._mapping["id"])
    is_free = "process_query_key" not in row._mapping or column.name == "process_query_key"
    return is_free or key == row._mapping["process_query_key"]


def test_each_row_that_is_gone_or_came_from_nowhere_is_named(eventful: Ledger, database: Database) -> None:
    passed = []
    for name in TABLES:
        table = metadata.tables[name]
        number = next(iter(table.primary_key.columns))
        with database.read() as connection:
            row = dict(connection.execute(select(table).order_by(number)).first()._mapping)  # type: ignore[union-attr]
        with _below(database) as connection:
            connection.execute(table.delete().where(number == row[number.name]))
        if not _says(eventful.verify(), name, "missing"):
            passed.append((name, "delete"))
        with _below(database) as connection:
            connection.execute(insert(table).values(row))
            other = "987654" if isinstance(number.type, Text) else 987_654
            more: dict[str, Any] = {column: other for column in (number.name, "message_id") if column in row}
            more |= {"name": "mallory", "digest": "f" * 64} if name == "tokens" else {}
            connection.execute(insert(table).values(row | more))
        if not _says(eventful.verify(), name, "added"):
            passed.append((name, "insert"))
        with _below(database) as connection:
            connection.execute(table.delete().where(number == other))
    assert passed == []
    assert eventful.verify().ok


def _says(found: Verification, name: str, kind: str) -> bool:
    return not found.ok and any(
        one.what.startswith(WHAT[name]) and one.kind in (kind, "changed") for one in found.findings
    )


EDITS = (
    (("DELETE FROM approvals",), "approval", None),
    (("DELETE FROM recall_calls",), "call", None),
    (("UPDATE recalls SET plan = '{}'",), "recall", None),
    (
        ("UPDATE recall_items SET outcome = NULL, finished_at = NULL, code = NULL, reason = NULL",),
        "item",
        "outcome",
    ),
    (
        ("UPDATE recall_items SET recipients = (SELECT recipients FROM recall_items WHERE id = 6) WHERE id = 1",),
        "item",
        "recipients",
    ),
    (
        (
            "UPDATE recall_items SET process_query_key = process_query_key || id WHERE id < 3",
            "UPDATE recall_items SET campaign = 'autumn' WHERE id = 2",
        ),
        "item",
        "campaign",
    ),
    (
        (
            "UPDATE history SET id = 999999 WHERE id = 3",
            "UPDATE history SET id = 3 WHERE id = 4",
            "UPDATE history SET id = 4 WHERE id = 999999",
        ),
        "entry",
        "digest",
    ),
    (("DELETE FROM history WHERE id > 30",), "recall", None),
    (("DELETE FROM history",), "recall", None),
)


def test_edits_of_many_rows_and_of_places_are_named(eventful: Ledger, database: Database) -> None:
    with database.read() as connection:
        kept = {
            name: [dict(row._mapping) for row in connection.execute(select(metadata.tables[name]))] for name in TABLES
        }
    passed = []
    for statements, what, field in EDITS:
        with _below(database) as connection:
            for statement in statements:
                connection.execute(text(statement))
        found = eventful.verify()
        named = {(one.what, one.field) for one in found.findings}
        if found.ok or (what, field) not in named or len(found.findings) > MOST_FINDINGS:
            passed.append((statements, named))
        with _below(database) as connection:
            for name, rows in kept.items():
                connection.execute(metadata.tables[name].delete())
                if database.is_sqlite and name == "recall_items":
                    connection.execute(recall_item_recipients.delete())
                connection.execute(insert(metadata.tables[name]), rows)
    assert passed == []
    assert eventful.verify().ok


def test_an_emptied_index_by_recipients_is_named(eventful: Ledger, database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL keeps its index itself")
    with _below(database) as connection:
        connection.execute(recall_item_recipients.delete())
    found = eventful.verify()
    assert {(one.kind, one.what) for one in found.findings} == {("missing", "index")}


def test_values_of_no_meaning_are_findings_and_no_errors(eventful: Ledger, database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL takes only values of a column's type")
    for name in ("recalls", "recall_items", "recall_calls", "history"):
        table = metadata.tables[name]
        for column in table.c:
            is_read = isinstance(column.type, UtcDateTime) or column.type in (UserIds, Document)
            if not is_read or column.name in NOT_COMPARED[name]:
                continue
            for value in ("no json", b"\xff", "[1"):
                with _below(database) as connection:
                    was = connection.execute(text(f"SELECT {column.name} FROM {name} WHERE id = 1")).scalar()  # noqa: S608
                    _write(connection, name, column.name, value)
                assert not eventful.verify().ok, (name, column.name)
                with _below(database) as connection:
                    _write(connection, name, column.name, was)
    assert eventful.verify().ok


def _write(connection: Connection, table: str, column: str, value: Any) -> None:
    connection.execute(text(f"UPDATE {table} SET {column} = :value WHERE id = 1"), {"value": value})  # noqa: S608


def test_a_clock_that_was_set_back_is_an_entry_and_time_that_runs_back_without_one_is_named(
    book: Ledger, world: World, clock: FakeClock, database: Database
) -> None:
    send(book, world, 1)
    book.run(book.plan(campaign="spring", reason="wrong link"))
    clock.set(timedelta(hours=-3))
    send(book, world, 1, campaign="autumn")
    book.run(book.plan(campaign="autumn", reason="wrong date"))
    assert book.verify().ok
    with database.read() as connection:
        events = list(connection.execute(text("SELECT event FROM history ORDER BY id")).scalars())
    assert events.count("clock_set_back") == 1
