"""Messages on their way into the table, many at once: the fastest way that each database has, with the same result.

They come by the hundred thousand: what SQLAlchemy does for every value of every row would take as long as half of the
insert itself. So the drivers get the values as they are stored.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ledger.clock import as_utc
from ledger.core.recording.message import Message
from ledger.store.database import Database
from ledger.store.faults import dropped, of_rows
from ledger.store.schema import messages

# Below, one statement takes less time than COPY's round trips.
COPY_FROM_ROWS = 50

_COLUMNS = [column for column in messages.c if column.name != "id"]
_WRITTEN = [column.name for column in _COLUMNS]
_NAMES = ", ".join(_WRITTEN)
# Both take all rows as one document: but for one alone, which takes less time to write than to read. On
# SQLite a statement costs more than a row: its driver's own bulk insert runs one for every row, and took half as long
# again as this.
_EXTRACTED = ", ".join(f"json_extract(value, '$.{name}')" for name in _WRITTEN)
_FROM_DOCUMENT = {
    "sqlite": f"SELECT {_EXTRACTED} FROM json_each(?) WHERE true",  # noqa: S608  (names of our own, here and below)
    "postgresql": f"SELECT {_NAMES} FROM json_populate_recordset(NULL::messages, %s::json)",  # noqa: S608
}
_ALONE = {
    "sqlite": f"VALUES ({', '.join('?' * len(_WRITTEN))})",
    "postgresql": f"VALUES ({', '.join(['%s'] * len(_WRITTEN))})",
}
_INSERT = f"INSERT INTO messages ({_NAMES}) {{}} ON CONFLICT (robot_code, process_query_key) DO NOTHING"
_KEEPS_KEYS_APART = """
    SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass('messages') AND contype = 'u')
"""
_COPY = f"COPY messages ({_NAMES}) FROM STDIN (FORMAT BINARY)"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message with what the ledger adds to it."""

    message: Message
    deadline: datetime
    recorded_at: datetime
    expires_at: datetime | None = None


def insert_messages(connection: Connection, new: Sequence[NewMessage]) -> int:
    """Write messages and return how many were new; a key that its robot has already is left as it is.

    Raise InvalidMessageError when the values of one of them are at fault, StatementRefusedError when the database
    drops some without an error, as far as that shows here: what was neither new nor known does not.
    """
    if not new:
        return 0
    with of_rows(messages):
        return _insert(connection, _in_order(new))


def _insert(connection: Connection, ordered: Sequence[NewMessage]) -> int:
    if connection.dialect.name == "postgresql" and len(ordered) >= COPY_FROM_ROWS and _copied(connection, ordered):
        return len(ordered)
    name = connection.dialect.name
    document = _document(name, ordered)
    return connection.exec_driver_sql(_INSERT.format(_FROM_DOCUMENT[name]), (document,)).rowcount


def insert_each(database: Database, new: Sequence[NewMessage]) -> list[bool]:
    """Write messages with a statement that is committed with itself, and say of each whether it was new.

    Of two with the same key the first is. Raise InvalidMessageError when the values of one of them are at fault.
    """
    if not new:
        return []
    name = database.engine.dialect.name
    with of_rows(messages):
        if len(new) == 1:
            return [database.commit(_INSERT.format(_ALONE[name]), _alone(name, new[0])).count == 1]
        statement = _INSERT.format(_FROM_DOCUMENT[name]) + " RETURNING robot_code, process_query_key"
        written = set(database.commit(statement, (_document(name, _in_order(new)),)).rows)
    fresh = []
    for one in new:
        key = (one.message.robot_code, one.message.process_query_key)
        fresh.append(key in written)
        written.discard(key)
    return fresh


def _in_order(new: Sequence[NewMessage]) -> list[NewMessage]:
    """Return messages in one order everywhere, so that two writers of the same keys wait instead of deadlocking."""
    return sorted(new, key=lambda one: (one.message.robot_code, one.message.process_query_key))


def _document(name: str, ordered: Sequence[NewMessage]) -> str:
    moment = _sqlite_time if name == "sqlite" else datetime.isoformat
    return _encode([dict(zip(_WRITTEN, _values(one, moment), strict=True)) for one in ordered])


def _alone(name: str, new: NewMessage) -> tuple[object, ...]:
    """Return the values of one message as the driver takes them."""
    if name == "sqlite":
        return _values(new, _sqlite_time, lambda fields: _encode(dict(fields)), _encode)
    from psycopg.types.json import Jsonb

    return _values(new, as_utc, lambda fields: Jsonb(dict(fields)))


def _copied(connection: Connection, new: Sequence[NewMessage]) -> bool:
    """Try COPY, which knows no duplicates: when one is among them, nothing is written and False returned.

    The same when nothing in the database would tell, and when it wrote fewer than it was given, as where a trigger
    skips some: the slower way says which, or what is wrong.
    """
    import psycopg
    from psycopg.types.json import Jsonb

    if not connection.exec_driver_sql(_KEEPS_KEYS_APART).scalar():
        return False
    driver: Any = connection.connection.driver_connection
    try:
        with connection.begin_nested(), driver.cursor() as cursor:
            with cursor.copy(_COPY) as copy:
                copy.set_types(column.type.compile(connection.dialect).lower() for column in _COLUMNS)
                for one in new:
                    copy.write_row(_values(one, as_utc, lambda fields: Jsonb(dict(fields))))
            if cursor.rowcount != len(new):
                raise dropped(messages)
    except psycopg.errors.UniqueViolation:
        return False
    except psycopg.Error as error:
        # Straight from the driver, so that SQLAlchemy has not put it into words that the transaction understands.
        raise DBAPIError.instance(_COPY, None, error, psycopg.Error, dialect=connection.dialect) from error
    return True


def _values(
    new: NewMessage,
    moment: Callable[[datetime], object],
    document: Callable[[Mapping[str, Any]], object] = dict,
    array: Callable[[Sequence[str]], object] = list,
) -> tuple[object, ...]:
    """Return the values of a row in the order of its columns."""
    message = new.message
    return (
        message.robot_code,
        message.process_query_key,
        message.chat.value,
        message.open_conversation_id,
        message.campaign,
        message.source,
        moment(message.sent_at),
        moment(new.deadline),
        array(message.recipients),
        len(message.recipients),
        document(message.undelivered),
        moment(new.recorded_at),
        message.excerpt,
        moment(new.expires_at) if new.expires_at is not None else None,
    )


def _sqlite_time(moment: datetime) -> str:
    """Return a time as the column type stores it on SQLite."""
    return as_utc(moment).replace(tzinfo=None).isoformat(" ", "microseconds")
