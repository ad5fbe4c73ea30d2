"""Excel files as rows: the first sheet that holds anything, its cells as people see them."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

from ledger.entrypoints.formats.cells import columns_of, fields_of_row
from ledger.errors import UnreadableFileError
from ledger.services.recording.rows import Line

# Numbers of spreadsheets hold so many digits; those after them are gone.
_EXACT_BELOW = 10**15


def read_spreadsheet(file: BinaryIO) -> tuple[bytes, Iterator[Line]]:
    """Return the header and the rows of a sheet, as lines of CSV; raise UnreadableFileError when it cannot be read."""
    from python_calamine import CalamineError, CalamineWorkbook

    content = file.read()
    if not content:
        return b"", iter(())
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = (book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names)
        rows: Sequence[Sequence[Any]] = next((sheet for sheet in sheets if sheet), [])
    except CalamineError as error:
        message = f"the spreadsheet cannot be read ({error}): save it again as .xlsx, without a password, or as CSV"
        raise UnreadableFileError(message) from None
    numbered = ((number, [_text(cell) for cell in row]) for number, row in enumerate(rows, start=1))
    filled = ((number, row) for number, row in numbered if any(row))
    _, header = next(filled, (0, []))
    return _csv(header), _lines(columns_of(header), filled) if header else iter(())


def _lines(columns: Sequence[str], rows: Iterator[tuple[int, list[str]]]) -> Iterator[Line]:
    for number, row in rows:
        fields = fields_of_row(columns, row)
        if fields is not None:
            yield Line(number=number, fields=fields, raw=_csv(row))


def _text(cell: object) -> str:
    """Return a cell as a text; of a number with too many digits, what is left of it, which is refused as damage."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, (int, float)):
        if abs(cell) >= _EXACT_BELOW:
            return f"{cell:.5E}"
        return str(int(cell)) if cell == int(cell) else repr(cell)
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat(" ") if isinstance(cell, datetime) else cell.isoformat()
    return "" if cell is None or isinstance(cell, timedelta) else str(cell).strip()


def _csv(row: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(row)
    return line.getvalue().encode("utf-8", "surrogateescape")
