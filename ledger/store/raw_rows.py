"""Rows as they stand in the database, whatever somebody wrote there: for who checks them, a wrong value is no error."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Connection, select, type_coerce
from sqlalchemy.types import NullType

from ledger.store.types import Document, UserIds, UtcDateTime

_BATCH_ROWS = 1000


def raw_rows(
    connection: Connection,
    columns: Sequence[Column[Any]],
    order_by: Column[Any],
    where: Sequence[ColumnElement[bool]] = (),
) -> Iterator[tuple[Any, ...]]:
    """Yield rows in an order, in constant memory; a value that is not of its column's type comes as it is.

    Only SQLite takes such values.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    chosen = [type_coerce(column, NullType()) for column in columns] if is_sqlite else columns
    statement = select(*chosen).where(*where).order_by(order_by).execution_options(yield_per=_BATCH_ROWS)
    readers = [(place, read) for place, column in enumerate(columns) if is_sqlite and (read := _reader(column))]
    for row in connection.execute(statement):
        cells = [repr(cell) if isinstance(cell, bytes) else cell for cell in row] if is_sqlite else list(row)
        for place, read in readers:
            if cells[place] is not None:
                cells[place] = read(cells[place])
        yield tuple(cells)


def _reader(column: Column[Any]) -> Callable[[Any], Any] | None:
    if isinstance(column.type, UtcDateTime):
        return _moment
    if column.type in (UserIds, Document):
        return _json
    return _flag if isinstance(column.type, Boolean) else None


def _moment(raw: Any) -> Any:
    try:
        return datetime.fromisoformat(raw).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return raw


def _json(raw: Any) -> Any:
    try:
        return json.loads(raw)
    except (TypeError, ValueError):
        return raw


def _flag(raw: Any) -> Any:
    return bool(raw) if raw in (0, 1) else raw
