"""Rows as who has just written them reads them back for a digest: by column, with cells as `raw_rows` has them.

Only times come as the text that the digest encodes: to make a time of a text, and a text of that again, takes longer
than to read all else.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Executable, Text, cast, func, literal_column, type_coerce
from sqlalchemy.types import NullType

from ledger.core.json_value import jsonable
from ledger.store.audit.commitments import Columns
from ledger.store.audit.raw_rows import raw_columns, read_column, read_json
from ledger.store.types import Document, UtcDateTime

_ZERO_EACH_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_SHAPE_OF_TIME = b"0000-00-00 00:00:00.000000"


def returned_columns(columns: Sequence[Column[Any]], *, is_sqlite: bool) -> Sequence[ColumnElement[Any]]:
    """Return columns to be returned by the statement that writes them."""
    return raw_columns(columns, is_sqlite=True) if is_sqlite else [_returned(column) for column in columns]


def write(
    connection: Connection, statement: Executable, values: Mapping[str, Any], columns: Sequence[Column[Any]]
) -> Columns:
    """Write rows with a statement that returns `returned_columns`; return them in the order of their first column."""
    with connection.execute(statement, values) as result:
        # From the driver itself: nothing here needs a row of SQLAlchemy's.
        rows = result.cursor.fetchall()
    return read_returned(rows, columns, is_sqlite=connection.dialect.name == "sqlite")


def read_returned(rows: Sequence[Any], columns: Sequence[Column[Any]], *, is_sqlite: bool) -> Columns:
    """Read what was returned, in the order of the first column."""
    read = _read_sqlite if is_sqlite else _read_postgresql
    by_column = zip(*sorted(rows, key=itemgetter(0)), strict=True)
    return [read(cells, column) for cells, column in zip(by_column, columns, strict=True)] if rows else []


def _returned(column: Column[Any]) -> ColumnElement[Any]:
    # What is made of JSON, of a time with its zone, and of an array, takes several times as long.
    if isinstance(column.type, UtcDateTime):
        return func.timezone(literal_column("'UTC'"), column, type_=NullType())
    return cast(column, Text) if column.type is Document else type_coerce(column, NullType())


def _read_postgresql(cells: Sequence[Any], column: Column[Any]) -> Sequence[Any]:
    if isinstance(column.type, UtcDateTime):
        return [None if cell is None else f"{cell.isoformat()}Z" for cell in cells]
    return list(map(read_json, cells)) if column.type is Document else cells


def _read_sqlite(cells: Sequence[Any], column: Column[Any]) -> Sequence[Any]:
    if not isinstance(column.type, UtcDateTime):
        return read_column(cells, column)
    return _texts_of_times(cells) or [jsonable(cell) for cell in read_column(cells, column)]


def _texts_of_times(cells: Sequence[Any]) -> Sequence[Any]:
    """Return times as the history writes them, all in one go; nothing when one is not as we write it."""
    try:
        lines = "\n".join(cells)
        is_ours = lines.encode().translate(_ZERO_EACH_DIGIT) == b"\n".join([_SHAPE_OF_TIME] * len(cells))
        if not is_ours or not all(map(datetime.fromisoformat, cells)):
            return ()
    except (TypeError, ValueError):
        return ()
    return f"{lines}\n".replace(" ", "T").replace(".000000\n", "\n").replace("\n", "Z\n").split("\n")[:-1]
