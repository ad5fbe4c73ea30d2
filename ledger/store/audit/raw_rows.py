"""Rows as they stand in the database, whatever somebody wrote there: for who checks them, a wrong value is no error."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Connection, Select, select, type_coerce
from sqlalchemy.types import NullType

from ledger.store.types import Document, UserIds, UtcDateTime

_BATCH_ROWS = 1000
_decode = json.JSONDecoder().raw_decode


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
    statement = _all_rows(tuple(columns), order_by, is_sqlite)
    for rows in connection.execute(statement.where(*where) if where else statement).partitions(_BATCH_ROWS):
        yield from read_raw(rows, columns, is_sqlite=is_sqlite)


@cache
def _all_rows(columns: Sequence[Column[Any]], order_by: Column[Any], is_sqlite: bool) -> Select[Any]:
    """Put together once what each check of the history reads: there are as many as tables."""
    statement = select(*raw_columns(columns, is_sqlite=is_sqlite)).order_by(order_by)
    return statement.execution_options(yield_per=_BATCH_ROWS)


def raw_columns(columns: Sequence[Column[Any]], *, is_sqlite: bool) -> Sequence[ColumnElement[Any]]:
    """Return columns to be selected, or returned, for `read_raw`."""
    return [type_coerce(column, NullType()) for column in columns] if is_sqlite else columns


def read_raw(rows: Sequence[Any], columns: Sequence[Column[Any]], *, is_sqlite: bool) -> Iterator[tuple[Any, ...]]:
    """Read rows a column at a time, which is several times as fast as a cell at a time."""
    if not rows or not is_sqlite:
        return map(tuple, rows)
    cells = zip(*rows, strict=True)
    return zip(*(read_column(some, column) for some, column in zip(cells, columns, strict=True)), strict=True)


def read_column(cells: Sequence[Any], column: Column[Any]) -> Sequence[Any]:
    """Read cells of one column of SQLite."""
    read = _reader(column)
    if bytes in set(map(type, cells)):
        cells = [repr(cell) if isinstance(cell, bytes) else cell for cell in cells]
    return cells if read is None else [None if cell is None else read(cell) for cell in cells]


def _reader(column: Column[Any]) -> Callable[[Any], Any] | None:
    if isinstance(column.type, UtcDateTime):
        return _moment
    if column.type in (UserIds, Document):
        return read_json
    return _flag if isinstance(column.type, Boolean) else None


def _moment(raw: Any) -> Any:
    try:
        return datetime.fromisoformat(raw + "+00:00")
    except (TypeError, ValueError):
        return raw


def read_json(raw: Any) -> Any:
    """Read JSON as SQLite stores it; what is none comes as it is."""
    if raw == "{}":
        return {}
    try:
        # What we wrote has nothing around it, and reading it so is quicker.
        value, end = _decode(raw)
        return value if end == len(raw) else json.loads(raw)
    except (TypeError, ValueError):
        return raw


def _flag(raw: Any) -> Any:
    return bool(raw) if raw in (0, 1) else raw
