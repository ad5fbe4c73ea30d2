"""Messages written in bulk: the same rows by every way, duplicates left as they are, and a lost connection told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from ledger.core.recording.message import Campaign, Chat, ConversationId, Message, MessageKey, RobotCode, UserId
from ledger.errors import DatabaseUnavailableError
from ledger.store.database import Database
from ledger.store.recording.incoming import COPY_FROM_ROWS, NewMessage, insert_messages
from ledger.store.schema import messages

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AWKWARD = [
    "a",
    "",
    "张三",
    "o'brien",
    'say "hi"',
    "back\\slash",
    "{x,y}",
    "NULL",
    "\\N",
    "tab\t\r\nline",
    "🌱",
    "%s :x",
]


def a_message(number: int, *, campaign: str | None = None, users: Sequence[str] = ("ann",)) -> NewMessage:
    group = number % 3 == 1
    message = Message(
        process_query_key=MessageKey(f"key+/{number}="),
        robot_code=RobotCode("robot"),
        sent_at=NOON + timedelta(microseconds=number),
        chat=Chat.GROUP if group else Chat.ONE_TO_ONE,
        open_conversation_id=ConversationId("cid") if group else None,
        campaign=Campaign(campaign) if campaign else None,
        recipients=tuple(UserId(user) for user in users),
        undelivered={"invalid": (UserId("张 \\"),)} if number % 2 else {},
    )
    return NewMessage(message=message, deadline=NOON + timedelta(hours=24), recorded_at=NOON)


def as_row(new: NewMessage) -> dict[str, Any]:
    message = new.message
    as_they_are = ("robot_code", "process_query_key", "open_conversation_id", "campaign", "source", "sent_at")
    return {name: getattr(message, name) for name in as_they_are} | {
        "chat": message.chat.value,
        "deadline": new.deadline,
        "recipients": list(message.recipients),
        "recipient_count": len(message.recipients),
        "undelivered": {why: list(users) for why, users in message.undelivered.items()},
        "recorded_at": new.recorded_at,
    }


def kept(connection: Connection) -> list[dict[str, Any]]:
    columns = [column for column in messages.c if column.name != "id"]
    rows = connection.execute(select(*columns).order_by(messages.c.sent_at))
    return [dict(row._mapping) for row in rows]


@pytest.mark.parametrize("count", [COPY_FROM_ROWS - 1, COPY_FROM_ROWS, 300])
def test_what_is_written_in_bulk_is_what_sqlalchemy_would_have_written(database: Database, count: int) -> None:
    texts = [AWKWARD[number % len(AWKWARD)] for number in range(count)]
    new = [a_message(number, campaign=text, users=AWKWARD[: number % 13]) for number, text in enumerate(texts)]
    with database.write() as connection:
        assert insert_messages(connection, new) == count
        written = kept(connection)
        connection.execute(messages.delete())
        connection.execute(insert(messages), [as_row(one) for one in new])
        assert written == kept(connection)


@pytest.mark.parametrize("count", [5, 300])
@pytest.mark.parametrize("known", [0, 4])
def test_one_duplicate_among_many_changes_nothing_else(database: Database, count: int, known: int) -> None:
    with database.write() as connection:
        insert_messages(connection, [a_message(known, campaign="first")])
        assert insert_messages(connection, [a_message(number) for number in range(count)]) == count - 1
    with database.read() as connection:
        rows = kept(connection)
    assert [row["campaign"] for row in rows] == ["first" if n == known else None for n in range(count)]


def test_what_was_written_goes_with_its_transaction(database: Database) -> None:
    with database.write() as connection:
        insert_messages(connection, [a_message(number) for number in range(300)])
        connection.rollback()
    with database.read() as connection:
        assert kept(connection) == []


def test_a_connection_that_is_lost_meanwhile_is_told_and_the_next_one_works(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no connection that can be lost")
    with database.write() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER hang_up BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION hang_up()"
        )
    new = [a_message(number) for number in range(300)]
    with pytest.raises(DatabaseUnavailableError, match="ledger doctor"), database.write() as connection:
        insert_messages(connection, new)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER hang_up ON messages")
        assert insert_messages(connection, new) == 300
